"""The kinds of steps, as frozen values (2-language.md sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from smr_engine.playbook.durations import Duration, Offset
from smr_engine.playbook.model_parts import (
    Assignment,
    Due,
    Escalation,
    Exclusion,
    ExclusionKind,
    Expression,
    JsonSchema,
    Lines,
    Party,
    Template,
    Value,
    Varied,
)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how fast an effect is tried; seconds."""

    attempts: int = 4
    backoff_s: int = 10
    timeout_s: int = 30


class OnExpiry(StrEnum):
    """What an expired item does to its step; silence never approves."""

    REJECT = "reject"
    FAIL = "fail"
    SKIP = "skip"
    ESCALATE = "escalate"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What every step may say (2-language.md section 3); playbook defaults are merged in."""

    kind: ClassVar[str] = ""
    id: str
    line: int = 0
    title: Template = Template("")  # the id in words when the author wrote none
    help: Template = Template("")
    when: Expression | None = None
    assign: Assignment | None = None
    due: Varied[Due] | None = None
    remind: Varied[tuple[Offset, ...]] | None = None
    escalate: Varied[tuple[Escalation, ...]] | None = None
    expires: Varied[Due] | None = None
    on_expiry: OnExpiry = OnExpiry.FAIL
    evidence: bool = False  # at least one attachment must be there before completion
    documents: tuple[str, ...] = ()
    retry: Retry | None = None
    on_failure: Assignment | str | None = None  # "continue", or who gets the repair item
    calendar: str | None = None
    lines: Lines = field(default_factory=dict, compare=False, repr=False)

    def line_of(self, key: str) -> int:
        """Return where the value of a key begins, or the step where it does not say it."""
        return self.lines.get(key, self.line)


@dataclass(frozen=True, kw_only=True)
class TaskStep(Step):
    """A person does something and fills a form (checklist points are required booleans in it)."""

    kind: ClassVar[str] = "task"
    form: JsonSchema = field(default_factory=dict)
    checklist: tuple[str, ...] = ()  # texts; in the form as done_1, done_2, ...


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """One lint of a draft: `rule` is the key, `value` what it was given."""

    rule: str  # max_words, must_contain, must_not_contain, reading_grade, no_promised_times
    value: Any


@dataclass(frozen=True, kw_only=True)
class DraftStep(Step):
    """A person writes or edits a document; each save is a revision."""

    kind: ClassVar[str] = "draft"
    document: str
    checks: tuple[DraftCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class QuorumLine:
    """`need` distinct people (None = all holders) of any one of `roles`."""

    roles: tuple[str, ...]
    need: int | None = 1
    due: Varied[Due] | None = None
    when: Expression | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class ReturnTo:
    """A request for changes starts a new round from this earlier step of the same list."""

    step: str
    max_rounds: int | None = None


@dataclass(frozen=True, slots=True)
class EndWith:
    """A rejection ends the case, or with `of` the enclosing element, round or branch."""

    outcome: str
    of: str | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may release unapproved content, and how soon the quorum must ratify it."""

    role: str
    ratify_within: Varied[Due]


@dataclass(frozen=True, kw_only=True)
class ApprovalStep(Step):
    """People decide on exact content (`documents` is the bundle)."""

    kind: ClassVar[str] = "approval"
    quorum: tuple[QuorumLine, ...] = ()
    exclude: tuple[Exclusion, ...] = (Exclusion(ExclusionKind.AUTHOR),)
    on_changes_requested: ReturnTo | None = None
    on_rejected: EndWith | None = None
    break_glass: BreakGlass | None = None
    assurance: Varied[str] | None = None


@dataclass(frozen=True, kw_only=True)
class PublishStep(Step):
    """Sends one approved document through accounts; the first account is the hub."""

    kind: ClassVar[str] = "publish"
    document: str
    requires: tuple[str, ...] = ()
    accounts: tuple[Template, ...] = ()
    to: tuple[Party, ...] = ()
    at: Template | None = None
    in_reply_to: Template | None = None
    replaces: Template | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Each recipient is asked to acknowledge; with `wait` the step waits for all."""

    due: Varied[Due] | None = None
    remind: Varied[tuple[Offset, ...]] | None = None
    escalate: Varied[tuple[Escalation, ...]] | None = None
    wait: bool = False


@dataclass(frozen=True, kw_only=True)
class NotifyStep(Step):
    """Tells people, groups, contacts or vendors."""

    kind: ClassVar[str] = "notify"
    to: tuple[Party, ...] = ()
    subject: Template = Template("")
    body: Template = Template("")
    acknowledge: Acknowledge | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One yes/no question; a branch leads to another question's id or to an outcome."""

    id: str
    ask: str
    if_yes: str | Outcome
    if_no: str | Outcome


