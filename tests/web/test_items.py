"""The page of an item: exactly what is asked, and the answers of people."""

from __future__ import annotations

import html
import re

import pytest

from smr_engine.services import cases, items, reading
from smr_engine.services.cases import Opening
from smr_engine.services.workspace import Actor
from tests.services.company import Company
from tests.services.playbooks import EVERYTHING
from tests.support.html_forms import sent_from
from tests.support.web import Guest, visit_as

FIRST = "We know of the fire in hall 3."
SECOND = "We know of the fire in hall 3.\nNobody is hurt."

CHECKED = """
playbook: checked
version: 1.0.0
title: Checked
owner: smr-lead
documents: {post: {title: Post, audience: public, template: Buy it.}}
assurance: mfa
steps:
  - id: write
    kind: draft
    document: post
    assign: {role: comms-writer}
    checks: [{must_contain: ["#ad"]}, {max_words: 5}]
  - id: approve
    kind: approval
    title: Approve the post
    documents: [post]
    quorum: [{role: legal}]
    break_glass: {role: exec-sponsor, ratify_within: 4h}
  - {id: publish, kind: publish, document: post, requires: [approve], account: wikipedia-talk}
  - {id: read, kind: task, assign: {role: comms-writer}, evidence: true}
"""


@pytest.fixture(scope="module")
def house(company: Company) -> Company:
    company.playbook("everything", EVERYTHING)
    company.playbook("checked", CHECKED)
    company.playbook("released", CHECKED.replace("checked", "released").replace("mfa", "session"))
    return company


@pytest.fixture(scope="module")
def people(house, app) -> dict[str, Guest]:
    return {name: visit_as(app, name) for name in ("ana", "carl", "eva", "lea", "tom", "zoe")}


def under_approval(house: Company) -> tuple[str, str, str]:
    """Return a case whose statement waits for approval, its draft and its approval item."""
    case = house.start("statement", title="the fire in hall 3")
    draft = house.item(case, "write")
    house.write(draft, FIRST)
    return case, draft, house.item(case, "approve")


def words(page: str) -> str:
    """Return what is read on a page."""
    text = re.sub(r"<[^>]+>", " ", page)
    return " ".join(html.unescape(text).split())


