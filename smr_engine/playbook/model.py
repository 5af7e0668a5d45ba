"""A playbook as frozen values: what a YAML file means once it has been read and found whole.

Everything here is data. Text is parsed in `playbook.parse`, meaning across steps is checked in
`playbook.check`, and the engine runs it in `engine.decide`. Nested lists of steps are plain tuples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from smr_engine.playbook.durations import Duration, Offset

JsonSchema = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Expression:
    """A bare Jinja expression (`when`, `until`, `in`); its value keeps its type."""

    source: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """Text with `{{ }}`; a text that is exactly one expression yields that value with its type."""

    source: str
    line: int = 0


Value = Any
"""A JSON value in which every text is a `Template` (inputs, `with`, `set.values`)."""


@dataclass(frozen=True, slots=True)
class Varied(Generic[T]):
    """A value that may differ by severity label; `default` serves every label not named."""

    default: T | None = None
    by_severity: Mapping[str, T] = field(default_factory=dict)

    def at(self, label: str | None) -> T | None:
        """Return the value for a severity label, or the default."""
        return self.by_severity.get(label or "", self.default)


@dataclass(frozen=True, slots=True)
class DueAt:
    """A due time anchored to a recorded instant: `{at: "{{ ... }}", plus: 7d}`."""

    at: Template
    plus: Duration | None = None


Due = Duration | DueAt


# --- who ---------------------------------------------------------------------------------------


class PartyKind(StrEnum):
    """What a name in `assign`, `to` or `escalate` refers to."""

    ROLE = "role"
    GROUP = "group"
    PERSON = "person"
    DEPUTY_OF = "deputy_of"
    CONTACT = "contact"
    VENDOR = "vendor"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody: a role, a group, a person (template), a contact, a vendor or an address."""

    kind: PartyKind
    name: Template  # roles, groups, contacts and vendors are plain names without {{ }}
    line: int = 0


class ExclusionKind(StrEnum):
    """Who is kept from an item although a role would allow it."""

    AUTHOR = "author"  # everyone who saved a revision of a bound document
    REQUESTER = "requester"  # who started the case
    DID = "did"  # whoever completed the named step
    ROLE = "role"  # whoever holds the named role


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One entry of `except`; `name` is the step or role for DID and ROLE, else empty."""

    kind: ExclusionKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is asked: any one of the parties, or with `each` every person of them separately."""

    parties: tuple[Party, ...]
    each: bool = False
    exclude: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """At this offset these parties are told why and may act too."""

    at: Offset
    to: tuple[Party, ...]


# --- steps -------------------------------------------------------------------------------------


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
    title: str = ""  # the id in words when the author wrote none
    help: str = ""
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


# --- top level ---------------------------------------------------------------------------------


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
