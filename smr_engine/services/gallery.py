"""The library as people choose from it: what each playbook is for, what it asks, who owns it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.engine import policy
from smr_engine.engine.world import World
from smr_engine.errors import NotFound, SmrError
from smr_engine.playbook.fields import title_of
from smr_engine.playbook.model import ApprovalStep, Playbook, PublishStep, walk
from smr_engine.services import directory, library
from smr_engine.services.outline import outline
from smr_engine.services.workspace import Workspace

_FOLDER = re.compile(r"^\S*/")  # where a file lies is nobody's business on a page


@dataclass(frozen=True, slots=True)
class Card:
    """A playbook as the gallery shows it.

    Args:
        playbook: its name.
        version: as its author counts.
        title: for people.
        summary: what it is for.
        owner: the title of the role that owns it.
        asks: the titles of what it asks at the start.
        steps: how many there are, at any depth.
        approvals: how many of them are approvals.
        publications: how many of them publish.
        why_not: why it cannot be started, in a sentence; empty if it can.
        problems: where that is errors of its own: each with its line.
    """

    playbook: str
    version: str
    title: str
    summary: str
    owner: str = ""
    asks: tuple[str, ...] = ()
    steps: int = 0
    approvals: int = 0
    publications: int = 0
    why_not: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One playbook, whole, before it is started.

    Args:
        card: as in the gallery.
        steps: its steps as a tree in words; see `outline`.
        inputs: what it asks, as a JSON Schema.
        titles: what its fields are called, by name.
        scale: what its severity is called; empty if it has none.
        levels: of its severity, the worst first.
    """

    card: Card
    steps: tuple[Mapping[str, Any], ...]
    inputs: Mapping[str, Any]
    titles: Mapping[str, str]
    scale: str
    levels: tuple[str, ...]


def gallery(ws: Workspace, person: str) -> list[Card]:
    """Return what there is, what the person can start first; the rest says why not."""
    world = _world(ws)
    cards = [_card(ws, world, row.playbook, person) for row in library.playbooks(ws)]
    return sorted(cards, key=lambda card: (bool(card.why_not), card.title.lower()))


def choice(ws: Workspace, person: str, name: str) -> Choice:
    """Return one playbook of the gallery, startable or not.

    Raises:
        NotFound: there is none.
        Invalid: its form has errors, so that there is nothing to show.
    """
    playbook = library.read(ws, name)[0]
    shown = outline(playbook)
    scale = playbook.severity
    return Choice(
        _card(ws, _world(ws), name, person),
        tuple(shown["steps"]),
        playbook.inputs,
        _titles(playbook.inputs),
        scale.title if scale else "",
        tuple(shown["severity"]),
    )


def _world(ws: Workspace) -> World:
    with ws.storage.reading() as unit:
        return directory.world(ws, unit)


def _card(ws: Workspace, world: World, name: str, person: str) -> Card:
    try:
        playbook = library.read(ws, name)[0]
    except NotFound:
        raise
    except SmrError as error:
        row = next(row for row in library.playbooks(ws) if row.playbook == name)
        why_not, problems = _told(error)
        return Card(name, row.version, row.title, row.summary, why_not=why_not, problems=problems)
    why_not, problems = _why_not(ws, world, playbook, person)
    steps = list(walk(playbook.steps))
    owner = world.roles.get(playbook.owner)
    return Card(
        playbook=name,
        version=playbook.version,
        title=playbook.title,
        summary=playbook.summary,
        owner=owner.title if owner else playbook.owner,
        asks=tuple(_titles(playbook.inputs).values()),
        steps=len(steps),
        approvals=sum(isinstance(step, ApprovalStep) for step in steps),
        publications=sum(isinstance(step, PublishStep) for step in steps),
        why_not=why_not,
        problems=problems,
    )


def _titles(schema: Mapping[str, Any]) -> dict[str, str]:
    asked = schema.get("properties") or {}
    return {name: str(each.get("title") or title_of(name)) for name, each in asked.items()}


def _why_not(
    ws: Workspace, world: World, playbook: Playbook, person: str
) -> tuple[str, tuple[str, ...]]:
    verdict = policy.may_start(world, playbook, person, ws.clock.now())
    if not verdict.may:
        return verdict.why_not, ()
    try:
        library.startable(ws, playbook.name)
    except SmrError as error:
        return _told(error)
    return "", ()


def _told(error: SmrError) -> tuple[str, tuple[str, ...]]:
    """Return a refusal's sentence, and the problems below it without their folders."""
    first, *rest = error.message.splitlines()
    return first.rstrip(":"), tuple(_FOLDER.sub("", line) for line in rest)
