"""Calendars for people: when a calendar is open, day by day, and why it is not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from smr_engine.engine import deadlines, local_time
from smr_engine.engine.world import Calendar
from smr_engine.errors import Invalid, NotFound
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.services import directory
from smr_engine.services.calendar_text import DEFAULT_CALENDAR, WEEKDAYS
from smr_engine.services.workspace import Workspace

YEARS = range(1970, 2101)
"""Which dates can be looked at: the years whose holidays are known."""


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A span of open time, as instants."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of daylight saving: the clock goes from one local time to another."""

    at: datetime
    before: str  # HH:MM
    after: str


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One local day: `kind` is open, half_day, holiday, closed (the company's own) or off."""

    date: date
    weekday: str  # mon
    kind: str
    name: str  # of the holiday
    hours: list[str]  # local, such as 09:00-17:30
    spans: list[OpenSpan]
    open_s: int  # less or more than the hours say on the day of a clock change
    clock_change: ClockChange | None = None


@dataclass(frozen=True, slots=True)
class CalendarView:
    """Whole weeks of one calendar; `people` work by it, `others` are the other calendars."""

    calendar: str
    timezone: str
    around: date
    people: list[str]
    others: list[str]
    days: list[CalendarDay]


def show(
    ws: Workspace,
    name: str | None = None,
    *,
    person: str | None = None,
    around: date | None = None,
    weeks: int = 3,
) -> CalendarView:
    """Return working time around a date, in whole weeks from Monday.

    Args:
        ws: the workspace.
        name: of the calendar; left out, that of the person, else `default`.
        person: who asks.
        around: a date in the middle week; left out, today in the calendar's zone.
        weeks: how many, from 1.

    Raises:
        NotFound: there is no such calendar.
        Invalid: `bad-date`, before 1970 or after 2100.
    """
    with ws.storage.reading() as unit:
        world = directory.world(ws, unit)
        asking = world.people.get(person or "")
        name = name or (asking.calendar if asking else "") or DEFAULT_CALENDAR
        if name not in world.calendars:
            raise _unknown(name, world.calendars)
        day = around or local_time.local_day(world.calendars[name].timezone, ws.clock.now())
        first = _first(day, weeks)
        years = range(first.year, (first + timedelta(weeks=weeks)).year + 1)
        calendar = directory.calendar(ws, unit, name, years)
    return CalendarView(
        name,
        calendar.timezone,
        day,
        sorted(p.id for p in world.people.values() if (p.calendar or DEFAULT_CALENDAR) == name),
        sorted(set(world.calendars) - {name}),
        [_day(calendar, first + timedelta(days=n)) for n in range(7 * weeks)],
    )


def _first(around: date, weeks: int) -> date:
    """Return the Monday with which the weeks begin; of an even number one more comes after."""
    if around.year not in YEARS:
        message = f"{around} is out of reach: calendars are known from {YEARS[0]} to {YEARS[-1]}"
        raise Invalid("bad-date", message)
    return around - timedelta(days=around.weekday(), weeks=(weeks - 1) // 2)


def _unknown(name: str, known: Collection[str]) -> NotFound:
    few = ", ".join(sorted(known)[:12])
    near = did_you_mean(name, known)
    hint = near or (f"known: {few}" if few else "add `calendars` to directory.yaml")
    return NotFound("unknown-calendar", f"there is no calendar '{name}'", hint=hint)


def _day(calendar: Calendar, day: date) -> CalendarDay:
    spans = [OpenSpan(*span) for span in deadlines.open_spans(calendar, day)]
    return CalendarDay(
        day,
        WEEKDAYS[day.weekday()],
        _kind(calendar, day),
        calendar.holidays.get(day, ""),
        [f"{opens:%H:%M}-{_closing(closes)}" for opens, closes in calendar.hours_on(day)],
        spans,
        sum((int((s.closes - s.opens).total_seconds()) for s in spans), 0),
        _clock_change(calendar, day),
    )


def _kind(calendar: Calendar, day: date) -> str:
    if day in calendar.holidays:
        return "holiday"
    if not calendar.hours.get(day.weekday()):
        return "off"
    if day in calendar.closed:
        return "closed"
    return "half_day" if day in calendar.half_days else "open"


def _closing(closes: time) -> str:
    return "24:00" if closes == time.max else f"{closes:%H:%M}"


def _clock_change(calendar: Calendar, day: date) -> ClockChange | None:
    before, after, change = local_time.day_offsets(calendar.timezone, day)
    if change is None:
        return None
    return ClockChange(change, f"{change + before:%H:%M}", f"{change + after:%H:%M}")
