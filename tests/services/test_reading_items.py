"""One item: everything a person needs to act on it."""

from __future__ import annotations

import jsonschema
import pytest

from smr_engine.errors import NotFound, Refusal
from smr_engine.services import items, reading
from smr_engine.services.views import ItemView, QuestionView, QuorumRow
from smr_engine.services.workspace import Actor
from tests.services.company import Company

FIRST = "We know of the fire in hall 3."
SECOND = "We know of the fire in hall 3.\nNobody is hurt."


def under_approval(company: Company) -> tuple[str, str, str]:
    """Return a case whose statement waits for approval, its draft and its approval item."""
    case = company.start("statement", title="the fire in hall 3")
    draft = company.item(case, "write")
    company.write(draft, FIRST)
    return case, draft, company.item(case, "approve")


def view(company: Company, case: str, step: str, person: str | None = None) -> ItemView:
    return reading.item_view(company.ws, company.item(case, step), person)


def test_a_draft_shows_the_text_to_start_from(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    shown = view(company, case, "write", "tom")
    assert (shown.kind, shown.step, shown.may) == ("draft", "write", True)
    assert shown.document == "statement"
    [content] = shown.content
    assert content["text"].strip() == "We are looking into the fire in hall 3."
    assert content["revision"] == 1


def test_an_approval_shows_the_exact_content_and_where_it_goes(company: Company):
    case, _, _ = under_approval(company)
    shown = view(company, case, "approve", "lea")
    [content] = shown.content
    assert (content["document"], content["revision"], content["text"]) == ("statement", 2, FIRST)
    assert shown.bundle_digest
    places = [(d["account"], d["title"], d["audience"]) for d in shown.destinations]
    assert places == [
        ("newsroom", "Halden newsroom", "public"),
        ("wikipedia-talk", "Wikipedia talk pages", "public"),
    ]
    assert shown.changes == []


def test_an_approval_shows_which_lines_of_the_quorum_are_missing(company: Company):
    case, _, item = under_approval(company)
    company.vote(item, "carl", why="Clear and true.")
    shown = view(company, case, "approve", "lea")
    lines = [("comms-director", 1, 1), ("legal", 1, 0)]
    assert shown.quorum == [QuorumRow(*line, shown.due) for line in lines]
    [vote] = shown.votes
    assert (vote["name"], vote["decision"], vote["comment"]) == (
        "Carl Weiss",
        "approve",
        "Clear and true.",
    )


def test_a_new_revision_shows_what_changed_since_the_item_it_supersedes(company: Company):
    case, draft, old = under_approval(company)
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    shown = view(company, case, "approve", "lea")
    assert shown.previous == old
    [change] = shown.changes
    assert (change["document"], change["since"]) == ("statement", old)
    lines = change["diff"].splitlines()
    assert lines[:2] == ["--- statement version 2", "+++ statement version 3"]
    assert "+Nobody is hurt." in lines


def test_who_has_decided_sees_the_difference_to_what_they_decided_on(company: Company):
    case, draft, decided = under_approval(company)
    company.vote(decided, "carl")
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    items.revise(company.ws, Actor("zoe"), draft, f"{SECOND}\nWe go on at six.")
    [carl] = view(company, case, "approve", "carl").changes
    [lea] = view(company, case, "approve", "lea").changes
    assert carl["since"] == decided
    assert {"+Nobody is hurt.", "+We go on at six."} <= set(carl["diff"].splitlines())
    assert lea["since"] != decided
    assert "+Nobody is hurt." not in lea["diff"].splitlines()


def test_a_later_round_shows_what_changed_since_the_round_before(company: Company):
    case, _, first = under_approval(company)
    company.vote(first, "lea", "request_changes", "Say that nobody is hurt.")
    draft = view(company, case, "write", "tom")
    assert "Say that nobody is hurt." in draft.message
    assert draft.content[0]["text"] == FIRST
    company.write(draft.item, SECOND)
    shown = view(company, case, "approve", "nora")
    assert shown.previous == ""
    [change] = shown.changes
    assert change["since"] == first
    assert "+Nobody is hurt." in change["diff"].splitlines()


def test_a_superseded_item_still_shows_the_text_it_was_about(company: Company):
    _, draft, old = under_approval(company)
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    shown = reading.item_view(company.ws, old, "lea")
    assert (shown.status, shown.may) == ("superseded", False)
    assert "decide on the new item" in shown.why_not
    assert [content["text"] for content in shown.content] == [FIRST]


def test_changed_recipients_stand_among_the_changes(company: Company):
    text = (company.root / "playbooks/statement.yaml").read_text(encoding="utf-8")
    changed = text.replace(
        "accounts: [newsroom, wikipedia-talk]", "account: outreach-mailbox\n    to: {role: hr}"
    ).replace("playbook: statement", "playbook: letter")
    company.playbook("letter", changed)
    case = company.start("letter", title="the fire in hall 3")
    draft = company.item(case, "write")
    company.write(draft, FIRST)
    company.directory(
        "email: pia@example.test\n    roles: [product-owner]",
        "email: pia@example.test\n    roles: [hr]",
    )
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    changes = {c["document"]: c["diff"] for c in view(company, case, "approve", "lea").changes}
    assert set(changes) == {"statement", "(destinations)"}
    assert "Pia Conti" in changes["(destinations)"]
    [place] = view(company, case, "approve", "lea").destinations
    assert {"kind": "person", "id": "pia", "name": "Pia Conti"} in place["to"]


def test_attachments_of_a_draft_are_shown_to_those_who_approve_it(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    draft = company.item(case, "write")
    items.attach(company.ws, Actor("tom"), draft, "hall-3.jpg", b"a photograph")
    company.write(draft, FIRST)
    shown = view(company, case, "approve", "lea")
    [attached] = shown.attachments
    assert (attached["name"], attached["size"], attached["by"]) == ("hall-3.jpg", 12, "tom")
    assert shown.content[0]["attachments"] == [attached["digest"]]


def test_a_task_shows_its_form_with_the_checklist(company: Company):
    case = company.start("everything", creators=[])
    shown = view(company, case, "check", "tom")
    assert shown.message == "Two sources for each."
    assert set(shown.form["required"]) == {"done_1", "done_2", "summary"}
    answers = {"done_1": True, "done_2": True, "summary": "All true."}
    jsonschema.validate(answers, shown.form)
    items.complete(company.ws, Actor("tom"), shown.item, answers)
    assert reading.item_view(company.ws, shown.item, "tom").status == "completed"


def after_the_check(company: Company, creators: list[str]) -> str:
    case = company.start("everything", creators=creators)
    answers = {"done_1": True, "done_2": True, "summary": "All true."}
    items.complete(company.ws, Actor("tom"), company.item(case, "check"), answers)
    return case


def test_a_tree_of_questions_is_shown_from_its_root(company: Company):
    case = after_the_check(company, [])
    shown = view(company, case, "assess", "ana")
    assert shown.questions == [
        QuestionView("about_us", "Is it about us?", "harmful", "ignore"),
        QuestionView("harmful", "Does it do harm?", "answer", "ignore"),
    ]
    assert shown.choices == []
    jsonschema.validate({"about_us": "no"}, shown.form)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"harmful": "no"}, shown.form)
    items.complete(company.ws, Actor("ana"), shown.item, {"about_us": "no"})


