"""One case: where it stands, its steps, its words, who was told, and what may be ordered."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC

import pytest

from smr_engine.services import cases, items, reading
from smr_engine.services.case_boxes import boxes_of
from smr_engine.services.cases import Opening
from smr_engine.services.side_by_side import side_by_side
from smr_engine.services.views import StepRow
from smr_engine.services.workspace import Actor
from smr_engine.web import case_words
from tests.services.company import Company
from tests.services.playbooks import PARENT, RESTRICTED, STATEMENT
from tests.support.web import application, visit_as

SEVERE = (
    STATEMENT.replace("playbook: statement", "playbook: severe")
    .replace("owner: smr-lead", "owner: smr-lead\nseverity: {levels: [sev1, sev2], initial: sev2}")
    .replace("due: 2h", "due: {by_severity: {sev1: 15m}, default: 2h}")
)
WATCHED = """
playbook: watched
version: 1.0.0
title: Watched
owner: smr-lead
clocks:
  authority: {title: Tell the authority, runs_from: "{{ case.opened_at }}", due: 72h}
documents:
  post: {title: Post, audience: public, template: "We <b>know</b> of it."}
steps:
  - {id: write, title: "Write on {{ case.title }}", kind: draft, document: post, assign: {role: comms-writer}}
  - id: approve
    kind: approval
    title: Approve the post
    documents: [post]
    quorum: [{role: comms-director}, {role: legal}]
  - {id: publish, kind: publish, document: post, requires: [approve], account: newsroom}
  - id: tell
    kind: notify
    title: Tell those who answer
    to: [{group: executives}, {role: legal}, {contact: trade-press}]
    message: {subject: It is out, body: Read it.}
    acknowledge: {due: 1d}
  - {id: calm, kind: wait, title: Until it is calm, signal: calm}
