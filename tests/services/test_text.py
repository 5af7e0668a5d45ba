"""Text for people is harmless, and times are in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.services.text import (
    counted,
    due_words,
    harmless,
    instant,
    listed,
    one_line,
    rfc3339,
    shortened,
    time_of_day,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x07\x00b", "a\\x07\\x00b"),
        ("over\rwritten", "over\\x0dwritten"),
        ("Windows\r\nline", "Windows\nline"),
        ("pay \u202e001$", "pay \\u202e001$"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
        ("tab\tand\nline stay", "tab\tand\nline stay"),
        ("Zoé Martin, 田中, 👩‍👩‍👧, سلام", "Zoé Martin, 田中, 👩‍👩‍👧, سلام"),
    ],
)
def test_hidden_signs_are_spelled_out_and_letters_stay(text, shown):
    assert harmless(text) == shown


@given(st.text())
def test_nothing_printed_can_steer_a_terminal_or_turn_its_direction(text):
    shown = harmless(text)
    assert not [sign for sign in shown if ord(sign) < 32 and sign not in "\n\t"]
    assert not set(shown) & set("\x7f\x9b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f")
    shown.encode()


@given(st.text())
def test_one_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(), st.integers(2, 40))
def test_a_shortened_text_is_no_longer_than_asked(text, most):
    assert len(shortened(text, most)) <= most


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (12, "in 12 min"),
        (0, "in 0 s"),
        (-4, "overdue 4 min"),
        (200, "in 3 h 20 min"),
        (180, "in 3 h"),
        (-60 * 52, "overdue 2 d 4 h"),
        (0.5, "in 30 s"),
    ],
)
def test_what_is_due_is_said_in_words(minutes, words):
    assert due_words(NOON + timedelta(minutes=minutes), NOON) == words


def test_what_has_no_due_time_says_nothing():
    assert due_words(None, NOON) == ""


def test_people_read_their_own_zone_and_programs_utc():
    assert instant(NOON, ZoneInfo("Europe/Berlin")) == "2026-11-23 13:00 CET"
    assert instant(None, UTC) == ""


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "13:00 CET"), (10, "23:00 CET"), (11, "2026-11-24 00:00 CET")]
)
def test_an_instant_of_today_is_told_without_its_date(hours, words):
    at = NOON + timedelta(hours=hours)
    assert time_of_day(at, NOON, ZoneInfo("Europe/Berlin")) == words
    assert rfc3339(NOON.astimezone(ZoneInfo("Asia/Tokyo"))) == "2026-11-23T12:00:00Z"


def test_nouns_are_counted_and_names_are_listed():
    assert [counted(n, "case") for n in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
    assert counted(2, "person", "people") == "2 people"
    assert [listed(list(words)) for words in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
