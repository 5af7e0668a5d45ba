"""Who approved which response, and the log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smr_engine.errors import NotFound, SmrError
from smr_engine.services import auditing, cases, items, reading, reading_texts
from smr_engine.services.workspace import Actor
from tests.services.company import MONDAY, Company

FIRST = "We know of the fire in hall 3."
SECOND = "We know of the fire in hall 3.\nNobody is hurt."


def under_approval(company: Company) -> tuple[str, str, str]:
    """Return a case whose statement waits for approval, its draft and its approval item."""
    case = company.start("statement", title="the fire in hall 3")
    draft = company.item(case, "write")
    company.write(draft, FIRST)
    company.clock.move(minutes=5)
    return case, draft, company.item(case, "approve")


def test_every_valid_approval_names_the_publication_of_its_very_text(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "lea", why="Clear and true.")
    company.vote(item, "carl")
    company.clock.move(minutes=1)
    company.work()
    rows = auditing.who(company.ws, case)
    told = [(r.person, r.role, r.decision, r.comment, r.assurance, r.valid) for r in rows]
    assert told == [
        ("lea", "legal", "approve", "Clear and true.", "asserted", True),
        ("carl", "comms-director", "approve", "", "asserted", True),
    ]
    document = reading.document(company.ws, case, "statement")
    for row in rows:
        assert (row.document, row.revision, row.digest) == ("statement", 2, document.digest)
        assert row.at == MONDAY + timedelta(minutes=5)
        assert row.published_at == MONDAY + timedelta(minutes=6)
        assert row.published_url
        assert (company.root / row.published_url).is_file()
        assert (row.case, row.item) == (case, item)


def test_an_approval_counts_before_anything_went_out(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "lea")
    [row] = auditing.who(company.ws, case)
    assert (row.valid, row.void_reason, row.published_at, row.published_url) == (
        True,
        "",
        None,
        None,
    )


def test_a_vote_on_superseded_content_is_void_and_publishes_nothing(company: Company):
    case, draft, old = under_approval(company)
    company.vote(old, "carl")
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    new = company.item(case, "approve")
    company.vote(new, "carl")
    company.vote(new, "lea")
    company.work()
    void, *valid = auditing.who(company.ws, case)
    assert (void.item, void.revision, void.valid) == (old, 2, False)
    assert void.void_reason == "superseded: the content changed"
    assert void.published_at is None
    assert [(row.revision, row.valid) for row in valid] == [(3, True), (3, True)]
    assert all(row.published_at for row in valid)


def test_a_granted_approval_that_was_reopened_is_void(company: Company):
    case, draft, item = under_approval(company)
    company.vote(item, "carl")
    company.vote(item, "lea")
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    rows = auditing.who(company.ws, case)
    assert {(row.valid, row.void_reason) for row in rows} == {(False, "a new round was asked")}


def test_the_round_that_ended_with_a_request_for_changes_is_void(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "carl")
    company.vote(item, "lea", "request_changes", "Say that nobody is hurt.")
    rows = auditing.who(company.ws, case)
    assert [(row.person, row.decision, row.comment, row.valid) for row in rows] == [
        ("carl", "approve", "", False),
        ("lea", "request_changes", "Say that nobody is hurt.", False),
    ]
    assert rows[0].void_reason == "a new round was asked"


def test_a_rejection_stands_and_overtakes_the_approvals_before_it(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "carl")
    company.vote(item, "lea", "reject", "We do not comment on this.")
    approved, rejected = auditing.who(company.ws, case)
    assert (approved.valid, approved.void_reason) == (False, "the round ended: rejected")
    assert (rejected.decision, rejected.valid, rejected.void_reason) == ("reject", True, "")


def test_votes_on_an_item_that_was_withdrawn_are_void(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "carl")
    cases.cancel(company.ws, Actor("ana"), case, "The fire was a drill.")
    [row] = auditing.who(company.ws, case)
    assert not row.valid
    assert row.void_reason == "cancelled: the case was cancelled"


def test_a_deputy_decides_on_behalf_of_whom_they_stand_in_for(company: Company):
    company.directory(
        "email: lea@example.test\n",
        "email: lea@example.test\n    away: [{from: 2026-09-14, until: 2026-09-15}]\n",
    )
    case, _, item = under_approval(company)
    company.vote(item, "greta")
    [row] = auditing.who(company.ws, case)
    assert (row.person, row.role, row.on_behalf_of) == ("greta", "legal", "lea")


def test_decisions_in_child_cases_are_among_those_of_the_parent(company: Company):
    parent = company.start("parent", title="the fire in hall 3")
    company.work()
    [child] = reading.case_view(company.ws, parent).children
    company.write(company.item(child, "write"), FIRST)
    company.vote(company.item(child, "approve"), "carl")
    [row] = auditing.who(company.ws, parent)
    assert (row.person, row.case) == ("carl", child)


def test_the_text_of_one_element_is_not_taken_for_that_of_another(company: Company):
    case = letters(company, ["Kim", "Kim"])
    for number, name in enumerate(("lea", "paul")):
        item = company.item_at(case, f"each[{number}]/approve")
        company.vote(item, name)
        if number == 0:
            company.work()
    rows = auditing.who(company.ws, case, "letter")
    assert [(row.person, row.scope) for row in rows] == [("lea", "each[0]"), ("paul", "each[1]")]
    assert rows[0].digest == rows[1].digest
    assert rows[0].published_at is not None
    assert rows[1].published_at is None, "the same words, but this letter is still to go out"


LETTERS = """
playbook: letters
version: 1.0.0
title: Letters
owner: smr-lead
inputs: {fields: {creators: {type: list, of: text}}}
documents:
  letter: {title: Letter, audience: creator, template: "Dear {{ creator }}"}
