"""What other programs rely on: the keys of every JSON answer, exit statuses, standard input."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.answers import LEAK, SITUATION, crisis
from tests.support.program import SMR, cold, copy_of, smr
from tests.support.story import approves, chooses, fills, play, writes

CASES = "case playbook title severity status outcome opened_at waiting_for"
DOCUMENT = "document revision digest text author"
EVENT = "seq at case kind actor on_behalf_of role assurance data leaf_hash"
INBOX = "item case step kind title due overdue may why_not"
ITEM = """item case step kind status title due overdue may why_not form questions choices document
bundle_digest content destinations quorum message"""
SCHEDULE = "schedule playbook rrule timezone next_due"
SHOW = "case status outcome steps items documents effects clocks"
WHO = """document revision digest person role on_behalf_of decision comment at assurance valid
void_reason published_at published_url"""


@pytest.fixture(scope="module")
def crisis_under_way(untouched, tmp_path_factory):
    """A workspace with a crisis whose first update waits for its approval."""
    house = copy_of(untouched, tmp_path_factory.mktemp("contract") / "halden")
    case = house.start("crisis-response", LEAK)
    answers = crisis(next_move=chooses("carl", "choice=update"))
    del answers["approve_update"], answers["open_legal"]
    with pytest.raises(AssertionError, match="the next thing is due"):
        play(house, case, answers)
    return house, case


def keys(words: str) -> set[str]:
    return set(words.split())


@pytest.mark.parametrize(
    ("line", "promised"),
    [
        ("playbooks", "playbook version digest title"),
        ("playbook show crisis-response", "inputs steps"),
        ("cases", CASES),
        ("show {case}", SHOW),
        ("timeline {case}", EVENT),
        ("inbox --as lea", INBOX),
        ("inbox --all", INBOX),
        ("item {approval} --as lea", ITEM),
        ("document {case} message_map", DOCUMENT),
        ("schedule next 3", "schedule playbook due"),
        ("schedule list", SCHEDULE),
        ("audit log --case {case}", EVENT),
        ("audit who {case}", WHO),
        ("audit verify", "ok events cases problems"),
        ("people", "id name email roles groups timezone"),
    ],
)
def test_every_answer_has_the_promised_keys(crisis_under_way, line, promised):
    house, case = crisis_under_way
    (approval,) = house.items(case, step="approve_update")
    said = house.ask(*line.format(case=case, approval=approval["item"]).split())
    rows = said if isinstance(said, list) else [said]
    assert rows
    for row in rows:
        assert keys(promised) <= set(row)


def test_the_parts_of_a_case_and_of_an_item_have_the_promised_keys(crisis_under_way):
    house, case = crisis_under_way
    shown = house.ask("show", case)
    for step in shown["steps"]:
        assert keys("path round kind status") <= set(step)
    paths = {step["path"]: step["kind"] for step in shown["steps"]}
    assert paths["respond/speak/engage/beat/updates[0]/gather"] == "task"
    (approval,) = house.items(case, step="approve_update")
    seen = house.ask("item", approval["item"], who="lea")
    assert [set(each) >= keys("document revision digest text") for each in seen["content"]] == [
        True
    ]
    assert [set(each) >= keys("role need have") for each in seen["quorum"]] == [True] * 3
    assert seen["may"] is True
    assert seen["destinations"]
    (task,) = house.items(case, step="open_legal")
    form = house.ask("item", task["item"], who="lea")["form"]
    assert form["required"] == ["hold"]


def test_every_act_answers_with_the_promised_keys(house):
    facts = json.dumps({"title": "Smoke in hall 3", "type": "safety"})
    opened = house.ask("start", "holding-statement", "--inputs", "-", text=facts)
    assert keys("case playbook version digest status") <= set(opened)
    case = opened["case"]
    ticked = {"done_1": True, "done_2": True, "done_3": True}
    values = json.dumps({"confirmed": ["Smoke"], "captures": "here", **ticked})
    done = house.ask("complete", house.item(case, "verify"), "--output", "-", text=values)
    house.work()
    assert done["status"] == "completed"
    assert set(done) >= keys("item status")
    draft = house.item(case, "draft_holding")
    revised = house.ask("revise", draft, "--file", "-", "--done", who="tom", text="Smoke, no fire.")
    assert keys("document revision digest") <= set(revised)
    weigh = house.item(case, "weigh_words")
    decided = house.ask("complete", weigh, "-o", "weigh_words=no", who="tom")
    assert decided["status"] == "completed"
    item = house.item(case, "approve_holding")
    vote = house.ask("approve", item, who="lea")
    assert vote["digest"] == house.ask("item", item, who="carl")["bundle_digest"]
    assert {**vote, "digest": ""} == {
        "item": item,
        "decision": "approve",
        "digest": "",
        "granted": False,
        "remaining": 1,
    }
    back = house.ask("request-changes", item, "--comment", "Name the hall", who="carl")
    assert back["decision"] == "request_changes"


NOTES = """
playbook: notes
version: 1.0.0
title: Two notes
owner: smr-lead
case_prefix: NOTE
documents:
  brief: {title: Brief, audience: internal}
  note: {title: Note, audience: internal}
