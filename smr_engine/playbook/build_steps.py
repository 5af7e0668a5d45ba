"""Builds steps from nodes that the schema has found valid; one function per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smr_engine.playbook import build_values as read
from smr_engine.playbook import model
from smr_engine.playbook.build_decision import decision
from smr_engine.playbook.build_values import Keys, optional
from smr_engine.playbook.fields import NO_FIELDS, expand, title_of, with_checklist
from smr_engine.playbook.yaml_nodes import Node

Common = dict[str, Any]


class StepBuilder:
    """Builds the steps of one playbook.

    Args:
        defaults: the playbook's `defaults`, keys by kind; a step's own key replaces one whole.
        levels: the severity labels, worst first.
    """

    def __init__(self, defaults: Mapping[str, Keys], levels: tuple[str, ...]) -> None:
        self._defaults = defaults
        self._levels = levels
        self._kinds: Mapping[str, Callable[[Keys, Common], model.Step]] = {
            "task": _task,
            "draft": _draft,
            "approval": _approval,
            "publish": _publish,
            "notify": _notify,
            "decision": self._decision,
            "switch": self._switch,
            "section": self._section,
            "parallel": self._parallel,
            "foreach": self._foreach,
            "repeat": self._repeat,
            "wait": _wait,
            "playbook": _playbook,
            "call": _call,
            "set": _set,
            "end": _end,
        }

    def steps(self, node: Node) -> tuple[model.Step, ...]:
        """Return the steps of a list."""
        return tuple(self._step(entry) for entry in node.value)

    def _step(self, node: Node) -> model.Step:
        kind = node.value["kind"].value
        keys = {**self._defaults.get(kind, {}), **node.value}
        return self._kinds[kind](keys, _common(keys, node))

    def _decision(self, keys: Keys, common: Common) -> model.Step:
        return decision(keys, common, self._levels)

    def _switch(self, keys: Keys, common: Common) -> model.Step:
        options = keys["options"].value
        if isinstance(options, dict):
            made = [
                model.Option(name, self.steps(inner), outcome=name)
                for name, inner in options.items()
            ]
        else:
            made = [self._option(entry.value) for entry in options]
        if "else" in keys:
            made.append(model.Option("else", self.steps(keys["else"])))
        on = optional(keys, "on", read.text, None)
        return model.SwitchStep(**common, on=on, options=tuple(made))

    def _option(self, keys: Keys) -> model.Option:
        when = read.expression(keys["when"])
        return model.Option(when.source, self.steps(keys["steps"]), when=when)

    def _section(self, keys: Keys, common: Common) -> model.Step:
        return model.SectionStep(**common, steps=self.steps(keys["steps"]))

    def _parallel(self, keys: Keys, common: Common) -> model.Step:
        branches = tuple(self._branch(entry.value) for entry in keys["branches"].value)
        join_any = optional(keys, "join", read.text, "all") == "any"
        return model.ParallelStep(**common, branches=branches, join_any=join_any)

    def _branch(self, keys: Keys) -> model.Branch:
        name = read.text(keys["id"])
        title = optional(keys, "title", read.text, title_of(name))
        return model.Branch(name, self.steps(keys["steps"]), title)

    def _foreach(self, keys: Keys, common: Common) -> model.Step:
        listed = keys["in"]
        elements = (
            read.expression(listed)
            if isinstance(listed.value, str)
            else tuple(read.value(entry) for entry in listed.value)
        )
        return model.ForeachStep(
            **common,
            elements=elements,
            name=optional(keys, "as", read.text, "element"),
            steps=self.steps(keys["steps"]),
            at_a_time=optional(keys, "at_a_time", read.number, 20),
        )

    def _repeat(self, keys: Keys, common: Common) -> model.Step:
        return model.RepeatStep(
            **common,
            every=optional(keys, "every", read.varied_duration, None),
            until=optional(keys, "until", read.expression, None),
            steps=self.steps(keys["steps"]),
            max_rounds=optional(keys, "max_rounds", read.number, None),
        )


def _common(keys: Keys, node: Node) -> Common:
    """Return what every step may say, as arguments of its class."""
    name = read.text(keys["id"])
    return {
        "id": name,
        "line": node.line,
        "lines": read.lines(keys),
        "title": optional(keys, "title", read.template, model.Template(title_of(name))),
        "help": optional(keys, "help", read.template, model.Template("")),
        "when": optional(keys, "when", read.expression, None),
        "assign": optional(keys, "assign", read.assignment, None),
        "due": optional(keys, "due", read.varied_due, None),
        "remind": optional(keys, "remind", read.varied_offsets, None),
        "escalate": optional(keys, "escalate", read.varied_escalations, None),
        "expires": optional(keys, "expires", read.varied_due, None),
        "on_expiry": model.OnExpiry(optional(keys, "on_expiry", read.text, "fail")),
        "evidence": optional(keys, "evidence", read.flag, default=False),
        "documents": optional(keys, "documents", read.texts, ()),
        "retry": optional(keys, "retry", _retry, None),
        "on_failure": optional(keys, "on_failure", _on_failure, None),
        "calendar": optional(keys, "calendar", read.text, None),
    }


def _retry(node: Node) -> model.Retry:
    keys = node.value
    usual = model.Retry()
    return model.Retry(
        attempts=optional(keys, "attempts", read.number, usual.attempts),
        backoff_s=optional(keys, "backoff", read.seconds, usual.backoff_s),
        timeout_s=optional(keys, "timeout", read.seconds, usual.timeout_s),
    )


def _on_failure(node: Node) -> model.Assignment | str:
    if isinstance(node.value, str):
        return node.value
    return read.assignment(node.value["assign"])


def _task(keys: Keys, common: Common) -> model.Step:
    form = optional(keys, "form", Node.plain, None)
    if form is None:
        form = optional(keys, "fields", lambda node: expand(node.plain()), NO_FIELDS)
    checklist = optional(keys, "checklist", read.texts, ())
    return model.TaskStep(**common, form=with_checklist(form, checklist), checklist=checklist)


def _draft(keys: Keys, common: Common) -> model.Step:
    return model.DraftStep(
        **common,
        document=read.text(keys["document"]),
        checks=optional(keys, "checks", _draft_checks, ()),
    )


def _draft_checks(node: Node) -> tuple[model.DraftCheck, ...]:
    said = (next(iter(entry.plain().items())) for entry in node.value)
    return tuple(model.DraftCheck(rule, limit) for rule, limit in said)


def _approval(keys: Keys, common: Common) -> model.Step:
    return model.ApprovalStep(
        **common,
        quorum=tuple(_quorum_line(entry) for entry in keys["quorum"].value),
        exclude=optional(
            keys, "except", read.exclusions, (model.Exclusion(model.ExclusionKind.AUTHOR),)
        ),
        on_changes_requested=optional(keys, "on_changes_requested", _return_to, None),
        on_rejected=optional(keys, "on_rejected", _end_with, None),
        break_glass=optional(keys, "break_glass", _break_glass, None),
        assurance=optional(keys, "assurance", read.varied_text, None),
    )


def _quorum_line(node: Node) -> model.QuorumLine:
    keys = node.value
    roles = (read.text(keys["role"]),) if "role" in keys else read.texts(keys["any_of"])
    return model.QuorumLine(
        roles=roles,
        need=optional(keys, "need", _need, 1),
        due=optional(keys, "due", read.varied_due, None),
        when=optional(keys, "when", read.expression, None),
        line=node.line,
    )


def _need(node: Node) -> int | None:
    return None if node.value == "all" else read.number(node)


def _return_to(node: Node) -> model.ReturnTo:
    rounds = optional(node.value, "max_rounds", read.number, None)
    return model.ReturnTo(read.text(node.value["return_to"]), rounds)


def _end_with(node: Node) -> model.EndWith:
    of = optional(node.value, "of", read.text, None)
    return model.EndWith(read.text(node.value["end"]), of)


def _break_glass(node: Node) -> model.BreakGlass:
    within = read.varied_due(node.value["ratify_within"])
    return model.BreakGlass(read.text(node.value["role"]), within)


def _publish(keys: Keys, common: Common) -> model.Step:
    named = [keys["account"]] if "account" in keys else keys["accounts"].value
    return model.PublishStep(
        **common,
        document=read.text(keys["document"]),
        requires=read.texts(keys["requires"]),
        accounts=tuple(read.template(entry) for entry in named),
        to=optional(keys, "to", read.parties, ()),
        at=optional(keys, "at", read.template, None),
        in_reply_to=optional(keys, "in_reply_to", read.template, None),
        replaces=optional(keys, "replaces", read.template, None),
        verify=optional(keys, "verify", read.flag, default=True),
    )


def _notify(keys: Keys, common: Common) -> model.Step:
    message = keys["message"].value
    return model.NotifyStep(
        **common,
        to=read.parties(keys["to"]),
        subject=read.template(message["subject"]),
        body=read.template(message["body"]),
        acknowledge=optional(keys, "acknowledge", _acknowledge, None),
    )


def _acknowledge(node: Node) -> model.Acknowledge:
    keys = node.value
    return model.Acknowledge(
        due=optional(keys, "due", read.varied_due, None),
        remind=optional(keys, "remind", read.varied_offsets, None),
        escalate=optional(keys, "escalate", read.varied_escalations, None),
        wait=optional(keys, "wait", read.flag, default=False),
    )


def _wait(keys: Keys, common: Common) -> model.Step:
    return model.WaitStep(
        **common,
        duration=optional(keys, "for", read.varied_duration, None),
        until=optional(keys, "until", read.template, None),
        signal=optional(keys, "signal", read.text, None),
        key=optional(keys, "key", read.template, None),
    )


def _playbook(keys: Keys, common: Common) -> model.Step:
    handed = common.pop("documents")  # of this kind alone the key means handing over
    return model.PlaybookStep(
        **common,
        playbook=read.text(keys["playbook"]),
        inputs=optional(keys, "inputs", read.values, {}),
        hands_over=handed,
        wait_until_done=optional(keys, "wait_until_done", read.flag, default=True),
    )


def _call(keys: Keys, common: Common) -> model.Step:
    arguments = optional(keys, "with", read.values, {})
    return model.CallStep(**common, uses=read.text(keys["uses"]), arguments=arguments)


def _set(keys: Keys, common: Common) -> model.Step:
    return model.SetStep(
        **common,
        values=optional(keys, "values", read.values, {}),
        severity=optional(keys, "severity", read.template, None),
        reason=optional(keys, "reason", read.template, None),
    )


def _end(keys: Keys, common: Common) -> model.Step:
    of = optional(keys, "of", read.text, None)
    return model.EndStep(**common, outcome=read.text(keys["outcome"]), of=of)