def test_a_choice_is_shown_with_its_titles(company: Company):
    case = after_the_check(company, [])
    items.complete(company.ws, Actor("ana"), company.item(case, "assess"), {"about_us": "no"})
    shown = view(company, case, "tone", "ana")
    assert [choice["id"] for choice in shown.choices] == ["plain", "warm"]
    assert shown.form["properties"]["choice"]["enum"] == ["plain", "warm"]
    assert shown.form["required"] == ["choice"]
    items.complete(company.ws, Actor("ana"), shown.item, {"choice": "warm"})


def published_to_the_hub(company: Company) -> str:
    case, _, item = under_approval(company)
    company.vote(item, "carl")
    company.vote(item, "lea")
    company.work()
    return case


def test_a_manual_publication_shows_the_text_to_post_and_asks_for_its_address(company: Company):
    case = published_to_the_hub(company)
    shown = view(company, case, "publish", "ana")
    assert (shown.kind, shown.may, shown.document) == ("publish", True, "statement")
    assert shown.form["required"] == ["url"]
    assert [(c["text"], c["revision"]) for c in shown.content] == [(FIRST, 2)]
    [place] = shown.destinations
    assert place["account"] == "wikipedia-talk"
    assert "Never edit the article." in place["instructions"]


def test_an_acknowledgement_shows_the_message_that_was_sent(company: Company):
    case = published_to_the_hub(company)
    address = "https://en.wikipedia.example.test/talk/1"
    items.complete(company.ws, Actor("ana"), company.item(case, "publish"), {"url": address})
    company.work()
    [row] = reading.inbox(company.ws, "eva")
    shown = reading.item_view(company.ws, row.item, "eva")
    assert (shown.kind, shown.may) == ("acknowledgement", True)
    assert shown.message.startswith("newsroom/")
    assert shown.form["properties"] == {}


