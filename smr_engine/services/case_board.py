"""Who was told what, group by group: told, acknowledged, acted, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine.statuses import ItemKind
from smr_engine.engine.world import World
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import NotifyStep, Party, PartyKind, Playbook
from smr_engine.services.case_effects import called
from smr_engine.services.reading_verdicts import number_of
from smr_engine.services.stored import ItemRow
from smr_engine.services.views import EventRow

_OTHERS = "Others"


@dataclass(frozen=True, slots=True)
class Reached:
    """One who was told: when, when they said so, and when they first did something after it."""

    name: str
    told: datetime | None
    acknowledged: datetime | None
    acted: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """Those of one group, role, or register."""

    title: str
    people: tuple[Reached, ...]

    @property
    def told(self) -> int:
        """Return how many were told."""
        return sum(person.told is not None for person in self.people)

    @property
    def acknowledged(self) -> int:
        """Return how many have said so."""
        return sum(person.acknowledged is not None for person in self.people)

    @property
    def acted(self) -> int:
        """Return how many have done something since."""
        return sum(person.acted is not None for person in self.people)


@dataclass(frozen=True, slots=True)
class Board:
    """One message that asks to be acknowledged."""

    title: str
    groups: tuple[Group, ...]

    @property
    def waits(self) -> bool:
        """Return whether somebody has not said so yet."""
        return any(group.acknowledged < len(group.people) for group in self.groups)


def boards(
    items: Iterable[ItemRow],
    events: Sequence[EventRow],
    playbooks: Mapping[str, Playbook],
    world: World,
) -> Iterator[Board]:
    """Yield the messages of some cases that ask to be acknowledged, the oldest first.

    Args:
        items: of the cases.
        events: of the cases, in order.
        playbooks: by case.
        world: who is called what, and belongs to which group.
    """
    asked: dict[tuple[str, str, int], list[ItemRow]] = {}
    for item in sorted(items, key=lambda each: (each.opened_at, number_of(each.id))):
        if item.kind is ItemKind.ACKNOWLEDGEMENT:
            asked.setdefault((item.case, item.path, item.round), []).append(item)
    for together in asked.values():
        first = together[0]
        step = index_of(playbooks[first.case]).of(first.step).step
        parties = step.to if isinstance(step, NotifyStep) else ()
        groups: dict[str, list[Reached]] = {}
        told = _told(first, events)
        for item in together:
            group = _group(item.subject, parties, world)
            groups.setdefault(group, []).append(_reached(item, events, told, world))
        title = first.title if ":" not in first.subject else step.title.blank
        yield Board(title, tuple(Group(name, tuple(people)) for name, people in groups.items()))


def _told(item: ItemRow, events: Iterable[EventRow]) -> dict[str, datetime]:
    """Return when a step's message reached each of those it is for."""
    found: dict[str, datetime] = {}
    for event in events:
        if event.case == item.case and event.path == item.path and event.kind.startswith("Effect"):
            result = event.data.get("result")
            for name in (result or {}).get("told", ()) if isinstance(result, dict) else ():
                found.setdefault(name, event.at)
    return found


def _reached(
    item: ItemRow, events: Iterable[EventRow], told: Mapping[str, datetime], world: World
) -> Reached:
    kind, colon, name = item.subject.partition(":")
    said = acted = None
    is_asked = False
    for event in events:
        if event.data.get("item") == item.id:
            is_asked = True
            said = event.at if event.kind == "ItemCompleted" else said
        elif is_asked and acted is None and event.actor == item.subject:
            acted = None if _acknowledges(event) else event.at
    ref = {"kind": kind, "id": name} if colon else {"kind": "person", "id": item.subject}
    return Reached(called(ref, world), told.get(item.subject), said, acted)


def _acknowledges(event: EventRow) -> bool:
    return bool(event.data.get("outcome") == "acknowledged")


def _group(subject: str, parties: Iterable[Party], world: World) -> str:
    """Return the first of the groups and roles a message is for that has somebody in it."""
    kind, colon, _ = subject.partition(":")
    if colon:
        return {"contact": "Contacts", "vendor": "Vendors"}.get(kind, "Addresses")
    for party in parties:
        name = party.name.source
        if party.kind is PartyKind.GROUP and subject in world.members(name):
            return world.groups[name].title or name
        if party.kind is PartyKind.ROLE and subject in world.holders(name):
            return world.roles[name].title
    return _OTHERS
