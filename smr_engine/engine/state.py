"""The state of a case: what folding its events gives, and all that a decision may look at.

A case has a header and scopes. A scope is one running of a list of steps with its own names: the
root, a branch, a foreach element, a repeat round. Commands load the scopes they touch, so nothing
in the header or the root may grow with the number of elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smr_engine.engine.statuses import (
    CaseStatus,
    ClockStatus,
    DecisionKind,
    EffectKind,
    EffectStatus,
    ItemKind,
    ItemStatus,
    ScopeKind,
    ScopeStatus,
    StepStatus,
)

Json = Any


@dataclass(frozen=True, slots=True)
class StepState:
    """One step in its present round; `detail` is what its kind has to remember."""

    status: StepStatus = StepStatus.WAITING
    round: int = 1
    outcome: str | None = None
    output: Json = None
    reason: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    completed_by: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable revision of a document; its text is in the event that made it."""

    number: int
    digest: str
    author: str  # "" for a template or a document handed over
    at: datetime
    authors: tuple[str, ...] = ()  # of a document handed over


@dataclass(frozen=True, slots=True)
class Document:
    """A named text of a scope; `text` is the newest revision's."""

    text: str
    revisions: tuple[Revision, ...]
    out: tuple[str, ...] = ()  # effects and items by which it went out, or may have
    stale: bool = False  # of another element or round: its next draft starts from the template

    @property
    def newest(self) -> Revision:
        """Return the newest revision."""
        return self.revisions[-1]

    @property
    def authors(self) -> frozenset[str]:
        """Return every person who saved a revision, here or before it was handed over."""
        return frozenset(p for r in self.revisions for p in (r.author, *r.authors) if p)


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision on an approval item."""

    person: str
    decision: DecisionKind
    digest: str
    roles: tuple[str, ...]
    on_behalf_of: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """By whom and why an approval's content was released before its quorum was there."""

    person: str
    role: str
    on_behalf_of: str
    at: datetime
    reason: str
    verdict: str = ""  # ratified or unratified, once that is known


@dataclass(frozen=True, slots=True)
class Line:
    """A quorum line that applies: `need` distinct people of any of `roles`; None: all holders.

    Without a due time of its own it shares the item's.
    """

    roles: tuple[str, ...]
    need: int | None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """Evidence on an item; the file lies in the attachment store under its digest."""

    digest: str
    name: str
    size: int
    url: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of work waiting for a person."""

    id: str
    kind: ItemKind
    step: str  # step id in its scope; "" for none
    path: str
    round: int
    title: str
    opened_at: datetime
    offered: tuple[str, ...]  # people who may act
    status: ItemStatus = ItemStatus.OPEN
    due_at: datetime | None = None
    expires_at: datetime | None = None  # from then on it cannot be answered
    escalated: tuple[str, ...] = ()  # people added by an escalation
    subject: str = ""  # acknowledgement: whose it is (person:ana, contact:regulator-desk)
    bundle: Json = None  # approval: documents and publications as fixed at opening
    bundle_digest: str = ""
    lines: tuple[Line, ...] = ()
    excluded: tuple[str, ...] = ()  # people kept out by `except`, as resolved at opening
    assurance: str = ""  # least proof of identity for decisions, as resolved at opening
    votes: tuple[Vote, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    previous: str = ""  # the item this one supersedes
    broken: Broken | None = None  # approval: released by break-glass
    fired: tuple[str, ...] = ()  # keys of the rules that have reminded, warned or escalated
    reminded: Mapping[str, datetime] = field(default_factory=dict)  # when, by person; may be ahead
    ratifies: str = ""  # the item whose release this one is about: to ratify, or to settle
    effect: str = ""  # repair and manual publication: the effect it is about
    message: str = ""  # what is asked, in words
    holds: bool = False  # repair: the case is held until it is answered
    outcome: str = ""
    closed_by: str = ""
    output: Json = None  # what was filled in, where several people fill in the same form


@dataclass(frozen=True, slots=True)
class Effect:
    """Something owed to the outside world; `payload` is dropped once it is over."""

    id: str
    kind: EffectKind
    name: str  # `publish holding_statement -> newsroom`
    step: str
    path: str
    round: int
    key: str  # idempotency key, the same on every try
    leg: int
    after: str
    owed_at: datetime
    status: EffectStatus = EffectStatus.OWED
    payload: Json = None
    digest: str = ""  # publication: of the text
    account: str = ""
    document: str = ""  # publication: what goes out
    home: str = ""  # and the scope that has it
    item: str = ""  # the item it announces or reminds of
    not_before: datetime | None = None
    attempts: int = 0
    retry_attempts: int = 4
    backoff_s: int = 10
    timeout_s: int = 30
    result: Json = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Timer:
    """An instant at which something is owed; `rule` is the index of the rule that set it."""

    id: str
    at: datetime
    purpose: str  # remind, escalate, warn, expire, wait, beat, publish
    path: str
    step: str
    item: str = ""
    rule: int = 0
    line: int | None = None  # of the quorum, whose own due time it counts from
    clock: str = ""  # whose it is, if it belongs to no step
    key: str = ""  # the rule in words, the same at every severity that has it


@dataclass(frozen=True, slots=True)
class Scope:
    """One running of a list of steps. `local` are the names it adds (element, round, previous)."""

    path: str
    kind: ScopeKind
    status: ScopeStatus = ScopeStatus.RUNNING
    base_round: int = 1  # the round its steps start with (a reopened block opens its scopes anew)
    local: dict[str, Any] = field(default_factory=dict)
    ended: str | None = None  # the outcome of an `end of` it
    steps: Mapping[str, StepState] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    effects: Mapping[str, Effect] = field(default_factory=dict)
    timers: Mapping[str, Timer] = field(default_factory=dict)

    def step(self, step_id: str) -> StepState:
        """Return a step's state; a step not yet come to is waiting."""
        return self.steps.get(step_id) or StepState(round=self.base_round)


@dataclass(frozen=True, slots=True)
class Child:
    """A case opened by a playbook step."""

    scope: str
    step: str
    round: int
    waits: bool
    ended: bool = False


@dataclass(frozen=True, slots=True)
class ClockState:
    """A clock that has come to its instant; `by` is who met it."""

    status: ClockStatus
    title: str
    runs_from: datetime | None = None
    due_at: datetime | None = None
    met_at: datetime | None = None
    by: str = ""
    fired: tuple[str, ...] = ()  # keys of the rules that have reminded or escalated


@dataclass(frozen=True, slots=True)
class CaseHeader:
    """What every command of a case loads."""

    ref: str
    playbook: str
    version: str
    digest: str
    title: str
    requester: str
    opened_at: datetime
    last_at: datetime
    status: CaseStatus = CaseStatus.OPEN
    outcome: str | None = None
    severity: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    drill: bool = False
    parent: str = ""  # the case that opened it
    pins: Mapping[str, str] = field(default_factory=dict)  # sub-playbook -> digest
    next_number: int = 1  # of items, effects and timers
    leg: int = 0
    holds: tuple[str, ...] = ()  # open repair items that hold the case
    ratifying: tuple[str, ...] = ()  # open items about releases; the case does not close before
    ending: str | None = None  # the outcome with which it closes then
    waits: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # path -> signal, key
    running: tuple[str, ...] = ("",)  # paths of running scopes
    children: Mapping[str, Child] = field(default_factory=dict)
    clocks: Mapping[str, ClockState] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()  # which results could not be computed, and why
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as far as it is loaded: the header and some scopes (`""` is the root)."""

    header: CaseHeader
    scopes: Mapping[str, Scope]
