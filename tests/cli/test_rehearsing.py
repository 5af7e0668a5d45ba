"""Looking ahead at the command line: previews."""

from __future__ import annotations


def test_a_preview_is_a_table_in_company_time_and_says_what_was_made_up(office):
    shown = office.done("preview", "statement", "--at", "2026-12-24T16:30", "--severity", "high")
    assert "statement, high, if it starts 2026-12-24 16:30 CET" in shown.stdout
    assert "Thu 2026-12-24 16:40" in shown.stdout  # due 10 minutes later
    assert shown.stderr == "Made up, because nobody gave them: title and risk.\n"
    assert office.json("cases") == []


def test_a_preview_tells_programs_what_comes_when_to_whom_and_why(office):
    rows = office.json("preview", "holding-statement", "--at", "2026-12-24T16:30")
    assert [row["what"] for row in rows] == ["asked", "reminder", "due", "reminder", "escalation"]
    first, last = rows[0], rows[-1]
    assert first["at"] == "2026-12-24T15:30:00Z"
    assert (last["step"], last["who"]) == ("establish/verify", ["carl", "nora"])
    assert "is not answered" in last["why"]


def test_a_preview_is_drawn_as_a_gantt_chart(office):
    words = ("--at", "2026-12-24T16:30", "--format", "gantt")
    lines = office.done("preview", "holding-statement", *words).stdout.splitlines()
    assert lines[0] == "gantt"
    assert "    section Verify what happened" in lines
    bars = [line for line in lines if "active, 2026-12-24T16:30, 2026-12-24T16:50" in line]
    assert len(bars) == 1
    assert any(":crit, milestone, 2026-12-24T17:00, 0m" in line for line in lines)


def test_to_the_end_shows_the_later_steps_too(office):
    words = ("preview", "statement", "--at", "2026-12-24T16:30", "--to-the-end")
    answered = [row["step"] for row in office.json(*words) if row["what"] == "answered"]
    assert answered == ["verify", "sorry", "write", "check"]


def test_start_can_look_ahead_instead_of_starting(office):
    rows = office.json("start", "statement", "-i", "title=Smoke", "--preview")
    assert rows[0]["what"] == "asked"
    assert office.json("cases") == []


def test_a_start_of_no_instant_is_refused(office):
    refused = office("preview", "statement", "--at", "soon")
    assert (refused.exit_code, "'soon' is no instant" in refused.stderr) == (1, True)
