"""Who approved which response, as people read it: by document and asking, with the exact words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine.world import World
from smr_engine.services.access import Sight
from smr_engine.services.auditing_who import who
from smr_engine.services.reading_texts import ERASED
from smr_engine.services.stored import CaseRow, EventFilter
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import WhoRow
from smr_engine.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided, by names; `for_name` is whom they acted for."""

    row: WhoRow
    name: str
    roles: str
    for_name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One text that people were asked about, and what they said.

    Args:
        case: the case, or the one under it, that it belongs to.
        document: its name.
        title: its title.
        revision: which one.
        digest: SHA-256 of the text, hex.
        text: the exact words.
        decisions: oldest first.
        published_at: when these words went live; None: they did not.
        published_url: where.
    """

    case: str
    document: str
    title: str
    revision: int
    digest: str
    text: str
    decisions: tuple[Decision, ...]
    published_at: datetime | None = None
    published_url: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """All of a case and the cases under it, oldest first."""

    case: CaseRow
    answers: tuple[Answer, ...]

    @property
    def rows(self) -> list[WhoRow]:
        """Return all decisions, as `auditing.who` gives them."""
        return [said.row for answer in self.answers for said in answer.decisions]


def answers(ws: Workspace, ref: str, person: str | None = None) -> Answers:
    """Return every decision in a case and the cases under it, by what was asked.

    Args:
        ws: the workspace.
        ref: the case.
        person: who reads; None sees everything.

    Raises:
        NotFound: as `auditing.who`.
    """
    rows = who(ws, ref, person=person)
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        texts = _texts(unit, sight.family(ref))
        case, world = sight.case(ref), sight.reader.world
    return Answers(case, tuple(_answer(world, texts, asked) for asked in _asked_together(rows)))


def _asked_together(rows: Iterable[WhoRow]) -> list[list[WhoRow]]:
    """Return the decisions on one text that one item asked for, a list each."""
    found: dict[tuple[str, str, str], list[WhoRow]] = {}
    for row in rows:
        found.setdefault((row.item, row.document, row.digest), []).append(row)
    return list(found.values())


def _answer(world: World, texts: Mapping[str, str], rows: list[WhoRow]) -> Answer:
    first = rows[0]
    live = next((row for row in rows if row.published_at is not None), first)
    return Answer(
        case=first.case,
        document=first.document,
        title=first.document.replace("_", " ").capitalize(),
        revision=first.revision,
        digest=first.digest,
        text=texts.get(first.digest, ERASED),
        decisions=tuple(_decision(world, row) for row in rows),
        published_at=live.published_at,
        published_url=live.published_url,
    )


def _decision(world: World, row: WhoRow) -> Decision:
    roles = (world.roles.get(name) for name in row.role.split(", ") if name)
    titles = ", ".join(role.title for role in roles if role is not None)
    acted_for = _name(world, row.on_behalf_of) if row.on_behalf_of else ""
    return Decision(row, _name(world, row.person), titles or row.role, acted_for)


def _name(world: World, person: str) -> str:
    known = world.people.get(person)
    return known.name if known else person


def _texts(unit: UnitOfWork, refs: list[str]) -> dict[str, str]:
    """Return the texts of all revisions by digest; what was erased is missing."""
    revised = unit.events.select(EventFilter(cases=tuple(refs), kinds=("DocumentRevised",)))
    return {
        str(event.facts["digest"]): str(event.content["text"])
        for event in revised
        if "text" in event.content
    }
