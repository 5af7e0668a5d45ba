"""Facts about clocks: deadlines anchored to a recorded instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine.event_base import Event, content
from smr_engine.engine.events_work import TimerRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStarted(Event):
    """The instant that a clock runs from is known."""

    clock: str
    runs_from: datetime
    due_at: datetime
    timers: tuple[TimerRule, ...] = ()
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
