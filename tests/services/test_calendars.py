"""Working time around a date, as people look at it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from smr_engine.engine.deadlines import open_seconds
from smr_engine.errors import Invalid, NotFound
from smr_engine.services import calendars, directory
from tests.services.company import Company


def days_of(company: Company, name: str, around: date, weeks: int = 1):
    view = calendars.show(company.ws, name, around=around, weeks=weeks)
    return {day.date: day for day in view.days}


def test_each_day_says_when_it_is_open_and_why_it_is_not(company: Company):
    days = days_of(company, "chicago", date(2026, 11, 26), weeks=1)
    assert [(day.weekday, day.kind, day.name, day.hours) for day in days.values()] == [
        ("mon", "open", "", ["08:30-17:00"]),
        ("tue", "open", "", ["08:30-17:00"]),
        ("wed", "open", "", ["08:30-17:00"]),
        ("thu", "holiday", "Thanksgiving Day", []),
        ("fri", "closed", "", []),
        ("sat", "off", "", []),
        ("sun", "off", "", []),
    ]
    eve = days_of(company, "chicago", date(2026, 12, 24))[date(2026, 12, 24)]
    assert (eve.kind, eve.hours, eve.open_s) == ("half_day", ["08:30-12:00"], 12_600)
    assert eve.spans[0].opens == datetime(2026, 12, 24, 14, 30, tzinfo=UTC)


def test_changes_of_the_clock_are_told_on_their_day(company: Company):
    chicago = days_of(company, "chicago", date(2027, 3, 14))[date(2027, 3, 14)]
    assert chicago.clock_change == calendars.ClockChange(
        datetime(2027, 3, 14, 8, tzinfo=UTC), "02:00", "03:00"
    )
    berlin = days_of(company, "default", date(2026, 10, 25), weeks=3)
    changes = {day: found.clock_change for day, found in berlin.items() if found.clock_change}
    assert {day: (c.before, c.after) for day, c in changes.items()} == {
        date(2026, 10, 25): ("03:00", "02:00")
    }


def test_the_weeks_are_whole_and_lie_around_the_date(company: Company):
    for weeks, first in ((1, date(2026, 9, 14)), (2, date(2026, 9, 14)), (3, date(2026, 9, 7))):
        view = calendars.show(company.ws, weeks=weeks)
        assert view.around == date(2026, 9, 14)
        days = [first + timedelta(days=n) for n in range(7 * weeks)]
        assert [day.date for day in view.days] == days


def test_the_calendar_left_out_is_that_of_the_person_else_default(company: Company):
    shown = {p: calendars.show(company.ws, person=p) for p in ("nora", "elif", "ana", None)}
    assert {person: view.calendar for person, view in shown.items()} == {
        "nora": "chicago",
        "elif": "customer-care",
        "ana": "default",
        None: "default",
    }
    assert "nora" in shown["nora"].people
    assert "nora" not in shown["ana"].people
    assert shown["ana"].others == ["chicago", "customer-care"]


def test_holidays_of_far_years_are_shown_too_and_dates_beyond_them_refused(company: Company):
    christmas = date(2090, 12, 25)
    assert days_of(company, "default", christmas)[christmas].name == "Christmas Day"
    with pytest.raises(Invalid, match="1970 to 2100"):
        calendars.show(company.ws, around=date(9999, 12, 31))


def test_a_calendar_that_is_not_there_is_answered_with_those_that_are(company: Company):
    with pytest.raises(NotFound, match="did you mean `chicago`"):
        calendars.show(company.ws, "chicgo")
    with pytest.raises(NotFound, match="known: chicago, customer-care, default"):
        calendars.show(company.ws, "zz")


def test_what_is_shown_is_what_deadlines_count(company: Company):
    for name in ("default", "chicago", "customer-care"):
        days = days_of(company, name, date(2027, 1, 1), weeks=106)
        with company.ws.storage.reading() as unit:
            calendar = directory.world(company.ws, unit).calendars[name]
        first, last = min(days), max(days)
        begin = datetime(first.year, first.month, first.day, tzinfo=calendar.zone)
        end = datetime(last.year, last.month, last.day, 23, 59, tzinfo=calendar.zone)
        counted = open_seconds(begin, end, calendar)
        assert counted == sum(day.open_s for day in days.values()) > 0


def test_a_process_that_runs_for_years_learns_the_holidays_of_each(company: Company):
    with company.ws.storage.reading() as unit:
        before = directory.world(company.ws, unit).calendars["default"]
        company.clock.at = datetime(2033, 1, 3, 8, tzinfo=UTC)
        after = directory.world(company.ws, unit).calendars["default"]
    good_friday = date(2034, 4, 7)
    assert good_friday not in before.closed
    assert good_friday in after.closed
