"""What is refused, is refused in one sentence with exit status 1, and nothing is written."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from tests.support.program import House, copy_of

STATEMENT = """
playbook: statement
version: 1.0.0
title: Statement
owner: smr-lead
case_prefix: STATE
inputs:
  fields:
    title: text
    visitors: {type: integer, min: 1, optional: true}
documents:
  words:
    title: Words
    audience: public
    template: "Hall 3 was evacuated."
steps:
  - id: count
    kind: task
    title: Count who was in the hall
    assign: {role: smr-lead}
    fields:
      visitors: {type: integer, min: 1}
      mood: [calm, upset]
      witness: {type: person, optional: true}
  - id: write
    kind: draft
    document: words
    assign: [{role: comms-writer}, {role: comms-director}]
  - id: approve
    kind: approval
    documents: [words]
    quorum: [{role: comms-director, need: 1}, {role: legal, need: 1}]
    on_rejected: {end: rejected}
  - {id: publish, kind: publish, document: words, requires: [approve], account: newsroom}
"""
STRICT = STATEMENT.replace("playbook: statement", "playbook: strict-statement").replace(
    "case_prefix: STATE", "case_prefix: STRICT\nassurance: session"
)


class Halls(NamedTuple):
    """A workspace with cases at every point where something may be refused."""

    house: House
    names: dict[str, str]


def until_approval(house: House, playbook: str, writer: str = "carl") -> dict[str, str]:
    """Open a case and bring it to its approval; return the names of what is in it."""
    case = house.start(playbook, {"title": "Smoke in hall 3"})
    task = house.item(case, "count")
    house.done("complete", task, "-o", "visitors=40", "-o", "mood=calm", who="ana")
    draft = house.item(case, "write")
    words = "Hall 3 was evacuated. Nobody is hurt."
    house.done("revise", draft, "--file", "-", "--done", who=writer, text=words)
    return {"case": case, "task": task, "draft": draft, "approval": house.item(case, "approve")}


@pytest.fixture(scope="module")
def halls(untouched, tmp_path_factory) -> Halls:
    house = copy_of(untouched, tmp_path_factory.mktemp("refusals") / "halden")
    house.playbook("statement", STATEMENT)
    house.playbook("strict-statement", STRICT)
    names = until_approval(house, "statement")
    house.done("approve", names["approval"], who="lea")
    changed = until_approval(house, "statement")
    house.done("revise", changed["draft"], "--file", "-", who="carl", text="Hall 3 is empty.")
    strict = until_approval(house, "strict-statement")
    begun = house.start("statement", {"title": "Smoke in hall 3"})
    over = house.start("statement", {"title": "Smoke in hall 3"})
    item = house.item(over, "count")
    house.done("cancel", over, "--reason", "A false alarm", who="ana")
    more = {
        "superseded": changed["approval"],
        "strict": strict["approval"],
        "open": house.item(begun, "count"),
        "begun": begun,
        "over": over,
        "closed": item,
    }
    house.work()
    return Halls(house, {**names, **more})


def all_written(house: House) -> tuple[Any, ...]:
    """Every row of the database, and every file but the database's own."""
    files = {
        str(path.relative_to(house.root)): path.read_bytes()
        for path in sorted(house.root.rglob("*"))
        if path.is_file() and not path.name.startswith(("smr.db", "writer.lock"))
    }
    return house.database(), files


