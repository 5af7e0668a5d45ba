"""Quorums: distinct people on lines, against a slow second opinion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.engine import quorum
from smr_engine.engine.quorum import Voice
from smr_engine.engine.state import Line, Vote
from smr_engine.engine.statuses import DecisionKind
from smr_engine.engine.world import Person, World

ROLES = ("legal", "comms", "privacy")
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def world(**roles: tuple[str, ...]) -> World:
    return World(people={p: Person(p, p, roles=held) for p, held in roles.items()})


def vote(person: str, *roles: str, says: str = "approve", instead_of: str = "") -> Vote:
    return Vote(person, DecisionKind(says), "digest", roles, instead_of, AT)


def most_seats(seats: list[Line], voices: list[Voice]) -> int:
    """Try every order of people on every choice of seats: slow, and beyond doubt."""
    best = 0
    for order in permutations(range(len(voices))):
        taken: set[int] = set()
        for number in order:
            fitting = (
                place
                for place, line in enumerate(seats)
                if place not in taken and set(line.roles) & set(voices[number].roles)
            )
            place = next(fitting, None)
            if place is not None:
                taken.add(place)
        best = max(best, len(taken))
    return best


some_roles = st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True).map(tuple)
some_lines = st.lists(st.builds(Line, some_roles, st.integers(1, 2)), min_size=1, max_size=3).map(
    tuple
)
some_voices = st.lists(some_roles, max_size=5).map(
    lambda held: [Voice(f"p{n}", roles) for n, roles in enumerate(held)]
)


@given(some_lines, some_voices)
def test_as_many_seats_are_filled_as_trying_every_order_can_fill(lines, voices):
    found = quorum.reachable(lines, voices, world())
    seats = [line for line in lines for _ in range(line.need or 1)]
    assert sum(found.have) == most_seats(seats, voices)
    assert found.need == tuple(line.need for line in lines)
    assert all(have <= need for have, need in zip(found.have, found.need, strict=True))
    assert found.complete == (sum(found.have) == len(seats))
    assert found.remaining == len(seats) - sum(found.have)


@given(some_lines, some_voices, some_roles)
def test_one_more_approval_never_takes_a_seat_away(lines, voices, roles):
    before = quorum.reachable(lines, voices, world())
    after = quorum.reachable(lines, [*voices, Voice("new", roles)], world())
    assert sum(before.have) <= sum(after.have) <= sum(before.have) + 1


@given(some_lines, some_voices, st.randoms(use_true_random=False))
def test_it_does_not_matter_who_came_first(lines, voices, rng):
    mixed = list(voices)
    rng.shuffle(mixed)
    before, after = (quorum.reachable(lines, v, world()) for v in (voices, mixed))
    assert sum(before.have) == sum(after.have)


voices_of_one = st.lists(
    st.builds(Voice, st.just(""), some_roles, st.sampled_from(["", "away_1", "away_2"])),
    min_size=1,
    max_size=3,
)
some_choices = st.lists(voices_of_one, max_size=4).map(
    lambda people: [[replace(v, person=f"p{n}") for v in own] for n, own in enumerate(people)]
)


@given(some_lines, some_choices)
def test_nobody_could_help_more_in_another_of_their_voices(lines, choices):
    found, voices = quorum.best(lines, choices, world())
    ways = [quorum.reachable(lines, each, world()) for each in product(*choices)]
    assert found.remaining == min(way.remaining for way in ways)
    assert found == quorum.reachable(lines, voices, world())


def test_two_people_of_one_role_do_not_fill_two_roles():
    lines = (Line(("legal",), 1), Line(("comms",), 1))
    found = quorum.filled(lines, [vote("lea", "legal"), vote("luis", "legal")], world())
    assert (found.have, found.complete, found.remaining) == ((1, 0), False, 1)


def test_a_person_with_two_roles_fills_one_line():
    lines = (Line(("legal",), 1), Line(("comms",), 1))
    found = quorum.filled(lines, [vote("tia", "legal", "comms")], world())
    assert sum(found.have) == 1


def test_somebody_with_two_roles_moves_over_for_somebody_with_one():
    lines = (Line(("legal",), 1), Line(("comms",), 1))
    votes = [vote("anna", "legal", "comms"), vote("lea", "legal")]
    assert quorum.filled(lines, votes, world()).complete


def test_any_of_several_roles_fills_a_line():
    lines = (Line(("compliance", "privacy"), 1),)
    assert quorum.filled(lines, [vote("mo", "privacy")], world()).complete


def test_only_approvals_count():
    lines = (Line(("legal",), 1),)
    others = [k for k in DecisionKind if k is not DecisionKind.APPROVE]
    votes = [vote(f"p{n}", "legal", says=k) for n, k in enumerate(others)]
    assert quorum.filled(lines, votes, world()).have == (0,)


def test_a_quorum_without_lines_is_never_complete():
    assert not quorum.filled((), [vote("lea", "legal")], world()).complete


@pytest.mark.parametrize("heard", [("lea",), ("lea", "luis")])
def test_all_asks_every_holder_of_the_role(heard):
    people = world(lea=("legal",), luis=("legal",), cora=("comms",))
    found = quorum.filled((Line(("legal",), None),), [vote(p, "legal") for p in heard], people)
    assert (found.need, found.complete) == ((2,), len(heard) == 2)


def test_all_of_a_role_nobody_holds_still_asks_for_somebody():
    assert quorum.filled((Line(("legal",), None),), [], world()).need == (1,)


class TestDeputies:
    """Somebody and whoever acts for them count as one."""

    people = world(lea=("legal",), luis=("legal",), dora=("comms",), dirk=())
    both = (Line(("legal",), 2),)

    def test_a_deputy_and_the_one_they_act_for_count_once(self):
        votes = [vote("dirk", "legal", instead_of="lea"), vote("lea", "legal")]
        assert quorum.filled(self.both, votes, self.people).have == (1,)

    def test_two_deputies_of_one_person_count_once(self):
        votes = [vote(p, "legal", instead_of="lea") for p in ("dirk", "dora")]
        assert quorum.filled(self.both, votes, self.people).have == (1,)

    def test_deputies_of_two_people_count_twice(self):
        votes = [vote("dirk", "legal", instead_of="lea"), vote("dora", "legal", instead_of="luis")]
        assert quorum.filled(self.both, votes, self.people).complete

    def test_a_deputy_keeps_their_own_role_when_the_other_is_heard_directly(self):
        lines = (Line(("legal",), 1), Line(("comms",), 1))
        votes = [vote("dora", "comms", "legal", instead_of="lea"), vote("lea", "legal")]
        assert quorum.filled(lines, votes, self.people).complete
        assert quorum.filled(self.both, votes, self.people).have == (1,)
