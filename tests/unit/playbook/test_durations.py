"""Durations and offsets: what is written is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.playbook.durations import (
    Anchor,
    Duration,
    DurationKind,
    Offset,
    parse_duration,
    parse_offset,
)

DURATIONS = st.one_of(
    st.builds(Duration, st.just(DurationKind.ELAPSED), st.integers(0, 999_999)),
    st.builds(
        lambda count: Duration(DurationKind.BUSINESS_TIME, 60 * count), st.integers(0, 99_999)
    ),
    st.builds(Duration, st.just(DurationKind.BUSINESS_DAYS), st.integers(0, 99_999)),
)


@given(DURATIONS)
def test_a_duration_is_read_back_as_it_is_written(duration):
    assert parse_duration(str(duration)) == duration


@given(DURATIONS, st.sampled_from(["before due", "after due", "after start"]))
def test_an_offset_is_read_back_as_it_is_written(duration, place):
    sign, _, anchor = place.partition(" ")

    assert parse_offset(f"{duration} {place}") == Offset(
        anchor=Anchor(anchor), sign=-1 if sign == "before" else 1, delta=duration
    )


@given(st.integers(0, 9999))
def test_a_percentage_is_read_back_as_it_is_written(percent):
    assert parse_offset(f"{percent}%") == Offset(percent=percent)


@given(st.text(max_size=40))
def test_any_other_text_is_refused_with_what_would_be_right(text):
    for parse in (parse_duration, parse_offset):
        try:
            parse(text)
        except ValueError as fault:
            assert "write" in str(fault)  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    ["every 2h before due", "every 0s after due", "2h before start", "due", "2h due", "50", "2h"],
)
def test_an_offset_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match="is not an offset"):
        parse_offset(text)


@pytest.mark.parametrize("text", ["4 hours", "P", "PT", "-4h", "4", "1h30m", "7y", "h", "4 h 2"])
def test_a_duration_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT30M", 1800), ("P1DT2H", 93_600), ("P1W", 604_800), ("30 m", 1800)]
)
def test_iso_8601_durations_are_elapsed_time(text, seconds):
    assert parse_duration(text) == Duration(DurationKind.ELAPSED, seconds)
