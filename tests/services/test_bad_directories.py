"""What `smr validate` says of a directory's calendars and absences: the line, and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from smr_engine.bootstrap import open_shelf
from smr_engine.services import validation

WHOLE = """\
people:
  - id: ana
    name: Ana Ruiz
    email: ana@example.test
    timezone: Europe/Madrid
    calendar: chicago
    quiet: "20:00-07:00"
    away: [{from: 2026-12-24, until: 2027-01-02}]
roles:
  smr-lead: {calendar: chicago}
calendars:
  chicago:
    timezone: America/Chicago
    hours: {mon-thu: ["08:30-12:00", "13:00-17:00"], fri: "08:30-15:00"}
    holidays: {country: US, subdivision: IL}
    closed: [2026-11-27, 12-31]
    half_days: {12-24: "08:30-12:00"}
"""


def findings(tmp_path: Path, old: str, new: str) -> list[tuple[int, str, str]]:
    """Return line, code and words of what is wrong after a change of the directory."""
    assert old in WHOLE
    path = tmp_path / "directory.yaml"
    path.write_text(WHOLE.replace(old, new), encoding="utf-8")
    found = validation.validate(open_shelf(), [path])
    return [(p.line, p.code, f"{p.message} ({p.hint})") for p in found]


def test_the_directory_that_these_tests_break_is_whole(tmp_path):
    assert findings(tmp_path, "Ruiz", "Ruiz") == []


@pytest.mark.parametrize(
    ("old", "new", "line", "code", "words"),
    [
        ("Europe/Madrid", "Europe/Madird", 5, "bad-timezone", "did you mean `Europe/Madrid`"),
        ("America/Chicago", "Chicago", 13, "bad-timezone", "no time zone"),
        ("    calendar: chicago", "    calendar: chicgo", 6, "unknown-calendar", "`chicago`?"),
        ("{calendar: chicago}", "{calendar: berlin}", 10, "unknown-calendar", "known: chicago"),
        ("20:00-07:00", "20:00-20:00", 7, "bad-format", "write 20:00-07:00"),
        ("20:00-07:00", "8pm-7am", 7, "bad-format", "write 20:00-07:00"),
        ("until: 2027-01-02", "until: 2026-12-02", 8, "bad-away", "the last day comes after"),
        ("until: 2027-01-02", "until: 2027-02-29", 8, "bad-format", "not a date"),
        ("08:30-15:00", "22:00-06:00", 14, "bad-format", "22:00-24:00 and 00:00-06:00"),
        ("08:30-15:00", "08:30-08:30", 14, "bad-format", "does not end after it begins"),
        ("13:00-17:00", "11:30-17:00", 14, "bad-hours", "overlap at 11:30"),
        ("fri:", "thu:", 14, "bad-hours", "`thu` has its hours twice"),
        ("subdivision: IL", "subdivision: XX", 15, "unknown-holidays", "`XX` in US"),
        ("12-31", "13-31", 16, "bad-format", "12-24 for every year"),
        ("12-31", "02-30", 16, "bad-day", "12-24 for every year"),
        ("12-31", "12-24", 17, "half-day-closed", "`12-24` has no effect"),
        ("12-24:", "2026-11-26:", 17, "half-day-closed", "Thanksgiving"),
        ("12-24:", "2026-11-27:", 17, "half-day-closed", "under `closed`"),
        ("12-24:", "2026-12-26:", 17, "half-day-closed", "no hours on `sat`"),
        ("12-24:", "24-12:", 17, "bad-format", "12-24 for every year"),
        ("12-24:", "02-31:", 17, "bad-half-day", "no day"),
        ('12-24: "08:30-12:00"', '12-24: "12:00-08:30"', 17, "bad-format", "crosses midnight"),
    ],
)
def test_each_fault_is_told_with_its_line_and_a_way_out(tmp_path, old, new, line, code, words):
    found = findings(tmp_path, old, new)
    assert [(at, kind) for at, kind, _ in found] == [(line, code)]
    assert words in found[0][2]
