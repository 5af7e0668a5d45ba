"""Durations: examples a person can check by hand, in several zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from smr_engine.engine.deadlines import add, local_day, next_repeat, offset_at, open_seconds
from smr_engine.engine.world import ALWAYS_OPEN, Calendar, Person
from smr_engine.errors import SmrError
from smr_engine.playbook.durations import Offset, parse_duration, parse_offset

BERLIN = Calendar(
    "berlin",
    "Europe/Berlin",
    {day: ((time(9), time(17, 30)),) for day in range(5)},
    frozenset({date(2026, 12, 24), date(2026, 12, 25)}),
)
ALL_DAY = Calendar("all day", "Europe/Berlin", {d: ((time(0), time.max),) for d in range(7)})
LUNCH = Calendar(
    "lunch", "Europe/Berlin", {d: ((time(9), time(12)), (time(13), time(17))) for d in range(5)}
)
CHICAGO = Calendar(
    "chicago",
    "America/Chicago",
    {day: ((time(8, 30), time(12)), (time(13), time(17))) for day in range(5)},
    frozenset({date(2026, 12, 25), date(2026, 11, 26), date(2026, 11, 27)}),
    {date(2026, 12, 24): ((time(8, 30), time(12)),), date(2026, 12, 26): ((time(9), time(12)),)},
)


def local(text: str, calendar: Calendar = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-11-23 09:00", "4h", "2026-11-23 13:00"),
        ("2026-11-23 09:00", "4 business hours", "2026-11-23 13:00"),
        ("2026-11-23 16:30", "4 business hours", "2026-11-24 12:00"),
        ("2026-11-27 17:00", "1 business hour", "2026-11-30 09:30"),
        ("2026-11-23 09:00", "510 business minutes", "2026-11-23 17:30"),
        ("2026-11-28 11:00", "0 business hours", "2026-11-30 09:00"),
        ("2026-12-23 17:00", "1 business hour", "2026-12-28 09:30"),
        ("2026-11-23 16:30", "1 business day", "2026-11-24 16:30"),
        ("2026-11-27 16:30", "1 business day", "2026-11-30 16:30"),
        ("2026-12-23 16:30", "1 business day", "2026-12-28 16:30"),
        ("2026-11-27 18:00", "1 business day", "2026-12-01 09:00"),
        ("2026-11-28 11:00", "1 business day", "2026-12-01 09:00"),
        ("2026-11-23 07:00", "1 business day", "2026-11-24 09:00"),
        ("2026-11-23 17:30", "1 business day", "2026-11-24 17:30"),
        ("2026-11-23 10:00", "0 business days", "2026-11-23 10:00"),
        ("2026-03-27 10:00", "1 business day", "2026-03-30 10:00"),
        ("2026-03-28 10:00", "1d", "2026-03-29 11:00"),
    ],
)
def test_a_duration_ends_where_a_calendar_on_the_wall_says(
    start: str, duration: str, end: str
) -> None:
    assert add(local(start), parse_duration(duration), BERLIN) == local(end)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-12-23 16:00", "4 business hours", "2026-12-24 11:30"),
        ("2026-12-24 11:00", "1 business hour", "2026-12-24 12:00"),
        ("2026-12-24 11:00", "90 business minutes", "2026-12-28 09:00"),
        ("2026-12-24 14:00", "0 business hours", "2026-12-28 08:30"),
        ("2026-12-23 10:00", "1 business day", "2026-12-24 10:00"),
        ("2026-12-23 15:00", "1 business day", "2026-12-24 12:00"),
        ("2026-12-24 12:00", "1 business day", "2026-12-28 12:00"),
        ("2026-11-25 16:00", "1 business day", "2026-11-30 16:00"),
        ("2026-03-06 16:00", "2 business hours", "2026-03-09 09:30"),
        ("2026-10-30 16:00", "2 business hours", "2026-11-02 09:30"),
    ],
)
def test_half_days_closures_and_lunch_are_counted_as_a_person_in_chicago_would(
    start: str, duration: str, end: str
) -> None:
    """The 26th of December is a Saturday: that it is a half day opens nothing."""
    ends = add(local(start, CHICAGO), parse_duration(duration), CHICAGO)
    assert ends == local(end, CHICAGO)


@pytest.mark.parametrize(
    ("timezone", "midnight", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Africa/Casablanca", "2026-02-15", 25),
        ("Africa/Casablanca", "2026-03-22", 23),
        ("Asia/Kolkata", "2026-03-29", 24),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Africa/Cairo", "2026-10-29", 25),
        ("America/St_Johns", "2010-11-06", 24 + 59 / 60),
        ("America/St_Johns", "2010-11-07", 24 + 1 / 60),
        ("Pacific/Apia", "2011-12-30", 0),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(timezone: str, midnight: str, hours: float) -> None:
    """The 30th of December 2011 did not exist in Samoa; St John's lived 59 minutes twice."""
    calendar = Calendar(
        "one day", timezone, {date.fromisoformat(midnight).weekday(): ((time(0), time.max),)}
    )
    noon = datetime.fromisoformat(f"{midnight} 12:00+00:00")
    start, end = noon - timedelta(days=2), noon + timedelta(days=2)
    assert open_seconds(start, end, calendar) == round(hours * 3600)


