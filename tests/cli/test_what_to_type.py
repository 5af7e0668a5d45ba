"""What `smr` tells people to type is what they can type, and says all that will be asked."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.cli.conftest import STATEMENT

ASKING = """
playbook: asking
version: 1.0.0
title: Asks for everything
owner: smr-lead
case_prefix: ASK
documents:
  note: {title: Note, audience: internal, template: "To {{ one }}"}
steps:
  - id: fill
    kind: task
    assign: {role: smr-lead}
    fields:
      seen_at: datetime
      tone: [calm, angry]
      contact: {type: object, fields: {name: text, calls: integer}}
      groups: {type: list, of: {type: object, fields: {group: text, told: yes_no}}, min: 1}
    checklist: [Two sources]
  - id: whose
    kind: decision
    assign: {role: smr-lead}
    tree:
      - {id: is_true, ask: Is it true?, if_yes: is_ours, if_no: {outcome: deny}}
      - {id: is_ours, ask: Is it ours?, if_yes: {outcome: apologise}, if_no: {outcome: explain}}
  - {id: show, kind: task, assign: {role: smr-lead}, evidence: true}
  - id: each_one
    kind: foreach
    in: [Mira, Jan]
    as: one
    steps:
      - id: write
        kind: draft
        document: note
        assign: {role: comms-writer}
        checks: [{max_words: 9}, {must_not_contain: [never, ever]}, {no_promised_times: true}]
"""


@pytest.fixture
def asking(office):
    """An office in which a case that asks for everything is open."""
    (office.folder / "playbooks" / "asking.yaml").write_text(ASKING)
    office.done("start", "asking")
    return office


def told(office, step: str, who: str) -> tuple[str, list[str]]:
    """Returns what somebody reads of an item, and the command lines it tells them to type."""
    item = office.json("inbox", who=who)[0]
    assert item["step"] == step
    words = office.done("item", item["item"], who=who).stdout
    return words, re.findall(r"^  smr (.*)$", words.split("What to type\n")[1], re.MULTILINE)


def types(office, line: str) -> None:
    """Types a command line that an item showed; it names who acts itself."""
    office.done(*shlex.split(line))


def test_the_command_line_of_a_form_can_be_typed_as_it_stands(asking):
    words, (line,) = told(asking, "fill", "ana")
    assert "contact.name" in words
    types(asking, line)
    assert asking.json("inbox", who="ana")[0]["step"] == "whose"


def test_the_command_line_of_a_tree_answers_every_question_of_one_path(asking):
    types(asking, told(asking, "fill", "ana")[1][0])
    _, (line,) = told(asking, "whose", "ana")
    assert "-o is_true=yes -o is_ours=yes" in line
    types(asking, line)
    assert asking.json("inbox", who="ana")[0]["step"] == "show"


def test_an_item_says_that_evidence_is_needed_until_it_is_there(asking, tmp_path):
    types(asking, told(asking, "fill", "ana")[1][0])
    types(asking, told(asking, "whose", "ana")[1][0])
    words, (attach, complete) = told(asking, "show", "ana")
    assert "a file as evidence" in words
    (tmp_path / "capture.png").write_bytes(b"\x89PNG")
    types(asking, attach.replace("FILE", str(tmp_path / "capture.png")))
    words, lines = told(asking, "show", "ana")
    assert ("a file as evidence" in words, lines) == (False, [complete])
    types(asking, complete)


def test_a_draft_says_what_its_text_has_to_pass_and_for_whom_it_is(asking, tmp_path):
    types(asking, told(asking, "fill", "ana")[1][0])
    types(asking, told(asking, "whose", "ana")[1][0])
    (item,) = [row["item"] for row in asking.json("inbox", who="ana")]
    (tmp_path / "capture.png").write_bytes(b"\x89PNG")
    asking.done("attach", item, str(tmp_path / "capture.png"), who="ana")
    asking.done("complete", item, who="ana")
    words, _ = told(asking, "write", "tom")
    must = "have at most 9 words, not contain 'never' or 'ever' and promise no times"
    assert must in " ".join(words.split())
    assert "each_one[0]/write" in words
    shown = asking.json("item", asking.json("inbox", who="tom")[1]["item"], who="tom")
    assert shown["path"] == "each_one[1]/write"
    assert shown["checks"][0] == {"max_words": 9}
    steps = asking.done("show", shown["case"]).stdout
    assert re.search(r"each_one\[0\]\n.*Write.*\n +each_one\[1\]\n.*Write", steps)


def test_a_refusal_names_its_item_once(office):
    item = f"{office.verified()}.1"
    said = office("complete", item, "-o", "reach=5", who="ana")
    assert said.stderr.count(item) == 1
    assert office("audit", "who", "NONE-2026-0001").stderr.count("NONE-2026-0001") == 1


def test_a_playbook_is_checked_by_its_name_too(office):
    assert "No problems" in office.done("validate", "holding-statement").stderr
    broken = STATEMENT.replace("playbook: statement", "playbook: other").replace("legal", "lawyer")
    (office.folder / "playbooks" / "other.yaml").write_text(broken)
    said = office("start", "other", "-i", "title=Fire", "-i", "risk=no", who="ana")
    assert "Next: smr validate other\n" in said.stderr
    found = office("validate", "other")
    assert (found.exit_code, "lawyer" in found.stdout) == (1, True)
    assert "no file, no folder and no playbook" in office("validate", "no-such").stderr


def test_an_empty_log_says_so(office):
    assert "no such events" in office.done("audit", "log", "--actor", "kit").stderr