@dataclass(frozen=True, slots=True)
class Outcome:
    """A named end of a decision; the title is what a person reads."""

    id: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a decision table."""

    when: Expression
    outcome: str


@dataclass(frozen=True, kw_only=True)
class DecisionStep(Step):
    """Exactly one of `questions` (root first), `choices` and `rows` is filled.

    A single `ask` is one question with the step's id and the outcomes yes and no.
    """

    kind: ClassVar[str] = "decision"
    questions: tuple[Question, ...] = ()
    choices: tuple[Outcome, ...] = ()
    rows: tuple[TableRow, ...] = ()
    pick: str = "first"  # or "worst": the matching outcome named first in `worst_first`
    worst_first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One way of a switch: by condition, by outcome of `on`, or the `else` (both None)."""

    name: str
    steps: tuple[Step, ...]
    when: Expression | None = None
    outcome: str | None = None


@dataclass(frozen=True, kw_only=True)
class SwitchStep(Step):
    """The first option that holds; `on` names a step whose outcome chooses."""

    kind: ClassVar[str] = "switch"
    on: str | None = None
    options: tuple[Option, ...] = ()  # an `else` is the last, named "else"


@dataclass(frozen=True, kw_only=True)
class SectionStep(Step):
    """A phase: steps under one title."""

    kind: ClassVar[str] = "section"
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a parallel."""

    id: str
    steps: tuple[Step, ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class ParallelStep(Step):
    """Branches at once."""

    kind: ClassVar[str] = "parallel"
    branches: tuple[Branch, ...] = ()
    join_any: bool = False


@dataclass(frozen=True, kw_only=True)
class ForeachStep(Step):
    """The same steps for each element of a list."""

    kind: ClassVar[str] = "foreach"
    elements: Expression | tuple[Value, ...] = ()
    name: str = "element"  # the `as`
    steps: tuple[Step, ...] = ()
    at_a_time: int = 20


@dataclass(frozen=True, kw_only=True)
class RepeatStep(Step):
    """A cadence, start to start; without `every` back to back."""

    kind: ClassVar[str] = "repeat"
    every: Varied[Duration] | None = None
    until: Expression | None = None
    steps: tuple[Step, ...] = ()
    max_rounds: int | None = None


@dataclass(frozen=True, kw_only=True)
class WaitStep(Step):
    """Waits for a time, until an instant, or for a signal; exactly one is set."""

    kind: ClassVar[str] = "wait"
    duration: Varied[Duration] | None = None
    until: Template | None = None
    signal: str | None = None
    key: Template | None = None


@dataclass(frozen=True, kw_only=True)
class PlaybookStep(Step):
    """Opens another playbook's case."""

    kind: ClassVar[str] = "playbook"
    playbook: str
    inputs: Mapping[str, Value] = field(default_factory=dict)
    hands_over: tuple[str, ...] = ()  # the `documents` key: revisions given to the child
    wait_until_done: bool = True


@dataclass(frozen=True, kw_only=True)
class CallStep(Step):
    """A connector or a Prefect deployment."""

    kind: ClassVar[str] = "call"
    uses: str
    arguments: Mapping[str, Value] = field(default_factory=dict)  # the `with`


@dataclass(frozen=True, kw_only=True)
class SetStep(Step):
    """Names values for later steps; may re-score."""

    kind: ClassVar[str] = "set"
    values: Mapping[str, Value] = field(default_factory=dict)
    severity: Template | None = None
    reason: Template | None = None


@dataclass(frozen=True, kw_only=True)
class EndStep(Step):
    """Closes the case here, or with `of` the enclosing element, round or branch."""

    kind: ClassVar[str] = "end"
    outcome: str
    of: str | None = None


BLOCKS = (SectionStep, SwitchStep, ParallelStep, ForeachStep, RepeatStep)