steps:
  - id: each
    kind: foreach
    in: inputs.creators
    as: creator
    steps:
      - {id: write, kind: draft, document: letter, assign: {role: community-manager}}
      - {id: approve, kind: approval, documents: [letter], quorum: [{role: legal, need: 1}]}
      - {id: publish, kind: publish, document: letter, requires: [approve], account: newsroom}
"""


def letters(company: Company, creators: list[str]) -> str:
    """Start letters to creators, each waiting for its approval."""
    company.playbook("letters", LETTERS)
    case = company.start("letters", creators=creators)
    for number in range(len(creators)):
        company.write(company.item_at(case, f"each[{number}]/write"), "Dear Kim, hello", "ben")
    return case


def test_whoever_names_no_place_of_a_document_or_a_wrong_one_is_told_the_places(company: Company):
    case = letters(company, ["Kim", "Lee"])
    for name, code in (("letter", "several-documents"), ("letter@each[7]", "no-such-document")):
        with pytest.raises(SmrError) as refused:
            reading_texts.document(company.ws, case, name)
        assert refused.value.code == code
        assert refused.value.hint.endswith(": letter@each[0], letter@each[1]")


def test_each_document_of_one_decision_has_its_own_publication(company: Company):
    case = company.start("pair")
    company.write(company.item(case, "write"), FIRST)
    company.write(company.item(case, "prepare"), "Q: Who? A: Nobody is hurt.")
    items.complete(company.ws, Actor("nora"), company.item(case, "read"), {})
    items.complete(company.ws, Actor("nora"), company.item(case, "ready"), {"ready": "yes"})
    company.vote(company.item(case, "approve"), "lea")
    company.work()
    statement, answers = auditing.who(company.ws, case)
    assert (statement.document, answers.document) == ("statement", "answers")
    assert statement.published_url != answers.published_url
    assert statement.published_at == answers.published_at == MONDAY
    assert auditing.who(company.ws, case, "answers") == [answers]


def test_what_a_drill_would_have_published_was_not_published(company: Company):
    company.playbook("letters", LETTERS)
    opening = cases.Opening(drill=True)
    case = cases.start(company.ws, Actor("ana"), "letters", {"creators": ["Kim"]}, opening).case
    company.write(company.item(case, "write"), "Dear Kim, hello", "ben")
    company.vote(company.item(case, "approve"), "lea")
    company.work()
    [row] = auditing.who(company.ws, case)
    assert row.valid
    assert (row.published_at, row.published_url) == (None, None)


def test_a_text_that_a_person_posted_was_published_where_they_say(company: Company):
    text = LETTERS.replace("account: newsroom", "account: wikipedia-talk")
    company.playbook("posts", text.replace("playbook: letters", "playbook: posts"))
    case = company.start("posts", creators=["Kim"])
    company.write(company.item(case, "write"), "Dear Kim, hello", "ben")
    company.vote(company.item(case, "approve"), "lea")
    assert auditing.who(company.ws, case)[0].published_url is None
    company.clock.move(minutes=2)
    address = "https://en.wikipedia.example.test/talk/1"
    items.complete(company.ws, Actor("ana"), company.item(case, "publish"), {"url": address})
    [row] = auditing.who(company.ws, case)
    assert (row.published_url, row.published_at) == (address, MONDAY + timedelta(minutes=2))


def test_who_is_asked_for_one_document(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "carl")
    assert [row.document for row in auditing.who(company.ws, case, "statement")] == ["statement"]
    with pytest.raises(NotFound, match="nobody was asked to approve a document statment") as no:
        auditing.who(company.ws, case, "statment")
    assert no.value.hint == "did you mean `statement`?"
    with pytest.raises(NotFound, match="There is no case"):
        auditing.who(company.ws, "CRISIS-2020-0001")


# --- the log -----------------------------------------------------------------------------------


def test_the_log_tells_everything_in_its_order(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "carl", why="Clear and true.")
    rows = list(auditing.log(company.ws))
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert {row.case for row in rows} == {None, case}
    [vote] = [row for row in rows if row.kind == "DecisionRecorded"]
    assert (vote.actor, vote.role, vote.assurance) == ("carl", "comms-director", "asserted")
    assert vote.data["comment"] == "Clear and true."
    assert vote.data["item"] == item
    assert len(vote.leaf_hash) == 64


def test_the_log_can_be_narrowed_down(company: Company):
    case, _, item = under_approval(company)
    other = company.start("everything", creators=[])
    company.vote(item, "carl")
    ws, minute = company.ws, timedelta(minutes=1)
    assert {row.case for row in auditing.log(ws, case=other)} == {other}
    assert {row.actor for row in auditing.log(ws, actor="carl")} == {"carl"}
    assert [r.data["item"] for r in auditing.log(ws, kind="DecisionRecorded")] == [item]
    after = list(auditing.log(ws, since=MONDAY + minute))
    before = list(auditing.log(ws, until=MONDAY + minute))
    assert [row.kind for row in after if row.case == case] == ["DecisionRecorded"]
    assert before
    assert len(before) + len(after) == len(list(auditing.log(ws)))
    with pytest.raises(NotFound, match="There is no case"):
        auditing.log(ws, case="CRISIS-2020-0001")


def test_the_log_is_read_in_portions(company: Company, monkeypatch: pytest.MonkeyPatch):
    under_approval(company)
    whole = list(auditing.log(company.ws))
    monkeypatch.setattr(auditing, "EVENTS_AT_ONCE", 3)
    assert list(auditing.log(company.ws)) == whole


def test_the_log_verifies(company: Company):
    under_approval(company)
    view = auditing.verify(company.ws)
    assert (view.ok, view.problems, view.cases) == (True, [], 1)
