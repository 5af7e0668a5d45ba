"""The facts of a case, past tense, as frozen values.

A field marked `content()` may hold names, texts, answers or personal data: it never enters the leaf
but the erasable table, committed to by a salted hash. Its subject says whose it is: `case`, or
`actor` for what one person said. All other fields are ids, digests, kinds, statuses and times.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from smr_engine.engine.event_base import Event, content
from smr_engine.engine.events_time import (
    ClockMet,
    ClockNotNeeded,
    ClockRescheduled,
    ClockStarted,
    ClockTold,
    ItemRescheduled,
    Move,
    SeverityChanged,
    TimerMoved,
)
from smr_engine.engine.events_work import (
    DecisionRecorded,
    DocumentRevised,
    EffectCancelled,
    EffectDeferred,
    EffectDone,
    EffectFailed,
    EffectOwed,
    EffectResumed,
    EffectUnknown,
    EvidenceAttached,
    GlassBroken,
    ItemClosed,
    ItemCompleted,
    ItemEscalated,
    ItemOpened,
    ItemReassigned,
    ItemReminded,
    ItemWarned,
    NoteWritten,
    OutcomeNoted,
    PublicationStarted,
    Ratified,
    TimerRule,
    Unratified,
)
from smr_engine.engine.state import Json
from smr_engine.engine.statuses import ScopeKind

__all__ = [
    "EVENTS",
    "CaseCancelled",
    "CaseCompleted",
    "CaseEnding",
    "CaseHeld",
    "CaseOpened",
    "CaseReleased",
    "ChildEnded",
    "ChildOpened",
    "ClockMet",
    "ClockNotNeeded",
    "ClockRescheduled",
    "ClockStarted",
    "ClockTold",
    "DecisionRecorded",
    "DocumentRevised",
    "EffectCancelled",
    "EffectDeferred",
    "EffectDone",
    "EffectFailed",
    "EffectOwed",
    "EffectResumed",
    "EffectUnknown",
    "ElementsListed",
    "Event",
    "EvidenceAttached",
    "GlassBroken",
    "ItemClosed",
    "ItemCompleted",
    "ItemEscalated",
    "ItemOpened",
    "ItemReassigned",
    "ItemReminded",
    "ItemRescheduled",
    "ItemWarned",
    "Move",
    "NoteWritten",
    "OptionTaken",
    "OutcomeNoted",
    "PublicationStarted",
    "Ratified",
    "RoundPlanned",
    "ScopeEnded",
    "ScopeOpened",
    "ScopeStarted",
    "SeverityChanged",
    "SignalAwaited",
    "SignalReceived",
    "StepCancelled",
    "StepCompleted",
    "StepFailed",
    "StepReopened",
    "StepSkipped",
    "StepStarted",
    "TimerFired",
    "TimerMoved",
    "TimerRule",
    "TimerSet",
    "Unratified",
    "content_fields",
]


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
class CaseEnding(Event):
    """The case reached its end, and closes once what was released is ratified or settled."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCompleted(Event):
    """The case reached its end; `problems` says which results could not be computed, and why."""

    outcome: str
    results: dict[str, Any] = content()
    problems: tuple[str, ...] = content(default=())


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
    """A waiting element's turn has come, or a branch that was over goes on (`path`)."""


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
class TimerSet(Event):
    """A step (`path`) waits until `at`: to go on, to publish, or to expire."""

    timer: str
    at: datetime
    purpose: str = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Event):
    """The instant that a step waited for has come."""

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