def digest_on(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


# --- approvals ---------------------------------------------------------------------------------


def test_an_approval_page_shows_content_destinations_quorum_and_four_buttons(house, people):
    _, _, item = under_approval(house)
    page = people["lea"].get(f"/items/{item}").text
    read = words(page)
    assert FIRST in read
    assert "Halden newsroom (website)" in read
    assert "Communications director 0 of 1 1 missing" in read
    assert re.findall(r'name="decision" value="(\w+)"', page) == [
        "approve",
        "request_changes",
        "reject",
        "recuse",
    ]
    digest = reading.item_view(house.ws, item, "lea").bundle_digest
    assert digest_on(page) == digest


def test_a_decision_leads_to_the_case_and_counts_once(house, people):
    case, _, item = under_approval(house)
    sent = {"seen": digest_on(people["lea"].get(f"/items/{item}").text), "decision": "approve"}
    answer = people["lea"].post(f"/items/{item}/decide", sent)
    assert answer.headers["location"] == f"/cases/{case}"
    people["lea"].post(f"/items/{item}/decide", sent)  # the button was pressed twice
    read = words(people["lea"].get(f"/items/{item}").text)
    assert "You approved" in read
    assert [v["person"] for v in reading.item_view(house.ws, item, None).votes] == ["lea"]
    people["lea"].post(f"/items/{item}/decide", {**sent, "decision": "reject"}, status=403)


def test_everything_but_an_approval_needs_a_reason(house, people):
    _, _, item = under_approval(house)
    seen = digest_on(people["lea"].get(f"/items/{item}").text)
    for decision in ("request_changes", "reject", "recuse"):
        sent = {"seen": seen, "decision": decision, "comment": " "}
        page = people["lea"].post(f"/items/{item}/decide", sent, status=409).text
        assert 'role="alert"' in page
        assert "Say why" in page
    sent = {"seen": seen, "decision": "reject", "comment": "We say nothing."}
    people["lea"].post(f"/items/{item}/decide", sent)
    read = words(people["carl"].get(f"/items/{item}").text)
    assert "Rejected." in read
    assert "We say nothing." in read


def test_a_decision_on_other_content_than_was_read_is_refused(house, people):
    _, draft, old = under_approval(house)
    seen = digest_on(people["lea"].get(f"/items/{old}").text)
    items.revise(house.ws, Actor("zoe"), draft, SECOND)
    new = reading.item_view(house.ws, old, "lea").successor
    for item, digest in ((old, seen), (new, seen), (new, ""), (new, "0" * 64)):
        sent = {"seen": digest, "decision": "approve", "comment": "kept"}
        page = people["lea"].post(f"/items/{item}/decide", sent, status=409).text
        assert "kept" in page or item == old
    assert reading.item_view(house.ws, new, None).votes == []


def test_a_superseded_item_leads_to_the_new_one_with_what_changed(house, people):
    _, draft, old = under_approval(house)
    items.revise(house.ws, Actor("zoe"), draft, SECOND)
    page = people["lea"].get(f"/items/{old}").text
    new = reading.item_view(house.ws, old, "lea").successor
    assert f'href="/items/{new}"' in page
    assert "decide" not in page.partition("<main")[2].partition("Go to the new one")[2]
    assert re.search(
        r"<ins><span[^>]*>new: </span>Nobody is hurt.", people["lea"].get(f"/items/{new}").text
    )


def test_who_may_not_decide_reads_why(house, people):
    _, _, item = under_approval(house)
    page = people["tom"].get(f"/items/{item}").text
    assert "Tom Becker had a hand in this content" in words(page)
    assert 'name="decision"' not in page
    sent = {"seen": reading.item_view(house.ws, item, "tom").bundle_digest, "decision": "approve"}
    people["tom"].post(f"/items/{item}/decide", sent, status=403)


def test_an_unknown_button_is_refused(house, people):
    _, _, item = under_approval(house)
    people["lea"].post(f"/items/{item}/decide", {"decision": "maybe"}, status=422)


def test_where_a_stronger_proof_is_demanded_the_page_leads_to_the_code(house, people):
    case = house.start("checked")
    house.write(house.item(case, "write"), "Buy it #ad")
    item = house.item(case, "approve")
    page = people["lea"].get(f"/items/{item}").text
    assert f'href="/step-up?next=/items/{item}"' in page
    sent = {"seen": reading.item_view(house.ws, item, "lea").bundle_digest, "decision": "approve"}
    answer = people["lea"].post(f"/items/{item}/decide", sent)
    assert answer.headers["location"] == f"/step-up?next=/items/{item}"
    people["lea"].get(answer.headers["location"])
    assert reading.item_view(house.ws, item, None).votes == []


def test_break_glass_says_what_happens_and_is_ratified(house, people):
    case = house.start("released")
    house.write(house.item(case, "write"), "Buy it #ad")
    item = house.item(case, "approve")
    assert "break-glass" not in people["lea"].get(f"/items/{item}").text
    page = people["eva"].get(f"/items/{item}").text
    assert "asked afterwards whether that was right" in words(page)
    sent = {"seen": digest_on(page), "reason": ""}
    people["eva"].post(f"/items/{item}/break-glass", sent, status=409)
    people["eva"].post(f"/items/{item}/break-glass", {**sent, "reason": "Lives are at risk"})
    ratify = house.item(case, "approve")
    page = people["lea"].get(f"/items/{ratify}").text
    assert "Who has to ratify" in page
    sent = {"seen": digest_on(page), "decision": "approve"}
    people["lea"].post(f"/items/{ratify}/decide", sent)
    assert "Ratified." in people["lea"].get(f"/items/{ratify}").text


# --- writing -----------------------------------------------------------------------------------


def test_a_draft_is_checked_without_saving_then_saved_then_done(house, people):
    case = house.start("checked")
    draft = house.item(case, "write")
    page = people["tom"].get(f"/items/{draft}").text
    assert "Buy it." in page
    on = sent_from(page).get("on")
    bad = {"on": on, "text": "Buy it today, all of you!"}
    page = people["tom"].post(f"/items/{draft}/revise", {**bad, "action": "check"}, status=200).text
    assert "It must contain" in page
    assert bad["text"] in page
    assert reading.item_view(house.ws, draft, "tom").content[0]["revision"] == 1
    page = people["tom"].post(f"/items/{draft}/revise", {**bad, "action": "done"}, status=409).text
    assert 'name="override"' in page
    assert bad["text"] in page
    why = {**bad, "action": "done", "override": "The client wants it so"}
    people["tom"].post(f"/items/{draft}/revise", why)
    assert reading.item_view(house.ws, draft, "tom").status == "completed"


def test_a_text_that_somebody_saved_meanwhile_is_not_overwritten_unread(house, people):
    _, draft, _ = under_approval(house)
    on = sent_from(people["zoe"].get(f"/items/{draft}").text).get("on")
    house.write(draft, SECOND)
    sent = {"on": on, "text": "Mine.", "action": "save"}
    page = people["zoe"].post(f"/items/{draft}/revise", sent, status=412).text
    assert "Nobody is hurt." in page
    assert "Mine." in page
    people["zoe"].post(f"/items/{draft}/revise", {**sent, "on": sent_from(page).get("on")})
    assert reading.item_view(house.ws, draft, "zoe").content[0]["text"] == "Mine."


def test_line_breaks_of_a_form_are_one_character(house, people):
    _, draft, _ = under_approval(house)
    on = sent_from(people["zoe"].get(f"/items/{draft}").text).get("on")
    people["zoe"].post(f"/items/{draft}/revise", {"on": on, "text": "a\r\nb", "action": "save"})
    assert reading.item_view(house.ws, draft, "zoe").content[0]["text"] == "a\nb"


# --- tasks, decisions, the rest ----------------------------------------------------------------


def test_a_task_says_what_is_missing_beside_the_fields_and_keeps_what_was_typed(house, people):
    case = house.start("everything", creators=["Mia"])
    item = house.item(case, "check")
    page = people["tom"].get(f"/items/{item}").text
    assert "Two sources for each." in page
    sent = {"/summary": "<b>known</b>", "/done_1": "yes"}
    page = people["tom"].post(f"/items/{item}/complete", sent, status=422).text
    assert "Tick this once it is done." in page
    assert "&lt;b&gt;known&lt;/b&gt;" in page
    people["tom"].post(f"/items/{item}/complete", {**sent, "/done_2": "yes"})
    assert "Done by Tom Becker." in words(people["tom"].get(f"/items/{item}").text)


def test_a_tree_of_questions_takes_the_answers_on_its_path(house, people):
    case = house.start("everything", creators=["Mia"])
    values = {"summary": "x", "done_1": True, "done_2": True}
    items.complete(house.ws, Actor("tom"), house.item(case, "check"), values)
    item = house.item(case, "assess")
    page = people["ana"].get(f"/items/{item}").text
    assert "Only if “Is it about us?” is answered yes." in words(page)
    page = people["ana"].post(f"/items/{item}/complete", {"/about_us": "yes"}, status=422).text
    assert "Answer yes or no." in page
    people["ana"].post(f"/items/{item}/complete", {"/about_us": "no", "/harmful": "yes"})
    assert "Decided by Ana Ruiz: ignore." in words(people["ana"].get(f"/items/{item}").text)
    choice = house.item(case, "tone")
    assert "Choose one." in people["ana"].post(f"/items/{choice}/complete", status=422).text
    people["ana"].post(f"/items/{choice}/complete", {"/choice": "warm"})
    assert reading.item_view(house.ws, choice, None).status == "completed"


def test_a_posting_by_hand_shows_the_text_and_takes_the_address(house, people):
    case = house.start("released")
    house.write(house.item(case, "write"), "Buy it #ad")
    lea = Actor("lea", "session")
    items.decide(house.ws, lea, house.item(case, "approve"), "approve")
    item = house.item(case, "publish")
    person = reading.item_view(house.ws, item, None).offered[0]
    guest = people.get(person) or visit_as(people["ana"].client.app, person)
    read = words(guest.get(f"/items/{item}").text)
    assert "Buy it #ad" in read
    assert "Never edit the article." in read
    page = guest.post(f"/items/{item}/complete", {"/url": "javascript:alert(1)"}, status=422).text
    assert "is not a web address" in page
    guest.post(f"/items/{item}/complete", {"/url": "https://example.test/talk"})
    assert reading.item_view(house.ws, item, None).status == "completed"


def test_a_repair_offers_only_what_would_be_taken(house, people):
    _, _, item = under_approval(house)
    case = item.rpartition(".")[0]
    for person in ("lea", "nora", "paul"):
        view = reading.item_view(house.ws, item, person)
        if view.may and view.status == "open":
            items.decide(house.ws, Actor(person), item, "recuse", "My brother works there")
    repair = next(row for row in reading.inbox(house.ws, "ana") if row.case == case)
    assert repair.kind == "repair"
    page = people["ana"].get(f"/items/{repair.item}").text
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["retry", "skip", "cancel"]
    sent = {"answer": "skip", "reason": ""}
    people["ana"].post(f"/items/{repair.item}/repair", sent, status=409)
    people["ana"].post(f"/items/{repair.item}/repair", {**sent, "reason": "No statement then"})
    assert "Settled by Ana Ruiz: go on without it." in words(
        people["ana"].get(f"/items/{repair.item}").text
    )


def test_an_item_is_handed_over(house, people):
    case = house.start("statement", title="the fire")
    draft = house.item(case, "write")
    people["tom"].post(f"/items/{draft}/reassign", {"person": "zoe"})
    assert reading.item_view(house.ws, draft, None).offered == ["zoe"]
    people["tom"].post(f"/items/{draft}/reassign", {"person": "nobody"}, status=404)


def test_a_message_is_acknowledged(house, people):
    case = cases.start(
        house.ws,
        Actor("ana"),
        "crisis-response",
        {
            "title": "Fire",
            "type": "safety",
            "first_seen": "2026-09-14T07:00:00+02:00",
            "source_urls": ["https://example.test/1"],
            "safety_risk": True,
        },
        Opening(drill=True),
    ).case
    verified = {
        "confirmed": ["a"],
        "unknown": ["b"],
        "affected": "the workers",
        "finding_out": "We ask.",
        "doing": "We help.",
        "captures": "drive",
        "log_keeper": "ana",
        "spokesperson": "ana",
        **{f"done_{n}": True for n in (1, 2, 3)},
    }
    items.complete(house.ws, Actor("ana"), house.item(case, "verify"), verified)
    items.complete(house.ws, Actor("carl"), house.item(case, "declare"), {"declare": "yes"})
    rows = [row for row in reading.inbox(house.ws, "lea") if row.case == case]
    [ack] = [row.item for row in rows if row.kind == "acknowledgement"]
    page = people["lea"].get(f"/items/{ack}").text
    assert "This is an exercise" in words(page)
    assert "The comms director commands" in page
    people["lea"].post(f"/items/{ack}/acknowledge")
    assert reading.item_view(house.ws, ack, None).status == "completed"


def test_a_hidden_item_does_not_exist_for_others(house, app, people):
    hidden = house.start_as("jan", "secret")
    for path in (f"/items/{hidden}.1", "/items/CASE-1999-0001.1"):
        read = words(people["lea"].get(path, 404).text)
        people["lea"].post(f"{path}/complete", status=404)
        assert "There is no" in read or "there is no" in read