APPROVALS = [
    ("carl approve {approval}", "Carl Weiss had a hand in this content"),
    ("carl reject {approval} --comment No", "Carl Weiss had a hand in this content"),
    ("lea approve {approval}", "Lea Hoffmann has decided on this already"),
    ("lea recuse {approval} --comment Tired", "Lea Hoffmann has decided on this already"),
    ("nora approve {superseded}", "was superseded by newer content"),
    ("ben approve {approval}", "Ben Okafor holds none of these roles"),
    ("kit reject {approval} --comment No", "Kit Morgan holds none of these roles"),
    ("nora request-changes {approval}", "reason"),
    ("nora request-changes {approval} --comment ' '", "reason"),
    ("nora reject {approval}", "reason"),
    ("nora recuse {approval}", "reason"),
    ("nora approve {strict}", "needs the proof of identity 'session'"),
    ("nora approve {task}", "is no approval but a task"),
    ("nora complete {approval}", "smr approve"),
    ("ana reassign {approval} nora", "an approval cannot be handed over"),
    ("paul approve {closed}", "is cancelled"),
]
WORK = [
    ("ana complete {closed} -o visitors=1 -o mood=calm", "is cancelled"),
    ("ana complete {task} -o visitors=1 -o mood=calm", "completed already"),
    ("ben complete {open} -o visitors=1 -o mood=calm", "Ben Okafor was not asked"),
    ("ana complete {open}", "visitors"),
    ("ana complete {open} -o visitors=forty -o mood=calm", "visitors must be a whole number"),
    ("ana complete {open} -o visitors=0 -o mood=calm", "visitors"),
    ("ana complete {open} -o visitors=4 -o mood=angry", "mood"),
    ("ana complete {open} -o visitors=4 -o mood=calm -o witness=nobody", "witness"),
    ("ana complete {open} -o visitors=4 -o mood=calm -o more=1", "more"),
    ("ana ack {open}", "no acknowledgement but a task"),
    ("ana repair {open} --retry --reason Why", "no repair item"),
    ("ana revise {open} --file -", "is not a draft"),
    ("zoe revise {closed} --file -", "is cancelled"),
    ("lea revise {draft} --file -", "only those who were asked to write it"),
    ("ana reassign {open} nobody", "'nobody' is not in the directory"),
    ("lou reassign {open} kit", "Social media relations lead"),
    ("kit attach {open} {file}", "Kit Morgan was not asked"),
]
CASES = [
    ("ana cancel {over} --reason Again", "is cancelled"),
    ("tom cancel {case} --reason Enough", "only Social media relations lead"),
    ("ana cancel {case} --reason ' '", "why"),
    ("ana signal {over} reply", "is cancelled"),
    ("ana signal {case} reply", "reply"),
    ("ana start statement", "title"),
    ("ana start statement -i title=Fire -i visitors=many", "visitors"),
    ("ana start statement -i title=Fire -i visitors=0", "visitors"),
    ("ana start statement -i title=Fire -i colour=red", "colour"),
    ("ana start statement -i title=Fire --severity sev1", "no severity"),
    ("ana start holding-statement -i title=Fire -i type=safety --severity sev9", "sev9"),
    ("ana note {case} ''", "text"),
]
STRANGERS = [
    ("nobody start statement -i title=Fire", "'nobody' is not in the directory"),
    ("nobody approve {approval}", "'nobody' is not in the directory"),
    ("nobody complete {open} -o visitors=1 -o mood=calm", "'nobody' is not in the directory"),
    ("nobody note {case} Hello", "'nobody' is not in the directory"),
    ("nobody cancel {case} --reason Why", "nobody"),
    ("nobody inbox", "'nobody' is not in the directory"),
    ("ana approve {case}.99", "{case}.99"),
    ("ana complete {case}.99", "{case}.99"),
    ("ana item STATE-1999-0001.1", "STATE-1999-0001"),
    ("ana approve STATE-1999-0001.1", "STATE-1999-0001"),
    ("ana approve nonsense", "'nonsense' is not an item"),
    ("ana show STATE-1999-0001", "STATE-1999-0001"),
    ("ana timeline nonsense", "nonsense"),
    ("ana note STATE-1999-0001 Hello", "STATE-1999-0001"),
    ("ana cancel STATE-1999-0001 --reason Why", "STATE-1999-0001"),
    ("ana document {case} wrods", "wrods"),
    ("ana document {case} words --revision 9", "9"),
    ("ana audit who {case} wrods", "wrods"),
    ("ana start statemant -i title=Fire", "statement"),
    ("ana playbook show statemant", "statement"),
    ("ana cases --status opne", "opne"),
    ("ana schedule remove policy-review-9", "policy-review-9"),
    ("ana schedule next 3 --schedule policy-review-9", "policy-review-9"),
    ("ana schedule add policy-review --rrule FREQ=SOMETIMES --at 09:00 --timezone UTC", "FREQ"),
    (
        "ana schedule add policy-review --rrule FREQ=DAILY;COUNT=3 --at 09:00 --timezone UTC",
        "never comes again",
    ),
    ("ana schedule add policy-review --rrule FREQ=SECONDLY --at 09:00 --timezone UTC", "too often"),
    ("ana schedule add policy-review --rrule FREQ=DAILY --at 25:00 --timezone UTC", "25:00"),
    ("ana schedule add policy-review --rrule FREQ=DAILY --at 09:00 --timezone Mars", "Mars"),
    (
        "tom schedule add policy-review --rrule FREQ=DAILY --at 09:00 --timezone UTC",
        "Social media relations lead",
    ),
]
WORDS = re.compile(r"'([^']*)'|(\S+)")


