"""Quorums: distinct people, matched to lines so that as many places as possible are filled.

The places of all lines (a line that needs two has two) and the people who approved form a bipartite
graph; the quorum is complete when a maximum matching fills every place (augmenting paths, Kuhn).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from smr_engine.engine.state import Line, Vote
from smr_engine.engine.statuses import DecisionKind
from smr_engine.engine.world import World

Seat = tuple[int, Line]  # the number of the line and the line
MOST_COMBINATIONS = 500
"""Of voices that are compared; few people are deputies of several who are away at once."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who approves, or could: the roles they act in, and for whom if not themselves."""

    person: str
    roles: tuple[str, ...]
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """How far a quorum is: per line how many are needed and how many are there."""

    lines: tuple[Line, ...]
    need: tuple[int, ...]
    have: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Return whether every line is filled (a quorum without lines never is)."""
        return bool(self.lines) and self.need == self.have

    @property
    def remaining(self) -> int:
        """Return how many approvals are still missing."""
        return sum(self.need) - sum(self.have)


def filled(lines: Sequence[Line], votes: Sequence[Vote], world: World) -> Filled:
    """Return how far approvals fill the lines; see `reachable`."""
    return reachable(lines, approving(votes), world)


def approving(votes: Iterable[Vote]) -> list[Voice]:
    """Return the voices of those who approved."""
    return [
        Voice(v.person, v.roles, v.on_behalf_of)
        for v in votes
        if v.decision is DecisionKind.APPROVE
    ]


def reachable(lines: Sequence[Line], voices: Sequence[Voice], world: World) -> Filled:
    """Return how far the lines are filled if all of these approve.

    A person counts once, and somebody and whoever acts for them count as one: a deputy of somebody
    who is heard already (directly, or through another deputy) counts in their own roles only.
    """
    heard = {voice.person for voice in voices}
    people: dict[str, tuple[str, ...]] = {}
    for voice in voices:
        roles = voice.roles
        if voice.on_behalf_of in heard:
            own = world.roles_of(voice.person)
            roles = tuple(role for role in roles if role in own)
        elif voice.on_behalf_of:
            heard.add(voice.on_behalf_of)
        people[voice.person] = roles
    return _match(lines, people, world)


def best(
    lines: Sequence[Line], choices: Iterable[Sequence[Voice]], world: World
) -> tuple[Filled, tuple[Voice, ...]]:
    """Return how far the lines are filled if each approves in the voice that helps most.

    Args:
        lines: of the quorum.
        choices: the voices of each person; a deputy of several people who are away has several.
        world: the directory.

    Returns:
        The best there is, and the voices that give it. Earlier voices are preferred; should there
        be very many combinations, not all are tried.
    """
    combinations = islice(product(*choices), MOST_COMBINATIONS)
    found = ((reachable(lines, voices, world), voices) for voices in combinations)
    least: tuple[Filled, tuple[Voice, ...]] = next(found)
    while not least[0].complete and (more := next(found, None)):
        least = min(least, more, key=lambda each: each[0].remaining)
    return least


def needed(line: Line, world: World) -> int:
    """Return how many people a line asks for; `all` is every holder of its roles."""
    if line.need is not None:
        return line.need
    return max(1, len({p for role in line.roles for p in world.holders(role)}))


def _match(lines: Sequence[Line], people: Mapping[str, tuple[str, ...]], world: World) -> Filled:
    seats: list[Seat] = [
        (number, line) for number, line in enumerate(lines) for _ in range(needed(line, world))
    ]
    taken: dict[int, str] = {}
    for person in sorted(people):
        _seat(person, _fits(people, seats), taken, set())
    have = [0] * len(lines)
    for place in taken:
        have[seats[place][0]] += 1
    need = tuple(needed(line, world) for line in lines)
    return Filled(tuple(lines), need, tuple(have))


def _fits(
    people: Mapping[str, tuple[str, ...]], seats: Sequence[Seat]
) -> Callable[[str], list[int]]:
    def places(person: str) -> list[int]:
        held = set(people[person])
        return [n for n, (_, line) in enumerate(seats) if held.intersection(line.roles)]

    return places


def _seat(
    person: str, places: Callable[[str], list[int]], taken: dict[int, str], tried: set[int]
) -> bool:
    """Give a person a place, moving others along if need be."""
    for place in places(person):
        if place in tried:
            continue
        tried.add(place)
        if place not in taken or _seat(taken[place], places, taken, tried):
            taken[place] = person
            return True
    return False
