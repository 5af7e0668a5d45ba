"""Calendars, instants and a slow second opinion for the tests of time arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from smr_engine.engine.world import Calendar

MINUTE = timedelta(minutes=1)
ZONES = (
    "Europe/Berlin",  # an hour, at 01:00 UTC
    "America/New_York",  # an hour, at 02:00 local
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # backwards for Ramadan
    "Asia/Kolkata",  # none, and half an hour off
    "Africa/Cairo",  # at midnight
    "America/St_Johns",  # until 2011 one minute past midnight: yesterday began again
    "Pacific/Apia",  # 30 December 2011 did not take place
)
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin, forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin, back
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York, forward
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York, back
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, back
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe, forward
    datetime(2026, 2, 15, 2, tzinfo=UTC),  # Casablanca, back
    datetime(2026, 3, 22, 2, tzinfo=UTC),  # Casablanca, forward
    datetime(2026, 4, 23, 22, tzinfo=UTC),  # Cairo, forward
    datetime(2026, 10, 29, 21, tzinfo=UTC),  # Cairo, back
    datetime(2011, 3, 13, 3, 31, tzinfo=UTC),  # St John's, forward
    datetime(2010, 11, 7, 2, 31, tzinfo=UTC),  # St John's, back
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia, a whole day
)


def is_open_on_the_wall(calendar: Calendar, at: datetime) -> bool:
    """Say whether a calendar is open, by reading the clock on the wall and nothing else."""
    wall = at.astimezone(ZoneInfo(calendar.timezone))
    spans = calendar.hours.get(wall.weekday(), ()) if wall.date() not in calendar.closed else ()
    if spans and wall.date() in calendar.half_days:
        spans = calendar.half_days[wall.date()]
    return any(a <= wall.time() and (wall.time() < b or b == time.max) for a, b in spans)


def open_minutes_on_the_wall(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Count the open minutes between two whole minutes, one by one."""
    count = (end - start) // MINUTE
    return sum(is_open_on_the_wall(calendar, start + n * MINUTE) for n in range(count))


@st.composite
def spans_of_a_day(draw: st.DrawFn) -> tuple[tuple[time, time], ...]:
    """One to three spans between whole minutes; the last may end at midnight."""
    marks = draw(st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True))
    marks = sorted(marks)[: len(marks) // 2 * 2]
    times = [time.max if m == 1440 else time(m // 60, m % 60) for m in marks]
    return tuple(zip(times[::2], times[1::2], strict=True))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any calendar that is open at least once a week, with a few closed dates and half days."""
    days = draw(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True))
    hours = {day: draw(spans_of_a_day()) for day in days}
    near = draw(st.sampled_from(CHANGES)).date()
    closed = draw(st.lists(st.integers(-4, 9), max_size=4))
    dates = frozenset(near + timedelta(days=n) for n in closed)
    halves = draw(st.dictionaries(st.integers(-4, 9), spans_of_a_day(), max_size=4))
    half_days = {near + timedelta(days=n): spans for n, spans in halves.items()}
    return Calendar("drawn", draw(st.sampled_from(ZONES)), hours, dates, half_days)


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """A whole minute within three days of some change of the clocks."""
    return draw(st.sampled_from(CHANGES)) + draw(st.integers(-4320, 4320)) * MINUTE