@pytest.mark.parametrize(("line", "says"), [*APPROVALS, *WORK, *CASES, *STRANGERS])
def test_a_refusal_is_one_sentence_and_changes_nothing(halls, tmp_path, line, says):
    house, names = halls.house, {**halls.names, "file": str(tmp_path / "capture.png")}
    (tmp_path / "capture.png").write_bytes(b"\x89PNG")
    before = all_written(house)
    who, *words = [m[1] if m[2] is None else m[2] for m in WORDS.finditer(line)]
    said = house.smr(*(w.format(**names) for w in words), who=who, text="Other words.")
    assert (said.status, said.out) == (1, "")
    first, *more = said.err.rstrip("\n").split("\n")
    assert first.startswith("Error: ")
    assert says.format(**names) in said.err
    assert all(each.startswith("  Next: ") for each in more)
    assert len(more) <= 1
    assert all_written(house) == before


# --- quorums -----------------------------------------------------------------------------------


@pytest.fixture
def hall(house) -> House:
    house.playbook("statement", STATEMENT)
    return house


def test_two_people_of_one_role_do_not_fill_two_roles(hall):
    item = until_approval(hall, "statement", writer="tom")["approval"]
    first = hall.ask("approve", item, who="lea")
    second = hall.ask("approve", item, who="paul")
    assert [(v["granted"], v["remaining"]) for v in (first, second)] == [(False, 1), (False, 1)]
    quorum = hall.ask("item", item, who="carl")["quorum"]
    assert quorum == [
        {"role": "comms-director", "need": 1, "have": 0, "due": None},
        {"role": "legal", "need": 1, "have": 1, "due": None},
    ]
    assert hall.ask("approve", item, who="carl")["granted"]


def test_somebody_with_two_roles_fills_one_line(hall):
    hall.playbook("statement", STATEMENT.replace("role: legal", "role: spokesperson"))
    item = until_approval(hall, "statement", writer="tom")["approval"]
    vote = hall.ask("approve", item, who="nora")
    assert (vote["granted"], vote["remaining"]) == (False, 1)
    assert hall.ask("approve", item, who="stella")["granted"]


def test_a_new_revision_after_one_vote_asks_both_again_and_shows_the_difference(hall):
    names = until_approval(hall, "statement", writer="tom")
    hall.done("approve", names["approval"], who="lea")
    hall.done("revise", names["draft"], "--file", "-", who="tom", text="Hall 3 is empty.\n")
    old = hall.ask("item", names["approval"], who="lea")
    assert (old["status"], old["may"]) == ("superseded", False)
    item = hall.item(names["case"], "approve")
    new = hall.ask("item", item, who="lea")
    assert new["may"]
    assert new["previous"] == names["approval"]
    (change,) = new["changes"]
    assert "-Hall 3 was evacuated. Nobody is hurt." in change["diff"]
    assert "+Hall 3 is empty." in change["diff"]
    hall.work()
    assert set(hall.mailed("The content you decided on has changed")) == {"lea@example.test"}
    assert not hall.ask("approve", item, who="carl")["granted"]
    assert hall.ask("approve", item, who="lea")["granted"]
    hall.work()
    assert list(hall.pages().values()) == ["Hall 3 is empty.\n"]
    valid = [row["valid"] for row in hall.ask("audit", "who", names["case"])]
    assert valid == [False, True, True]


def test_a_new_revision_after_the_approval_keeps_the_old_words_from_going_out(hall):
    names = until_approval(hall, "statement", writer="tom")
    hall.done("approve", names["approval"], who="lea")
    hall.done("approve", names["approval"], who="carl")
    hall.done("revise", names["draft"], "--file", "-", who="tom", text="Hall 3 is empty.\n")
    hall.work()
    assert hall.pages() == {}
    item = hall.item(names["case"], "approve")
    for person in ("carl", "lea"):
        hall.done("approve", item, who=person)
    hall.work()
    assert list(hall.pages().values()) == ["Hall 3 is empty.\n"]
    said = hall.smr("revise", names["draft"], "--file", "-", who="tom", text="Too late.\n")
    assert (said.status, said.out) == (1, "")
