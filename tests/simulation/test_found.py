"""What the simulation has found, as plain tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from smr_engine.services import cases, items
from smr_engine.services.legs import LEASE
from smr_engine.services.workspace import Actor
from tests.simulation import people
from tests.simulation.office import Office


@pytest.fixture
def office() -> Iterator[Office]:
    made = Office()
    yield made
    made.close()


def started(office: Office, playbook: str = "statement", *, grave: bool = False) -> None:
    inputs = {"title": "the outage", "grave": grave}
    office.act("ana starts", lambda: cases.start(office.ws, Actor("ana"), playbook, inputs))
    office.conduct("a")


def waiting(office: Office, step: str) -> str:
    """Return the open item of a step."""
    [found] = [item.id for item in office.oracle.open_items() if item.step == step]
    return found


def vote(office: Office, *names: str) -> None:
    for name in names:
        office.act(name, partial(_approve, office, name, waiting(office, "approve")))


def _approve(office: Office, name: str, item: str) -> None:
    items.decide(office.ws, Actor(name), item, "approve")


def write(office: Office, text: str) -> None:
    drafts = [item.id for item in office.oracle.items.values() if item.kind == "draft"]
    office.act("tom", lambda: items.revise(office.ws, Actor("tom"), drafts[-1], text, done=True))


def published(office: Office, account: str) -> int:
    """Return how often something was sent to an account and taken."""
    office.look()
    return sum(post.account == account and not post.again for post in office.outside.posts)


@pytest.mark.parametrize("then", ["unavailable", "refused", "lost before sending"])
@pytest.mark.parametrize("account", ["newsroom", "blog"])
def test_what_may_be_out_is_not_called_unsent_because_the_account_does_not_answer(
    office: Office, account: str, then: str
) -> None:
    started(office)
    write(office, "We know.")
    office.outside.go_wrong(account, "killed after sending")
    office.outside.go_wrong(account, then)
    vote(office, "carl", "lea")
    office.conduct("a")
    office.pass_time(LEASE)
    office.conduct("b")
    [repair] = [item for item in office.oracle.open_items() if item.kind == "repair"]
    assert office.oracle.effects[repair.effect].status == "unknown"
    people.answer(office, repair, "ana", 0)
    office.settle()
    assert published(office, account) == 1


def test_a_reminder_that_was_held_up_goes_to_nobody_who_has_answered_meanwhile(
    office: Office,
) -> None:
    started(office)
    write(office, "We know.")
    office.conduct("a")
    office.pass_time(timedelta(hours=1))
    office.outside.go_wrong("mail", "down")
    office.conduct("a")
    vote(office, "carl")
    before = len(office.outside.letters)
    office.settle()
    told = {letter.to for letter in office.outside.letters[before:]}
    assert {"cleo", "lea", "luis"} <= told
    assert "carl" not in told


def test_a_reminder_that_was_held_up_does_not_go_out_once_other_content_is_asked_about(
    office: Office,
) -> None:
    started(office)
    write(office, "We know.")
    office.conduct("a")
    office.pass_time(timedelta(hours=1))
    office.outside.go_wrong("mail", "down")
    office.conduct("a")
    asked = waiting(office, "approve")
    before = len(office.outside.letters)
    write(office, "We know more.")
    office.settle()
    letters = office.outside.letters[before:]
    assert letters
    assert not any(
        item.id == asked
        for letter in letters
        for item in office.oracle.reminds_of(letter.to, letter.text)
    )


def test_whoever_stood_still_while_sending_does_not_send_beside_the_successor_where_a_key_holds_it_up(
    office: Office,
) -> None:
    started(office)
    write(office, "We know.")
    office.outside.go_wrong("newsroom", "stalled before sending")
    vote(office, "carl", "lea")
    office.conduct("a")
    office.settle()
    assert published(office, "newsroom") == 1


def test_a_new_severity_grants_no_approval_whose_time_is_up(office: Office) -> None:
    started(office, grave=True)
    write(office, "We know.")
    vote(office, "carl", "lea")
    asked = waiting(office, "approve")
    office.pass_time(timedelta(days=3))
    [case] = office.oracle.cases
    office.act("ana", lambda: cases.rescore(office.ws, Actor("ana"), case, "sev2", "calmer"))
    office.check()
    office.settle()
    assert office.oracle.items[asked].status == "expired"


def test_whoever_lost_a_lease_while_standing_still_only_leaves_evidence(office: Office) -> None:
    started(office)
    write(office, "We know.")
    vote(office, "carl", "lea")
    office.plans[:] = ["late after"]
    office.conduct("a")
    while office.late:  # in time: the other accounts follow the hub
        office.come_back(0)
    office.plans[:] = ["late after"]
    office.conduct("a")
    office.pass_time(LEASE)
    office.conduct("b")
    [repair] = [item for item in office.oracle.open_items() if item.kind == "repair"]
    while office.late:
        office.come_back(0)
    assert office.oracle.effects[repair.effect].status == "unknown"
