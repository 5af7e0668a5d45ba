"""The law behind all others: what passes the check never publishes what was not approved.

Playbooks are generated, and an oracle runs them on every combination of answers, branches that
win, branches and rounds that end, approvals that fail, texts that go back and severities that
change. It shares no code with the check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smr_engine.playbook.check import CheckContext, check_playbook
from smr_engine.playbook.durations import Duration, DurationKind
from smr_engine.playbook.model import (
    ApprovalStep,
    Branch,
    DocumentSpec,
    DraftStep,
    EndStep,
    EndWith,
    Expression,
    ForeachStep,
    OnExpiry,
    Option,
    ParallelStep,
    Playbook,
    PublishStep,
    QuorumLine,
    RepeatStep,
    ReturnTo,
    SectionStep,
    SetStep,
    SeverityScale,
    Step,
    SwitchStep,
    Template,
    Varied,
    walk,
)

pytestmark = pytest.mark.untraced

APPROVALS = ("first", "second")
DAY = Varied(default=Duration(DurationKind.ELAPSED, 86_400))
INPUTS = {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "boolean"}}}
WORST = "case.severity.rank == 1"
WHENS = [*[None] * 9, "inputs.a", "not inputs.a", "inputs.b", WORST, WORST]


@dataclass
class Maker:
    """Turns drawn numbers into a playbook with unique ids and each approval at most once."""

    draw: st.DrawFn
    count: int = 0
    unused: list[str] = field(default_factory=lambda: list(APPROVALS))
    blocks: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)

    def id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def when(self) -> Expression | None:
        granted = [f"steps.{name}.outcome == 'approved'" for name in self.made()]
        source = self.draw(st.sampled_from(WHENS + granted))
        return None if source is None else Expression(source)

    def steps(self, depth: int) -> tuple[Step, ...]:
        size = self.draw(st.integers(1, 4))
        outer, self.drafts = self.drafts, []
        made = tuple(self.step(depth) for _ in range(size))
        self.drafts = outer
        return made

    def step(self, depth: int) -> Step:
        kinds = [*["approval"] * 3, *["publish"] * 3, "rescore", "draft"]
        kinds += ["end"] if depth else []
        if depth < 3:
            kinds += ["section", "switch", "by_approval", "parallel", "parallel"]
            kinds += ["foreach", "repeat"]
        return getattr(self, self.draw(st.sampled_from(kinds)))(depth)

    def made(self) -> list[str]:
        return [name for name in APPROVALS if name not in self.unused]

    def approval(self, depth: int) -> Step:
        if not self.unused:
            return self.publish(depth)
        of = self.draw(st.sampled_from([None, *self.blocks * 3]))
        back = self.draw(st.sampled_from([None, *self.drafts]))
        return ApprovalStep(
            id=self.unused.pop(self.draw(st.integers(0, len(self.unused) - 1))),
            documents=("note",),
            quorum=(QuorumLine(("legal",)),),
            when=self.when(),
            on_failure=self.draw(st.sampled_from([None] * 5 + ["continue"])),
            expires=self.draw(st.sampled_from([None, DAY])),
            on_expiry=self.draw(st.sampled_from([OnExpiry.SKIP, OnExpiry.FAIL])),
            on_rejected=self.draw(st.sampled_from([None, EndWith("no", of)])),
            on_changes_requested=None if back is None else ReturnTo(back),
        )

    def publish(self, _depth: int) -> Step:
        required = self.draw(
            st.lists(st.sampled_from(self.made() or list(APPROVALS)), min_size=1, unique=True)
        )
        return PublishStep(
            id=self.id("publish"),
            document="note",
            requires=tuple(required),
            accounts=(Template("newsroom"),),
            when=self.when(),
        )

    def draft(self, _depth: int) -> Step:
        self.drafts.append(self.id("draft"))
        return DraftStep(id=self.drafts[-1], document="note", when=self.when())

    def rescore(self, _depth: int) -> Step:
        label = self.draw(st.sampled_from(["high", "low"]))
        name = self.id("rescore")
        return SetStep(
            id=name, severity=Template(label), reason=Template("It spreads."), when=self.when()
        )

    def end(self, _depth: int) -> Step:
        of = self.draw(st.sampled_from([None, *self.blocks * 3]))
        return EndStep(id=self.id("end"), outcome="over", of=of, when=self.when())

    def section(self, depth: int) -> Step:
        return SectionStep(id=self.id("section"), when=self.when(), steps=self.steps(depth + 1))

    def switch(self, depth: int) -> Step:
        yes = Option("inputs.a", self.steps(depth + 1), when=Expression("inputs.a"))
        options = (yes, Option("else", self.steps(depth + 1)))
        return SwitchStep(id=self.id("switch"), options=options, when=self.when())

    def by_approval(self, depth: int) -> Step:
        name = self.draw(st.sampled_from(self.made() or list(APPROVALS)))
        yes = Option("approved", self.steps(depth + 1), outcome="approved")
        options = (yes, Option("else", self.steps(depth + 1)))
        return SwitchStep(id=self.id("switch"), on=name, options=options, when=self.when())

    def parallel(self, depth: int) -> Step:
        name = self.id("parallel")
        branches = []
        for letter in "xy":
            self.blocks.append(f"{name}_{letter}")
            branches.append(Branch(f"{name}_{letter}", self.steps(depth + 1)))
            self.blocks.pop()
        any_of = self.draw(st.booleans())
        return ParallelStep(id=name, branches=tuple(branches), join_any=any_of, when=self.when())

    def foreach(self, depth: int) -> Step:
        name = self.id("foreach")
        inner = self.inside(name, depth)
        return ForeachStep(id=name, elements=(1, 2), name=f"as_{name}", steps=inner)

    def repeat(self, depth: int) -> Step:
        name = self.id("repeat")
        return RepeatStep(id=name, max_rounds=2, steps=self.inside(name, depth))

    def inside(self, name: str, depth: int) -> tuple[Step, ...]:
        self.blocks.append(name)
        inner = self.steps(depth + 1)
        self.blocks.pop()
        return inner


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    draft = DraftStep(id="draft", document="note")
    steps = (draft, *Maker(draw).steps(0))
    return Playbook(
        "generated", "1.0.0", "Generated", "smr-lead", "", steps,
        inputs=INPUTS, documents={"note": DocumentSpec("note", "Note")},
        severity=SeverityScale(("high", "low"), initial=Template("low")),
    )  # fmt: skip


class State(NamedTuple):
    """What is granted, how severe the case is, and which block is ending ("case": the case)."""

    granted: frozenset[str]
    severity: str
    ending: str | None = None
    shaken: bool = False  # whether something that runs beside may re-score the case at any moment


class Oracle:
    """Runs a playbook in every way it can go and keeps what was published without its approval."""

    def __init__(self, answers: Mapping[str, bool]) -> None:
        self.answers = answers
        self.leaks: set[str] = set()

    def run(self, steps: tuple[Step, ...], start: State, at: int = 0, back: int = 1) -> set[State]:
        """Run a list from a place in it; a text goes back at most so often."""
        if start.ending or at == len(steps):
            return {start}
        step, found = steps[at], set()
        for after in self.one(step, start):
            found |= self.run(steps, after, at + 1, back)
        returning = isinstance(step, ApprovalStep) and step.on_changes_requested
        if returning and back and True in self.truths(step.when, start):
            target = [s.id for s in steps].index(step.on_changes_requested.step)
            again = {s.id for s in walk(steps[target : at + 1])}
            reopened = start._replace(granted=start.granted - again)
            found |= self.run(steps, reopened, target, back - 1)
        return found

    def one(self, step: Step, state: State) -> Iterator[State]:
        for holds in self.truths(step.when, state):
            yield from getattr(self, step.kind)(step, state) if holds else [state]

    def truths(self, when: Expression | None, state: State) -> set[bool]:
        """Return what a condition may turn out to be."""
        if when is None:
            return {True}
        if when.source == WORST:
            return {True, False} if state.shaken else {state.severity == "high"}
        if when.source.startswith("steps"):
            return {when.source.split(".")[1] in state.granted}
        value = self.answers[when.source[-1]]
        return {not value if when.source.startswith("not") else value}

    def draft(self, _step: DraftStep, state: State) -> list[State]:
        return [state]

    def set(self, step: SetStep, state: State) -> list[State]:
        return [state._replace(severity=step.severity.source)]

    def publish(self, step: PublishStep, state: State) -> list[State]:
        self.leaks |= {step.id} if set(step.requires) - state.granted else set()
        return [state]

    def end(self, step: EndStep, state: State) -> list[State]:
        return [state._replace(ending=step.of or "case")]

    def section(self, step: SectionStep, state: State) -> set[State]:
        return self.run(step.steps, state)

    def switch(self, step: SwitchStep, state: State) -> set[State]:
        taken = self.answers["a"] if step.on is None else step.on in state.granted
        return self.run(step.options[0 if taken else 1].steps, state)

    def approval(self, step: ApprovalStep, state: State) -> Iterator[State]:
        yield state._replace(granted=state.granted | {step.id})
        if step.on_rejected is not None:
            yield state._replace(ending=step.on_rejected.of or "case")
        lapses = step.expires is not None and step.on_expiry is OnExpiry.SKIP
        if step.on_failure == "continue" or lapses:
            yield state

    def parallel(self, step: ParallelStep, state: State) -> Iterator[State]:
        ways = []
        for branch in step.branches:
            others = [other for other in step.branches if other is not branch]
            shaken = state.shaken or any(rescores(other.steps) for other in others)
            ways.append(self.run(branch.steps, state._replace(shaken=shaken)))
        own = {branch.id for branch in step.branches}
        for ends in product(*ways):
            outer = [end for end in ends if end.ending and end.ending not in own]
            granted = [end.granted for end in ends]
            if outer:  # the other branches may not have come to their approvals
                yield from self.afterwards(step, state, outer)
            elif step.join_any:
                yield from self.afterwards(step, state, [State(each, "") for each in granted])
            else:
                every = State(frozenset().union(*granted), "")
                yield from self.afterwards(step, state, [every])

    def foreach(self, step: ForeachStep, state: State) -> Iterator[State]:
        inside = state._replace(shaken=state.shaken or rescores(step.steps))
        ends = self.run(step.steps, inside)
        outer = [
            State(state.granted, "", e.ending) for e in ends if e.ending not in {None, step.id}
        ]
        # what is approved for an element is approved for that element only
        yield from self.afterwards(step, state, [State(state.granted, ""), *outer])

    def afterwards(self, step: Step, before: State, ends: list[State]) -> Iterator[State]:
        """Yield what may be so after lists that ran at once, whichever re-scored the case last."""
        severities = ("high", "low") if rescores((step,)) else (before.severity,)
        for end, severity in product(ends, severities):
            yield State(end.granted, severity, end.ending, before.shaken)

    def repeat(self, step: RepeatStep, state: State) -> Iterator[State]:
        starts = {state}
        for _ in range(3):
            ends = {end for start in starts for end in self.run(step.steps, start)}
            yield from (end for end in ends if end.ending not in {None, step.id})
            starts = {  # what is approved in a round is approved for that round only
                state._replace(severity=end.severity)
                for end in ends
                if end.ending in {None, step.id}
            }
            yield from starts


def rescores(steps: tuple[Step, ...]) -> bool:
    return any(isinstance(inner, SetStep) for inner in walk(steps))


@settings(max_examples=300)
@given(playbooks())
def test_no_playbook_that_passes_can_publish_what_was_not_approved(playbook):
    found = check_playbook(playbook, CheckContext())
    wrong = {problem for problem in found if problem.severity == "error"}
    assume("unknown-name" not in {problem.code for problem in wrong})  # `when` means nothing then
    for a, b in product([False, True], repeat=2):
        oracle = Oracle({"a": a, "b": b})
        oracle.run(playbook.steps, State(frozenset(), "low"))
        for leak in oracle.leaks:
            assert any(problem.message.startswith(f"`{leak}`") for problem in wrong), leak
