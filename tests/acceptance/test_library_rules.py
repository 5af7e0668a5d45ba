"""Which playbooks may be started, in which version, and what a small company is told."""

from __future__ import annotations

from tests.support.program import smr

TINY = """\
playbook: tiny
version: 1.0.0
title: Tiny
owner: smr-lead
case_prefix: TINY
documents:
  words: {title: Words, template: "Hall 3 is empty."}
steps:
  - {id: look, kind: task, title: Look, assign: {role: smr-lead}}
"""


def test_a_playbook_with_errors_cannot_be_started_and_its_lines_are_named(house):
    house.playbook("tiny", TINY + "  - {id: ask, kind: aproval, documents: [wrods]}\n")
    before = house.database()
    said = house.smr("start", "tiny")
    assert (said.status, said.out) == (1, "")
    assert "tiny has errors and cannot be started" in said.err
    assert "playbooks/tiny.yaml:10:" in said.err
    assert "did you mean `approval`?" in said.err
    assert house.database() == before


def test_a_playbook_whose_meaning_is_wrong_cannot_be_started(house):
    publish = "  - {id: out, kind: publish, document: words, requires: [], account: newsroom}\n"
    house.playbook("tiny", TINY + publish)
    said = house.smr("start", "tiny")
    assert said.status == 1
    assert "tiny.yaml:10:" in said.err


def test_what_a_playbook_opens_must_be_startable_too(house):
    house.playbook("tiny", TINY + "  - {id: more, kind: playbook, playbook: broken}\n")
    house.playbook("broken", TINY.replace("tiny", "broken").replace("smr-lead", "smr-laed"))
    said = house.smr("start", "tiny")
    assert said.status == 1
    assert "smr-laed" in said.err
    assert house.ask("cases") == []


def test_a_running_case_keeps_its_version_and_a_new_case_takes_the_new_one(house):
    house.playbook("tiny", TINY)
    first = house.ask("start", "tiny")
    newer = TINY.replace("1.0.0", "1.1.0") + "  - {id: tell, kind: task, title: Tell}\n"
    house.playbook("tiny", newer)
    second = house.ask("start", "tiny")
    assert (first["version"], second["version"]) == ("1.0.0", "1.1.0")
    assert first["digest"] != second["digest"]
    for started in (first, second):
        house.done("complete", house.item(started["case"], "look"), who="ana")
    assert house.ask("show", first["case"])["status"] == "completed"
    assert house.ask("show", second["case"])["status"] == "open"
    old_and_new = house.done("playbook", "diff", first["digest"], "tiny")
    assert "-version: 1.0.0" in old_and_new
    assert "+version: 1.1.0" in old_and_new
    house.playbook("tiny", "not: a playbook\n")
    assert house.ask("show", second["case"])["version"] == "1.1.0"
    house.done("complete", house.item(second["case"], "tell"), who="ana")
    assert house.ask("audit", "verify")["ok"]


def test_a_child_case_has_the_version_that_was_there_when_its_parent_opened(house):
    house.playbook("tiny", TINY.replace("kind: task", "kind: playbook, playbook: child"))
    child = TINY.replace("tiny", "child").replace("TINY", "CHILD")
    house.playbook("tiny", TINY + "  - {id: more, kind: playbook, playbook: child}\n")
    house.playbook("child", child)
    case = house.start("tiny", {})
    house.playbook("child", child.replace("1.0.0", "2.0.0"))
    house.done("complete", house.item(case, "look"), who="ana")
    house.work()
    (opened,) = house.ask("show", case)["children"]
    assert house.ask("show", opened)["version"] == "1.0.0"


# --- a company of three ------------------------------------------------------------------------

THREE = """
people:
  - {id: ana, name: Ana Ruiz, email: ana@example.test, roles: [smr-lead, comms-writer]}
  - {id: carl, name: Carl Weiss, email: carl@example.test, roles: [comms-director, exec-sponsor]}
  - {id: lea, name: Lea Hoffmann, email: lea@example.test, roles: [legal, compliance]}
roles:
  smr-lead: {title: Social media relations lead}
  comms-writer: {title: Writer}
  comms-director: {title: Communications director}
  exec-sponsor: {title: Executive sponsor}
  legal: {title: Legal}
  compliance: {title: Compliance}
calendars:
  default: {timezone: Europe/Berlin, hours: {mon-fri: "09:00-17:30"}}
"""
QUORUMS = """\
playbook: four-quorums
version: 1.0.0
title: Four quorums
owner: smr-lead
case_prefix: FOUR
documents:
  words: {title: Words, template: "Hall 3 is empty."}
steps:
  - {id: write, kind: draft, document: words, assign: {role: comms-writer}}
  - id: two_people
    kind: approval
    documents: [words]
    quorum: [{role: comms-director, need: 1}, {role: legal, need: 1}]
  - id: one_in_two_roles
    kind: approval
    documents: [words]
    quorum: [{role: legal, need: 1}, {role: compliance, need: 1}]
  - id: too_many
    kind: approval
    documents: [words]
    quorum: [{role: exec-sponsor, need: 2}]
  - id: the_author
    kind: approval
    documents: [words]
    quorum: [{role: smr-lead, need: 1}]
"""


def test_a_company_of_three_is_told_which_quorums_it_cannot_meet_and_what_would_save_it(tmp_path):
    root = tmp_path / "three"
    smr("init", str(root))
    (root / "directory.yaml").write_text(THREE, encoding="utf-8")
    file = root / "playbooks" / "four-quorums.yaml"
    file.write_text(QUORUMS, encoding="utf-8")
    said = smr("validate", str(file), "--json", "--workspace", str(root))
    assert said.status == 1
    found = {row["message"].split("`")[1]: row for row in said.data if row["severity"] == "error"}
    assert set(found) == {"one_in_two_roles", "too_many", "the_author"}
    assert {row["code"] for row in found.values()} == {"quorum-too-large"}
    assert "nobody counts twice" in found["one_in_two_roles"]["message"]
    assert "give `compliance` to more people" in found["one_in_two_roles"]["hint"]
    assert "give `exec-sponsor` to more people" in found["too_many"]["hint"]
    assert "ana kept out" in found["the_author"]["message"]
    assert smr("start", "four-quorums", "--as", "ana", "--workspace", str(root)).status == 1
    fourth = "people:\n  - {id: mira, name: Mira Sandvik, email: mira@example.test, roles: [ROLES]}"
    roles = "smr-lead, compliance, exec-sponsor"
    larger = THREE.replace("people:", fourth.replace("ROLES", roles))
    (root / "directory.yaml").write_text(larger, encoding="utf-8")
    assert smr("validate", str(file), "--json", "--workspace", str(root)).status == 0
