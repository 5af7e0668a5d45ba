"""Child cases: what they are handed, and that none is left behind."""

from __future__ import annotations

import pytest

from smr_engine.errors import Refusal
from smr_engine.services import cases, effects, items, reading
from smr_engine.services.stored import Claim
from smr_engine.services.workspace import Actor
from tests.services.company import Company

WRITES = """
playbook: writes
version: 1.0.0
title: Writes
owner: smr-lead
documents:
  letter: {title: Letter, audience: partner, template: "Dear partner"}
steps:
  - {id: write, kind: draft, document: letter, assign: {role: comms-writer}}
  - {id: hand_on, kind: playbook, playbook: passes, documents: [letter]}
"""
PASSES = """
playbook: passes
version: 1.0.0
title: Passes on
owner: smr-lead
documents:
  letter: {title: Letter, audience: partner}
steps:
  - {id: check, kind: playbook, playbook: checks, documents: [letter]}
"""
CHECKS = """
playbook: checks
version: 1.0.0
title: Checks
owner: smr-lead
documents:
  letter: {title: Letter, audience: partner}
steps:
  - {id: approve, kind: approval, documents: [letter], quorum: [{role: comms-writer}]}
"""

RACE = """
playbook: race
version: 1.0.0
title: Race
owner: smr-lead
steps:
  - id: both
    kind: parallel
    join: any
    branches:
      - id: inside
        steps: [{id: ask, kind: playbook, playbook: statement, inputs: {title: Fire}}]
      - id: outside
        steps: [{id: look, kind: task, assign: {role: smr-lead}}]
  - {id: close, kind: task, assign: {role: smr-lead}}
"""

HASTY = """
playbook: hasty
version: 1.0.0
title: Hasty
owner: smr-lead
steps: [{id: ask, kind: playbook, playbook: instant}]
"""
INSTANT = """
playbook: instant
version: 1.0.0
title: Instant
owner: smr-lead
steps: [{id: note_it, kind: set, values: {seen: 1}}]
"""


def only_child(company: Company, case: str) -> str:
    [child] = reading.case_view(company.ws, case).children
    return child


def test_whoever_wrote_a_text_does_not_approve_it_in_any_case_that_it_is_handed_to(
    company: Company,
):
    for name, text in (("writes", WRITES), ("passes", PASSES), ("checks", CHECKS)):
        company.playbook(name, text)
    parent = company.start("writes")
    company.write(company.item(parent, "write"), "Dear Kim, here is the sample.", "tom")
    company.work()
    child = only_child(company, parent)
    item = company.item(only_child(company, child), "approve")
    with pytest.raises(Refusal, match="had a hand in this content, so somebody else must decide"):
        company.vote(item, "tom")
    assert company.vote(item, "zoe").granted


@pytest.fixture(params=["the case is cancelled", "its branch has lost"])
def unwanted(request, company: Company):
    """A way in which a case that opens another stops wanting it."""

    def happens(case: str) -> None:
        if request.param == "the case is cancelled":
            cases.cancel(company.ws, Actor("ana"), case, "A false alarm.")
        else:
            items.complete(company.ws, Actor("ana"), company.item(case, "look"), {})

    return happens


def racing(company: Company) -> tuple[str, Claim]:
    """Start a case; return it with the claim of somebody who is about to open its child."""
    company.playbook("race", RACE)
    case = company.start("race")
    claims = company.claim()
    [opening] = [claim for claim in claims if effect_name(company, claim) == "open statement"]
    return case, opening


def effect_name(company: Company, claim: Claim) -> str:
    return next(
        e.name for e in reading.case_view(company.ws, claim.case).effects if e.effect == claim.id
    )


def test_a_child_is_not_opened_any_more_once_nobody_wants_it(company: Company, unwanted):
    case, opening = racing(company)
    unwanted(case)
    effects.perform(company.ws, opening)
    assert [row.case for row in reading.case_list(company.ws)] == [case]


def test_a_child_is_not_opened_after_a_cancel_that_came_while_it_was_looked_up(
    company: Company, unwanted, monkeypatch
):
    case, opening = racing(company)
    looked_up = cases.versions.pinned

    def and_then(*asked):
        monkeypatch.undo()
        unwanted(case)
        return looked_up(*asked)

    monkeypatch.setattr(cases.versions, "pinned", and_then)
    effects.perform(company.ws, opening)
    assert [row.case for row in reading.case_list(company.ws)] == [case]


def test_a_child_is_cancelled_although_whoever_opened_it_was_lost_on_the_way(
    company: Company, unwanted
):
    case, opening = racing(company)
    effects.attempt(company.ws, opening)
    child = only_child(company, case)
    unwanted(case)
    company.clock.move(minutes=5)
    company.work()
    assert reading.case_view(company.ws, child).status == "cancelled"
    assert all(row.status in {"done", "cancelled"} for row in owed(company, case))


def test_a_child_that_is_quicker_than_the_news_of_its_opening_ends_in_its_parent(company: Company):
    company.playbook("hasty", HASTY)
    company.playbook("instant", INSTANT)
    case = company.start("hasty")
    [opening] = company.claim()
    effects.attempt(company.ws, opening)
    company.work()
    assert reading.case_view(company.ws, case).status == "completed", "the parent knows already"
    assert {row.status for row in owed(company, case)} == {"done"}


def owed(company: Company, case: str):
    """Return what a case and those under it owe and have sent."""
    return reading.case_view(company.ws, case).effects