steps:
  - {id: prepare, kind: draft, document: brief, assign: {role: smr-lead}}
  - id: each_one
    kind: foreach
    in: [Mira, Jan]
    as: one
    steps: [{id: write, kind: draft, document: note, assign: {role: comms-writer}}]
"""


def test_a_revision_is_that_of_its_own_document_where_another_says_the_same(house):
    house.playbook("notes", NOTES)
    case = house.start("notes", {})
    for text in ("One.", "Two.", "Hello."):
        house.ask("revise", house.item(case, "prepare"), "--file", "-", text=text)
    house.ask("revise", house.item(case, "prepare"), "--file", "-", "--done", text="Hello.")
    for row in house.items(case, step="write"):
        words = ("revise", row["item"], "--file", "-")
        saved = house.ask(*words, who="tom", text="Hello.")
        name = f"note@{row['path'].rpartition('/')[0]}"
        shown = house.ask("document", case, name)
        assert shown["text"] == "Hello."
        assert {key: saved[key] for key in keys("document revision digest")} == {
            key: shown[key] for key in keys("document revision digest")
        }


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_an_empty_text_is_refused_and_not_saved(house, text):
    house.playbook("notes", NOTES)
    item = house.item(house.start("notes", {}), "prepare")
    before = house.database()
    said = house.smr("revise", item, "--file", "-", "--done", text=text)
    assert (said.status, said.out) == (1, "")
    assert "the text is empty" in said.err
    assert house.database() == before


# --- the ways in and out -----------------------------------------------------------------------


def test_options_may_stand_before_and_after_a_command(crisis_under_way):
    house, _ = crisis_under_way
    root = str(house.root)
    before = smr("--workspace", root, "--as", "lea", "--json", "inbox")
    after = smr("inbox", "--json", "--as", "lea", "--workspace", root)
    assert before.status == after.status == 0
    assert before.out == after.out
    assert before.data


def test_a_case_shows_what_its_reader_may_do(crisis_under_way):
    house, case = crisis_under_way
    for who in ("lea", "tom"):
        rows = house.ask("show", case, who=who)["items"]
        seen = {row["item"]: house.ask("item", row["item"], who=who) for row in rows}
        may = {row["step"]: row["may"] for row in rows}
        assert may["approve_update"] is (who == "lea")
        for row in rows:
            shown = seen[row["item"]]
            assert {key: shown[key] for key in keys(INBOX)} == {k: row[k] for k in keys(INBOX)}


def test_a_playbook_is_shown_as_its_file_says_it_with_its_inputs_as_a_schema(house):
    house.playbook("tell-outside", OUTSIDE)
    shown = house.ask("playbook", "show", "tell-outside")
    assert shown["inputs"]["type"] == "object"
    (row,) = [row for row in house.ask("playbooks") if row["playbook"] == "tell-outside"]
    assert {key: shown[key] for key in keys("playbook version digest title")} == {
        key: row[key] for key in keys("playbook version digest title")
    }
    steps = {step["id"]: step for step in shown["steps"]}
    assert steps["agree"]["quorum"] == [{"role": "legal", "need": 1}]
    assert steps["out"]["requires"] == ["agree"]
    assert steps["write"]["assign"] == {"role": "comms-writer"}


def test_yes_and_no_in_a_yaml_file_answer_a_yes_no_field(house):
    facts = """
