"""Cases, their histories and their documents as doors show them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from smr_engine.errors import Invalid, NotFound, Refusal
from smr_engine.services import cases, items, reading
from smr_engine.services.views import CaseView
from smr_engine.services.workspace import Actor
from tests.services.company import Company

FIRST = "We know of the fire in hall 3."
SECOND = "We know of the fire in hall 3.\nNobody is hurt."

RATIO = """
playbook: ratio
version: 1.0.0
title: Ratio
owner: smr-lead
inputs: {fields: {total: number}}
steps: [{id: note_it, kind: set, values: {seen: 1}}]
results: {share: "{{ 1 / (inputs.total - 1) }}", total: "{{ inputs.total }}"}
"""

MORNING_PAPER = """
playbook: paper
version: 1.0.0
title: Paper
owner: smr-lead
documents: {word: {title: Word, audience: public, template: We look into it.}}
steps:
  - {id: write, kind: draft, document: word, assign: {role: comms-writer}}
  - {id: approve, kind: approval, documents: [word], quorum: [{role: legal}]}
  - id: out
    kind: publish
    document: word
    requires: [approve]
    account: newsroom
    at: "2026-09-15T06:00:00Z"
"""


def published(company: Company) -> str:
    """Run a statement up to the publication that a person makes."""
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), FIRST)
    item = company.item(case, "approve")
    company.vote(item, "carl")
    company.vote(item, "lea")
    company.work()
    return case


def with_creators(company: Company, creators: list[str]) -> str:
    """Run `everything` up to its creators."""
    case = company.start("everything", creators=creators)
    answers = {"done_1": True, "done_2": True, "summary": "All true."}
    items.complete(company.ws, Actor("tom"), company.item(case, "check"), answers)
    items.complete(company.ws, Actor("ana"), company.item(case, "assess"), {"about_us": "no"})
    items.complete(company.ws, Actor("ana"), company.item(case, "tone"), {"choice": "warm"})
    items.complete(company.ws, Actor("elif"), company.item(case, "tell_care"), {})
    items.complete(company.ws, Actor("nora"), company.item(case, "call_press"), {})
    return case


def statuses(view: CaseView) -> dict[str, str]:
    return {step.path: step.status for step in view.steps}


def test_cases_are_listed_newest_first_with_whom_they_wait_for(company: Company):
    first = company.start("statement", title="the fire in hall 3")
    company.clock.move(minutes=1)
    second = company.start("statement", title="the flood in hall 4")
    company.write(company.item(second, "write"), FIRST)
    company.vote(company.item(second, "approve"), "carl")
    rows = reading.case_list(company.ws)
    assert [(row.case, row.title) for row in rows] == [
        (second, "the flood in hall 4"),
        (first, "the fire in hall 3"),
    ]
    assert rows[1].waiting_for == ["tom", "zoe"]
    assert set(rows[0].waiting_for) == {"lea", "paul"}, "a director has decided"


def test_cases_are_listed_by_status_and_playbook(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    other = company.start("everything", creators=[])
    cases.cancel(company.ws, Actor("ana"), other, "Opened by mistake.")
    assert [row.case for row in reading.case_list(company.ws, status="open")] == [case]
    assert [row.case for row in reading.case_list(company.ws, playbook="everything")] == [other]
    [cancelled] = reading.case_list(company.ws, status="cancelled")
    assert (cancelled.outcome, cancelled.waiting_for) == ("cancelled", [])
    with pytest.raises(Invalid, match="no case is ever 'closed'"):
        reading.case_list(company.ws, status="closed")


def test_acknowledgements_hide_behind_the_work_that_is_left(company: Company):
    case = published(company)
    [row] = reading.case_list(company.ws)
    assert set(row.waiting_for) == {"ana", "mira"}
    address = "https://en.wikipedia.example.test/talk/1"
    items.complete(company.ws, Actor("ana"), company.item(case, "publish"), {"url": address})
    [row] = reading.case_list(company.ws)
    assert set(row.waiting_for) == {"carl", "eva", "rolf"}


def test_a_case_shows_its_steps_in_the_order_of_the_playbook(company: Company):
    case = company.start("everything", creators=["Kim", "Lou"])
    view = reading.case_view(company.ws, case)
    assert [(step.path, step.kind, step.status) for step in view.steps] == [
        ("brief", "section", "active"),
        ("brief/check", "task", "active"),
        ("assess", "decision", "waiting"),
        ("tone", "decision", "waiting"),
        ("both", "parallel", "waiting"),
        ("both/inside/tell_care", "task", "waiting"),
        ("both/outside/call_press", "task", "waiting"),
        ("each_creator", "foreach", "waiting"),
        ("close", "task", "waiting"),
    ]
    assert [item.step for item in view.items] == ["check"]
    assert view.items[0].waiting_for == ["tom", "zoe"]
    assert (view.status, view.requester, view.playbook) == ("open", "ana", "everything")
    assert view.inputs == {"creators": ["Kim", "Lou"]}


def test_a_case_shows_every_element_with_its_own_steps_and_documents(company: Company):
    case = with_creators(company, ["Kim", "Lou"])
    view = reading.case_view(company.ws, case)
    inside = {path: status for path, status in statuses(view).items() if "each_creator[" in path}
    assert inside == {
        "each_creator[0]/write_letter": "active",
        "each_creator[0]/approve_letter": "waiting",
        "each_creator[1]/write_letter": "active",
        "each_creator[1]/approve_letter": "waiting",
    }
    assert [(d.document, d.scope, d.title) for d in view.documents] == [
        ("letter", "each_creator[0]", "Letter"),
        ("letter", "each_creator[1]", "Letter"),
    ]


def test_a_case_shows_what_went_out_and_where(company: Company):
    view = reading.case_view(company.ws, published(company))
    [effect] = [effect for effect in view.effects if effect.kind == "publication"]
    assert (effect.name, effect.status) == ("publish statement -> newsroom", "done")
    assert effect.url is not None
    assert (company.root / effect.url).is_file()


def test_an_approved_publication_that_waits_says_when_it_goes_out(company: Company):
    company.playbook("paper", MORNING_PAPER)
    case = company.start("paper")
    company.write(company.item(case, "write"), FIRST)
    company.vote(company.item(case, "approve"), "lea")
    out = reading.case_view(company.ws, case).steps[-1]
    assert (out.status, out.reason) == ("active", "goes out at 2026-09-15 08:00 CEST")


def test_a_closed_case_says_which_results_could_not_be_computed(company: Company):
    company.playbook("ratio", RATIO)
    view = reading.case_view(company.ws, company.start("ratio", total=1))
    assert view.results == {"share": None, "total": 1}
    assert view.problems == ["share: division by zero"]


def test_an_effect_that_somebody_performs_right_now_is_claimed(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    assert {e.status for e in reading.case_view(company.ws, case).effects} == {"owed"}
    company.claim()
    assert {e.status for e in reading.case_view(company.ws, case).effects} == {"claimed"}
    company.clock.move(minutes=3)
    assert {e.status for e in reading.case_view(company.ws, case).effects} == {"owed"}


def test_a_case_shows_the_open_items_and_effects_of_the_cases_under_it(company: Company):
    parent = company.start("parent", title="the fire in hall 3")
    company.work()
    view = reading.case_view(company.ws, parent)
    [child] = view.children
    assert [(item.case, item.step) for item in view.items] == [(child, "write")]
    assert {effect.effect.rpartition(".")[0] for effect in view.effects} == {parent, child}
    assert reading.case_view(company.ws, child).parent == parent


def test_a_timeline_tells_the_case_and_its_children_in_the_order_of_time(company: Company):
    parent = company.start("parent", title="the fire in hall 3")
    company.clock.move(minutes=1)
    company.work()
    [child] = reading.case_view(company.ws, parent).children
    company.clock.move(minutes=1)
    cases.note(company.ws, Actor("ana"), parent, "The fire brigade has left.")
    company.clock.move(minutes=1)
    company.write(company.item(child, "write"), FIRST)
    events = reading.timeline(company.ws, parent)
    assert {event.case for event in events} == {parent, child}
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[0].kind == "CaseOpened"
    [note] = [event for event in events if event.kind == "NoteWritten"]
    assert (note.actor, note.role) == ("ana", "smr-lead")
    assert note.data["text"] == "The fire brigade has left."
    assert {event.case for event in reading.timeline(company.ws, child)} == {child}


def test_what_does_not_exist_is_told_so(company: Company):
    for read in (reading.case_view, reading.timeline):
        with pytest.raises(NotFound, match="There is no case CRISIS-2020-0001"):
            read(company.ws, "CRISIS-2020-0001")


def test_a_document_is_shown_with_its_newest_revision_and_author(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), FIRST)
    view = reading.document(company.ws, case, "statement")
    assert (view.revision, view.text, view.author, view.diff) == (2, FIRST, "tom", None)
    first = reading.document(company.ws, case, "statement", revision=1)
    assert first.text.strip() == "We are looking into the fire in hall 3."
    assert first.author == ""


def test_two_revisions_are_shown_with_their_difference(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    draft = company.item(case, "write")
    items.revise(company.ws, Actor("tom"), draft, FIRST)
    items.revise(company.ws, Actor("zoe"), draft, SECOND)
    view = reading.document(company.ws, case, "statement", diff=(2, 3))
    assert (view.revision, view.author) == (3, "zoe")
    assert view.diff is not None
    assert view.diff.splitlines()[-1] == "+Nobody is hurt."
    back = reading.document(company.ws, case, "statement", diff=(3, 2))
    assert (back.revision, back.text) == (2, FIRST)
    assert back.diff is not None
    assert back.diff.splitlines()[-1] == "-Nobody is hurt."
    assert reading.document(company.ws, case, "statement", diff=(2, 2)).diff == ""


def test_a_document_of_many_elements_is_named_with_its_scope(company: Company):
    case = with_creators(company, ["Kim", "Lou"])
    with pytest.raises(Refusal, match="has 2 documents called letter") as refused:
        reading.document(company.ws, case, "letter")
    assert "letter@each_creator[1]" in refused.value.hint
    assert reading.document(company.ws, case, "letter@each_creator[1]").text == "Dear Lou"
    assert reading.document(company.ws, case, "letter", "each_creator[0]").text == "Dear Kim"


def test_a_text_that_was_erased_is_told_so(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), FIRST)
    with closing(sqlite3.connect(company.ws.state / "smr.db")) as database, database:
        database.execute(
            "DELETE FROM contents WHERE event_seq IN"
            " (SELECT seq FROM events WHERE kind = 'DocumentRevised')"
        )
    database.close()
    view = reading.document(company.ws, case, "statement", revision=1)
    assert view.text == "[this text was erased]"


def test_documents_and_revisions_that_do_not_exist_are_told_with_those_that_do(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    with pytest.raises(NotFound, match="has no document statment") as misspelt:
        reading.document(company.ws, case, "statment")
    assert misspelt.value.hint == "did you mean `statement`?"
    for number in (0, 2):
        with pytest.raises(NotFound, match=f"has no version {number}"):
            reading.document(company.ws, case, "statement", revision=number)
