"""What is open now, in a sentence each; the inbox; the list of cases."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from smr_engine.services import cases, items, reading
from smr_engine.services.situation import done_by, situation
from smr_engine.services.workspace import Actor
from tests.services.company import Company
from tests.services.playbooks import RESTRICTED, STATEMENT
from tests.support.web import application, visit_as

SEVERE = STATEMENT.replace("playbook: statement", "playbook: severe").replace(
    "owner: smr-lead", "owner: smr-lead\nseverity: {levels: [sev1, sev2], initial: sev2}"
)

LETTERS = """
playbook: letters
version: 1.0.0
title: Letters
owner: smr-lead
inputs: {fields: {creators: {type: list, of: text}}}
documents: {letter: {title: Letter, audience: creator, template: "Dear {{ creator }}"}}
steps:
  - id: each_creator
    kind: foreach
    in: inputs.creators
    as: creator
    steps:
      - {id: write_letter, kind: draft, document: letter, assign: {role: community-manager}}
"""


@pytest.fixture
def company(tmp_path):
    made = Company(tmp_path / "halden")
    for name, text in (("statement", STATEMENT), ("severe", SEVERE), ("secret", RESTRICTED)):
        made.playbook(name, text)
    yield made
    made.ws.storage.close()


@pytest.fixture
def app(company):
    return application(company.ws)


def to_approval(company, playbook="statement", title="Stoves"):
    case = company.start(playbook, title=title)
    item = company.item(case, "write")
    items.revise(company.ws, Actor("tom"), item, "We look into it, and say so.", done=True)
    return case


def line(company, case, person="ana"):
    return next(each for each in situation(company.ws, person).cases if each.case == case)


def test_a_case_says_whom_it_waits_for_since_when_and_which_words_are_ready(company):
    case = to_approval(company)
    items.decide(company.ws, Actor("carl"), company.item(case, "approve"), "approve")
    company.clock.move(minutes=6)
    said = line(company, case)
    assert said.sentence == (
        "Waits for Legal (Lea Hoffmann or Paul Nguyen) since 6 min:"
        " Approve the statement (Statement, version 2)."
    )
    assert not said.late


def test_what_is_late_is_said_and_marked(company, app):
    case = to_approval(company)
    company.clock.move(hours=2, minutes=5)
    said = line(company, case)
    assert "since 2 h 5 min, 5 min late" in said.sentence
    assert said.late
    assert "card-late" in visit_as(app, "lea").get("/").text


def test_the_worst_come_first_then_the_newest_and_those_without_severity_last(company):
    plain = company.start("statement", title="Plain")
    company.clock.move(minutes=1)
    mild = company.start("severe", title="Mild")
    company.clock.move(minutes=1)
    newer = company.start("severe", title="Newer")
    bad = cases.start(
        company.ws, Actor("ana"), "severe", {"title": "Bad"}, cases.Opening(severity="sev1")
    ).case
    found = situation(company.ws, "ana")
    assert [each.case for each in found.cases] == [bad, newer, mild, plain]
    assert found.counts == {"sev1": 1, "sev2": 2, "": 1}


def test_an_exercise_never_stands_before_what_is_real_and_is_counted_apart(company, app):
    opening = cases.Opening(severity="sev1", drill=True)
    company.start("statement", title="Plain")
    company.clock.move(minutes=1)
    cases.start(company.ws, Actor("ana"), "severe", {"title": "Rehearsed"}, opening)
    found = situation(company.ws, "ana")
    assert [each.title for each in found.cases] == ["Plain", "Rehearsed"]
    assert (found.counts, found.exercises) == ({"": 1}, 1)
    text = visit_as(app, "ana").get("/").text
    assert "1 exercise<" in text
    lines = re.findall(r'<li id="event-.*', text)
    assert {
        each.title: "Exercise" in line
        for line in lines
        for each in found.cases
        if each.case in line
    } == {
        "Plain": False,
        "Rehearsed": True,
    }


def test_a_page_has_fifty_cases_and_says_how_many_there_are(company, app):
    for number in range(53):
        company.start("statement", title=f"Case {number}")
    first, second = (situation(company.ws, "ana", number) for number in (1, 2))
    assert (len(first.cases), len(second.cases), first.pages) == (50, 3, 2)
    assert situation(company.ws, "ana", 99).page == 2
    assert "Page 1 of 2" in visit_as(app, "ana").get("/").text


def test_what_happened_is_told_the_newest_first_and_only_of_the_last_hour(company, app):
    case = company.start("statement", title="Old")
    company.clock.move(hours=2)
    cases.note(company.ws, Actor("ana"), case, "The press calls")
    text = visit_as(app, "carl").get("/").text
    assert "The press calls" in text
    assert "opened" not in "".join(re.findall(r"<li>.*?</li>", text, re.DOTALL))


def test_a_restricted_case_is_neither_shown_nor_counted(company, app):
    company.start_as("ruth", "secret")
    for person, sees in (("ruth", True), ("greta", True), ("ana", False), ("lea", False)):
        guest = visit_as(app, person)
        for path in ("/", "/cases", "/cases?q=Personnel"):
            assert ("Personnel matter" in guest.get(path).text) is sees
        assert bool(situation(company.ws, person).counts) is sees


def test_a_drill_is_unmistakable(company, app):
    cases.start(company.ws, Actor("ana"), "statement", {"title": "X"}, cases.Opening(drill=True))
    for path in ("/", "/cases"):
        assert "Exercise" in visit_as(app, "ana").get(path).text


def test_the_inbox_has_one_next_action_each_and_says_for_whom(company, app):
    case = to_approval(company)
    text = visit_as(app, "lea").get("/inbox").text
    assert "Approve the statement" in text
    assert "Read and decide" in text
    assert f'href="/items/{company.item(case, "approve")}"' in text
    assert "Nothing waits for you" in visit_as(app, "tom").get("/inbox").text


def test_the_inbox_says_what_each_is_about_and_whether_it_is_an_exercise(company, app):
    real = to_approval(company, title="Stoves")
    opening = cases.Opening(severity="sev1", drill=True)
    drilled = cases.start(company.ws, Actor("ana"), "severe", {"title": "Tents"}, opening).case
    company.write(company.item(drilled, "write"), "We look into it.")
    cards = visit_as(app, "lea").get("/inbox").text.split('<li id="waits-')[1:]
    found = {case: card for card in cards for case in (real, drilled) if case in card}
    assert "Stoves" in found[real]
    assert "Exercise" not in found[real]
    assert all(words in found[drilled] for words in ("Tents", "Exercise", "sev1"))


def test_the_inbox_says_what_one_did_and_not_what_the_engine_did_upon_it(company, app):
    case = to_approval(company)
    company.clock.move(hours=3)
    asked = company.item(case, "approve")
    items.decide(company.ws, Actor("lea"), asked, "request_changes", "Say since when")
    done = [told.sentence for told in done_by(company.ws, "lea")]
    assert done == ["Lea Hoffmann asked for changes to Statement, version 2, as Legal"]
    assert [told.sentence for told in done_by(company.ws, "tom")] == [
        "Tom Becker finished 'Write'",
        "Tom Becker saved Statement, version 2",
    ]
    assert done[0] in visit_as(app, "lea").get("/inbox").text.split("What you did")[1]


def test_what_happened_just_now_names_what_was_asked_long_before(company, app):
    case = to_approval(company)
    company.clock.move(hours=3)
    items.decide(company.ws, Actor("carl"), company.item(case, "approve"), "reject", "No")
    said = [told.sentence for told in situation(company.ws, "ana").happened]
    assert "Carl Weiss rejected Statement, version 2, as Communications director" in said


def test_who_wrote_to_one_of_many_is_told_for_whom_although_all_were_listed_long_before(company):
    company.playbook("letters", LETTERS)
    case = company.start("letters", creators=["Ida Holm", "Max Roth"])
    company.clock.move(hours=3)
    asked = company.item_at(case, "each_creator[1]/write_letter")
    items.revise(company.ws, Actor("ben"), asked, "Dear Max")
    [told] = situation(company.ws, "ana").happened
    assert told.sentence == "Ben Okafor saved Letter (Max Roth), version 2"
    [told] = done_by(company.ws, "ben")
    assert told.sentence == "Ben Okafor saved Letter (Max Roth), version 2"


def test_cases_are_found_by_words_references_and_status(company, app):
    wanted = company.start("statement", title="Burning 100% stoves")
    other = company.start("statement", title="Tents")
    ana = visit_as(app, "ana")
    umlaut = company.start("statement", title="Ärger im Büro")
    for query in ("q=Ärger", "q=ärger im BÜRO"):
        assert umlaut in ana.get(f"/cases?{query}").text, query
    for query in ("q=STOVES", f"q={wanted.lower()}", "q=100%25", "q=stoves&status=open"):
        text = ana.get(f"/cases?{query}").text
        assert wanted in text, query
        assert f">{other}<" not in text, query
    assert "no such cases" in ana.get("/cases?q=stoves&status=completed").text
    assert "is ever" in ana.get("/cases?status=strange", 422).text


def test_older_cases_are_on_the_next_page(company, app):
    refs = []
    for number in range(52):
        company.clock.at += timedelta(seconds=1)
        refs.append(company.start("statement", title=f"Case {number}"))
    ana = visit_as(app, "ana")
    first = ana.get("/cases").text
    following = re.search(r'href="(/cases\?[^"]*after[^"]*)"', first)[1].replace("&amp;", "&")
    second = ana.get(following).text
    assert f">{refs[-1]}<" in first
    assert f">{refs[0]}<" in second
    assert f">{refs[-1]}<" not in second


def test_an_approval_that_demands_more_proof_is_judged_by_the_proof_that_one_has(company):
    text = STATEMENT.replace("playbook: statement", "playbook: proven").replace(
        "    title: Approve the statement", "    title: Approve the statement\n    assurance: mfa"
    )
    company.playbook("proven", text)
    to_approval(company, "proven")
    for assurance, may in (("asserted", False), ("session", False), ("mfa", True)):
        [row] = reading.inbox(company.ws, "lea", assurance)
        assert row.may is may