title: Smoke
type: Breach
first_seen: 2026-11-23 08:40
source_urls: [https://forum.example.test/1]
safety_risk: no
"""
    case = house.ask("start", "crisis-response", "--inputs", "-", text=facts)["case"]
    inputs = house.ask("show", case)["inputs"]
    assert (inputs["safety_risk"], inputs["type"]) == (False, "breach")
    assert inputs["first_seen"] == "2026-11-23T08:40:00+01:00"


@pytest.mark.parametrize("line", ["approve", "inbox --wrong", "schedule next many", "shwo X"])
def test_wrong_usage_exits_2_and_says_how(line):
    said = smr(*line.split())
    assert (said.status, said.out) == (2, "")
    assert "Error" in said.err


def test_a_workspace_is_found_from_within_it(crisis_under_way):
    house, case = crisis_under_way
    inside = house.root / "policies"
    said = cold("show", case, "--json", cwd=inside)
    assert (said.status, said.data["case"]) == (0, case)
    named = cold("cases", "--json", cwd="/", environ={"SMR_WORKSPACE": str(house.root)})
    assert case in [row["case"] for row in named.data]


def test_inputs_may_be_json_yaml_or_words(house, tmp_path):
    file = tmp_path / "facts.yaml"
    file.write_text("title: Smoke in hall 3\ntype: safety\n", encoding="utf-8")
    by_file = house.ask("start", "holding-statement", "--inputs", str(file))
    words = ("-i", "title=Smoke in hall 3", "-i", "type=safety", "-i", "confirmed=Smoke was seen")
    by_words = house.ask("start", "holding-statement", *words, "--severity", "sev1")
    assert house.ask("show", by_file["case"])["inputs"]["title"] == "Smoke in hall 3"
    shown = house.ask("show", by_words["case"])
    assert (shown["inputs"]["confirmed"], shown["severity"]) == (["Smoke was seen"], "sev1")


def test_the_same_idempotency_key_opens_one_case(house):
    words = ("start", "holding-statement", "-i", "title=Smoke", "-i", "type=safety")
    first = house.ask(*words, "--idempotency-key", "alarm-17")
    again = house.ask(*words, "--idempotency-key", "alarm-17")
    assert first == again
    assert len(house.ask("cases")) == 1


OUTSIDE = """
playbook: tell-outside
version: 1.0.0
title: Tell everybody outside
owner: smr-lead
case_prefix: TELL
documents:
  words: {title: Words, audience: public, template: "Hall 3 is empty."}
steps:
  - {id: write, kind: draft, document: words, assign: {role: comms-writer}}
  - id: agree
    kind: approval
    documents: [words]
    quorum: [{role: legal, need: 1}]
    on_rejected: {end: rejected}
  - {id: out, kind: publish, document: words, requires: [agree], account: newsroom}
  - id: mail
    kind: publish
    document: words
    requires: [agree]
    account: outreach-mailbox
    to: {contact: trade-press}
  - id: tell
    kind: notify
    to: [{contact: regulator-desk}, {vendor: monitoring-vendor}, petra@stores.test, {role: legal}]
    message: {subject: Hall 3, body: It is empty.}
  - {id: child, kind: playbook, playbook: look-back}
"""
LOOK_BACK = """
playbook: look-back
version: 1.0.0
title: Look back
owner: smr-lead
case_prefix: BACK
steps:
  - {id: look, kind: task, assign: {role: smr-lead}}
"""


@pytest.mark.parametrize("drill", [True, False])
def test_a_drill_asks_people_says_exercise_and_sends_nothing_outside(house, drill):
    house.playbook("tell-outside", OUTSIDE)
    house.playbook("look-back", LOOK_BACK)
    case = house.start("tell-outside", {}, *(["--drill"] if drill else []))
    answers = {"write": writes("tom"), "agree": approves("lea"), "look": fills("ana")}
    shown = play(house, case, answers)
    assert shown["drill"] is drill
    assert house.ask("show", shown["children"][0])["drill"] is drill
    assert len(house.pages()) == (0 if drill else 1)
    staff = {row["email"] for row in house.ask("people")}
    outside = set(house.mailed("")) - staff
    assert len(outside) == (0 if drill else 4)
    assert {"EXERCISE" in mail["Subject"] for mail in house.mails()} == {drill}
    assert ("EXERCISE" in house.done("show", case)) is drill


def test_a_reader_who_leaves_early_is_no_fault(crisis_under_way):
    house, case = crisis_under_way
    reader = subprocess.Popen(
        [SMR, "--workspace", house.root, "audit", "log", "--case", case],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    reader.stdout.readline()
    reader.stdout.close()
    err = reader.stderr.read()
    reader.stderr.close()
    assert reader.wait(60) in {0, 141}
    assert err == b""


def test_one_byte_changed_in_the_log_exits_3_and_names_the_event(crisis_under_way, tmp_path):
    house, case = crisis_under_way
    broken = copy_of(house, tmp_path / "halden")
    file = broken.root / ".smr" / "smr.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ask = "SELECT seq, leaf FROM events WHERE kind = 'DecisionRecorded' ORDER BY seq"
        seq, leaf = connection.execute(ask).fetchone()
    connection.close()
    data = file.read_bytes()
    where = data.index(leaf) + leaf.index(b"approve")
    file.write_bytes(data[:where] + b"A" + data[where + 1 :])
    said = broken.smr("audit", "verify", "--json")
    assert said.status == 3
    assert not said.data["ok"]
    assert seq in [problem.get("seq") for problem in said.data["problems"]]
    words = broken.smr("audit", "verify")
    assert words.status == 3
    assert "does NOT verify" in words.out
    assert broken.smr("audit", "who", case).status == 0


def test_a_row_changed_behind_the_programs_back_exits_3_and_names_it(crisis_under_way, tmp_path):
    house, case = crisis_under_way
    broken = copy_of(house, tmp_path / "halden")
    with sqlite3.connect(broken.root / ".smr" / "smr.db") as connection:
        connection.execute("UPDATE items SET closed_by = 'eva' WHERE closed_by = 'carl'")
    connection.close()
    said = broken.smr("audit", "verify", "--json")
    assert said.status == 3
    rows = [problem.get("row", "") for problem in said.data["problems"]]
    assert all(row.startswith("items ") for row in rows)
    assert any(case in row for row in rows)


def test_times_in_json_are_utc_and_near_now(crisis_under_way):
    house, case = crisis_under_way
    opened = house.ask("show", case)["opened_at"]
    assert opened.endswith("Z")
    age = datetime.now(UTC) - datetime.fromisoformat(opened)
    assert timedelta(0) <= age < timedelta(hours=1)


def test_a_document_of_a_round_is_asked_for_with_its_scope(crisis_under_way):
    house, case = crisis_under_way
    name = "sitrep@respond/speak/engage/beat/updates[0]"
    assert SITUATION["situation"] in house.ask("document", case, name)["text"]


# --- time --------------------------------------------------------------------------------------

BREACH = """
playbook: breach
version: 1.0.0
title: A breach
owner: smr-lead
case_prefix: BREACH
severity: {levels: [high, low], initial: low}
clocks:
  authority: {title: Notify the authority, runs_from: "{{ case.opened_at }}", due: 72h}
documents:
  words: {title: Words, audience: public, template: "We had a breach."}
steps:
  - {id: write, kind: draft, document: words, assign: {role: comms-writer}}
  - id: approve
    kind: approval
    documents: [words]
    quorum: [{role: comms-director}, {role: legal, due: 20m}]
    due: {by_severity: {high: 1h}, default: 4h}
    expires: 1d
    on_rejected: {end: rejected}
    break_glass: {role: exec-sponsor, ratify_within: 4h}
"""


def test_time_answers_with_the_promised_keys(house):
    house.playbook("breach", BREACH)
    case = house.start("breach", {})
    house.ask(
        "revise", house.item(case, "write"), "--file", "-", "--done", who="tom", text="Sorry."
    )
    item = house.item(case, "approve")
    why = ("--reason", "A regulator called")
    foreseen = house.ask("severity", case, "high", *why, "--dry-run")
    assert {"item": item, "what": "due"}.items() <= foreseen[0].items()
    for row in foreseen:
        assert set(row) - keys("item clock step") == keys("what from to")
    moved = house.ask("severity", case, "high", *why)
    assert moved["severity"] == "high"
    (clock,) = house.ask("show", case)["clocks"]
    assert keys("clock title status due met_at overdue") <= set(clock)
    assert [row["clock"] for row in house.ask("cases")[0]["clocks"]] == ["authority"]
    released = house.ask("break-glass", item, "--reason", "Customers are robbed", who="eva")
    assert keys("item status digest ratification") <= set(released)
    (row,) = house.ask("audit", "who", case)
    assert (row["decision"], row["valid"], row["void_reason"]) == ("break_glass", True, "")
    met = house.ask("clock", case, "authority", "--met", "--note", "By phone")
    assert met["clocks"][0]["status"] == "met"
    told = house.smr("timeline", case).out
    assert "broke the glass: released Words, version 2, before its approval" in told
    assert "scored the case high (was low)" in told
    assert house.ask("audit", "verify")["ok"] is True