def test_a_repair_item_shows_what_went_wrong_and_asks_no_question_of_its_step(company: Company):
    case, _, item = under_approval(company)
    for person in ("carl", "nora"):
        company.vote(item, person, "recuse", "I know the people involved.")
    shown = view(company, case, "approve", "ana")
    assert (shown.kind, shown.may) == ("repair", True)
    assert "the quorum cannot be reached" in shown.message
    assert (shown.questions, shown.quorum, shown.destinations) == ([], [], [])


def test_an_item_over_several_documents_shows_them_all_and_where_each_goes(company: Company):
    case = company.start("pair")
    company.write(company.item(case, "write"), FIRST)
    company.write(company.item(case, "prepare"), "Q: Who? A: Nobody is hurt.")
    read = view(company, case, "read", "nora")
    assert [(c["document"], c["revision"]) for c in read.content] == [
        ("statement", 2),
        ("answers", 2),
    ]
    assert read.document is None
    items.complete(company.ws, Actor("nora"), read.item, {})
    ready = view(company, case, "ready", "nora")
    assert [c["text"] for c in ready.content] == ["Q: Who? A: Nobody is hurt."]
    items.complete(company.ws, Actor("nora"), ready.item, {"ready": "yes"})
    shown = view(company, case, "approve", "lea")
    assert [c["document"] for c in shown.content] == ["statement", "answers"]
    hub, mail = shown.destinations
    assert (hub["document"], hub["account"], hub["to"]) == ("statement", "newsroom", [])
    assert (mail["document"], mail["account"]) == ("answers", "outreach-mailbox")
    assert [(to["kind"], to["name"]) for to in mail["to"]] == [
        ("contact", "Robin Vogel"),
        ("vendor", "Listenpost media monitoring"),
        ("address", "desk@paper.example.test"),
    ]


def test_nobody_in_particular_sees_all_and_may_nothing(company: Company):
    case, _, _ = under_approval(company)
    shown = view(company, case, "approve", None)
    assert shown.content[0]["text"] == FIRST
    assert not shown.may
    assert shown.why_not


def test_an_item_of_a_restricted_case_does_not_exist_for_others(company: Company):
    case = company.start_as("ruth", "secret")
    item = company.item(case, "talk")
    assert reading.item_view(company.ws, item, "jan").may
    with pytest.raises(NotFound, match=f"There is no case {case}"):
        reading.item_view(company.ws, item, "ana")


def test_what_is_no_item_is_told_so(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    with pytest.raises(Refusal, match="is not an item"):
        reading.item_view(company.ws, "hello", "ana")
    with pytest.raises(NotFound, match="There is no case"):
        reading.item_view(company.ws, "CRISIS-2020-0001.3", "ana")
    with pytest.raises(NotFound, match="there is no item"):
        reading.item_view(company.ws, f"{case}.999", "ana")
