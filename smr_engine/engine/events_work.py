"""Facts about documents, items, decisions and effects."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from smr_engine.engine.event_base import Event, content
from smr_engine.engine.state import Json, Line
from smr_engine.engine.statuses import DecisionKind, EffectKind, ItemStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRevised(Event):
    """A document got a new revision (`scope` is the document's)."""

    document: str
    revision: int
    digest: str
    author: str = ""
    authors: tuple[str, ...] = ()  # of a text handed over: who had a hand in it before
    item: str = ""
    source: str = "person"  # person, template, handed_over
    text: str = content()
    override: str = content("actor", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRule:
    """A timer set together with its item."""

    id: str
    at: datetime
    purpose: str
    rule: int = 0
    line: int | None = None  # of the quorum, whose own due time it counts from
    key: str = ""  # the rule in words, the same at every severity that has it


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOpened(Event):
    """A piece of work was put in front of people."""

    item: str
    kind_of: str
    round: int
    step: str
    offered: tuple[str, ...]
    escalated: tuple[str, ...] = ()  # of an item that replaces an expired one
    due_at: datetime | None = None
    expires_at: datetime | None = None
    timers: tuple[TimerRule, ...] = ()
    bundle_digest: str = ""
    lines: tuple[Line, ...] = ()
    excluded: tuple[str, ...] = ()
    assurance: str = ""
    previous: str = ""
    ratifies: str = ""
    effect: str = ""
    holds: bool = False
    title: str = content()
    bundle: Json = content(default=None)
    message: str = content(default="")
    subject: str = content(default="")  # whose it is; may be an address


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCompleted(Event):
    """A person did what the item asked."""

    item: str
    outcome: str = "done"
    by: str = ""  # whoever it counts for; the actor is in the envelope
    values: Json = content(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClosed(Event):
    """The item can no longer be answered (superseded, cancelled or expired)."""

    item: str
    status: ItemStatus
    why: str
    by_item: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReassigned(Event):
    """The item was handed over to one person."""

    item: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReminded(Event):
    """Those who have not answered were reminded; `next` is the repeat of the same rule.

    `later` says when those are told who are in their quiet hours, here and below.
    """

    item: str
    timer: str
    people: tuple[str, ...]
    later: dict[str, datetime] = field(default_factory=dict)
    next: TimerRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWarned(Event):
    """Those who have not answered were told that the item is about to expire."""

    item: str
    timer: str
    people: tuple[str, ...]
    later: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEscalated(Event):
    """More people were told, and why, and may act."""

    item: str
    timer: str
    people: tuple[str, ...]
    later: dict[str, datetime] = field(default_factory=dict)
    next: TimerRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecorded(Event):
    """One person decided on exact content."""

    item: str
    person: str
    decision: DecisionKind
    digest: str
    roles: tuple[str, ...]
    on_behalf_of: str = ""
    comment: str = content("actor", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken(Event):
    """One person released an approval's exact content before its quorum was there."""

    item: str
    person: str
    digest: str
    role: str  # that allows it
    roles: tuple[str, ...]
    on_behalf_of: str = ""
    reason: str = content("actor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratified(Event):
    """The quorum approved a release afterwards, by the item `by_item`."""

    item: str
    by_item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unratified(Event):
    """A release was not ratified: `why` is late, refused or unreachable."""

    item: str
    why: str
    reason: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAttached(Event):
    """A file or an address was attached to an item."""

    item: str
    digest: str
    size: int
    name: str = content("actor")
    url: str = content("actor", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWritten(Event):
    """Somebody wrote a remark into the history."""

    text: str = content("actor")


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectOwed(Event):
    """The case owes the outside world something."""

    effect: str
    kind_of: EffectKind
    name: str
    step: str
    round: int
    key: str
    leg: int
    after: str
    account: str = ""
    digest: str = ""
    document: str = ""
    home: str = ""
    item: str = ""
    retry_attempts: int = 4
    backoff_s: int = 10
    timeout_s: int = 30
    not_before: datetime | None = None  # the end of quiet hours
    payload: Json = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationStarted(Event):
    """The approval was checked again under the lock; from here on it may be out."""

    effect: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectDone(Event):
    """It happened."""

    effect: str
    result: Json = content(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectDeferred(Event):
    """It will be tried (or asked about) again at `at`, after so many failed `tries`."""

    effect: str
    at: datetime
    tries: int = 1
    reason: str = content(default="")
    result: Json = content(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed(Event):
    """It did not happen and is not tried again."""

    effect: str
    reason: str = content()
    result: Json = content(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectUnknown(Event):
    """It may or may not have happened."""

    effect: str
    reason: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectResumed(Event):
    """A person found that it did not happen: it is owed again under the same key."""

    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectCancelled(Event):
    """It is no longer owed."""

    effect: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeNoted(Event):
    """A late outcome of an effect that was already settled: evidence, nothing more."""

    effect: str
    outcome: str
    result: Json = content(default=None)
