"""Schedules: what comes, what was missed or failed, adding and removing."""

from __future__ import annotations

import re

import pytest

from smr_engine.services import directory, schedules
from smr_engine.services.rule_words import rule_words
from smr_engine.services.workspace import Actor
from tests.support.web import visit_as

FIELDS = {
    "playbook": "statement",
    "rule": "FREQ=WEEKLY;BYDAY=MO",
    "at": "07:30",
    "timezone": "Europe/Berlin",
    "missed": "skip",
    "inputs": "title: Weekly words",
}


@pytest.fixture(scope="module")
def ana(app):
    return visit_as(app, "ana")


def added(company, **rule) -> str:
    chosen = schedules.Rule("FREQ=DAILY", "09:00", "Europe/Berlin", **rule)
    return schedules.add(company.ws, Actor("ana"), "statement", chosen).schedule


def ids(company) -> list[str]:
    return [row.schedule for row in schedules.list_(company.ws)]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;BYDAY=MO,FR", "every week, on Monday and Friday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every 2 weeks, on Tuesday"),
        ("FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", "every 3 months, on the first Monday"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month, on the last Friday"),
        ("FREQ=MONTHLY;BYDAY=-2FR", "every month, on the second last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15", "every month, on day 15 of the month"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month, on the last day of the month"),
        (
            "FREQ=YEARLY;BYMONTH=1,7;BYDAY=1MO",
            "every year, on the first Monday, in January and July",
        ),
        ("freq=daily;count=1", "every day, 1 time in all"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1"),
        ("FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYDAY=20MO"),
        ("FREQ=YEARLY;BYMONTH=13", "FREQ=YEARLY;BYMONTH=13"),
    ],
)
def test_a_rule_is_told_in_words_or_as_it_is_written(rule, words):
    assert rule_words(rule) == words


def test_the_owner_adds_and_removes_a_schedule(ana, company):
    assert ana.post("/schedules", FIELDS).headers["location"] == "/schedules"
    [schedule] = ids(company)
    text = ana.get("/schedules").text
    assert "Opens every week, on Monday, at 07:30 (Europe/Berlin)." in text
    assert text.count("<time") >= 11, "ten that come, and the next of the schedule"
    assert "2026-09-21 07:30 CEST" in text
    assert "leaves out those missed" in text
    ana.post(f"/schedules/{schedule}/remove")
    assert ids(company) == []
    assert "Nothing is scheduled." in ana.get("/schedules").text
    ana.post(f"/schedules/{schedule}/remove", status=404)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rule": "", "rrule": "every full moon"}, "is no recurrence rule"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"inputs": "- no\n- keys"}, "keys and values are wanted"),
        ({"inputs": "a: 1\na: 2"}, "What it is opened with:2"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_and_what_was_typed_stays(
    ana, company, wrong, told
):
    before = ids(company)
    page = ana.post("/schedules", {**FIELDS, **wrong}, 422)
    assert told in page.text
    assert ids(company) == before
    for typed in ({**FIELDS, **wrong}["inputs"], "07:30", wrong.get("rrule", "")):
        assert typed in page.text


def test_who_does_not_own_the_playbook_changes_nothing(app, company):
    schedule = added(company)
    tom = visit_as(app, "tom")
    text = tom.get("/schedules").text
    assert "You cannot remove it: only Social media relations lead" in text
    assert "Add one" not in text
    tom.post(f"/schedules/{schedule}/remove", status=403)
    tom.post("/schedules", FIELDS, 403)
    assert ids(company) == [schedule]
    schedules.remove(company.ws, Actor("ana"), schedule)


def test_schedules_of_restricted_cases_are_seen_by_those_who_see_the_cases(app, ana, company):
    owner = next(person.id for person in directory.people(company.ws) if "hr" in person.roles)
    rule = schedules.Rule("FREQ=DAILY", "09:00", "Europe/Berlin")
    schedule = schedules.add(company.ws, Actor(owner), "secret", rule).schedule
    assert schedule in visit_as(app, owner).get("/schedules").text
    assert "secret" not in ana.get("/schedules").text
    schedules.remove(company.ws, Actor(owner), schedule)


def test_what_was_missed_and_what_failed_is_told_with_the_reason(app, company):
    missed, failing = added(company, missed="skip"), added(company)  # which lacks its title
    company.clock.move(days=3)
    now = company.clock.now()
    for late in schedules.late(company.ws, now, again=True):
        schedules.settle(company.ws, late)
    ana = visit_as(app, "ana")  # the other session is over after three days
    text = ana.get("/schedules").text
    cards = text.split('<li class="card">')
    card = {n: part for n in (missed, failing) for part in cards if f"<small>{n}</small>" in part}
    assert card[missed].count(">missed<") == 3
    assert "nobody was at work when it was due" in card[missed]
    assert re.search(r"(?s)>failed<.*title", card[failing])
