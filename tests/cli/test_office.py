"""People at work: every command that answers, looks or records, in a real workspace."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

from tests.cli.program import smr

DIGEST = re.compile(r"[0-9a-f]{64}")


# --- cases -------------------------------------------------------------------------------------


def test_a_case_is_opened_with_values_of_the_types_the_playbook_asks_for(office):
    urls = ("-i", "urls=https://example.test/1", "-i", "urls=https://example.test/2")
    case = office.start("-i", "hurt=0", *urls, "--severity", "high", "--drill")
    view = office.json("show", case)
    assert view["inputs"] == {
        "title": "Smoke in hall 3",
        "risk": True,
        "hurt": 0,
        "urls": ["https://example.test/1", "https://example.test/2"],
    }
    assert (view["severity"], view["drill"]) == ("high", True)


def test_inputs_come_from_a_file_or_standard_input_and_words_lie_over_them(office):
    facts = b"title: From a file\nrisk: true\n"
    words = ("start", "statement", "--inputs", "-", "-i", "title=Typed", "--json")
    started = office.done(*words, stdin=facts).json
    assert set(started) >= {"case", "playbook", "version", "digest", "status"}
    assert office.json("show", started["case"])["inputs"] == {"title": "Typed", "risk": True}


def test_the_same_idempotency_key_opens_one_case(office):
    first, second = office.start("--idempotency-key", "k1"), office.start("--idempotency-key", "k1")
    assert first == second
    assert len(office.json("cases")) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("start", "statement", "-i", "risk=perhaps"), "value-invalid"),
        (("start", "statement", "-i", "risk=yes"), "form-invalid"),
        (("start", "statment"), "unknown-playbook"),
        (("start", "statement", "--inputs", "missing.yaml"), "no-such-file"),
        (("show", "STMT-2026-0099"), "no-such-case"),
        (("item", "nonsense"), "bad-item-name"),
    ],
)
def test_what_is_refused_is_one_sentence_on_stderr_and_exits_1(office, words, code):
    refused = office(*words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert re.match(r"Error: [^\n]+\n(  Next: [^\n]+\n)?\Z", refused.stderr)
    assert office(*words, "--json").error["code"] == code


def test_cases_are_listed_and_filtered(office):
    case = office.start()
    (row,) = office.json("cases", "--playbook", "statement", "--status", "open")
    assert (row["case"], row["waiting_for"]) == (case, ["ana", "mira"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["opened_at"])
    assert office.json("cases", "--status", "held") == []
    assert "There are no such cases." in office.done("cases", "--status", "held").stdout
    assert "Smoke in hall 3" in office.done("cases").stdout


def test_a_case_shows_steps_items_documents_and_effects(office):
    case = office.written()
    view = office.json("show", case)
    assert {"case", "status", "outcome", "steps", "items", "documents", "effects", "clocks"} <= set(
        view
    )
    assert [s["status"] for s in view["steps"]][:4] == [
        "completed",
        "completed",
        "completed",
        "active",
    ]
    shown = office.done("show", case).stdout
    for words in ("Approve the words", "Carl Weiss", "words", "Waiting for people"):
        assert words in shown


def test_a_result_that_could_not_be_computed_is_told_in_the_case_and_its_history(office):
    text = (
        "playbook: ratio\nversion: 1.0.0\ntitle: Ratio\nowner: smr-lead\n"
        "inputs: {fields: {total: number}}\n"
        "steps: [{id: note_it, kind: set, values: {seen: 1}}]\n"
        'results: {share: "{{ 1 / inputs.total }}"}\n'
    )
    (office.folder / "playbooks" / "ratio.yaml").write_text(text, encoding="utf-8")
    case = office.json("start", "ratio", "-i", "total=0")["case"]
    problem = "share: division by zero"
    assert office.json("show", case)["problems"] == [problem]
    assert problem in office.done("show", case).stdout
    assert problem in office.done("timeline", case).stdout


def test_a_remark_a_signal_and_a_cancel_are_recorded(office):
    case = office.start()
    office.done("note", case, "The mayor called")
    office.done("note", case, "-", stdin="Zoé sah es auch\n".encode())
    refused = office("signal", case, "reply", "--key", "x", "-o", "n=1")
    assert "no step" in refused.stderr
    assert office.json("cancel", case, "--reason", "A false alarm")["status"] == "cancelled"
    told = office.done("timeline", case).stdout
    for words in ("| The mayor called", "| Zoé sah es auch", "Ana Ruiz cancelled the case"):
        assert words in told


# --- items -------------------------------------------------------------------------------------


def test_the_inbox_says_what_waits_for_whom_until_when_and_what_to_type(office):
    case = office.start()
    (row,) = office.json("inbox")
    assert row["case"] == case
    assert (row["kind"], row["may"], row["overdue"]) == ("task", True, False)
    shown = office.done("inbox").stdout
    assert re.search(rf"in (9 min|10 min) +Do: Verify what happened +{case} +smr item", shown)
    assert "Nothing waits for Tom Becker." in office.done("inbox", who="tom").stdout
    everybody = office.done("inbox", "--all", who="tom").stdout
    assert re.search(r"waits for .*Ana Ruiz or Mira Sandvik\)", everybody, re.DOTALL)
    assert "smr item STMT-" in everybody


def test_an_item_shows_its_form_and_the_command_that_fills_it_in(office):
    office.start()
    item = office.item("verify")
    shown = office.done("item", item).stdout
    for words in ("facts", "a whole number", "Two sources", "yes, once it is done"):
        assert words in shown
    line = re.search(r"^  smr (complete .*)$", shown, re.MULTILINE)[1]
    assert line == f"complete {item} -o facts=TEXT -o reach=1 -o done_1=yes"
    assert office.done(*line.split()).stdout == f"{item} is completed: Verify what happened\n"


def test_whoever_may_not_act_is_told_why_and_gets_no_command_to_type(office):
    office.start()
    shown = office.done("item", office.item("verify"), who="tom").stdout
    assert "You cannot act on this: this waits for Ana Ruiz" in shown
    assert "What to type" not in shown


def test_a_form_is_filled_in_by_a_file_too(office, tmp_path):
    office.start()
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({"facts": ["a", "b"], "reach": 7, "done_1": True}))
    done = office.json("complete", office.item("verify"), "--output", str(file))
    assert done["status"] == "completed"


def test_a_decision_is_answered_by_its_question(office):
    office.verified()
    item = office.item("sorry")
    view = office.json("item", item, who="tom")
    assert view["questions"] == [
        {"id": "sorry", "ask": "Do we apologise?"} | {"if_yes": "yes", "if_no": "no"}
    ]
    assert "Do we apologise?" in office.done("item", item, who="tom").stdout
    refused = office("complete", item, "-o", "sorry=perhaps", who="tom")
    assert (refused.exit_code, "yes or no" in refused.stderr) == (1, True)
    office.done("complete", item, "-o", "sorry=yes", who="tom")


def test_a_draft_is_shown_saved_and_finished(office, tmp_path):
    case = office.verified()
    office.done("complete", office.item("sorry"), "-o", "sorry=no", who="tom")
    item = office.item("write")
    assert "About Smoke in hall 3" in office.done("item", item, who="tom").stdout
    file = tmp_path / "words.md"
    file.write_bytes("No comment — für niemanden.\r\n".encode())
    saved = office.json("revise", item, "--file", str(file), who="tom")
    assert (saved["document"], saved["revision"]) == ("words", 2)
    assert DIGEST.fullmatch(saved["digest"])
    refused = office("revise", item, "--file", str(file), "--done", who="tom")
    assert "--override REASON" in refused.stderr
    office.done("revise", item, "--file", str(file), "--done", "--override", "Quoted", who="tom")
    printed = office.done("document", case, "words")
    assert printed.stdout == "No comment — für niemanden.\n"
    assert "version 2 by Tom Becker" in printed.stderr


def test_what_changed_between_two_revisions_is_shown(office):
    case = office.written()
    shown = office.done("document", case, "words", "--diff", "1", "2").stdout
    assert "-About Smoke in hall 3: we are looking into it." in shown
    assert "+We are looking into it." in shown
    view = office.json("document", case, "words", "--revision", "1")
    assert (view["revision"], view["author"]) == (1, "")
    assert office("document", case, "words", "--diff", "1").exit_code == 2


# --- approving and publishing ------------------------------------------------------------------


def test_an_approval_shows_the_exact_words_where_they_go_and_who_is_missing(office):
    office.written()
    shown = office.done("item", office.item("check"), who="lea").stdout
    for words in (
        "\nWe are looking into it.\n",
        "The words (words), version 2, SHA-256",
        "words to Halden newsroom (newsroom), for: public",
        "Communications director   0 of 1     1 missing",
        "smr approve STMT-",
        "--comment WHY --as lea",
    ):
        assert words in shown


def test_two_approvals_publish_and_the_record_says_who_when_and_where(office):
    case = office.written()
    item = office.item("check")
    first = office.json("approve", item, who="lea")
    assert (first["decision"], first["granted"], first["remaining"]) == ("approve", False, 1)
    second = office.done("approve", item, "--comment", "Good, short", who="carl")
    assert re.fullmatch(
        rf"Carl Weiss approved {item} \(content [0-9a-f]{{12}}\)\. The approval is granted\.\n",
        second.stdout,
    )
    office.work()
    assert office.json("show", case)["outcome"] == "done"
    rows = office.json("audit", "who", case)
    assert [(r["person"], r["role"], r["valid"]) for r in rows] == [
        ("lea", "legal", True),
        ("carl", "comms-director", True),
    ]
    assert all(r["published_at"] and r["published_url"] for r in rows)
    shown = office.done("audit", "who", case).stdout
    assert "The words, version 2, SHA-256" in shown
    assert "comms-director" not in shown
    assert "approve: “Good," in shown
    assert re.search(r"Published 20\d\d-\d\d-\d\d \d\d:\d\d CES?T at newsroom/", shown)
    told = office.done("timeline", case).stdout
    assert "Lea Hoffmann approved The words, version 2, as Legal" in told
    assert "Published The words to Halden newsroom: newsroom/" in told
    assert office.done("audit", "verify").stdout.startswith("The audit log verifies")


def test_an_author_is_refused_in_one_sentence_and_nothing_is_written(office):
    office.written()
    before = len(office.json("audit", "log"))
    refused = office("approve", office.item("check"), who="tom")
    assert refused.exit_code == 1
    assert "Tom Becker had a hand in this content" in refused.stderr
    assert len(office.json("audit", "log")) == before


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("request-changes", "asked for changes to"),
        ("reject", "rejected"),
        ("recuse", "stepped back from"),
    ],
)
def test_everything_but_an_approval_needs_a_reason(office, verb, said):
    office.written()
    item = office.item("check")
    assert "--comment" in office(verb, item, who="lea").stderr
    done = office.done(verb, item, "--comment", "It names the supplier", who="lea")
    assert f"Lea Hoffmann {said} {item}" in done.stdout


def test_a_new_revision_after_one_vote_asks_again_and_shows_the_difference(office):
    case = office.written()
    first = office.item("check")
    office.done("approve", first, who="lea")
    opened = [e["data"] for e in office.json("timeline", case) if e["kind"] == "ItemOpened"]
    draft = next(data["item"] for data in opened if data["step"] == "write")
    office.done("revise", draft, "--file", "-", who="zoe", stdin=b"We know more now.\n")
    second = office.item("check")
    assert second != first
    shown = office.done("item", second, who="lea").stdout
    assert f"What changed in The words (words) since {first}" in shown
    assert "+We know more now." in shown
    assert f"Replaces  {first}, which no longer counts" in shown
    who = office.done("audit", "who", case).stdout
    assert "no: superseded" in who


# --- evidence, handing over, repairing ---------------------------------------------------------


def test_evidence_is_attached_and_an_item_is_handed_over(office, tmp_path):
    office.start()
    item = office.item("verify")
    capture = tmp_path / "capture.png"
    capture.write_bytes(b"\x89PNG")
    url = "https://example.test/p"
    assert (
        "capture.png is attached" in office.done("attach", item, str(capture), "--url", url).stdout
    )
    assert "capture.png, https://example.test/p, 4 bytes" in office.done("item", item).stdout
    moved = office.done("reassign", item, "mira").stdout
    assert moved == f"{item} was handed over to Mira Sandvik.\n"
    assert office.json("inbox") == []


@pytest.mark.parametrize("flags", [(), ("--retry", "--skip"), ("--sent", "u", "--not-sent")])
def test_a_repair_is_answered_in_exactly_one_way(office, flags):
    result = office("repair", "STMT-2026-0001.1", *flags, "--reason", "why")
    assert result.exit_code == 2
    assert "exactly one of" in result.stderr


def test_a_repair_of_something_else_is_refused(office):
    office.start()
    refused = office("repair", office.item("verify"), "--skip", "--reason", "why")
    assert (refused.exit_code, "no repair item" in refused.stderr) == (1, True)


# --- the audit trail ---------------------------------------------------------------------------


def test_the_log_is_filtered_and_written_in_three_forms(office):
    case = office.start()
    events = office.json("audit", "log", "--case", case, "--actor", "ana", "--kind", "CaseOpened")
    (event,) = events
    assert list(event)[:10] == [
        *("seq", "at", "case", "kind", "actor", "on_behalf_of", "role", "assurance", "data"),
        "leaf_hash",
    ]
    assert office.json("audit", "log", "--until", "2020-01-01") == []
    assert office.json("audit", "log", "--since", "2020-01-01T00:00:00+02:00")
    lines = office.done("audit", "log", "--format", "table").stdout.splitlines()
    assert any("CaseOpened" in line and "ana as smr-lead" in line for line in lines)
    table = office.done("audit", "log", "--format", "csv").stdout
    assert table.startswith("seq,at,case,kind,actor")
    assert office("audit", "log", "--since", "yesterday").exit_code == 2


def test_a_log_that_does_not_verify_exits_3(office):
    office.start()
    with closing(sqlite3.connect(office.folder / ".smr" / "smr.db")) as database, database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE events SET actor = 'tom' WHERE kind = 'CaseOpened'")
    database.close()
    result = office("audit", "verify")
    assert result.exit_code == 3
    assert "does NOT verify" in result.stdout
    report = office("audit", "verify", "--json")
    assert (report.exit_code, report.json["ok"]) == (3, False)


def test_verifying_against_a_checkpoint_comes_later(office):
    refused = office("audit", "verify", "--checkpoint", "x")
    assert (refused.exit_code, "later version" in refused.stderr) == (1, True)


# --- library, schedules, directory, doctor -----------------------------------------------------


def test_the_library_lists_shows_draws_and_compares_playbooks(office):
    names = {row["playbook"]: row for row in office.json("playbooks")}
    assert {"statement", "crisis-response", "policy-review"} <= set(names)
    assert DIGEST.fullmatch(names["statement"]["digest"])
    assert "A short statement" in office.done("playbooks").stdout
    shown = office.json("playbook", "show", "statement")
    assert shown["inputs"]["properties"]["risk"]["type"] == "boolean"
    assert shown["steps"][0]["id"] == "verify"
    words = office.done("playbook", "show", "statement").stdout
    assert re.search(r"^  approval: Approve the words", words, re.MULTILINE)
    assert "flowchart" in office.done("playbook", "graph", "statement").stdout
    svg = office.done("playbook", "graph", "statement", "--format", "svg").stdout
    assert svg.startswith("<svg")
    assert office.json("playbook", "graph", "statement", "--format", "svg")["svg"] == svg
    assert office.done("playbook", "diff", "statement", "statement").stdout == ""
    assert "+playbook:" in office.done("playbook", "diff", "statement", "policy-review").stdout


def test_problems_are_printed_with_their_places_and_exit_1(office):
    path = office.folder / "playbooks" / "broken.yaml"
    path.write_text("playbook: broken\nversion: 1.10\ntitle: x\nowner: nobody\nstep: []\n")
    result = office("validate", str(path))
    assert result.exit_code == 1
    assert re.search(rf"^{path}:2:10: error ", result.stdout, re.MULTILINE)
    assert re.search(r"\d errors, 0 warnings\.", result.stderr)
    problem = office("validate", str(path), "--json").json[0]
    assert set(problem) == {"file", "line", "column", "severity", "code", "message", "hint"}


def test_a_whole_workspace_without_faults_validates(office):
    result = office.done("validate", str(office.folder))
    assert "error" not in result.stdout


def test_schedules_are_added_listed_and_removed(office):
    rule = ("--rrule", "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", "--at", "09:00")
    where = ("--timezone", "Europe/Berlin", "--inputs", "-", "--missed", "all", "--json")
    facts = b"title: Review\nrisk: false\n"
    row = office.done("schedule", "add", "statement", *rule, *where, stdin=facts).json
    assert {"schedule", "playbook", "rrule", "timezone", "next_due"} <= set(row)
    assert [r["schedule"] for r in office.json("schedule", "list")] == [row["schedule"]]
    coming = office.json("schedule", "next", "3", "--schedule", row["schedule"])
    assert len(coming) == 3
    assert {"schedule", "playbook", "due"} <= set(coming[0])
    assert "09:00 Europe/Berlin" in office.done("schedule", "list").stdout
    assert "09:00 CE" in office.done("schedule", "next", "1").stdout
    office.done("schedule", "remove", row["schedule"])
    assert office.done("schedule", "list").stdout == "There are no schedules.\n"
    assert office("schedule", "remove", row["schedule"]).exit_code == 1


def test_the_directory_is_listed_checked_imported_and_exported(office):
    (lea,) = [row for row in office.json("people") if row["id"] == "lea"]
    assert set(lea) == {"id", "name", "email", "roles", "groups", "timezone", "calendar"}
    assert "lea@example.test" in office.done("people").stdout
    assert office.json("directory", "check") == []
    assert DIGEST.fullmatch(office.json("directory", "import")["digest"])
    assert "id: lea" in office.done("directory", "export").stdout
    (office.folder / "directory.yaml").write_text("people: [{id: x}]\n")
    refused = office("directory", "check")
    assert refused.exit_code == 1


def test_the_doctor_looks_at_everything_and_says_what_is_fine(office):
    found = office.json("doctor")
    assert all(set(finding) == {"what", "ok", "message", "hint"} for finding in found)
    assert re.search(r"^ok +prefect: ", office.done("doctor").stdout, re.MULTILINE)


def test_the_doctor_exits_1_and_says_how_to_mend_what_is_wrong(office):
    (office.folder / ".smr").chmod(0o755)
    result = office("doctor")
    assert result.exit_code == 1
    assert re.search(r"^WRONG +privacy: .*\n +Next: chmod 700", result.stdout, re.MULTILINE)


def test_the_database_is_brought_up_to_date(office):
    assert "is up to date" in office.done("db", "upgrade").stdout


def test_no_server_to_stop_is_no_fault(office):
    assert office.json("down") == {"stopped": False}


# --- where and who -----------------------------------------------------------------------------


def test_without_a_workspace_a_command_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = smr("inbox", environ={"SMR_WORKSPACE": None})
    assert (refused.exit_code, "smr init" in refused.stderr) == (1, True)
    assert smr("playbooks", environ={"SMR_WORKSPACE": None}).exit_code == 0
    named = smr("playbooks", "--workspace", "nowhere", environ={"SMR_WORKSPACE": None})
    assert named.exit_code == 1


def test_who_acts_is_said_by_option_environment_or_settings(office):
    environ = {"SMR_WORKSPACE": str(office.folder), "SMR_AS": "tom"}
    assert "Tom Becker" in smr("inbox", environ=environ).stdout
    assert "Lea Hoffmann" in smr("inbox", "--as", "lea", environ=environ).stdout
    assert "Ana Ruiz" in office("inbox").stdout


def test_a_workspace_is_not_made_over_another(office):
    refused = office("init", str(office.folder))
    assert (refused.exit_code, "already" in refused.stderr) == (1, True)


def test_a_new_workspace_has_the_schemas_that_its_files_name_to_an_editor(tmp_path):
    assert smr("init", str(tmp_path / "new")).exit_code == 0
    first = (tmp_path / "new/smr.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert (tmp_path / "new" / first.partition("$schema=")[2]).is_file()


def test_times_are_shown_in_the_readers_zone(office):
    case = office.start()
    assert "times in Europe/Madrid" in office.done("timeline", case).stdout
    assert "times in Europe/Berlin" in office.done("timeline", case, who="lea").stdout


def test_hostile_words_come_back_harmless_and_unchanged(office):
    text = "\u202eevil\x1b[2J =cmd()"
    case = office.start()
    office.done("note", case, text)
    told = office.done("timeline", case).stdout
    assert "\\u202eevil\\x1b[2J =cmd()" in told
    assert not set(told) & {"\x1b", "\u202e"}
    notes = [e for e in office.json("timeline", case) if e["kind"] == "NoteWritten"]
    assert notes[0]["data"]["text"] == text
