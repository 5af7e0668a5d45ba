"""The law behind all others: what passes the check never publishes what was not approved.

Playbooks are generated, and an oracle runs them on every combination of answers, branches that
win, branches that end and approvals that fail. It shares no code with the check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from hypothesis import given, settings
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
    SectionStep,
    Step,
    SwitchStep,
    Template,
    Varied,
)

APPROVALS = ("first", "second")
DAY = Varied(default=Duration(DurationKind.ELAPSED, 86_400))
INPUTS = {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "boolean"}}}
WHENS = st.sampled_from([None] * 8 + ["inputs.a", "not inputs.a", "inputs.b"])


@dataclass
class Maker:
    """Turns drawn numbers into a playbook with unique ids and each approval at most once."""

    draw: st.DrawFn
    count: int = 0
    unused: list[str] = field(default_factory=lambda: list(APPROVALS))
    blocks: list[str] = field(default_factory=list)

    def id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def when(self) -> Expression | None:
        source = self.draw(WHENS)
        return None if source is None else Expression(source)

    def steps(self, depth: int) -> tuple[Step, ...]:
        size = self.draw(st.integers(1, 3))
        return tuple(self.step(depth) for _ in range(size))

    def step(self, depth: int) -> Step:
        kinds = ["approval", "approval", "approval", "publish", "publish"] + (
            ["end"] if depth else []
        )
        if depth < 3:
            kinds += ["section", "switch", "parallel", "parallel", "foreach"]
        return getattr(self, self.draw(st.sampled_from(kinds)))(depth)

    def made(self) -> list[str]:
        return [name for name in APPROVALS if name not in self.unused]

    def approval(self, depth: int) -> Step:
        if not self.unused:
            return self.publish(depth)
        of = self.draw(st.sampled_from([None, *self.blocks * 3]))
        return ApprovalStep(
            id=self.unused.pop(self.draw(st.integers(0, len(self.unused) - 1))),
            documents=("note",),
            quorum=(QuorumLine(("legal",)),),
            when=self.when(),
            on_failure=self.draw(st.sampled_from([None] * 5 + ["continue"])),
            expires=self.draw(st.sampled_from([None, DAY])),
            on_expiry=self.draw(st.sampled_from([OnExpiry.SKIP, OnExpiry.FAIL])),
            on_rejected=self.draw(st.sampled_from([None, EndWith("no", of)])),
        )

    def publish(self, _depth: int) -> Step:
        return PublishStep(
            id=self.id("publish"),
            document="note",
            requires=(self.draw(st.sampled_from(self.made() or list(APPROVALS))),),
            accounts=(Template("newsroom"),),
            when=self.when(),
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
        self.blocks.append(name)
        inner = self.steps(depth + 1)
        self.blocks.pop()
        return ForeachStep(id=name, elements=(1, 2), name=f"as_{name}", steps=inner)


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    draft = DraftStep(id="draft", document="note")
    steps = (draft, *Maker(draw).steps(0))
    return Playbook(
        "generated", "1.0.0", "Generated", "smr-lead", "", steps,
        inputs=INPUTS, documents={"note": DocumentSpec("note", "Note")},
    )  # fmt: skip


Granted = frozenset[str]
State = tuple[Granted, str | None]  # what is granted, and which block is ending ("case": the case)


class Oracle:
    """Runs a playbook in every way it can go and keeps what was published without its approval."""

    def __init__(self, answers: Mapping[str, bool]) -> None:
        self.answers = answers
        self.leaks: set[str] = set()

    def run(self, steps: tuple[Step, ...], granted: Granted) -> set[State]:
        states: set[State] = {(granted, None)}
        for step in steps:
            following: set[State] = set()
            for known, ending in states:
                following |= {(known, ending)} if ending else set(self.one(step, known))
            states = following
        return states

    def one(self, step: Step, granted: Granted) -> Iterator[State]:
        if step.when is not None and not self.holds(step.when):
            return iter([(granted, None)])
        return iter(getattr(self, step.kind)(step, granted))

    def draft(self, _step: DraftStep, granted: Granted) -> list[State]:
        return [(granted, None)]

    def publish(self, step: PublishStep, granted: Granted) -> list[State]:
        self.leaks |= {step.id} if set(step.requires) - granted else set()
        return [(granted, None)]

    def end(self, step: EndStep, granted: Granted) -> list[State]:
        return [(granted, step.of or "case")]

    def section(self, step: SectionStep, granted: Granted) -> set[State]:
        return self.run(step.steps, granted)

    def switch(self, step: SwitchStep, granted: Granted) -> set[State]:
        return self.run(step.options[0 if self.answers["a"] else 1].steps, granted)

    def holds(self, when: Expression) -> bool:
        value = self.answers[when.source[-1]]
        return not value if when.source.startswith("not") else value

    def approval(self, step: ApprovalStep, granted: Granted) -> Iterator[State]:
        yield granted | {step.id}, None
        if step.on_rejected is not None:
            yield granted, step.on_rejected.of or "case"
        lapses = step.expires is not None and step.on_expiry is OnExpiry.SKIP
        if step.on_failure == "continue" or lapses:
            yield granted, None

    def parallel(self, step: ParallelStep, granted: Granted) -> Iterator[State]:
        ways = [self.run(branch.steps, granted) for branch in step.branches]
        own = {branch.id for branch in step.branches}
        for states in product(*ways):
            outer = [ending for _, ending in states if ending and ending not in own]
            if outer:
                yield granted, outer[0]
            elif step.join_any:
                yield from ((known, None) for known, _ in states)
            else:
                yield frozenset().union(*(known for known, _ in states)), None

    def foreach(self, step: ForeachStep, granted: Granted) -> Iterator[State]:
        yield granted, None  # what is approved for an element is approved for that element only
        for _, ending in self.run(step.steps, granted):
            if ending and ending != step.id:
                yield granted, ending


@settings(max_examples=300)
@given(playbooks())
def test_no_playbook_that_passes_can_publish_what_was_not_approved(playbook):
    found = check_playbook(playbook, CheckContext())
    wrong = {problem.message for problem in found if problem.severity == "error"}
    for a, b in product([False, True], repeat=2):
        oracle = Oracle({"a": a, "b": b})
        oracle.run(playbook.steps, frozenset())
        for leak in oracle.leaks:
            assert any(message.startswith(f"`{leak}`") for message in wrong), leak
