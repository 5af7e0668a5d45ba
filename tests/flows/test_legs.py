"""Legs as flow runs: what is performed, and what an operator sees in Prefect."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from smr_engine.services import legs
from tests.flows.office import LEASE

pytestmark = pytest.mark.xdist_group("prefect")


def test_what_was_approved_is_published_by_a_flow_run(office, prefect, ready):
    with office.conducting(ready):
        case = office.publish_note()
    after_approval = prefect.runs(case)[-1]
    assert after_approval.name == f"{case} · leg 3 · after approve_note"
    assert after_approval.tags == {case, "approval"}
    assert after_approval.state == "Completed"
    assert office.publication_runs(case) == [after_approval.id]
    assert len(office.pages()) == 1


def test_a_leg_goes_on_with_what_its_own_effects_gave_rise_to(office, prefect, ready):
    case = office.approved("approval")
    ready.run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    tasks = prefect.tasks(run, 2)
    assert [task.name for task in tasks] == ["publish note -> newsroom", "notify tell_lead"]
    assert [task.state for task in tasks] == ["Completed", "Completed"]
    assert office.status(case) == "completed"


def test_a_flow_run_is_given_ids_names_and_bounds_only(office, prefect, ready):
    case = office.approved("approval")
    leg = office.leg(case)
    ready.run_leg(leg)
    (run,) = prefect.runs(case)
    (owed,) = leg.owed
    assert run.parameters == {
        "leg": {
            "case": case,
            "owed": [
                {
                    "effect": owed.effect,
                    "case": case,
                    "epoch": owed.epoch,
                    "name": "publish note -> newsroom",
                    "tries": 3,
                    "pause_s": 10,
                    "timeout_s": 30,
                    "reminds": False,
                }
            ],
        }
    }


def test_a_warm_flow_run_of_three_tasks_takes_less_than_half_a_second(office, ready):
    leg = office.leg(office.start("three-at-once"))
    assert len(leg.owed) == 3

    def seconds() -> float:
        begun = time.perf_counter()
        ready.run_leg(leg)
        return time.perf_counter() - begun

    seconds()  # the first one performs; the others find nothing owed
    # The machine may be busy with other tests; a heartbeat would add a second to every single run.
    assert any(seconds() < 0.5 for _ in range(20))


def test_an_effect_that_is_refused_is_tried_once_and_fails_the_flow_run(
    office, prefect, ready, blog
):
    blog.plan = [403]
    case = office.approved("on-the-blog")
    ready.run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    effect = office.effects(case)["publish note -> company-blog"]
    assert (run.state, run.message) == ("Failed", f"not done: {effect.id}")
    (task,) = [task for task in prefect.tasks(run, 1) if task.name.startswith("publish")]
    assert (task.state, task.message, task.run_count) == ("Failed", "refused", 1)
    assert effect.status == "failed"
    assert office.status(case) == "held"


def test_an_effect_that_certainly_did_not_happen_is_tried_again_in_the_flow_run(
    office, prefect, ready, blog
):
    blog.plan = [503]
    case = office.approved("on-the-blog")
    begun = time.monotonic()
    ready.run_leg(office.leg(case))
    assert time.monotonic() - begun > 1  # the playbook's backoff
    (run,) = prefect.runs(case)
    assert run.state == "Completed"
    publication = prefect.tasks(run, 2)[0]
    assert (publication.state, publication.run_count) == ("Completed", 2)
    assert len(blog.posts) == 1
    assert office.status(case) == "completed"


def test_a_try_that_certainly_did_not_happen_leaves_no_doubt_about_the_next(
    make_office, prefect, blog
):
    office = make_office(honours_key=False)  # nor can it be asked: a second try must be safe
    blog.plan = [503]
    case = office.approved("on-the-blog")
    office.dispatcher(prefect.api_url).run_leg(office.leg(case))
    assert office.effects(case)["publish note -> company-blog"].status == "done"


def test_an_effect_that_may_have_happened_is_not_tried_again(make_office, prefect, blog):
    office = make_office(honours_key=False)
    blog.plan = ["drop-done"]
    case = office.approved("on-the-blog")
    office.dispatcher(prefect.api_url).run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    task = prefect.tasks(run, 1)[0]
    assert (task.state, task.message, task.run_count) == ("Failed", "unknown", 1)
    assert office.effects(case)["publish note -> company-blog"].status == "unknown"
    assert sum(method == "POST" for method, _, _ in blog.seen) == 1


def test_what_stays_unavailable_fails_after_the_last_attempt(office, prefect, ready, blog):
    blog.plan = [503] * 5
    case = office.approved("on-the-blog")
    ready.run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    assert run.state == "Failed"
    publication = prefect.tasks(run, 1)[0]
    assert (publication.message, publication.run_count) == ("unavailable", 3)
    assert office.effects(case)["publish note -> company-blog"].status == "failed"


def test_many_cases_are_worked_on_from_several_threads_at_once(office, prefect, ready):
    started = [office.start("three-at-once") for _ in range(8)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ready.run_leg, office.legs()))
    for case in started:
        assert [run.state for run in prefect.runs(case)] == ["Completed"]
        assert {effect.status for effect in office.effects(case).values()} >= {"done"}


def test_a_batch_performs_the_legs_of_many_cases_in_one_flow_run(office, prefect, ready):
    started = [office.start("three-at-once") for _ in range(18)]
    ready.run_batch(office.legs())
    run = prefect.runs("batch")[-1]
    assert (run.name, run.state) == ("batch of 54 effects", "Completed")
    tasks = [task.name for task in prefect.tasks(run, 2)]
    assert tasks == ["effects 1 to 50", "effects 51 to 54"]
    for case in started:
        effects = office.effects(case).values()
        messages = [effect for effect in effects if effect.name.startswith("notify")]
        assert [effect.status for effect in messages] == ["done"] * 3


def test_reminders_of_a_batch_are_told_together_by_a_task_that_names_nobody(office, prefect, ready):
    for _ in range(2):
        office.start("reminded-at-once")
    time.sleep(1.1)  # the reminders' second
    office.fire()
    ready.run_batch(office.legs())
    run = prefect.runs("batch")[-1]
    assert [task.name for task in prefect.tasks(run, 2)] == ["effects 1 to 2", "2 reminders"]
    letters = [path.read_text("utf-8") for path in office.root.glob("outbox/*.eml")]
    (together,) = [letter for letter in letters if "2 things wait for you" in letter]
    assert together.count("Open it with: smr item") == 2
    assert not prefect.keeps("tom@example.test")


def test_one_failure_in_a_batch_keeps_nobody_else_waiting(office, prefect, ready, blog):
    blog.plan = [403]
    cases = [office.approved("on-the-blog") for _ in range(2)]
    ready.run_batch([leg for case in cases for leg in office.legs(case)])
    run = prefect.runs("batch")[-1]
    assert (run.state, run.message) == ("Failed", "not done: effects 1 to 2")
    outcomes = [office.effects(case)["publish note -> company-blog"].status for case in cases]
    assert sorted(outcomes) == ["done", "failed"]  # a few are under way at a time


def test_an_effect_that_somebody_else_has_taken_over_is_left_to_them(office, prefect, ready):
    case = office.approved("approval")
    leg = office.leg(case)
    with office.ws.storage.writing() as unit:
        later = office.ws.clock.now() + LEASE * 2
        assert len(unit.claims.effects("another", later, LEASE, 10, case)) == 1
        unit.keep()
    ready.run_leg(leg)
    assert office.pages() == []
    (run,) = prefect.runs(case)
    assert run.state == "Completed"


def test_a_leg_that_takes_longer_than_its_lease_is_kept_by_its_flow_run(
    make_office, prefect, monkeypatch
):
    """No conductor is there to keep it: so it is where a worker of a pool performs it."""
    lease = timedelta(seconds=2)
    monkeypatch.setattr(legs, "LEASE", lease)
    office = make_office()
    gate = office.gate()
    dispatcher = office.dispatcher(prefect.api_url)
    case = office.approved("approval")
    with ThreadPoolExecutor(1) as thread:
        performed = thread.submit(dispatcher.run_leg, office.leg(case, lease))
        assert gate.reached.wait(20)
        time.sleep(lease.total_seconds() * 2)
        assert office.claims(case, lease) == []
        gate.opened.set()
        performed.result()
    assert office.status(case) == "completed"
    assert len(office.pages()) == 1


def test_a_fault_in_one_effect_is_logged_here_and_only_named_in_prefect(office, prefect, caplog):
    def broken(_account):
        raise RuntimeError("what a broken part says, with words of the statement")

    office.ws = replace(office.ws, connector_for=broken)
    case = office.approved("approval")
    office.dispatcher(prefect.api_url).run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    (task,) = prefect.tasks(run, 1)
    assert (run.state, task.message) == ("Failed", "RuntimeError")
    assert "words of the statement" in caplog.text
    assert office.effects(case)["publish note -> newsroom"].status == "owed"
