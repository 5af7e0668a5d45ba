"""Five years of deadlines, on calendars of three zones, against a table of their open minutes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smr_engine.adapters.holiday_dates import HolidayDates
from smr_engine.engine.deadlines import add, open_seconds
from smr_engine.engine.world import Calendar
from smr_engine.playbook.durations import Duration, DurationKind
from smr_engine.services.calendar_text import read_calendar
from tests.unit.engine.calendars import MINUTE

pytestmark = pytest.mark.untraced

YEARS = range(2026, 2032)  # the last is only run into
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
ENTRIES = {
    "berlin": {
        "timezone": "Europe/Berlin",
        "hours": {"mon-fri": ["09:00-12:30", "13:15-17:30"]},
        "holidays": {"country": "DE", "subdivision": "BE"},
        "closed": ["12-24", "12-31"],
    },
    "chicago": {
        "timezone": "America/Chicago",
        "hours": {"mon-thu": "08:30-17:00", "fri": ["08:30-12:00", "12:30-15:00"]},
        "holidays": {"country": "US", "subdivision": "IL"},
        "closed": ["2026-11-27", "02-29"],
        "half_days": {"12-24": "08:30-12:00", "07-03": ["08:30-10:00", "10:30-13:00"]},
    },
    "lord-howe": {  # half an hour of daylight saving, and nights in which it changes
        "timezone": "Australia/Lord_Howe",
        "hours": {"mon-fri": ["00:00-06:00", "22:00-24:00"], "sun": "01:00-04:00"},
        "half_days": {"01-26": "00:00-03:00", "2027-10-03": "02:00-03:00"},
    },
}
CALENDARS = {
    name: read_calendar(name, entry, HolidayDates(), YEARS) for name, entry in ENTRIES.items()
}


class Table:
    """The open time of some years as plain spans, found by reading the clock each quarter."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar, self.starts, self.lengths = calendar, [], []
        at, step, begun = BEGIN, 15 * MINUTE, None
        while at < END + timedelta(days=40):
            here = self._is_open(at)
            if here and begun is None:
                begun = at
            elif begun is not None and not here:
                self.starts.append(begun)
                self.lengths.append((at - begun) // timedelta(seconds=1))
                begun = None
            at += step
        self.before = [0, *accumulate(self.lengths)]

    def _is_open(self, at: datetime) -> bool:
        entry, wall = ENTRIES[self.calendar.name], at.astimezone(ZoneInfo(self.calendar.timezone))
        day, clock = wall.date(), f"{wall:%H:%M}"
        dated, yearly = day.isoformat(), f"{day:%m-%d}"
        shut = {dated, yearly} & set(entry.get("closed", ())) or day in self.calendar.holidays
        usual = entry["hours"].get(_key(entry["hours"], day))
        if shut or not usual:
            return False
        halves = entry.get("half_days", {})
        texts = halves.get(dated, halves.get(yearly, usual))
        spans = [texts] if isinstance(texts, str) else texts
        return any(text[:5] <= clock < text[6:] for text in spans)

    def passed(self, at: datetime) -> int:
        """Return the open seconds from the beginning to an instant."""
        n = bisect_right(self.starts, at) - 1
        if n < 0:
            return 0
        return self.before[n] + min((at - self.starts[n]) // timedelta(seconds=1), self.lengths[n])

    def end(self, start: datetime, seconds: int) -> datetime:
        """Return when so much open time is over that begins at an instant; not for none at all."""
        target = self.passed(start) + seconds
        n = bisect_left(self.before, target) - 1
        return self.starts[n] + timedelta(seconds=target - self.before[n])


def _key(hours: dict, day: date) -> str:
    named = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for key in hours:
        first, _, last = key.partition("-")
        if named.index(first) <= day.weekday() <= named.index(last or first):
            return key
    return ""


@pytest.fixture(scope="module", params=sorted(ENTRIES))
def table(request) -> Table:
    return Table(CALENDARS[request.param])


def business(seconds: int) -> Duration:
    return Duration(DurationKind.BUSINESS_TIME, seconds)


def test_four_business_hours_after_each_other_for_five_years_end_where_the_table_says(table):
    at, spent = BEGIN, 0
    while at < END:
        later = add(at, business(4 * 3600), table.calendar)
        spent += 4 * 3600
        assert later == table.end(BEGIN, spent)
        at = later
    assert open_seconds(BEGIN, at, table.calendar) == spent == table.passed(at)


@given(st.integers(0, 5 * 365 * 1440 - 1), st.integers(1, 80 * 3600))
@settings(max_examples=200, deadline=None)
def test_any_business_time_of_five_years_ends_where_the_table_says(table, minute, seconds):
    start = BEGIN + minute * MINUTE
    end = add(start, business(seconds), table.calendar)
    assert end == table.end(start, seconds)
    assert open_seconds(start, end, table.calendar) == seconds


def test_every_business_day_of_five_years_leads_to_the_next_open_day_at_the_same_time():
    chicago, zone = CALENDARS["chicago"], ZoneInfo("America/Chicago")
    at = datetime(2026, 1, 2, 9, tzinfo=zone)
    seen = [at.date()]
    while at < END:
        at = add(at, Duration(DurationKind.BUSINESS_DAYS, 1), chicago)
        assert at.astimezone(zone).time() == time(9)
        seen.append(at.astimezone(zone).date())
    days = [seen[0] + timedelta(days=n) for n in range((seen[-1] - seen[0]).days + 1)]
    assert seen == [day for day in days if chicago.hours_on(day)]
    assert len(seen) > 5 * 240
