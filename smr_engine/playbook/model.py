"""A playbook as frozen values: what a YAML file means once it has been read and found whole.

Everything here is data. Text is parsed in `playbook.parse`, meaning across steps is checked in
`playbook.check`, and the engine runs it in `engine.decide`. Nested lists of steps are plain tuples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from smr_engine.playbook.durations import Duration, Offset
from smr_engine.playbook.model_parts import (
    Assignment,
    Due,
    DueAt,
    Escalation,
    Exclusion,
    ExclusionKind,
    Expression,
    JsonSchema,
    Lines,
    Party,
    PartyKind,
    Template,
    Value,
    Varied,
)
from smr_engine.playbook.model_steps import (
    BLOCKS,
    Acknowledge,
    ApprovalStep,
    Branch,
    BreakGlass,
    CallStep,
    DecisionStep,
    DraftCheck,
    DraftStep,
    EndStep,
    EndWith,
    ForeachStep,
    NotifyStep,
    OnExpiry,
    Option,
    Outcome,
    ParallelStep,
    PlaybookStep,
    PublishStep,
    Question,
    QuorumLine,
    RepeatStep,
    Retry,
    ReturnTo,
    SectionStep,
    SetStep,
    Step,
    SwitchStep,
    TableRow,
    TaskStep,
    WaitStep,
)

__all__ = [
    "BLOCKS",
    "Acknowledge",
    "ApprovalStep",
    "Assignment",
    "Branch",
    "BreakGlass",
    "CallStep",
    "Clock",
    "DecisionStep",
    "DocumentSpec",
    "DraftCheck",
    "DraftStep",
    "Due",
    "DueAt",
    "EndStep",
    "EndWith",
    "Escalation",
    "Exclusion",
    "ExclusionKind",
    "Expression",
    "ForeachStep",
    "JsonSchema",
    "Missed",
    "NotifyStep",
    "OnExpiry",
    "Option",
    "Outcome",
    "ParallelStep",
    "Party",
    "PartyKind",
    "Playbook",
    "PlaybookStep",
    "PublishStep",
    "Question",
    "QuorumLine",
    "RepeatStep",
    "Retry",
    "ReturnTo",
    "ScheduleTrigger",
    "SectionStep",
    "SetStep",
    "SeverityScale",
    "Step",
    "SwitchStep",
    "TableRow",
    "TaskStep",
    "Template",
    "Value",
    "Varied",
    "WaitStep",
    "child_lists",
    "walk",
]


@dataclass(frozen=True, slots=True)
class SeverityScale:
    """Levels worst first; rank 1 is the worst."""

    levels: tuple[str, ...]
    title: str = "Severity"
    initial: Template = Template("")
    override_quiet: tuple[str, ...] = ()

    def rank(self, label: str) -> int:
        """Return the rank of a label, 1 for the worst."""
        return self.levels.index(label) + 1


@dataclass(frozen=True, slots=True)
class Clock:
    """A deadline anchored to a recorded fact."""

    id: str
    title: str
    runs_from: Template
    due: Varied[Due]
    when: Expression | None = None
    remind: Varied[tuple[Offset, ...]] | None = None
    escalate: Varied[tuple[Escalation, ...]] | None = None
    met_by: str | None = None
    line: int = 0


class Missed(StrEnum):
    """What a schedule does with due instants that passed while nothing ran."""

    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """Opens a case at each instant of an RFC 5545 rule, at a local time in a zone."""

    rrule: str
    at: str  # HH:MM
    timezone: str
    missed: Missed = Missed.LATEST
    inputs: Mapping[str, Value] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class DocumentSpec:
    """A named text of the case."""

    id: str
    title: str
    audience: str = "internal"
    template: Template = Template("")
    line: int = 0


@dataclass(frozen=True, slots=True)
class Playbook:
    """One playbook; `digest` is the SHA-256 of the file's bytes, in hex."""

    name: str
    version: str
    title: str
    owner: str
    digest: str
    steps: tuple[Step, ...]
    summary: str = ""
    case_prefix: str = "CASE"
    labels: tuple[str, ...] = ()
    calendar: str | None = None
    retention: Duration | None = None
    visibility: tuple[str, ...] | None = None  # None: open; else the roles that may see its cases
    inputs: JsonSchema = field(default_factory=dict)
    severity: SeverityScale | None = None
    assurance: Varied[str] | None = None
    clocks: tuple[Clock, ...] = ()
    triggers: tuple[ScheduleTrigger, ...] = ()
    documents: Mapping[str, DocumentSpec] = field(default_factory=dict)
    results: Mapping[str, Value] = field(default_factory=dict)
    lines: Lines = field(default_factory=dict, compare=False, repr=False)

    def line_of(self, key: str) -> int:
        """Return where the value of a top key begins, 1 where it is not there."""
        return self.lines.get(key, 1)


def child_lists(step: Step) -> tuple[tuple[Step, ...], ...]:
    """Return the lists of steps directly inside a step (none for a plain step)."""
    if isinstance(step, SwitchStep):
        return tuple(option.steps for option in step.options)
    if isinstance(step, ParallelStep):
        return tuple(branch.steps for branch in step.branches)
    if isinstance(step, SectionStep | ForeachStep | RepeatStep):
        return (step.steps,)
    return ()


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield every step below a list, outer before inner, in the order of the file."""
    for step in steps:
        yield step
        for inner in child_lists(step):
            yield from walk(inner)
