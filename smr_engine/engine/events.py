"""The facts of a case, past tense, as frozen values.

A field marked `content()` may hold names, texts, answers or personal data: it never enters the leaf
but the erasable table, committed to by a salted hash. Its subject says whose it is: `case`, or
`actor` for what one person said. All other fields are ids, digests, kinds, statuses and times.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from smr_engine.engine.state import Json, Line
from smr_engine.engine.statuses import DecisionKind, EffectKind, ItemStatus, ScopeKind


def content(subject: str = "case", **options: Any) -> Any:
    """Mark a field as erasable content of a subject: `case` or `actor`."""
    return field(metadata={"content": subject}, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a case. `path` names the step or scope it happened to."""

    path: str = ""
    scope: str = ""

    @classmethod
    def kind(cls) -> str:
        """Return the name under which the event is stored (contract)."""
        return cls.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(Event):
    """A case was opened from one pinned playbook version."""

    ref: str
    playbook: str
    version: str
    digest: str
    pins: dict[str, str]
    requester: str
    severity: str | None = None
    drill: bool = False
    parent: str = ""
    schedule: str = ""
    due: datetime | None = None
    title: str = content()
    inputs: dict[str, Any] = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHeld(Event):
    """Something waits for a repair item."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReleased(Event):
    """The last repair item that held the case was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCompleted(Event):
    """The case reached its end."""

    outcome: str
    results: dict[str, Any] = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCancelled(Event):
    """Somebody stopped the case."""

    reason: str = content("actor")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeOpened(Event):
    """A branch or a repeat round began (`path` is the scope's)."""

    kind_of: ScopeKind
    base_round: int = 1
    local: dict[str, Any] = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementsListed(Event):
    """A foreach (`path`, in `scope`) found its elements; each has a scope that waits its turn."""

    count: int
    base_round: int = 1
    name: str
    elements: list[Any] = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeStarted(Event):
    """A waiting element's turn has come (`path` is the scope's)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeEnded(Event):
    """A branch, element or round is over; `ended` is the outcome of an `end of` it."""

    ended: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """The list came to the step."""

    kind_of: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(Event):
    """The step was not done, for a reason."""

    round: int
    reason: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCompleted(Event):
    """The step is over with an outcome."""

    round: int
    outcome: str
    by: str = ""
    output: Json = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Event):
    """The step cannot go on by itself."""

    round: int
    outcome: str = "failed"
    reason: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCancelled(Event):
    """An end, a join, a reopening or a cancel closed the step."""

    round: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReopened(Event):
    """The step starts a new round."""

    round: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTaken(Event):
    """A switch chose; `because` explains the match."""

    option: str
    because: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlanned(Event):
    """A repeat (`path`) will beat again at `at`; `missed` beats passed while a round was late."""

    timer: str
    at: datetime
    missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRevised(Event):
    """A document got a new revision (`scope` is the document's)."""

    document: str
    revision: int
    digest: str
    author: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOpened(Event):
    """A piece of work was put in front of people."""

    item: str
    kind_of: str
    round: int
    step: str
    offered: tuple[str, ...]
    due_at: datetime | None = None
    timers: tuple[TimerRule, ...] = ()
    subject: str = ""
    bundle_digest: str = ""
    lines: tuple[Line, ...] = ()
    excluded: tuple[str, ...] = ()
    assurance: str = ""
    previous: str = ""
    effect: str = ""
    holds: bool = False
    title: str = content()
    bundle: Json = content(default=None)
    message: str = content(default="")


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
    """Those who have not answered were reminded; `next` is the repeat of the same rule."""

    item: str
    timer: str
    people: tuple[str, ...]
    next: TimerRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEscalated(Event):
    """More people were told, and why, and may act."""

    item: str
    timer: str
    people: tuple[str, ...]
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
    item: str = ""
    retry_attempts: int = 4
    backoff_s: int = 10
    timeout_s: int = 30
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSet(Event):
    """A wait (`path`) will end at `at`."""

    timer: str
    at: datetime
    purpose: str = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Event):
    """The instant of a wait or a beat has come."""

    timer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalAwaited(Event):
    """A wait (`path`) listens for a signal."""

    signal: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived(Event):
    """A signal reached the wait (`path`)."""

    signal: str
    key: str = ""
    payload: Json = content(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOpened(Event):
    """A playbook step (`path`) opened a case."""

    child: str
    step: str
    round: int
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded(Event):
    """A child case closed."""

    child: str
    outcome: str
    results: dict[str, Any] = content()


EVENTS: dict[str, type[Event]] = {cls.kind(): cls for cls in Event.__subclasses__()}
"""Every kind of case event by the name under which it is stored."""

_CONTENT: dict[type[Event], dict[str, str]] = {
    cls: {f.name: f.metadata["content"] for f in fields(cls) if "content" in f.metadata}
    for cls in EVENTS.values()
}


def content_fields(event: type[Event]) -> dict[str, str]:
    """Return the erasable fields of a kind of event with their subjects."""
    return _CONTENT[event]