def test_an_hour_that_comes_twice_counts_twice_and_one_that_never_comes_not_at_all() -> None:
    night = Calendar("night", "Europe/Berlin", {6: ((time(2), time(3)),)})
    back = datetime(2026, 10, 24, 12, tzinfo=UTC)
    forward = datetime(2026, 3, 28, 12, tzinfo=UTC)
    day = parse_duration("1d")
    assert open_seconds(back, add(back, day, night), night) == 7200
    assert open_seconds(forward, add(forward, day, night), night) == 0


def test_business_days_pause_for_lunch_and_go_on_after_it() -> None:
    long_lunch = local("2026-11-23 12:30")
    assert add(long_lunch, parse_duration("1 business day"), LUNCH) == local("2026-11-24 13:00")


def test_a_business_day_that_ends_as_lunch_begins_does_not_wait_for_the_afternoon() -> None:
    noon = local("2026-11-23 12:00")
    assert add(noon, parse_duration("1 business day"), LUNCH) == local("2026-11-24 12:00")


def test_business_days_around_the_night_in_which_an_hour_comes_twice() -> None:
    three = local("2026-10-24 03:00")
    assert add(three, parse_duration("1 business day"), ALL_DAY) == local("2026-10-25 03:00")
    second_time = local("2026-10-25 02:15").replace(fold=1).astimezone(UTC)
    assert add(second_time, parse_duration("0 business days"), ALL_DAY) == second_time
    next_night = add(second_time, parse_duration("1 business day"), ALL_DAY)
    assert next_night == local("2026-10-26 02:15")


def test_the_midnight_at_which_a_week_closes_is_still_open_time() -> None:
    weekdays = Calendar("days", "Europe/Berlin", {d: ((time(0), time.max),) for d in range(5)})
    friday_midnight, nothing = local("2026-11-28 00:00"), parse_duration("0 business hours")
    assert add(friday_midnight, nothing, weekdays) == friday_midnight
    saturday = local("2026-11-28 00:01")
    assert add(saturday, nothing, weekdays) == local("2026-11-30 00:00")


def test_a_due_time_in_closed_time_is_reminded_of_then_and_not_at_the_next_opening() -> None:
    start, saturday = local("2026-11-27 10:00"), local("2026-11-28 11:00")
    at_due = offset_at(parse_offset("at due"), start, saturday, BERLIN, business=True)
    assert at_due == saturday


def test_a_shorter_target_day_ends_a_business_day_at_its_closing() -> None:
    hours = {0: ((time(9), time(18)),), 1: ((time(9), time(12)),)}
    calendar = Calendar("short tuesday", "Europe/Berlin", hours)
    start = local("2026-11-23 16:00")
    assert add(start, parse_duration("1 business day"), calendar) == local("2026-11-24 12:00")


def test_a_day_that_closes_at_midnight_still_counts_as_that_day() -> None:
    weekdays = Calendar("days", "Europe/Berlin", {d: ((time(0), time.max),) for d in range(5)})
    friday_midnight = local("2026-11-28 00:00")
    end = add(friday_midnight, parse_duration("1 business day"), weekdays)
    assert end == local("2026-12-01 00:00")


@pytest.mark.parametrize("duration", ["1 business minute", "0 business hours", "1 business day"])
@pytest.mark.parametrize("hours", [{}, {0: ()}])
def test_a_calendar_that_never_opens_is_refused_at_once(
    duration: str, hours: dict[int, tuple[tuple[time, time], ...]]
) -> None:
    never = Calendar("never", "UTC", hours)
    with pytest.raises(SmrError) as caught:
        add(datetime(2026, 11, 23, tzinfo=UTC), parse_duration(duration), never)
    assert caught.value.code == "calendar-never-open"


@pytest.mark.parametrize(
    "duration", ["99999 business hours", "99999 business days", "999999w", "P9999W"]
)
def test_a_time_out_of_reach_is_refused_and_not_searched_for_ever(duration: str) -> None:
    last_evening = datetime(9999, 12, 31, 23, tzinfo=UTC)
    for start in (datetime(2026, 11, 23, tzinfo=UTC), last_evening):
        if duration == "P9999W" and start != last_evening:
            continue
        with pytest.raises(SmrError) as caught:
            add(start, parse_duration(duration), BERLIN)
        assert caught.value.code == "too-far-ahead"


