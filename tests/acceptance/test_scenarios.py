"""The shipped scenarios: all hold, they take nearly all of the shipped playbooks, and quickly."""

from __future__ import annotations

from time import process_time

import pytest

from smr_engine.adapters.shipped import shipped_path
from tests.support.program import smr

SHIPPED = ["blogger-outreach", "crisis-response", "holding-statement", "policy-review"]
LEAST = 85
"""Per cent of steps, options, outcomes, rejections, reminders, escalations and expiries."""
SLOWEST_S = 60


@pytest.fixture(scope="module")
def found():
    """What `smr test` says of the shipped scenarios, and what it took of the processor."""
    begun = process_time()
    said = smr("test", str(shipped_path("playbooks") / "tests"), "--json")
    return {**said.data, "status": said.status, "took_s": process_time() - begun}


def test_every_shipped_scenario_holds(found):
    failed = {one["file"]: one["failures"] for one in found["scenarios"] if not one["ok"]}
    assert failed == {}
    assert (found["ok"], found["status"]) == (True, 0)


def test_the_scenarios_take_at_least_85_per_cent_of_each_shipped_playbook(found):
    taken = {each["playbook"]: each["percent"] for each in found["coverage"]}
    assert list(taken) == SHIPPED
    assert {name: percent for name, percent in taken.items() if percent < LEAST} == {}


def test_years_of_rehearsals_take_well_under_a_minute(found):
    assert found["took_s"] < SLOWEST_S


@pytest.mark.parametrize("playbook", SHIPPED)
def test_each_playbook_is_rehearsed_well_badly_and_in_silence(found, playbook):
    ended = [one for one in found["scenarios"] if one["playbook"] == playbook]
    assert {one["outcome"] for one in ended} >= {"done"}
    assert len(ended) >= 4
