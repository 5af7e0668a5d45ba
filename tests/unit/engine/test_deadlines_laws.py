"""Durations: laws that hold for every calendar, zone and instant near a change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smr_engine.engine.deadlines import add, offset_at, open_seconds
from smr_engine.engine.world import Calendar
from smr_engine.playbook.durations import Anchor, Duration, DurationKind, Offset
from tests.unit.engine.calendars import (
    MINUTE,
    ZONES,
    calendars,
    instants,
    is_open_on_the_wall,
    open_minutes_on_the_wall,
)

pytestmark = pytest.mark.untraced

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
laws = settings(max_examples=150, deadline=None)
seconds = st.integers(0, 4 * 3600)  # twice that, at one minute a week, takes nine years
days = st.integers(0, 12)


def business(amount: int) -> Duration:
    return Duration(DurationKind.BUSINESS_TIME, amount)


def business_days(amount: int) -> Duration:
    return Duration(DurationKind.BUSINESS_DAYS, amount)


def is_open_or_closing(calendar: Calendar, at: datetime) -> bool:
    return is_open_on_the_wall(calendar, at) or is_open_on_the_wall(calendar, at - TICK)


def comes_twice(calendar: Calendar, at: datetime) -> bool:
    wall = at.astimezone(ZoneInfo(calendar.timezone))
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


@laws
@given(calendars(), instants(), instants(), seconds, seconds)
def test_business_time_is_monotonic_in_start_and_amount(
    calendar: Calendar, one: datetime, other: datetime, less: int, more: int
) -> None:
    early, late = sorted((one, other))
    less, more = sorted((less, more))
    assert add(early, business(less), calendar) <= add(late, business(less), calendar)
    assert add(early, business(less), calendar) <= add(early, business(more), calendar)


@laws
@given(calendars(), instants(), seconds, seconds)
def test_business_time_is_additive(
    calendar: Calendar, start: datetime, first: int, then: int
) -> None:
    at_once = add(start, business(first + then), calendar)
    assert add(add(start, business(first), calendar), business(then), calendar) == at_once


@laws
@given(calendars(), instants(), seconds, days)
def test_a_deadline_never_falls_in_closed_time(
    calendar: Calendar, start: datetime, amount: int, count: int
) -> None:
    for duration in (business(amount), business_days(count)):
        end = add(start, duration, calendar)
        assert end >= start
        assert is_open_or_closing(calendar, end)


@laws
@given(calendars(), instants(), seconds)
def test_open_seconds_give_back_what_was_added(
    calendar: Calendar, start: datetime, amount: int
) -> None:
    assert open_seconds(start, add(start, business(amount), calendar), calendar) == amount


@laws
@given(calendars(), instants(), st.integers(0, 4320))
def test_open_seconds_agree_with_counting_minutes_on_the_wall(
    calendar: Calendar, start: datetime, length: int
) -> None:
    end = start + length * MINUTE
    counted = open_minutes_on_the_wall(calendar, start, end)
    assert open_seconds(start, end, calendar) == counted * 60


@laws
@given(calendars(), instants(), seconds)
def test_counting_back_from_a_deadline_undoes_business_time(
    calendar: Calendar, due: datetime, amount: int
) -> None:
    before = Offset(anchor=Anchor.DUE, sign=-1, delta=business(amount))
    start = offset_at(before, due, due, calendar, business=True)
    assert start <= due
    assert is_open_or_closing(calendar, start)
    assert open_seconds(start, due, calendar) == amount


@laws
@given(calendars(), instants(), instants(), days, days)
def test_business_days_are_monotonic_where_no_hour_comes_twice(
    calendar: Calendar, one: datetime, other: datetime, fewer: int, more: int
) -> None:
    early, late = sorted((one, other))
    fewer, more = sorted((fewer, more))
    assert add(early, business_days(fewer), calendar) <= add(early, business_days(more), calendar)
    if not comes_twice(calendar, early) and not comes_twice(calendar, late):
        ends = [add(start, business_days(fewer), calendar) for start in (early, late)]
        assert ends == sorted(ends)


@laws
@given(calendars(), instants(), days)
def test_business_days_pass_as_many_openings_as_they_say(
    calendar: Calendar, start: datetime, count: int
) -> None:
    zone = ZoneInfo(calendar.timezone)
    begin, end = add(start, business_days(0), calendar), add(start, business_days(count), calendar)
    assume(is_open_on_the_wall(calendar, begin) and is_open_on_the_wall(calendar, end))
    first, last = (at.astimezone(zone).date() for at in (begin, end))
    passed = (first + n * DAY for n in range((last - first).days))
    assert sum(opens_on(calendar, day) for day in passed) == count


@laws
@given(st.sampled_from(ZONES), instants(), days)
def test_business_days_keep_the_local_time_of_day_in_a_calendar_of_equal_days(
    timezone: str, start: datetime, count: int
) -> None:
    calendar = Calendar("equal", timezone, {day: ((time(4), time(22)),) for day in range(7)})
    begin, end = add(start, business_days(0), calendar), add(start, business_days(count), calendar)
    zone = ZoneInfo(timezone)
    assert end.astimezone(zone).time() == begin.astimezone(zone).time()


def opens_on(calendar: Calendar, day: date) -> bool:
    if not calendar.hours.get(day.weekday()) or day in calendar.closed:
        return False
    zone = ZoneInfo(calendar.timezone)
    noon = datetime.combine(day, time(12), zone)
    around = (noon.astimezone(UTC) + n * MINUTE for n in range(-13 * 60, 13 * 60))
    return any(
        is_open_on_the_wall(calendar, at) for at in around if at.astimezone(zone).date() == day
    )
