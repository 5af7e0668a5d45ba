"""Working time at the command line, and what calendar programs are given."""

from __future__ import annotations

import icalendar
import pytest


def test_working_time_is_shown_with_its_reasons(office):
    shown = office.done("calendar", "show", "chicago", "--around", "2026-12-24", "--weeks", "2")
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[0] == "chicago (America/Chicago)"
    assert "Nora Haddad" in lines[1]
    assert "> Thu 2026-12-24 08:30-12:00 3 h 30 min half day" in lines
    assert "Fri 2026-12-25 holiday: Christmas Day" in lines
    assert "Other calendars: customer-care and default" in lines
    spring = office.done("calendar", "show", "--around", "2027-03-28", "--weeks", "1").stdout
    assert "clocks go forward, 02:00 to 03:00" in spring
    autumn = office.done("calendar", "show", "chicago", "--around", "2026-11-01").stdout
    assert "clocks go back, 02:00 to 01:00" in autumn


def test_working_time_for_programs_has_dates_local_hours_and_instants(office):
    view = office.json("calendar", "show", "--around", "2026-12-24", "--weeks", "1", who="nora")
    assert (view["calendar"], view["timezone"], view["around"]) == (
        "chicago",
        "America/Chicago",
        "2026-12-24",
    )
    eve = view["days"][3]
    assert {key: eve[key] for key in ("date", "kind", "hours", "spans")} == {
        "date": "2026-12-24",
        "kind": "half_day",
        "hours": ["08:30-12:00"],
        "spans": [{"opens": "2026-12-24T14:30:00Z", "closes": "2026-12-24T18:00:00Z"}],
    }


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["chcago"], 1, "did you mean `chicago`"),
        (["--around", "2300-01-01"], 1, "1970 to 2100"),
        (["--around", "christmas"], 2, "does not match the format"),
        (["--weeks", "0"], 2, "1<=x<=106"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_way_out(office, words, status, told):
    result = office("calendar", "show", *words)
    assert (result.exit_code, result.stdout) == (status, "")
    assert told in " ".join(result.stderr.split())


def test_schedules_and_due_times_are_exported_for_a_calendar_program(office, tmp_path):
    rule = ("--rrule", "FREQ=MONTHLY;BYDAY=1MO", "--at", "09:00", "--timezone", "Europe/Berlin")
    added = office.done("schedule", "add", "policy-review", *rule)
    assert "it would open no case: the input `period` is required and missing" in added.stderr
    piped = office.done("schedule", "export", "--ics").stdout
    [event] = icalendar.Calendar.from_ical(piped).events
    assert event["DTSTART"].dt.tzinfo.key == "Europe/Berlin"
    assert piped.endswith("END:VCALENDAR\r\n")
    assert office.json("schedule", "export", "--ics")["ics"].startswith("BEGIN:VCALENDAR\r\n")

    office.start()
    out = tmp_path / "ana.ics"
    said = office.done("inbox", "--ics", "--out", str(out), who="ana")
    assert (said.stdout, said.stderr) == ("", f"Wrote 1 entry to {out}.\n")
    [due] = icalendar.Calendar.from_ical(out.read_bytes()).events
    assert due["SUMMARY"].startswith("Verify what happened (STMT-")
    nowhere = office("inbox", "--ics", "--out", str(tmp_path / "none" / "x.ics"), who="ana")
    assert nowhere.exit_code == 1
    assert "cannot be written: No such file or directory" in nowhere.stderr
