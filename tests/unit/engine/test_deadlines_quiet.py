"""Quiet hours: nobody is woken, and nobody sleeps for ever."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smr_engine.engine.deadlines import is_quiet, quiet_until
from smr_engine.engine.world import Person
from tests.unit.engine.calendars import MINUTE, ZONES, instants

laws = settings(max_examples=150, deadline=None)
times = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))


def ana(timezone: str = "Europe/Madrid", quiet: tuple[time, time] | None = None) -> Person:
    return Person("ana", "Ana Ruiz", timezone=timezone, quiet=quiet)


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        ((time(20), time(7)), "2026-11-23 19:59", None),
        ((time(20), time(7)), "2026-11-23 20:00", "2026-11-24 07:00"),
        ((time(20), time(7)), "2026-11-24 06:59", "2026-11-24 07:00"),
        ((time(20), time(7)), "2026-11-24 07:00", None),
        ((time(13), time(15)), "2026-11-23 14:00", "2026-11-23 15:00"),
        ((time(13), time(15)), "2026-11-23 15:00", None),
        ((time(20), time(7)), "2026-03-28 23:00", "2026-03-29 07:00"),
        ((time(23), time(2, 30)), "2026-03-28 23:30", "2026-03-29 03:00"),
        ((time(23), time(2, 30)), "2026-10-24 23:30", "2026-10-25 02:30"),
    ],
)
def test_quiet_hours_follow_the_clock_on_the_wall(
    quiet: tuple[time, time], at: str, until: str | None
) -> None:
    """Midnight, an hour that never comes (03:00 follows 02:00) and one that comes twice."""
    zone = ZoneInfo("Europe/Madrid")
    instant = datetime.fromisoformat(at).replace(tzinfo=zone)
    person = ana(quiet=quiet)
    assert is_quiet(person, instant) is (until is not None)
    wall = datetime.fromisoformat(until or at).replace(tzinfo=zone)
    assert quiet_until(person, instant) == wall.astimezone(UTC)


def test_quiet_hours_that_end_in_an_hour_that_never_comes_end_as_the_clock_jumps() -> None:
    """In Cairo midnight of 24 April 2026 was one o'clock."""
    person = ana("Africa/Cairo", (time(22), time(0, 30)))
    late = datetime(2026, 4, 23, 21, tzinfo=UTC)
    assert quiet_until(person, late) == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_whoever_names_no_quiet_hours_may_be_told_at_any_time() -> None:
    night = datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert not is_quiet(ana(), night)
    assert quiet_until(ana(), night) == night


@laws
@given(st.sampled_from(ZONES), times, times, instants())
def test_after_the_quiet_hours_nobody_is_asleep(
    timezone: str, begin: time, end: time, at: datetime
) -> None:
    assume(begin != end)
    person = ana(timezone, (begin, end))
    until = quiet_until(person, at)
    assert at <= until <= at + timedelta(hours=50)
    assert not is_quiet(person, until)


@laws
@given(st.sampled_from(ZONES), times, times, instants())
def test_the_quiet_hours_are_not_longer_than_they_say(
    timezone: str, begin: time, end: time, at: datetime
) -> None:
    assume(begin != end)
    person = ana(timezone, (begin, end))
    until = quiet_until(person, at)
    zone = ZoneInfo(timezone)
    assume(at.astimezone(zone).utcoffset() == until.astimezone(zone).utcoffset())
    minutes = (until - at) // MINUTE
    assert all(is_quiet(person, at + n * MINUTE) for n in range(minutes))
