"""Facts about time: clocks that run from a recorded instant, and what a new severity moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine.event_base import Event, content
from smr_engine.engine.events_work import TimerRule
from smr_engine.engine.state import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStarted(Event):
    """The instant that a clock runs from is known."""

    clock: str
    runs_from: datetime
    due_at: datetime
    timers: tuple[TimerRule, ...] = ()
    passed: tuple[str, ...] = ()  # keys of reminders that a newer one, also past, stands for
    title: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockNotNeeded(Event):
    """The instant that a clock would run from is known, and its `when` does not hold."""

    clock: str
    title: str = content()
    because: str = content()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTold(Event):
    """People were reminded of a clock, or it escalated to them (`purpose`)."""

    clock: str
    timer: str
    purpose: str
    people: tuple[str, ...]
    next: TimerRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMet(Event):
    """What a clock asked for was done at `met_at`: a step was completed, or somebody says so."""

    clock: str
    met_at: datetime
    by: str = ""
    note: str = content("actor", default="")


# --- a new severity ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged(Event):
    """The case was scored again; what that moves follows in events of its own."""

    before: str
    after: str
    reason: str = content("actor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something that a new severity moved: an instant (RFC 3339) or a word; "" for none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRescheduled(Event):
    """An open item is what it would be, had the case had this severity when it was opened.

    `timers` replace all it had; `passed` are keys of reminders that a newer one stands for.
    """

    item: str
    due_at: datetime | None = None
    expires_at: datetime | None = None
    timers: tuple[TimerRule, ...] = ()
    passed: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    offered: tuple[str, ...] = ()
    assurance: str = ""
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRescheduled(Event):
    """A clock that runs is due at another time."""

    clock: str
    due_at: datetime
    timers: tuple[TimerRule, ...] = ()
    passed: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerMoved(Event):
    """A step (`path`) waits until another instant; its timer has a new id."""

    timer: str
    becomes: str
    purpose: str
    before: datetime
    at: datetime
