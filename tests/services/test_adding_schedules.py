"""Adding a schedule: what could not open a case is told at once, in our words."""

from __future__ import annotations

import pytest

from smr_engine.errors import Invalid
from smr_engine.services import schedules
from smr_engine.services.workspace import Actor

DAILY = schedules.Rule("FREQ=DAILY", "09:00", "Europe/Berlin")


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "the input `title` is required and missing"),
        ({"title": "Weekly", "titel": "x"}, "there is no input `titel`"),
        ({"title": 5}, "the input `title` is refused: 5 is not of type 'string'"),
        ({"title": "{{ dew }}"}, "there is no name `dew`"),
        ({"title": "{{ due"}, "this cannot be read"),
    ],
)
def test_whoever_adds_a_schedule_is_told_at_once_why_no_case_would_open(company, inputs, told):
    added = schedules.add(company.ws, Actor("ana"), "statement", DAILY, inputs)
    assert told in added.problem


def test_inputs_may_speak_of_the_due_instant_and_of_the_last_case(company):
    inputs = {"title": "Since {{ last.ref if last else due }}"}
    assert schedules.add(company.ws, Actor("ana"), "statement", DAILY, inputs).problem == ""


@pytest.mark.parametrize(
    ("at", "zone", "told"),
    [
        ("09:00", "Europe/Berli", "'Europe/Berli' is no time zone"),
        ("09:00", "Europe", "'Europe' is no time zone"),
        ("25:00", "Europe/Berlin", "'25:00' is no time of day"),
        ("9:00", "Europe/Berlin", "'9:00' is no time of day"),
    ],
)
def test_a_time_or_zone_that_is_none_is_refused_in_our_words(company, at, zone, told):
    rule = schedules.Rule("FREQ=DAILY", at, zone)
    with pytest.raises(Invalid) as refused:
        schedules.add(company.ws, Actor("ana"), "statement", rule, {"title": "x"})
    assert refused.value.message == told