"""
FIRST, SECOND = "We look into it.\nMore soon.", "We look into that, today.\nMore soon."


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = Company(tmp_path_factory.mktemp("cases") / "halden")
    made.playbook("statement", STATEMENT)
    made.playbook("severe", SEVERE)
    made.playbook("secret", RESTRICTED)
    made.playbook("watched", WATCHED)
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def app(company):
    return application(company.ws)


@pytest.fixture(scope="module")
def ana(app):
    return visit_as(app, "ana")


@pytest.fixture
def case(company):
    made = company.start("severe", title="Stoves")
    draft = company.item(made, "write")
    items.revise(company.ws, Actor("tom"), draft, FIRST)
    items.revise(company.ws, Actor("tom"), draft, SECOND, done=True)
    return made


@pytest.fixture(scope="module")
def drilled(company):
    """An exercise whose post was approved, and that waits until it is calm."""
    ws = company.ws
    made = cases.start(ws, Actor("ana"), "watched", {}, Opening(drill=True)).case
    company.write(company.item(made, "write"), "We <b>know</b> of it, and look into it.")
    for person in ("carl", "lea"):
        company.vote(company.item(made, "approve"), person)
    company.work("0d1e-run")
    return made


def heading(text: str, words: str) -> str:
    """Return what stands below a heading, up to the next of its kind."""
    [_, after] = text.split(f"{words}</h2>")
    return after.split("<h2")[0]


def test_the_page_says_where_the_case_stands_and_links_what_waits(company, app, ana, case):
    text = ana.get(f"/cases/{case}").text
    assert "Waits for" in text
    assert f"/items/{company.item(case, 'approve')}" in text
    assert "Approve the statement" in text
    assert "Why you cannot decide" in text
    assert "Why you cannot decide" not in visit_as(app, "lea").get(f"/cases/{case}").text
    assert "approval, under way" in text
    assert "publication, to come" in text
    assert "Tom Becker" in text  # who wrote it


def test_a_restricted_case_is_not_there_for_others(company, app, ana):
    secret = company.start_as("ruth", "secret")
    missing = ana.get("/cases/NONE-2026-0001", 404).text
    assert ana.get(f"/cases/{secret}", 404).text == missing.replace("NONE-2026-0001", secret)
    assert "Personnel matter" in visit_as(app, "ruth").get(f"/cases/{secret}").text


def test_two_versions_stand_beside_each_other(ana, case):
    text = ana.get(f"/cases/{case}/documents/statement?old=2&new=3").text
    assert "We look into <del>it</del>." in text
    assert "We look into <ins>that, today</ins>." in text
    assert "Tom Becker" in text
    ana.get(f"/cases/{case}/documents/nothing", 404)
    ana.get(f"/cases/{case}/documents/statement?old=9", 404)


def test_a_note_goes_into_the_history(ana, case):
    ana.post(f"/cases/{case}/note", {"text": "The press <b>calls</b>"})
    text = ana.get(f"/cases/{case}").text
    assert "The press &lt;b&gt;calls&lt;/b&gt;" in text


def test_a_severity_is_shown_before_it_is_set(ana, case):
    change = {"level": "sev1", "reason": "It spreads", "action": "look"}
    looked = ana.post(f"/cases/{case}/severity", change, 200).text
    assert "What moves with sev1" in looked
    assert "It spreads" in looked, "what was typed stays"
    assert "Approve the statement" in looked.split("What moves with")[1], "by its title"
    assert "sev2" in ana.get(f"/cases/{case}").text
    ana.post(f"/cases/{case}/severity", {**change, "action": "confirm"})
    assert "badge-sev1" in ana.get(f"/cases/{case}").text


def test_what_one_may_not_order_is_not_offered_and_is_refused(app, case):
    lea = visit_as(app, "lea")
    text = lea.get(f"/cases/{case}").text
    for path in ("cancel", "severity"):
        assert f"/cases/{case}/{path}" not in text
    answer = lea.post(f"/cases/{case}/cancel", {"reason": "No"}, 403)
    assert "Social media relations lead (the owner of" in answer.text
    assert "No" in answer.text


def test_a_case_is_cancelled_with_a_reason(ana, case):
    ana.post(f"/cases/{case}/cancel", {"reason": ""}, 409)
    ana.post(f"/cases/{case}/cancel", {"reason": "False alarm"})
    text = ana.get(f"/cases/{case}").text
    assert "badge-cancelled" in text
    assert "False alarm" in text


def test_a_quorum_says_what_is_filled_what_is_missing_and_why_one_cannot_decide(
    company, app, ana, case
):
    asked = company.item(case, "approve")
    company.vote(asked, "carl", why="Clear <i>words</i>")
    below = heading(ana.get(f"/cases/{case}").text, "Approvals")
    assert "1 of 2" in below
    assert re.search(r"Communications director</span> <strong>filled", below)
    assert re.search(r"Legal</span> <strong>missing", below)
    assert "Clear &lt;i&gt;words&lt;/i&gt;" in below
    assert "Ana Ruiz holds none of these roles" in below
    assert "It waits for Lea Hoffmann or Paul Nguyen." in ana.get(f"/items/{asked}").text
    carl = heading(visit_as(app, "carl").get(f"/cases/{case}").text, "Approvals")
    assert "Carl Weiss has decided on this already" in carl
    assert "Read and decide" in heading(
        visit_as(app, "lea").get(f"/cases/{case}").text, "Approvals"
    )


def test_a_line_of_the_history_names_the_role_of_whoever_it_is_about_and_once(company, ana, case):
    company.vote(company.item(case, "approve"), "carl", why="Clear")
    below = ana.get(f"/cases/{case}").text.split("What happened</h2>")[1]
    lines = re.findall(r"</time>(.*?)</small>\s*<div>(.*?)<", below)
    roles = {words.split(" Statement")[0]: role.strip(" ·") for role, words in lines}
    assert roles["Tom Becker saved"] == "Communications writer"
    assert roles["Carl Weiss approved"] == "", "the sentence says it"
    assert not any(role for words, role in roles.items() if "were asked" in words)


def test_a_step_that_is_under_way_is_called_what_its_item_is_called(company, ana):
    steps = heading(ana.get(f"/cases/{company.start('watched')}").text, "Steps")
    assert ">Write on Watched</a>" in steps


def test_an_exercise_shows_word_for_word_what_would_have_gone_out(ana, drilled):
    text = ana.get(f"/cases/{drilled}").text
    assert "This is an exercise" in text
    title = "Would have been published: Post to Halden newsroom"
    below = heading(text, title)
    assert text.index(title) < text.index("What is open")
    assert "We &lt;b&gt;know&lt;/b&gt; of it, and look into it." in below
    [approval] = re.findall(rf'href="(/audit/{drilled})(#sha-\w+)">Who approved it', below)
    assert f'id="{approval[1][1:]}"' in ana.get(approval[0]).text


def test_a_board_counts_group_by_group_who_was_told_said_so_and_acted(company, ana, drilled):
    ws = company.ws
    asked = [row for row in reading.inbox(ws, "eva") if row.case == drilled]
    items.acknowledge(ws, Actor("eva"), asked[0].item)
    company.clock.move(minutes=1)
    cases.note(ws, Actor("eva"), drilled, "I call the board")
    below = heading(ana.get(f"/cases/{drilled}").text, "Who was told, and has said so")
    assert re.search(
        r"Executives</th>.*?Told\">3 of 3.*?Acknowledged\">1 of 3.*?since\">1 of", below
    )
    assert "Contacts" in below
    assert re.search(r"not told, <strong>not acknowledged", below), "nobody outside in an exercise"
    assert re.search(r"Eva Lund: told .*?acknowledged .*?acted ", below)


def test_effects_name_their_flow_run_and_lead_to_it_where_prefect_is_known(company, ana, drilled):
    assert "0d1e-run" in ana.get(f"/cases/{drilled}").text
    ws = company.ws
    known = replace(ws.options, prefect_api_url="http://127.0.0.1:4200/api")
    guest = visit_as(application(replace(ws, options=known)), "ben")
    there = 'href="http://127.0.0.1:4200/runs/flow-run/0d1e-run"'
    assert there in guest.get(f"/cases/{drilled}").text


def test_clocks_are_met_and_signals_sent_by_those_who_steer(app, ana, drilled):
    zoe = visit_as(app, "zoe").get(f"/cases/{drilled}").text
    assert f"/cases/{drilled}/clocks/authority" not in zoe
    assert f"/cases/{drilled}/signals/calm" not in zoe
    ana.post(f"/cases/{drilled}/clocks/authority", {"note": "By phone"})
    assert "By phone" in ana.get(f"/cases/{drilled}").text
    wrong = ana.post(f"/cases/{drilled}/signals/calm", {"key": "", "values": "- no keys"}, 422).text
    assert "- no keys" in wrong, "what was typed stays"
    ana.post(f"/cases/{drilled}/signals/calm", {"key": "", "values": "who: the desk"})
    assert "sent the signal calm" in ana.get(f"/cases/{drilled}").text


def test_a_case_below_another_says_so_on_both_pages(company, ana):
    company.playbook("parent", PARENT)
    parent = company.start("parent", title="Stoves")
    company.work()
    [child] = reading.case_view(company.ws, parent).children
    below = heading(ana.get(f"/cases/{parent}").text, "Cases that belong to it")
    assert f"/cases/{child}" in below
    assert ">Statement</a>" in below, "its playbook tells it apart, for its title is the same"
    assert "Waits for" in below
    text = ana.get(f"/cases/{child}").text
    assert f'part of <a href="/cases/{parent}">' in text
    assert "by the case above it" in text


def row(path, kind, status="waiting"):
    return StepRow(path, 1, kind, status)


def test_steps_are_boxes_in_boxes():
    found = boxes_of(
        [
            row("write", "draft", "completed"),
            row("respond", "parallel", "active"),
            row("respond/speak/say", "publish", "active"),
            row("respond/listen/hear", "task"),
            row("each", "foreach"),
            row("each[0]/ask", "task"),
            row("each[1]/ask", "task", "failed"),
        ]
    )
    assert [box.path for box in found] == ["write", "respond", "each"]
    speak, listen = found[1].inside
    assert (speak.title, [box.path for box in speak.inside]) == ("Speak", ["respond/speak/say"])
    assert speak.is_going
    assert not listen.is_going
    assert [box.title for box in found[2].inside] == ["Number 1", "Number 2"]
    assert found[2].is_going


def test_what_moves_alike_is_told_once(company, case):
    view = reading.case_view(company.ws, case)
    move = {"item": "x", "what": "due", "from": "2026-09-14T08:00:00Z", "to": ""}
    [told] = case_words.moves(view, [move, {**move, "item": "x"}], UTC)
    assert (told.times, told.before, told.after) == (2, "2026-09-14 08:00 UTC", "nothing")


def test_branches_and_elements_are_called_what_they_are_called():
    rows = [row("respond", "parallel"), row("respond/speak/say", "publish"), row("each", "foreach")]
    names = {"respond/speak": "Speak out", "each[0]": "Creator Kim"}
    found = boxes_of(
        [*rows, row("each[0]/ask", "task")], names, {"each[0]/ask": "CASE-2026-0001.4"}
    )
    assert found[0].inside[0].title == "Speak out"
    assert found[1].inside[0].title == "Creator Kim"
    assert found[1].inside[0].inside[0].item == "CASE-2026-0001.4"


def test_within_a_line_only_words_that_differ_are_marked():
    [line] = side_by_side("It was hacked by criminals, we think.", "It was compromised, we think.")
    gone, new = line.parts
    assert [part.text for part in gone if part.differs] == ["hacked by criminals"]
    assert [part.text for part in new if part.differs] == ["compromised"]
    assert "".join(part.text for part in gone) == line.old
    [long] = side_by_side("a " * 500, "b " * 500)
    assert [len(side) for side in long.parts] == [1, 1], "too long to compare word by word"


def test_lines_that_changed_stand_beside_each_other():
    lines = side_by_side("a\nb\nc", "a\nB\nc\nd")
    assert [(line.old, line.new) for line in lines] == [
        ("a", "a"),
        ("b", "B"),
        ("c", "c"),
        (None, "d"),
    ]
    assert [line.same for line in lines] == [True, False, True, False]
