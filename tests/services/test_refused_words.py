"""What a refusal says: once, with the right article, and in the words that people read."""

from __future__ import annotations

import re

import pytest

from smr_engine.errors import Invalid, Refusal, SmrError
from smr_engine.services import cases, items, preview, reading
from smr_engine.services.cases import Opening
from smr_engine.services.workspace import Actor

ANA = Actor("ana")
WORDS = """
playbook: words
version: 1.0.0
title: Words
owner: smr-lead
inputs: {fields: {seen: {type: datetime, optional: true}}}
clocks:
  law: {title: Tell them, runs_from: "{{ inputs.seen }}", due: 72h}
  other: {title: No need, when: 1 > 2, runs_from: "{{ inputs.seen }}", due: 72h}
steps:
  - id: tell
    kind: notify
    to: {person: ana}
    message: {subject: Look, body: At this.}
    acknowledge: {wait: false}
  - id: check
    kind: task
    assign: {person: ana}
    checklist: [Two sources agree]
    fields: {seen_at: datetime, page: url}
"""


@pytest.fixture
def words(company):
    company.playbook("words", WORDS)
    case = cases.start(company.ws, ANA, "words", {"seen": "2026-09-14T08:00:00Z"}).case
    company.work()
    return company, case


def test_a_form_names_a_field_once_and_a_point_of_a_checklist_by_its_words(words):
    company, case = words
    filled = {"seen_at": "today", "page": "https://example.test/1"}
    with pytest.raises(Invalid) as refused:
        items.complete(company.ws, ANA, company.item(case, "check"), filled)
    told = refused.value.message.split("; ")
    assert "the form needs `done_1` (Two sources agree)" in told
    assert any(sentence.startswith("`seen_at`: `today` is not an instant") for sentence in told)


def test_what_is_no_approval_and_no_acknowledgement_is_named_with_its_article(words):
    company, case = words
    told, task = company.item(case, "tell"), company.item(case, "check")
    with pytest.raises(SmrError, match="is no approval but an acknowledgement"):
        items.break_glass(company.ws, ANA, told, "haste")
    with pytest.raises(SmrError, match="is no acknowledgement but a task"):
        items.acknowledge(company.ws, ANA, task)


def test_a_clock_that_the_inbox_shows_is_no_item_and_its_command_is_named(words):
    company, case = words
    with pytest.raises(Refusal) as refused:
        items.complete(company.ws, ANA, f"{case}:law", {})
    assert refused.value.message == f"'{case}:law' is a clock"
    assert refused.value.hint.startswith(f"smr clock {case} law --met")


def test_a_clock_that_is_not_needed_is_said_to_be_just_that(words):
    company, case = words
    with pytest.raises(Refusal) as refused:
        cases.meet_clock(company.ws, ANA, case, "other")
    assert re.search(r"is not needed\Z", refused.value.message)


def test_the_key_of_another_playbooks_case_opens_nothing_and_says_so(words):
    company, _ = words
    cases.start(company.ws, ANA, "words", {}, Opening(key="k1"))
    with pytest.raises(Invalid, match="a case of words; nothing was opened"):
        cases.start(company.ws, ANA, "statement", {"title": "Smoke"}, Opening(key="k1"))


FAR = ("9999-12-31T23:59:00Z", "9999-12-31T23:59:00-10:00", "0001-01-01T00:00:00Z")


@pytest.mark.parametrize("far", FAR)
def test_an_instant_off_the_calendar_opens_no_case_that_nobody_could_look_at(company, far):
    company.playbook("words", WORDS)
    with pytest.raises(Invalid, match="is out of reach: years go from 1000 to 8999"):
        cases.start(company.ws, ANA, "words", {"seen": far})
    with pytest.raises(Invalid, match="is out of reach: years go from 1000 to 8999"):
        preview.instant_at(far, "Europe/Berlin")


@pytest.mark.parametrize("far", FAR)
def test_a_due_time_that_is_computed_off_the_calendar_fails_its_step(company, far):
    company.playbook("words", WORDS.replace("datetime, optional", "text, optional"))
    case = cases.start(company.ws, ANA, "words", {"seen": far}).case
    view = reading.case_view(company.ws, case)
    assert all(clock.due is None for clock in view.clocks)


def test_evidence_lies_at_an_address_of_the_web_or_is_refused(words):
    company, case = words
    task = company.item(case, "check")
    with pytest.raises(Invalid, match="is not a web address"):
        items.attach(company.ws, ANA, task, "proof", b"", url="javascript:alert(1)")
