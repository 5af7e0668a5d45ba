"""The system: healthy, or how to mend it; for those who keep it, and in time."""

from __future__ import annotations

import re
import socket
import time

import pytest

from smr_engine.adapters.wake_socket import WakeListener
from smr_engine.services import cases, schedules, system
from smr_engine.services.workspace import Actor
from tests.support.web import visit_as

HUSH = """
playbook: hush
version: 1.0.0
title: Hush
owner: hr
case_prefix: HUSH
visibility: {restricted: [hr, legal]}
documents: {letter: {title: Letter, audience: internal, template: Hush}}
steps:
  - {id: write, kind: draft, document: letter, assign: {role: hr}}
  - {id: approve, kind: approval, documents: [letter], quorum: [{role: legal, need: 1}]}
  - {id: end, kind: task, documents: [letter], assign: {role: hr}}
"""


@pytest.fixture(scope="module")
def ana(app):
    return visit_as(app, "ana")


@pytest.fixture
def conductor(company):
    """Somebody who listens like a conductor."""
    listener = WakeListener(company.ws.state)
    yield listener
    listener.close()


def count_of(text: str, name: str) -> int:
    found = re.search(rf"<dt>{name}</dt><dd>(\d+)</dd>", text)
    assert found
    return int(found[1])


def test_a_house_with_a_conductor_and_nothing_wrong_is_well(ana, conductor):
    text = ana.get("/system").text
    assert "All is well." in text
    assert "1 conductor is at work." in text
    for what in ("Prefect", "Database", "Mail", "Conductor", "Notifications"):
        assert re.search(rf'(?s)<th scope="row">{what}</th>\s*<td><span[^>]*>fine<', text), what


def test_a_house_without_a_conductor_says_what_that_means_and_what_to_type(ana):
    text = ana.get("/system").text
    assert "Nobody is at work." in text
    assert "Nothing is published, sent or reminded of until one is." in text
    assert "smr up" in text


def test_what_is_wrong_comes_first_with_what_mends_it(ana, company, conductor):
    case = company.start("statement", title="Smoke")
    before = company.clock.now()
    company.clock.move(minutes=5)
    text = ana.get("/system").text
    assert "1 thing needs attention." in text
    wrong = text.index(">wrong<")
    assert wrong < text.index(">fine<")
    assert "the conductor that runs does not do it" in text
    assert "Next: see what it writes to its log" in text
    assert (count_of(text, "open cases"), count_of(text, "open items")) == (1, 1)
    company.clock.at = before
    cases.cancel(company.ws, Actor("ana"), case, "Only a look")


def test_prefect_that_does_not_answer_keeps_nobody_waiting(ana, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        monkeypatch.setenv("SMR_PREFECT_API_URL", address)
        ana.get("/inbox")
        began = time.monotonic()
        text = ana.get("/system").text
        took = time.monotonic() - began
    assert re.search(r'(?s)<th scope="row">Prefect</th>\s*<td><span[^>]*>wrong<', text)
    assert took < system.PATIENCE_S + 1.5


def test_a_case_somebody_may_not_see_is_neither_named_nor_counted(ana, app, company):
    company.playbook("hush", HUSH)
    seen = count_of(ana.get("/system").text, "cases")
    secret = company.start_as("ruth", "hush")
    daily = schedules.Rule("FREQ=DAILY", "09:00", "Europe/Berlin")
    hushed = schedules.add(company.ws, Actor("ruth"), "hush", daily).schedule
    company.write(company.item(secret, "write"), "Hush.", "ruth")
    company.vote(company.item(secret, "approve"), "lea", "reject", "No.")
    text = ana.get("/system").text
    assert secret not in text
    assert hushed not in text
    assert count_of(text, "cases") == seen
    assert f"1 cases wait for a repair item: {secret}" in visit_as(app, "ruth").get("/system").text


def test_only_who_steers_cases_sees_the_system(app):
    for person in ("kit", "greta"):
        refused = visit_as(app, person).get("/system", 403)
        assert "The state of the system is for operators and administrators" in refused.text
