"""Five hundred houses with unlucky people, machines and clocks; `make soak` lives through more.

A run that fails is printed twice: as the rules that reproduce it (they may be pasted into a plain
test) and, between them, as the story of who did what when.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Simulation

QUICK = settings(
    max_examples=500,
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(QUICK, max_examples=20_000, stateful_step_count=40)
"""Hours: about half a second for each example."""


def test_whatever_happens_in_whatever_order_nothing_is_lost_doubled_early_or_unapproved() -> None:
    run_state_machine_as_test(Simulation, settings=QUICK)


@pytest.mark.soak
def test_hours_of_long_stories_keep_every_promise() -> None:
    run_state_machine_as_test(Simulation, settings=LONG)
