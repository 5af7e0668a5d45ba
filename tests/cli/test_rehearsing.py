"""Looking ahead at the command line: previews, scenarios, stories."""

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


def test_a_preview_takes_inputs_as_a_start_does_and_says_what_to_write_into_a_missing_file(office):
    shown = office.done("preview", "statement", "-i", "title=Smoke")
    assert shown.stderr == "Made up, because nobody gave them: risk.\n"
    for command in ("preview", "start"):
        refused = office(command, "statement", "--inputs", "facts.yaml")
        assert "There is no file facts.yaml" in refused.stderr
        assert "smr playbook show statement lists them" in refused.stderr


def test_start_can_look_ahead_instead_of_starting(office):
    rows = office.json("start", "statement", "-i", "title=Smoke", "--preview")
    assert rows[0]["what"] == "asked"
    assert office.json("cases") == []


def test_a_start_of_no_instant_is_refused(office):
    refused = office("preview", "statement", "--at", "soon")
    assert (refused.exit_code, "'soon' is no instant" in refused.stderr) == (1, True)


# --- scenarios ---------------------------------------------------------------------------------

SCENARIO = """\
scenario: A quiet day
playbook: statement
starts: 2026-11-23T09:00
by: ana
inputs: {title: Smoke in hall 3, risk: false}
others: {after: 5m}
happens:
  - {who: lea, approves: check, after: 8m, because: Nothing promised}
expect:
  - ends: done
  - {published: words, on: newsroom, says: Smoke in hall 3}
"""


def scenario(office, text: str = SCENARIO) -> str:
    path = office.folder / "playbooks" / "tests" / "quiet.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_scenarios_of_the_workspace_are_tested_and_what_they_leave_out_is_listed(office):
    scenario(office)
    shown = office.done("test")
    assert "PASS  A quiet day (statement): done after 23 min" in shown.stdout
    assert "statement: no scenario takes" in shown.stdout
    assert "check: rejected and changes requested" in shown.stdout
    assert shown.stderr == "1 scenario, all as expected.\n"


def test_the_coverage_of_what_expires_is_headed_in_words(office):
    scenario(office)
    playbook = office.folder / "playbooks" / "statement.yaml"
    text = playbook.read_text(encoding="utf-8")
    playbook.write_text(text.replace("due: 10m", "expires: 1h"), encoding="utf-8")
    assert "expiries" in office.done("test").stdout


def test_a_scenario_that_fails_is_told_with_its_line_and_exits_1(office):
    path = scenario(office, SCENARIO.replace("ends: done", "ends: rejected"))
    failed = office("test", path)
    assert failed.exit_code == 1
    assert "FAIL  A quiet day" in failed.stdout
    assert "quiet.yaml:10: expected ends: rejected\n      but it ended: done" in failed.stdout
    said = office("test", path, "--json").json
    assert said["ok"] is False
    assert said["scenarios"][0]["failures"][0]["line"] == 10
    assert said["coverage"][0]["playbook"] == "statement"


def test_a_scenario_is_told_as_a_story_with_what_was_sent_and_published(office):
    path = scenario(office)
    story = office.done("simulate", "statement", "--scenario", path).stdout.splitlines()
    assert story[0] == "A quiet day (statement), times in Europe/Berlin"
    lines = [line.split("  ", 1)[1] for line in story[2:] if line.startswith("Mon 23 Nov")]
    assert lines[0].startswith("Ana Ruiz opened STMT-2026-0001")
    assert any(line.startswith("-> to Ana Ruiz and Mira Sandvik: ") for line in lines)
    published = lines.index("-> The words is published on Halden newsroom")
    assert published > lines.index("Lea Hoffmann approved The words, version 1, as Legal")
    assert not [line for line in lines if "_" in line], "no id, and no event without a sentence"
    assert f"{' ' * 18}| About Smoke in hall 3: we are looking into it." in story
    assert story[-1] == "All that was expected held."
    assert story[1] == ""
    assert office.json("cases") == []


def test_a_story_tells_programs_what_happened_when(office):
    path = scenario(office)
    said = office.json("simulate", "statement", "--scenario", path)
    assert said["result"]["ok"] is True
    assert said["story"][0]["at"] == "2026-11-23T08:00:00Z"
    assert {line["kind"] for line in said["story"]} == {"event", "message", "publication"}


def test_a_scenario_is_validated_as_other_files_are(office):
    path = scenario(office, SCENARIO.replace("approves: check", "approves: chek"))
    refused = office("validate", path)
    assert refused.exit_code == 1
    assert "quiet.yaml:8:26" in " ".join(refused.stdout.split())
