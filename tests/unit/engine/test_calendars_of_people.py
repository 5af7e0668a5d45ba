"""Business time runs on the calendar of those who are asked, if they share one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from smr_engine.engine.statuses import ItemKind
from smr_engine.engine.world import Calendar, World
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

WORKDAYS = dict.fromkeys(range(5), ((time(9), time(17)),))
CHICAGO = Calendar("chicago", "America/Chicago", WORKDAYS)
CARE = Calendar("care", "Europe/Berlin", dict.fromkeys(range(7), ((time(8), time(20)),)))
TWO_HOURS = co.lasting("2 business hours")
# It is Monday, 10:00 in Berlin and 3:00 in Chicago.
IN_BERLIN = datetime(2026, 11, 23, 11, tzinfo=UTC)
IN_CHICAGO = datetime(2026, 11, 23, 17, tzinfo=UTC)


def world(**calendars: str) -> World:
    """Return the company with these people's calendars."""
    found = replace(co.company(), calendars={**co.company().calendars, "chicago": CHICAGO})
    found = replace(found, calendars={**found.calendars, "care": CARE})
    for name, calendar in calendars.items():
        found = co.with_person(found, name, calendar=calendar)
    return found


def opened(step, *, people: World, **playbook) -> CaseFile:
    return Casebook.of(co.playbook(step, **playbook), world=people).start()


@pytest.mark.parametrize(
    ("people", "due"),
    [
        ({}, IN_BERLIN),
        ({"wendy": "chicago"}, IN_BERLIN),
        ({"wendy": "chicago", "will": "care"}, IN_BERLIN),
        ({"wendy": "chicago", "will": "chicago"}, IN_CHICAGO),
        ({"cora": "chicago", "carl": "chicago"}, IN_BERLIN),
    ],
    ids=["none", "one of two", "two that differ", "both", "others"],
)
def test_a_task_is_due_by_the_calendar_that_all_who_are_asked_share(people, due):
    case = opened(co.task("call", due=TWO_HOURS), people=world(**people))
    assert case.item("call").due_at == due


def test_the_steps_own_calendar_goes_before_that_of_the_people_and_theirs_before_the_playbooks():
    in_chicago = world(wendy="chicago", will="chicago")
    named = co.task("call", due=TWO_HOURS, calendar="default")
    assert opened(named, people=in_chicago).item("call").due_at == IN_BERLIN
    silent = co.task("call", due=TWO_HOURS)
    by_playbook = opened(silent, people=in_chicago, calendar="care").item("call")
    assert by_playbook.due_at == IN_CHICAGO
    mixed = opened(silent, people=world(wendy="chicago"), calendar="chicago").item("call")
    assert mixed.due_at == IN_CHICAGO


def test_of_those_who_are_asked_each_everybody_has_their_own_hours():
    step = co.task("read", due=TWO_HOURS, assign=co.who("comms-writer", each=True))
    case = opened(step, people=world(wendy="chicago"))
    due = {item.offered: item.due_at for item in case.items("read")}
    assert due == {("wendy",): IN_CHICAGO, ("will",): IN_BERLIN}


def test_an_approval_of_two_continents_runs_on_the_playbooks_calendar():
    legal_in_chicago = world(lea="chicago", luis="chicago")
    for roles, due in ((("legal", "comms-director"), IN_BERLIN), (("legal",), IN_CHICAGO)):
        steps = (co.draft("write"), co.approval("approve", *roles, due=TWO_HOURS))
        case = Casebook.of(co.playbook(*steps), world=legal_in_chicago).start()
        case.write("write", "Our words.")
        assert case.item("approve").due_at == due


def test_a_reminder_comes_again_by_the_calendar_by_which_the_item_is_due():
    remind = co.at("every 4 business hours after due")
    step = co.task("call", due=TWO_HOURS, remind=remind)
    case = opened(step, people=world(wendy="chicago", will="chicago"))
    case.book.wait(days=2)
    at = [when for when, purpose, _ in case.book.fired if purpose == "remind"]
    assert at == [
        datetime(2026, 11, 23, 21, tzinfo=UTC),
        datetime(2026, 11, 24, 17, tzinfo=UTC),
        datetime(2026, 11, 24, 21, tzinfo=UTC),
    ]


def test_who_stands_in_brings_their_own_calendar():
    day = IN_BERLIN.date()
    away = world(dora="chicago")
    for holder in ("cora", "carl"):
        away = co.with_person(away, holder, away=((day, day),))
    case = opened(co.task("sign", "comms-director", due=TWO_HOURS), people=away)
    item = case.item("sign")
    assert (item.kind, item.offered) == (ItemKind.TASK, ("dora",))
    assert item.due_at == IN_CHICAGO


def test_a_calendar_that_left_the_directory_is_followed_by_the_default_and_not_by_nights():
    """The pinned playbook still names it; always open would make what is due tomorrow due tonight."""
    step = co.task("call", due=co.lasting("8 business hours"), calendar="closed-down")
    case = opened(step, people=world())
    assert case.item("call").due_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
