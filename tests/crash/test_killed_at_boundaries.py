"""A case goes on whenever its processes are killed, and nothing is lost or done twice.

One story (tests/crash/story.py) is told again and again: draft, approval, a change of the text under
approval, four publications, a notification with acknowledgements, a wait, a reminder, an escalation,
a foreach and a child case. Its processes are killed with SIGKILL at numbered boundaries: before and
after each commit, within each claim, before and after each call that leaves the house. Of at least
500 kills in `make test`, 2 x 170 are at every boundary once, on both databases; the others are at
places that were drawn (each draw can be repeated: its number is in the test's name).
"""

from __future__ import annotations

import random

import pytest

from tests.crash.hatchery import Hatchery
from tests.crash.lives import Told, expected

SLICES = 12
"""One house dies at every 12th boundary; so many houses die at all."""
BOUNDARIES = 170
DRAWS = 6
FEWEST_KILLS_OF_A_DRAW = 20
SOAK_KILLS = 10_000


def check(hatchery: Hatchery, told: Told) -> None:
    """The story ended as if nobody had ever been killed."""
    assert told.wrong == []
    assert told.counts == expected(hatchery.undisturbed.counts, told.counts)


def times(told: Told, kind: str) -> int:
    """Return how often something happened to the publications."""
    return told.counts.get(f"POST-2026-0001 {kind} publish_statement", 0)


def drawn(seed: int) -> list[int]:
    """Return after how many boundaries each life ends."""
    dice = random.Random(seed)
    return [dice.randint(4, 13) for _ in range(60)]


def test_the_story_that_nobody_disturbs_touches_everything(hatchery: Hatchery) -> None:
    told = hatchery.undisturbed
    check(hatchery, told)
    assert len(told.trace) >= BOUNDARIES
    assert "EffectUnknown" not in str(told.counts)


@pytest.mark.parametrize("part", range(SLICES))
def test_the_case_goes_on_after_a_kill_at_every_boundary(hatchery: Hatchery, part: int) -> None:
    """A house dies at the boundaries of its slice in order; one it did not come to, alone."""
    boundaries = hatchery.undisturbed.trace
    numbers = range(part, len(boundaries), SLICES)
    slice_ = [boundaries[number] for number in numbers]
    told = hatchery.run(slice_)
    check(hatchery, told)
    assert told.killed_at == slice_[: len(told.killed_at)]
    for number in list(numbers)[len(told.killed_at) :]:
        alone = hatchery.run([number + 1])
        check(hatchery, alone)
        assert alone.killed_at == [boundaries[number]]


@pytest.mark.parametrize("seed", range(DRAWS))
def test_the_case_goes_on_however_often_it_is_killed(sqlite_hatchery: Hatchery, seed: int) -> None:
    told = sqlite_hatchery.run(drawn(seed))
    check(sqlite_hatchery, told)
    assert len(told.killed_at) >= FEWEST_KILLS_OF_A_DRAW


@pytest.mark.parametrize(("moment", "requests"), [("before", 1), ("after", 2)])
def test_a_place_that_honours_keys_is_sent_the_same_key_again(
    sqlite_hatchery: Hatchery, moment: str, requests: int
) -> None:
    told = sqlite_hatchery.run([f"{moment} publishing to company-blog"])
    check(sqlite_hatchery, told)
    assert told.requests["company-blog"] == requests
    assert times(told, "EffectUnknown") == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_place_that_can_be_asked_is_asked_before_anything_is_sent_again(
    sqlite_hatchery: Hatchery, moment: str
) -> None:
    told = sqlite_hatchery.run([f"{moment} publishing to partner-feed"])
    check(sqlite_hatchery, told)
    assert "before looking up at partner-feed" in told.trace
    assert told.requests["partner-feed"] == 1
    assert times(told, "EffectUnknown") == 0


@pytest.mark.parametrize(
    ("boundary", "found_there"),
    [
        ("before publishing to old-board", False),
        ("after publishing to old-board", True),
        ("after reading back from old-board", True),
    ],
)
def test_a_place_that_can_do_neither_is_left_to_a_person_and_not_sent_to_again(
    sqlite_hatchery: Hatchery, boundary: str, found_there: bool
) -> None:
    told = sqlite_hatchery.run([boundary])
    check(sqlite_hatchery, told)
    assert told.requests["old-board"] == 1
    assert times(told, "EffectUnknown") == times(told, "CaseHeld") == 1
    assert times(told, "EffectResumed") == (0 if found_there else 1)


@pytest.mark.soak
def test_the_case_goes_on_after_ten_thousand_kills(hatchery: Hatchery) -> None:
    kills, seed = 0, 1_000
    while kills < SOAK_KILLS / 2:  # on each of the two databases
        told = hatchery.run(drawn(seed))
        check(hatchery, told)
        kills, seed = kills + len(told.killed_at), seed + 1
