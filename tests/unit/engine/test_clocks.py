"""Clocks: deadlines that run from a recorded fact, whoever works on what."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import EffectKind
from smr_engine.errors import NotFound, Refusal
from smr_engine.playbook.model import DueAt, Template, Varied
from tests.support import company as co
from tests.support.casebook import Casebook

AWARE = "{{ steps.assess.output.aware_at }}"
KNOWN = "2026-11-23T06:00:00Z"


def responding(clock, *more, **fields):
    form = {"type": "object", "properties": {"aware_at": {"type": "string"}}}
    steps = (co.task("assess", form=form), co.task("tell_authority"), *more)
    return Casebook.of(co.playbook(*steps, clocks=(clock,), **fields)).start()


def running(**more):
    case = responding(co.clock("gdpr", AWARE, **more))
    case.complete("assess", aware_at=KNOWN)
    return case


def state(case):
    return case.header.clocks.get("gdpr")


def meet(case, by="sam", name="gdpr", note="By phone."):
    case.book.do(case.ref, c.MeetClock(name, note), by)


def test_a_clock_waits_until_its_instant_is_recorded_and_counts_from_there():
    case = responding(co.clock("gdpr", AWARE))
    assert state(case) is None
    case.complete("assess", aware_at=KNOWN)
    assert state(case).status == "running"
    assert state(case).due_at == datetime.fromisoformat("2026-11-26T06:00:00+00:00")


def test_a_clock_may_run_from_the_opening():
    case = responding(co.clock("gdpr", "{{ case.opened_at }}"))
    assert state(case).status == "running"


@pytest.mark.parametrize("given", ["", "some time last week"])
def test_what_is_no_instant_starts_nothing(given):
    case = responding(co.clock("gdpr", AWARE))
    case.complete("assess", aware_at=given)
    assert state(case) is None


def test_the_first_instant_counts_whatever_comes_later():
    case = responding(co.clock("gdpr", "{{ steps.assess.completed_at }}"))
    case.complete("assess")
    first = state(case)
    case.book.now += timedelta(hours=1)
    case.complete("tell_authority")
    assert (first, len(case.happened(e.ClockStarted))) == (state(case), 1)


def test_a_clock_whose_condition_does_not_hold_then_is_not_needed_and_says_why():
    case = running(when=co.when("case.severity.rank == 1"))
    assert state(case).status == "not_needed"
    (event,) = case.happened(e.ClockNotNeeded)
    assert "case.severity.rank" in event.because


def test_the_owner_is_reminded_and_those_it_escalates_to_are_told():
    case = running(remind=co.at("6h before due"), escalate=co.escalating(due="exec-sponsor"))
    case.book.wait(days=4)
    told = [(event.purpose, event.people) for event in case.happened(e.ClockTold)]
    assert told == [("remind", ("sam",)), ("escalate", ("eve",))]
    assert "Escalated to you: gdpr" in case.book.told_of("eve")[-1]
    (body,) = [m["body"] for m in case.book.told if "Reminder: gdpr" in m["subject"]]
    assert f"Once it is done, say so with: smr clock {case.ref} gdpr --met" in body


def test_who_is_reminded_of_a_clock_says_on_a_page_that_it_is_met_where_there_are_pages():
    case = running(remind=co.at("50%"))
    case.book.world = replace(case.book.world, public_url="https://smr.example.test")
    case.book.wait(days=2)
    assert f"say so here: https://smr.example.test/cases/{case.ref}\n" in case.book.told[-1]["body"]


def test_who_begins_late_is_reminded_once_and_not_for_every_instant_that_has_passed():
    case = running(due="2h", remind=co.at("50%", "at due", "every 1h after due"))
    case.book.wait(minutes=1)
    assert len(case.happened(e.ClockTold)) == 1
    case.book.wait(hours=2)
    assert len(case.happened(e.ClockTold)) == 3


def test_the_step_that_meets_it_ends_its_reminders():
    case = running(remind=co.at("at due"), met_by="tell_authority")
    case.book.now += timedelta(hours=2)
    case.complete("tell_authority", "will")
    assert (state(case).status, state(case).by) == ("met", "will")
    assert state(case).met_at == case.book.now
    assert case.book.timers() == []


def test_a_step_that_was_completed_before_the_clock_ran_has_met_it():
    steps = (co.task("tell_authority"), co.task("assess"), co.task("next"))
    clock = co.clock("gdpr", "{{ steps.assess.completed_at }}", met_by="tell_authority")
    case = Casebook.of(co.playbook(*steps, clocks=(clock,))).start()
    told_at = case.book.now
    case.complete("tell_authority")
    case.book.now += timedelta(hours=1)
    case.complete("assess")
    assert (state(case).status, state(case).met_at) == ("met", told_at)


def test_a_step_inside_a_block_meets_it_too():
    steps = (
        co.parallel("both", left=co.task("tell_authority"), right=co.task("other")),
        co.task("next"),
    )
    clock = co.clock("gdpr", "{{ case.opened_at }}", met_by="tell_authority")
    case = Casebook.of(co.playbook(*steps, clocks=(clock,))).start()
    case.complete("tell_authority")
    assert state(case).status == "met"


def test_the_owner_or_a_deputy_says_that_it_is_met_and_how():
    case = running()
    with pytest.raises(Refusal, match="only smr lead"):
        meet(case, "wendy")
    meet(case, "ben")
    assert (state(case).status, state(case).by) == ("met", "ben")
    assert case.happened(e.ClockMet)[0].note == "By phone."


def test_only_a_clock_that_runs_can_be_met():
    case = responding(co.clock("gdpr", AWARE))
    with pytest.raises(Refusal, match="gdpr has not started yet"):
        meet(case)
    with pytest.raises(NotFound, match="no clock 'gdrp'") as problem:
        meet(case, name="gdrp")
    assert problem.value.hint == "there are: gdpr"
    case.complete("assess", aware_at=KNOWN)
    meet(case)
    with pytest.raises(Refusal, match="gdpr is met already"):
        meet(case)


def test_expressions_see_when_a_clock_is_due():
    until = co.wait("until_due", until=Template("{{ clocks.gdpr.due_at }}"))
    case = responding(co.clock("gdpr", AWARE), until)
    case.complete("assess", aware_at=KNOWN)
    case.complete("tell_authority")
    ((at, _, _),) = case.book.timers()
    assert at == state(case).due_at


def test_a_case_may_close_with_a_clock_that_was_not_met_and_its_owner_is_told():
    case = running(remind=co.at("at due"))
    case.complete("tell_authority")
    assert case.closed
    assert state(case).status == "running"
    assert case.book.timers() == []
    case.book.perform()
    assert any("Closed, and not met" in words for words in case.book.told_of("sam"))


def test_cancelling_tells_the_owner_as_well():
    case = running()
    case.book.do(case.ref, c.CancelCase("a mistake"), "sam")
    case.book.perform()
    assert any("Closed, and not met" in words for words in case.book.told_of("sam"))
    assert case.effects(EffectKind.NOTIFICATION) == []


def test_a_clock_that_cannot_be_computed_is_due_at_once_rather_than_never():
    never = Varied(DueAt(Template("{{ inputs.nothing }}")))
    clock = replace(co.clock("gdpr", "{{ case.opened_at }}"), due=never)
    case = responding(clock)
    assert state(case).due_at == case.header.opened_at
    case.book.wait(seconds=1)
    assert len(case.happened(e.ClockTold)) == 1


def test_a_clock_in_business_time_counts_by_the_playbook_s_calendar():
    case = running(due="8 business hours")
    assert state(case).due_at == datetime.fromisoformat("2026-11-23T16:00:00+00:00")
