"""Feeds as iCalendar: read back and expanded as a calendar program would, against our own dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smr_engine.adapters.ical import calendar_file
from smr_engine.playbook.check_timing import why_no_rule
from smr_engine.services import feeds, schedules
from smr_engine.services.feeds import Entry, Feed
from smr_engine.services.stored import ScheduleRow

pytestmark = pytest.mark.untraced

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
UNTIL = NOW + timedelta(days=3 * 366)
ZONES = ("Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Africa/Cairo", "UTC")
TIMES = ("09:00", "00:00", "02:30", "01:30", "23:45")  # some never come, some come twice


def schedule(rrule: str, at: str = "09:00", timezone: str = "Europe/Berlin") -> ScheduleRow:
    """Return a schedule as `schedules.checked` makes it, added in March."""
    hour, minute = map(int, at.split(":"))
    start = datetime(2026, 1, 1, hour, minute, tzinfo=ZoneInfo(timezone))
    return ScheduleRow(
        id="policy-review-1",
        playbook="policy-review",
        rrule=rrule,
        at=at,
        timezone=timezone,
        dtstart=start.astimezone(UTC),
        missed="latest",
        source="added",
        created_by="ana",
        added_at=NOW,
    )


def feed(*rows: ScheduleRow) -> Feed:
    return Feed("Schedules", NOW, [entry for row in rows for entry in feeds._schedule(row)])


def expanded(content: bytes) -> list[datetime]:
    """Return the instants of three years as a calendar program finds them."""
    calendar = icalendar.Calendar.from_ical(content)
    events = recurring_ical_events.of(calendar).between(NOW, UNTIL)
    return sorted(event["DTSTART"].dt.astimezone(UTC) for event in events)


def ours(row: ScheduleRow) -> list[datetime]:
    return list(takewhile(lambda due: due < UNTIL, schedules.dues(row, NOW)))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Any kind of rule that a schedule may have."""
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]))
    parts = {"FREQ": frequency, "INTERVAL": str(draw(st.integers(1, 6)))}
    days = st.lists(st.sampled_from(["MO", "TU", "FR", "SU"]), min_size=1, max_size=3, unique=True)
    choices = {
        "BYDAY": days.map(",".join),
        "BYMONTHDAY": st.sampled_from(["1", "15", "29", "31", "-1", "28,-1"]),
        "BYMONTH": st.sampled_from(["3", "10,11", "1,4,7,10", "2"]),
        "COUNT": st.integers(1, 90).map(str),
        "WKST": st.sampled_from(["MO", "SU"]),
    }
    for key in draw(st.lists(st.sampled_from(sorted(choices)), max_size=3, unique=True)):
        parts[key] = draw(choices[key])
    if frequency in {"YEARLY", "MONTHLY"} and parts.get("BYDAY"):
        parts["BYSETPOS"] = draw(st.sampled_from(["1", "-1", "2"]))
    if frequency == "WEEKLY":
        parts.pop("BYMONTHDAY", None)  # RFC 5545 has no days of the month in weeks
    return ";".join(f"{key}={value}" for key, value in parts.items())


@pytest.mark.parametrize("timezone", ZONES)
@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU",
        "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU",
        "FREQ=DAILY;COUNT=300",
    ],
)
@pytest.mark.parametrize("at", TIMES)
def test_a_calendar_program_finds_our_dates_for_three_years(timezone, rrule, at):
    row = schedule(rrule, at, timezone)
    found = ours(row)
    assert len(found) > 5
    assert expanded(calendar_file(feed(row))) == found


@given(rules(), st.sampled_from(TIMES), st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_any_rule_means_the_same_to_a_calendar_program(rrule, at, timezone):
    assume(not why_no_rule(rrule, at))
    row = schedule(rrule, at, timezone)
    assert expanded(calendar_file(feed(row))) == ours(row)


@pytest.mark.parametrize("timezone", [zone for zone in ZONES if zone != "UTC"])
def test_the_zones_that_are_written_out_have_the_offsets_of_the_machines(timezone):
    """Read word for word: an onset is in the local time before it, and holds until the next."""
    content = calendar_file(feed(schedule("FREQ=DAILY", timezone=timezone)))
    (zone,) = icalendar.Calendar.from_ical(content).walk("VTIMEZONE")
    onsets = []
    for part in zone.subcomponents:
        old, new = part["TZOFFSETFROM"].td, part["TZOFFSETTO"].td
        rdate = part.get("RDATE")
        walls = [part["DTSTART"].dt, *(each.dt for each in (rdate.dts if rdate else ()))]
        onsets += [((wall - old).replace(tzinfo=UTC), new) for wall in walls]
    onsets.sort()
    at = datetime(2026, 1, 2, tzinfo=UTC)
    while at < UNTIL:
        offset = [new for onset, new in onsets if onset <= at][-1]
        assert offset == at.astimezone(ZoneInfo(timezone)).utcoffset(), at
        at += timedelta(minutes=30)


def test_a_feed_says_no_more_than_titles_and_times_and_marks_them_private():
    entry = Entry("a@b", "Approve the statement (CRISIS-2026-0001)", NOW, "smr item C.1")
    (event,) = icalendar.Calendar.from_ical(calendar_file(Feed("F", NOW, [entry]))).events
    assert {key: event.get(key).to_ical() for key in event} == {
        "UID": b"a@b",
        "DTSTAMP": b"20260302T070000Z",
        "DTSTART": b"20260302T070000Z",
        "SUMMARY": b"Approve the statement (CRISIS-2026-0001)",
        "DESCRIPTION": b"smr item C.1",
        "CLASS": b"PRIVATE",
        "TRANSP": b"TRANSPARENT",
    }


def test_no_title_can_break_out_of_its_line():
    title = "Wörter\r\nEND:VEVENT\x1b[0m\u202e; " + "ä" * 200
    content = calendar_file(Feed("F", NOW, [Entry("a@b", title, NOW, "smr item C.1")]))
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line for line in lines)
    assert lines.count(b"END:VEVENT") == 1
    (event,) = icalendar.Calendar.from_ical(content).events
    assert event["SUMMARY"] == "Wörter END:VEVENT[0m; " + "ä" * 200
