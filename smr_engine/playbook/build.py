"""Builds the frozen playbook from the nodes of a file that the schema has found valid."""

from __future__ import annotations

from smr_engine.playbook import build_values as read
from smr_engine.playbook import model
from smr_engine.playbook.build_steps import StepBuilder
from smr_engine.playbook.build_values import Keys, optional
from smr_engine.playbook.durations import Duration, parse_duration
from smr_engine.playbook.fields import NO_FIELDS, expand, title_of
from smr_engine.playbook.problems import Line
from smr_engine.playbook.yaml_nodes import Node


def build_playbook(root: Node, digest: str) -> model.Playbook:
    """Return the playbook that a valid file means.

    Args:
        root: the file's root node; schema and structure have been checked.
        digest: SHA-256 of the file's bytes, in hex.
    """
    keys: Keys = root.value
    severity = optional(keys, "severity", _severity, None)
    defaults = optional(keys, "defaults", _defaults, {})
    builder = StepBuilder(defaults, severity.levels if severity else ())
    return model.Playbook(
        name=read.text(keys["playbook"]),
        version=read.text(keys["version"]),
        title=read.text(keys["title"]),
        owner=read.text(keys["owner"]),
        digest=digest,
        steps=builder.steps(keys["steps"]),
        summary=optional(keys, "summary", read.text, ""),
        case_prefix=optional(keys, "case_prefix", read.text, "CASE"),
        labels=optional(keys, "labels", read.texts, ()),
        calendar=optional(keys, "calendar", read.text, None),
        retention=optional(keys, "retention", _retention, None),
        visibility=optional(keys, "visibility", _visibility, None),
        inputs=optional(keys, "inputs", _inputs, NO_FIELDS),
        severity=severity,
        assurance=optional(keys, "assurance", read.varied_text, None),
        clocks=optional(keys, "clocks", _clocks, ()),
        triggers=optional(keys, "triggers", _triggers, ()),
        documents=optional(keys, "documents", _documents, {}),
        results=optional(keys, "results", read.values, {}),
        lines=read.lines(keys),
    )


def _defaults(node: Node) -> dict[str, Keys]:
    return {kind: said.value for kind, said in node.value.items()}


def _retention(node: Node) -> Duration:
    return parse_duration(node.value, years=True)


def _visibility(node: Node) -> tuple[str, ...] | None:
    return None if isinstance(node.value, str) else read.texts(node.value["restricted"])


def _inputs(node: Node) -> model.JsonSchema:
    plain = node.plain()
    schema: model.JsonSchema = expand(plain["fields"]) if "fields" in node.value else plain
    return schema


def _severity(node: Node) -> model.SeverityScale:
    keys = node.value
    return model.SeverityScale(
        levels=read.texts(keys["levels"]),
        title=optional(keys, "title", read.text, "Severity"),
        initial=optional(keys, "initial", read.template, model.Template("")),
        override_quiet=optional(keys, "override_quiet", read.texts, ()),
    )


def _clocks(node: Node) -> tuple[model.Clock, ...]:
    return tuple(_clock(name, entry, node) for name, entry in node.value.items())


def _clock(name: str, node: Node, parent: Node) -> model.Clock:
    keys = node.value
    return model.Clock(
        id=name,
        title=optional(keys, "title", read.text, title_of(name)),
        runs_from=read.template(keys["runs_from"]),
        due=read.varied_due(keys["due"]),
        when=optional(keys, "when", read.expression, None),
        remind=optional(keys, "remind", read.varied_offsets, None),
        escalate=optional(keys, "escalate", read.varied_escalations, None),
        met_by=optional(keys, "met_by", read.text, None),
        line=Line(*parent.keys[name]),
    )


def _triggers(node: Node) -> tuple[model.ScheduleTrigger, ...]:
    return tuple(_trigger(entry) for entry in node.value)


def _trigger(node: Node) -> model.ScheduleTrigger:
    keys = node.value
    return model.ScheduleTrigger(
        rrule=read.text(keys["rrule"]),
        at=read.text(keys["at"]),
        timezone=read.text(keys["timezone"]),
        missed=model.Missed(optional(keys, "missed", read.text, "latest")),
        inputs=optional(keys, "inputs", read.values, {}),
        line=node.line,
    )


def _documents(node: Node) -> dict[str, model.DocumentSpec]:
    return {name: _document(name, entry, node) for name, entry in node.value.items()}


def _document(name: str, node: Node, parent: Node) -> model.DocumentSpec:
    keys = node.value
    return model.DocumentSpec(
        id=name,
        title=optional(keys, "title", read.text, title_of(name)),
        audience=optional(keys, "audience", read.text, "internal"),
        template=optional(keys, "template", read.template, model.Template("")),
        line=Line(*parent.keys[name]),
    )
