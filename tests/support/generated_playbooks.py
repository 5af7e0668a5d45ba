"""Random valid playbooks of all kinds of steps, nested three deep, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from smr_engine.playbook.model import (
    Acknowledge,
    BreakGlass,
    Clock,
    Exclusion,
    ExclusionKind,
    Expression,
    OnExpiry,
    Playbook,
    Step,
    TableRow,
    Template,
    walk,
)
from smr_engine.playbook.model import DecisionStep as Decision
from tests.support import company as co

MOST_DEEP = 3
FOLLOW_UP = co.playbook(
    co.task("call_back", "smr-lead"),
    co.switch(
        "how",
        co.option("well", co.end("stop_here", "settled"), when=co.when("inputs.well")),
    ),
    co.task("thank", "comms-writer"),
    name="follow-up",
)


REVIEW = co.playbook(
    co.approval("review", co.line("legal"), on_rejected=co.ending("no")),
    co.publish("send", "newsroom", "company-blog", requires=("review",)),
    name="review",
)
"""Decides on the text that it is handed; whoever wrote it there may not."""


@dataclass(frozen=True)
class Around:
    """What is certain where a list of steps stands."""

    depth: int = 0
    documents: tuple[str, ...] = ()  # drafted before, in this list or around it
    approvals: tuple[str, ...] = ()  # granted before
    ends: tuple[str, ...] = ()  # names that `of` may name
    answers: tuple[str, ...] = ()  # tasks whose form said `again` and `names`


@dataclass
class _List:
    """A list of steps while it grows."""

    around: Around
    steps: list[Step] = field(default_factory=list)
    since_effect: int = 0  # where the last publish, notify or call stands, plus one
    decisions: list[Decision] = field(default_factory=list)


def generated(seed: int, size: int = 12) -> Playbook:
    """Return a playbook with about `size` steps; the same for the same arguments."""
    return _Maker(Random(seed), size).playbook()


class _Maker:
    def __init__(self, rng: Random, size: int) -> None:
        self.rng = rng
        self.left = size
        self.count = 0
        self.handed = False  # whether the text is drafted that a review is handed
        self.scores = self.chance(0.5)  # whether steps score the case again
        self.texts: dict[str, tuple[str, ...]] = {}  # approval -> documents

    def playbook(self) -> Playbook:
        steps = self.steps(Around(), 9)
        results = {"words": Template("{{ inputs.names | length }}")}
        return co.playbook(*steps, results=results, clocks=tuple(self.clocks(steps)))

    def clocks(self, steps: tuple[Step, ...]) -> Iterator[Clock]:
        """Yield clocks that run from the opening or from a step, some met by a step anywhere."""
        anywhere = [step.id for step in walk(steps)]
        for number in range(self.rng.randint(0, 2)):
            source = f"steps.{self.pick(*steps).id}.completed_at"
            yield co.clock(
                f"clock_{number}",
                f"{{{{ {self.pick('case.opened_at', source)} }}}}",
                self.pick("30m", "1d", "4 business hours"),
                when=self.pick(None, co.when("case.severity.rank == 1")),
                remind=co.at("1h before due", "every 2h after due"),
                escalate=co.escalating(due="exec-sponsor"),
                met_by=self.pick(None, *anywhere),
            )

    def steps(self, around: Around, most: int) -> tuple[Step, ...]:
        grown = _List(around)
        for _ in range(self.rng.randint((most + 1) // 2, most)):
            if self.left <= 0 and grown.steps:
                break
            self.left -= 1
            self.add(grown)
        return tuple(grown.steps)

    def add(self, to: _List) -> None:
        made = self.rng.choices(list(_KINDS), [weight for weight, _ in _KINDS.values()])[0]
        step = _KINDS[made][1](self, to)
        if step is None:
            step = self.task(to)
        to.steps.append(self.dressed(step))
        if any(s.kind in {"publish", "notify", "call"} for s in walk((step,))):
            to.since_effect = len(to.steps)

    def dressed(self, step: Step) -> Step:
        """Add a due time, reminders and what failing does, now and then."""
        more: dict[str, Any] = {}
        if step.kind in {"task", "draft", "approval", "decision"} and self.chance(0.4):
            more = {
                "due": co.lasting(self.pick("30m", "4h", "2 business hours"), sev1="20m"),
                "remind": co.at("50%", "at due", "every 1h after due"),
                "escalate": co.escalating(due="deputy_of:legal", late="exec-sponsor"),
            }
        if step.kind in _EXPIRING and self.chance(0.15):
            more["expires"] = co.lasting(self.pick("10m", "2h", "3 business hours"), sev1="1h")
            ways = [then for then in OnExpiry if (step.kind, then) != ("approval", OnExpiry.SKIP)]
            more["on_expiry"] = self.pick(*ways)  # what needs an approval may not do without it
        fails = {"call": 0.3, "wait": 0.3, "set": 0.3, "approval": 0.1, "publish": 0.1}
        if self.chance(fails.get(step.kind, 0)):
            passed = step.kind not in {"approval", "publish"} and self.chance(0.5)
            more["on_failure"] = "continue" if passed else co.who("comms-director")
        return replace(step, **more)

    # --- plain steps ---

    def task(self, to: _List) -> Step:
        name = self.name("task")
        fields: dict[str, Any] = {}
        if self.chance(0.3):
            fields["assign"] = co.who("group:frontline", each=True)
        elif self.chance(0.5):
            fields["form"] = {
                "type": "object",
                "properties": {
                    "again": {"type": "boolean"},
                    "names": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["again", "names"],
            }
            self.knows(to, answers=name)
        if to.around.documents and self.chance(0.2):
            fields["documents"] = (self.pick(*to.around.documents),)
        return co.task(name, **fields)

    def draft(self, to: _List) -> Step:
        document = self.name("text")
        if not self.handed and not to.around.depth and self.chance(0.3):
            document, self.handed = "statement", True
        self.knows(to, documents=document)
        return co.draft(self.name("draft"), document)

    def approval(self, to: _List) -> Step:
        if not to.around.documents:
            return self.draft(to)
        chosen = self.pick(*to.around.documents)
        others = tuple(d for d in to.around.documents if d != chosen and self.chance(0.2))
        lines = self.rng.sample(
            [
                self.pick(co.line("legal"), co.line("legal", need=2), co.line("legal", need=None)),
                self.pick(co.line("comms-director"), co.line("comms-director", need=None)),
                co.line("compliance", "privacy"),
                co.line("exec-sponsor", when=co.when("case.severity.rank == 1")),
            ],
            self.rng.randint(1, 3),
        )
        name = self.name("approve")
        if self.chance(0.3):
            lines = [replace(each, due=self.pick(None, co.lasting("20m"))) for each in lines]
        always = [each for each in lines if each.when is None] or [co.line("legal")]
        whens = [each for each in lines if each.when is not None]
        step = co.approval(
            name,
            *always,
            *whens,
            documents=(chosen, *others),
            exclude=self.kept_out(to),
            on_changes_requested=self.way_back(to),
            on_rejected=self.pick(None, None, self.an_end(to)),
            break_glass=self.pick(None, None, BreakGlass("exec-sponsor", co.lasting("2h"))),
        )
        self.texts[name] = step.documents
        if step.on_rejected is None or step.on_rejected.of is None:
            self.knows(to, approvals=name)
        return step

    def kept_out(self, to: _List) -> tuple[Exclusion, ...]:
        more = [co.REQUESTER, Exclusion(ExclusionKind.ROLE, "smr-lead")]
        more += [co.did(s.id) for s in to.steps if s.kind == "task" and not s.assign.each]
        return (co.AUTHOR, *(self.rng.sample(more, 1) if self.chance(0.3) else ()))

    def way_back(self, to: _List) -> Any:
        targets = [s.id for s in to.steps[to.since_effect :] if s.kind in {"draft", "task"}]
        if not targets or self.chance(0.3):
            return None
        return co.back_to(self.pick(*targets), self.pick(None, 2, 4))

    def an_end(self, to: _List) -> Any:
        return co.ending("declined", self.pick(None, *to.around.ends))

    def publish(self, to: _List) -> Step | None:
        if not to.around.approvals:
            return self.approval(to)
        approval = self.pick(*to.around.approvals)
        first = self.pick("newsroom", "company-blog", "wikipedia-talk")
        rest = [a for a in ("company-blog", "newsroom") if a != first and self.chance(0.3)]
        document = self.texts[approval][0]
        if document not in to.around.documents:
            return None
        others = [a for a in to.around.approvals if a != approval and self.chance(0.3)]
        at = self.pick(None, None, "{{ case.opened_at }}", "2026-11-24T08:00:00+01:00")
        return co.publish(
            self.name("publish"),
            first,
            *rest,
            requires=(approval, *others),
            document=document,
            at=Template(at) if at else None,
        )

    def notify(self, to: _List) -> Step:
        asks = Acknowledge(
            due=co.lasting("1h"), escalate=co.escalating(due="smr-lead"), wait=self.chance(0.5)
        )
        told = self.rng.sample(
            ["group:frontline", "legal", "contact:regulator-desk", "vendor:monitoring"],
            self.rng.randint(1, 3),
        )
        asked = asks if self.chance(0.6) else None
        return co.notify(self.name("tell"), *told, acknowledge=asked)

    def decision(self, to: _List) -> Step:
        name = self.name("decide")
        if self.chance(0.3):
            rows = (
                TableRow(Expression("case.severity.rank == 1"), "worse"),
                TableRow(Expression("true"), "better"),
            )
            step = Decision(
                id=name,
                title=Template(name),
                rows=rows,
                pick=self.pick("first", "worst"),
                worst_first=("worse", "better"),
            )
        else:
            step = self.pick(co.choice(name, "better", "worse"), co.question(name))
        to.decisions.append(step)
        return step

    def wait(self, to: _List) -> Step:
        name = self.name("wait")
        ways = (
            replace(co.wait(name), duration=co.lasting(self.pick("10m", "1d"), sev1="20m")),
            co.wait(name, "1 business hour"),
            co.wait(name, signal="answered", key=Template(self.pick("", "kim"))),
            co.wait(name, until=Template("{{ case.opened_at }}")),
        )
        return self.pick(*ways)

    def set(self, to: _List) -> Step:
        step = co.let(self.name("let"), count="{{ inputs.names | length }}")
        if not self.scores or self.chance(0.5):
            return step
        level = Template(self.pick("sev1", "sev2", "{{ case.severity.label }}"))
        return replace(step, severity=level, reason=Template("Because of {{ inputs.names }}."))

    def call(self, to: _List) -> Step:
        return co.call(self.name("call"))

    def child(self, to: _List) -> Step:
        waits = self.chance(0.6)
        if "statement" in to.around.documents and self.chance(0.8):
            handed = ("statement",)
            return co.child(self.name("child"), "review", hands_over=handed, wait_until_done=waits)
        inputs = {"well": self.chance(0.5)}
        return co.child(self.name("child"), "follow-up", inputs=inputs, wait_until_done=waits)

    def end(self, to: _List) -> Step | None:
        if not to.around.ends and self.chance(0.8):
            return None
        of = self.pick(*(to.around.ends or (None,)))
        return co.end(self.name("end"), "stopped", of, when=self.condition(to.around))

    # --- blocks ---

    def section(self, to: _List) -> Step | None:
        inner = self.inside(to)
        if inner is None:
            return None
        condition = self.condition(to.around) if self.chance(0.3) else None
        return co.section(self.name("section"), *self.steps(inner, 3), when=condition)

    def switch(self, to: _List) -> Step | None:
        inner = self.inside(to)
        if inner is None:
            return None
        if to.decisions and self.chance(0.6):
            on = self.pick(*to.decisions)
            words = ("yes", "no") if on.questions else ("better", "worse")
            options = [co.option(w, *self.steps(inner, 2), outcome=w) for w in words]
            return co.switch(self.name("switch"), *options, on=on.id)
        options = [
            co.option("first", *self.steps(inner, 2), when=self.condition(to.around)),
            co.option("else", *self.steps(inner, 2)),
        ]
        return co.switch(self.name("switch"), *options[: self.rng.randint(1, 2)])

    def parallel(self, to: _List) -> Step | None:
        inner = self.inside(to)
        if inner is None:
            return None
        branches = {}
        for _ in range(self.rng.randint(2, 3)):
            name = self.name("branch")
            branches[name] = self.steps(replace(inner, ends=(*inner.ends, name)), 3)
        block = co.parallel(self.name("parallel"), join_any=self.chance(0.3), **branches)
        if not block.join_any:
            for branch in branches.values():
                self.joined(to, branch)
        return block

    def joined(self, to: _List, steps: tuple[Step, ...]) -> None:
        """Let what follows a parallel rely on the texts and approvals of its branches."""
        if any(s.kind == "end" or getattr(s, "on_rejected", None) for s in walk(steps)):
            return
        for step in steps:
            if step.kind == "draft" and self.chance(0.7):
                self.knows(to, documents=step.document)
        for step in steps:
            here = step.kind == "approval" and set(step.documents) <= set(to.around.documents)
            if here and self.chance(0.7):
                self.knows(to, approvals=step.id)

    def foreach(self, to: _List) -> Step | None:
        inner = self.inside(to)
        if inner is None:
            return None
        name = self.name("each")
        source = "inputs.names"
        if to.around.answers and self.chance(0.6):
            source = f"steps.{self.pick(*to.around.answers)}.output.names"
        steps = self.steps(replace(inner, ends=(*inner.ends, name)), 3)
        return co.foreach(name, source, *steps, named=f"of_{name}", at_a_time=self.pick(1, 2, 20))

    def repeat(self, to: _List) -> Step | None:
        inner = self.inside(to)
        if inner is None:
            return None
        name = self.name("repeat")
        steps = self.steps(replace(inner, ends=(*inner.ends, name)), 3)
        waits = any(s.kind in {"task", "draft", "wait"} and s.when is None for s in steps)
        every = self.pick(None, "1h", "2 business hours") if waits else "1h"
        return replace(
            co.repeat(name, *steps, max_rounds=self.rng.randint(1, 3), until=self.until(steps)),
            every=co.lasting(every, sev1="20m") if every else None,
        )

    def until(self, steps: tuple[Step, ...]) -> Any:
        asked = [s.id for s in steps if s.kind == "task" and s.form and s.when is None]
        if asked and self.chance(0.7):
            return co.when(f"not steps.{asked[0]}.output.again")
        return self.pick(None, co.when("round >= 2"))

    # --- words ---

    def inside(self, to: _List) -> Around | None:
        if to.around.depth >= MOST_DEEP or self.left <= 0:
            return None
        return replace(to.around, depth=to.around.depth + 1)

    def condition(self, around: Around) -> Expression:
        if around.answers and self.chance(0.6):
            return co.when(f"steps.{self.pick(*around.answers)}.output.again")
        known = ("true", "inputs.names | length > 1")
        return co.when(self.pick(*known, *(() if self.scores else ("case.severity.rank == 1",))))

    def knows(self, to: _List, **names: str) -> None:
        more = {key: (*getattr(to.around, key), name) for key, name in names.items()}
        to.around = replace(to.around, **more)

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}_{self.count}"

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, *choices: Any) -> Any:
        return self.rng.choice(choices)


_EXPIRING = {"task", "draft", "approval", "decision", "publish", "notify", "wait"}
_KINDS: dict[str, tuple[int, Callable[[_Maker, _List], Step | None]]] = {
    "task": (4, _Maker.task),
    "draft": (4, _Maker.draft),
    "approval": (8, _Maker.approval),
    "publish": (10, _Maker.publish),
    "notify": (2, _Maker.notify),
    "decision": (2, _Maker.decision),
    "wait": (2, _Maker.wait),
    "set": (1, _Maker.set),
    "call": (1, _Maker.call),
    "child": (2, _Maker.child),
    "end": (1, _Maker.end),
    "section": (2, _Maker.section),
    "switch": (2, _Maker.switch),
    "parallel": (3, _Maker.parallel),
    "foreach": (3, _Maker.foreach),
    "repeat": (3, _Maker.repeat),
}
