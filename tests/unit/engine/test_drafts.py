"""Checks of a draft: what each rule lets through, and the sentence when it does not."""

from __future__ import annotations

import pytest

from smr_engine.engine.drafts import failed_checks, reading_grade
from smr_engine.playbook.model import DraftCheck

PLAIN = "We saw the posts. We check them now. We will write here again."
DENSE = (
    "Notwithstanding preliminary characterisations, comprehensive organisational "
    "investigations concerning aforementioned irregularities remain indispensable."
)


def failed(rule: str, value: object, text: str) -> str:
    found = failed_checks([DraftCheck(rule, value)], text)
    return found[0] if found else ""


@pytest.mark.parametrize(
    ("rule", "value", "fine", "wrong", "says"),
    [
        ("max_words", 3, "one two three", "one two three four", "it has 4 words, at most 3"),
        ("must_contain", ["#ad", "free"], "#AD: free tent", "tent", "must contain '#ad', 'free'"),
        ("must_not_contain", ["TODO"], "done", "todo: more", "must not contain 'TODO'"),
        ("reading_grade", 8, PLAIN, DENSE, "shorten words and sentences"),
    ],
)
def test_a_rule_lets_good_text_through_and_says_what_is_wrong_with_the_rest(
    rule, value, fine, wrong, says
):
    assert failed(rule, value, fine) == ""
    assert says in failed(rule, value, wrong)


@pytest.mark.parametrize(
    "text",
    [
        "It will be fixed within 2 hours.",
        "We will be back by noon.",
        "Expect an answer before Monday.",
        "Service returns in an hour.",
        "All is well by 5 p.m.",
        "Lines are open again by 17:30.",
        "We answer in the next two days.",
        "Until tomorrow we cannot say more.",
    ],
)
def test_a_promised_time_is_found(text):
    assert "it promises a time" in failed("no_promised_times", True, text)


@pytest.mark.parametrize(
    "text",
    [
        "We will publish here as soon as we know more.",
        "Founded in 1998, we make tents.",
        "We sell in 3 countries and in one shop.",
        "Seen by many, read by few.",
        "Ours is the tent in the picture.",
    ],
)
def test_a_text_that_promises_no_time_passes(text):
    assert failed("no_promised_times", True, text) == ""


def test_a_rule_that_is_switched_off_finds_nothing():
    assert failed("no_promised_times", False, "Back within 2 hours.") == ""


def test_every_failed_check_is_told():
    checks = [DraftCheck("max_words", 1), DraftCheck("must_contain", ["x"])]
    assert len(failed_checks(checks, "a b")) == 2


def test_reading_grades_rise_with_words_and_sentences():
    assert reading_grade("") == 0.0
    assert reading_grade(PLAIN) < 3
    assert reading_grade(DENSE) > 12
