"""What doors render: frozen values whose fields are the JSON contract (3-interfaces.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class PlaybookRow:
    """One playbook of the library."""

    playbook: str
    version: str
    digest: str
    title: str
    summary: str = ""
    place: str = ""  # "workspace" or "shipped"


@dataclass(frozen=True, slots=True)
class Started:
    """A case that was opened (or was open already under the same idempotency key)."""

    case: str
    playbook: str
    version: str
    digest: str
    status: str


@dataclass(frozen=True, slots=True)
class ClockView:
    """A clock of a case: waiting, running, met, not_needed; open if its case closed without it."""

    clock: str
    title: str
    status: str
    due: datetime | None = None
    met_at: datetime | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in a list."""

    case: str
    playbook: str
    title: str
    severity: str | None
    status: str
    outcome: str | None
    opened_at: datetime
    waiting_for: list[str]
    drill: bool = False
    parent: str = ""
    clocks: list[ClockView] = field(default_factory=list)  # that run


@dataclass(frozen=True, slots=True)
class Rescored:
    """A case scored again, or as it would be; `moved`: `[{item|clock|step, what, from, to}]`."""

    case: str
    severity: str
    moved: list[Json]


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a case in its present round."""

    path: str
    round: int
    kind: str
    status: str
    outcome: str | None = None
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One piece of work, as an inbox lists it; a clock is one of the kind `clock`."""

    item: str
    case: str
    step: str
    kind: str
    title: str
    due: datetime | None
    overdue: bool
    may: bool
    why_not: str
    status: str = "open"
    waiting_for: list[str] = field(default_factory=list)
    path: str = ""  # of the step in its case: tells elements and rounds apart
    opened: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document's newest revision."""

    document: str
    scope: str
    revision: int
    digest: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """Something owed to the outside world."""

    effect: str
    kind: str
    name: str
    status: str
    leg: int
    attempts: int
    owed_at: datetime
    url: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case, whole."""

    case: str
    title: str
    playbook: str
    version: str
    digest: str
    status: str
    outcome: str | None
    severity: str | None
    drill: bool
    requester: str
    opened_at: datetime
    closed_at: datetime | None
    parent: str
    children: list[str]
    inputs: Json
    results: Json
    problems: list[str]  # which results could not be computed, and why
    steps: list[StepRow]
    items: list[ItemRow]
    documents: list[DocumentRow]
    effects: list[EffectRow]
    clocks: list[ClockView]


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One yes/no question of a decision."""

    id: str
    ask: str
    if_yes: str
    if_no: str


@dataclass(frozen=True, slots=True)
class QuorumRow:
    """One line of a quorum: how many are needed, how many are there, and by when."""

    role: str
    need: int
    have: int
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemView:
    """Everything a person needs to act on an item."""

    item: str
    case: str
    step: str
    kind: str
    status: str
    title: str
    due: datetime | None
    overdue: bool
    may: bool
    why_not: str
    form: Json
    questions: list[QuestionView]
    choices: list[Json]  # [{id, title}]
    document: str | None
    bundle_digest: str | None
    content: list[Json]  # [{document, revision, digest, text}]
    destinations: list[Json]
    quorum: list[QuorumRow]
    message: str
    offered: list[str] = field(default_factory=list)
    votes: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    changes: list[Json] = field(
        default_factory=list
    )  # [{document, diff}] since the superseded item
    previous: str = ""
    path: str = ""  # of the step in its case
    evidence: bool = False  # a file has to be attached before it can be completed
    checks: list[Json] = field(default_factory=list)  # of a draft: [{rule: value}]
    expires: datetime | None = None  # from then on it cannot be answered
    may_break_glass: bool = False  # the reader may release it before its approval
    ratifies: str = ""  # the item whose release is to be ratified or settled
    case_title: str = ""
    severity: str | None = None
    drill: bool = False
    outcome: str = ""  # what came of it, once it is closed
    closed_by: str = ""
    successor: str = ""  # the item that superseded it
    lacks_proof: str = ""  # the proof of identity with which the reader might decide
    names: dict[str, str] = field(default_factory=dict)  # of everybody who stands in it
    roles: dict[str, str] = field(default_factory=dict)  # titles of those that it speaks of
    waiting_for: list[str] = field(default_factory=list)  # those offered who could still help


@dataclass(frozen=True, slots=True)
class ItemDone:
    """An item after an answer."""

    item: str
    status: str


@dataclass(frozen=True, slots=True)
class Revised:
    """A saved revision."""

    document: str
    revision: int
    digest: str
    item: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One revision of a document, or the difference of two."""

    document: str
    revision: int
    digest: str
    text: str
    author: str
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Voted:
    """A recorded decision."""

    item: str
    decision: str
    digest: str
    granted: bool
    remaining: int


@dataclass(frozen=True, slots=True)
class Released:
    """Content that was released before its approval; `ratification` is the item that asks for it.

    It is empty where nobody can ratify: the owner has an item then.
    """

    item: str
    status: str
    digest: str
    ratification: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the audit trail."""

    seq: int
    at: datetime
    case: str | None
    kind: str
    actor: str
    on_behalf_of: str
    role: str
    assurance: str
    data: Json
    leaf_hash: str
    path: str = ""
    stream: str = ""


@dataclass(frozen=True, slots=True)
class WhoRow:
    """One decision on one document: the answer to "who approved which response"."""

    document: str
    revision: int
    digest: str
    person: str
    role: str
    on_behalf_of: str
    decision: str
    comment: str
    at: datetime
    assurance: str
    valid: bool
    void_reason: str
    published_at: datetime | None
    published_url: str | None
    case: str = ""
    item: str = ""
    scope: str = ""  # of a document that each element or round has its own of


@dataclass(frozen=True, slots=True)
class VerifyView:
    """What recomputing the whole audit log and folding every case found."""

    ok: bool
    events: int
    cases: int
    problems: list[Json]
    erased: int = 0


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One recurring opening of cases."""

    schedule: str
    playbook: str
    rrule: str
    timezone: str
    next_due: datetime | None
    at: str = ""
    missed: str = "latest"
    problem: str = ""  # why a start that was due could not be made so far


@dataclass(frozen=True, slots=True)
class DueRow:
    """One coming instant of a schedule."""

    schedule: str
    playbook: str
    due: datetime


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody of the directory."""

    id: str
    name: str
    email: str
    roles: list[str]
    groups: list[str]
    timezone: str
    calendar: str = ""  # their own or that of their roles; empty: that of the playbook


@dataclass(frozen=True, slots=True)
class Worked:
    """What a conductor did: effects performed or handed to flows, timers fired, cases touched.

    What a flow does that follows from its outcomes the conductor never has in hand.
    """

    effects: int
    timers: int
    cases: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `smr doctor` looked at; `hint` says how to mend it."""

    what: str
    ok: bool
    message: str
    hint: str = ""