def test_open_time_between_two_far_instants_is_refused() -> None:
    with pytest.raises(SmrError, match="too far away"):
        open_seconds(datetime(2026, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), BERLIN)


def test_the_last_days_of_the_year_9999_are_out_of_reach_too() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    with pytest.raises(SmrError, match="too far away"):
        open_seconds(last - timedelta(days=2), last, BERLIN)


def test_an_offset_that_names_no_instant_is_a_fault_of_the_caller() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    with pytest.raises(ValueError, match="neither a percentage nor a distance"):
        next_repeat(Offset(every=True), at, BERLIN)


def test_always_open_has_no_gap_at_midnight() -> None:
    start = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert add(start, parse_duration("48 business hours"), ALWAYS_OPEN) == start.replace(day=25)
    assert add(start, parse_duration("3 business days"), ALWAYS_OPEN) == start.replace(day=26)


@pytest.mark.parametrize(
    ("offset", "business", "at"),
    [
        ("50%", False, "2026-11-24 01:00"),
        ("50%", True, "2026-11-23 17:15"),
        ("0%", True, "2026-11-23 16:00"),
        ("at due", False, "2026-11-24 10:00"),
        ("at due", True, "2026-11-24 10:00"),
        ("150%", False, "2026-11-24 19:00"),
        ("150%", True, "2026-11-24 11:15"),
        ("2h before due", True, "2026-11-24 08:00"),
        ("2 business hours before due", False, "2026-11-23 16:30"),
        ("1 business day before due", False, "2026-11-23 10:00"),
        ("3 business days before due", False, "2026-11-19 10:00"),
        ("1 business day after due", False, "2026-11-25 10:00"),
        ("10m after start", False, "2026-11-23 16:10"),
        ("2 business hours after start", False, "2026-11-24 09:30"),
        ("every 2h after due", False, "2026-11-24 12:00"),
        ("every 4 business hours after start", False, "2026-11-24 11:30"),
        ("1w before due", False, "2026-11-17 10:00"),
    ],
)
def test_an_offset_names_the_instant_a_person_would_name(
    offset: str, business: bool, at: str
) -> None:
    """The item opens on Monday 16:00 and is due on Tuesday 10:00: 2.5 business hours."""
    start, due = local("2026-11-23 16:00"), local("2026-11-24 10:00")
    found = offset_at(parse_offset(offset), start, due, BERLIN, business=business)
    assert found == local(at)


@pytest.mark.parametrize("business", [True, False])
def test_an_item_that_is_due_before_it_opens_is_reminded_at_once_and_overdue_from_its_due(
    business: bool,
) -> None:
    start, due = local("2026-11-24 10:00"), local("2026-11-23 10:00")
    at = [
        offset_at(parse_offset(text), start, due, BERLIN, business=business)
        for text in ("50%", "at due", "150%")
    ]
    assert at == [start, due, due]


def test_every_beat_follows_the_nominal_time_of_the_one_before() -> None:
    every = parse_offset("every 4 business hours after due")
    beats = [offset_at(every, *[local("2026-11-26 15:00")] * 2, BERLIN, business=True)]
    beats += [next_repeat(every, beats[-1], BERLIN)]
    beats += [next_repeat(every, beats[-1], BERLIN)]
    assert beats == [
        local("2026-11-27 10:30"),
        local("2026-11-27 14:30"),
        local("2026-11-30 10:00"),
    ]


@pytest.mark.parametrize(
    ("every", "after", "beat"),
    [
        ("every 2h after due", "2026-11-26 14:59", "2026-11-26 17:00"),
        ("every 2h after due", "2026-11-26 17:00", "2026-11-26 19:00"),
        ("every 1s after due", "2126-11-26 15:00", "2126-11-26 15:00:01"),
        ("every 4 business hours after due", "2026-11-30 09:00", "2026-11-30 10:00"),
        ("every 1 business day after due", "2026-11-30 15:00", "2026-12-01 15:00"),
    ],
)
def test_beats_that_were_missed_are_passed_over_without_counting_them_one_by_one(
    every: str, after: str, beat: str
) -> None:
    fired = local("2026-11-26 15:00")
    found = next_repeat(parse_offset(every), fired, BERLIN, after=local(after))
    assert found == local(beat)


def test_an_offset_far_before_the_beginning_of_time_is_refused() -> None:
    early = datetime(1, 1, 8, tzinfo=UTC)
    with pytest.raises(SmrError, match="too far away"):
        offset_at(parse_offset("2w before due"), early, early, BERLIN, business=False)


def test_the_local_day_is_that_of_the_person_or_the_zone() -> None:
    at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert local_day(Person("ana", "Ana Ruiz", timezone="Europe/Madrid"), at) == date(2026, 11, 24)
    assert local_day("America/New_York", at) == date(2026, 11, 23)
