"""Publications for a later instant: people approve the time with the text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine.statuses import EffectKind, ItemKind
from smr_engine.playbook.model import Template
from tests.support import company as co
from tests.support.casebook import Casebook

SIX = "2026-11-23T18:00:00+01:00"


def ready(*accounts, at=SIX, start=None, **inputs):
    steps = (
        co.draft("write"),
        co.approval("approve", "legal"),
        co.publish("send", *accounts, requires=("approve",), at=Template(at)),
        co.task("next"),
    )
    case = Casebook.of(co.playbook(*steps)).start(more=start, **inputs)
    case.write("write", "Our words.")
    return case


def approved(*accounts, **more):
    case = ready(*accounts, **more)
    case.approve("approve", "lea")
    return case


def test_the_time_belongs_to_what_people_approve():
    (entry,) = ready().item("approve").bundle["publications"]
    assert entry["at"] == "2026-11-23T17:00:00Z"


def test_nothing_goes_out_before_its_time_and_everything_at_it():
    case = approved("newsroom", "company-blog")
    case.book.wait(hours=7.9)
    assert case.book.published == []
    assert case.state("send").status == "active"
    case.book.wait(hours=0.2)
    assert [account for account, _, _ in case.book.published] == ["newsroom", "company-blog"]
    assert case.state("send").output["published_at"] == "2026-11-23T17:00:00Z"


@pytest.mark.parametrize("at", ["{{ case.opened_at }}", "{{ inputs.later }}", "2020-01-01"])
def test_a_time_that_has_passed_or_was_left_out_is_at_once(at):
    case = approved(at=at, later=None)
    case.book.perform()
    assert case.outcome("send") == "published"


def test_a_revision_before_its_time_asks_again():
    case = approved()
    case.write("write", "Other words.", by="will")
    assert case.item("approve", ItemKind.APPROVAL)
    assert case.book.timers() == []
    case.book.wait(hours=24)
    assert case.book.published == []
    case.approve("approve", "luis")
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Other words."]


def test_a_person_is_asked_to_post_at_its_time():
    case = approved("wikipedia-talk")
    assert case.items("send") == []
    case.book.wait(hours=9)
    item = case.item("send", ItemKind.PUBLISH)
    assert item.opened_at == datetime.fromisoformat(SIX)


def test_a_drill_waits_as_well_and_sends_nothing():
    case = approved(start={"drill": True})
    assert case.state("send").status == "active"
    case.book.wait(hours=9)
    assert case.outcome("send") == "published"
    assert case.book.published == []


def test_an_instant_that_cannot_be_read_fails_the_approval_that_would_be_about_it():
    case = ready(at="{{ inputs.later }}", later="next week")
    assert case.state("approve").status == "failed"
    assert "'next week' is not an instant" in case.repair_item().message


def test_what_no_longer_holds_at_its_time_fails():
    case = approved()
    accounts = dict(case.book.world.accounts)
    del accounts["newsroom"]
    case.book.world = replace(case.book.world, accounts=accounts)
    case.book.wait(hours=9)
    assert case.state("send").status == "failed"
    assert "newsroom" in case.repair_item().message


def test_a_cancel_before_its_time_lets_it_go():
    case = approved()
    case.book.do(case.ref, c.CancelCase("no longer wanted"), "sam")
    assert case.book.timers() == []
    assert case.effects(EffectKind.PUBLICATION, live=False) == []


def test_the_check_at_the_beginning_holds_as_always():
    case = approved()
    case.book.now += timedelta(hours=9)
    case.book.fire_next()
    effect = case.publication()
    assert effect.owed_at == case.book.now
    assert case.begin().status == "sending"
