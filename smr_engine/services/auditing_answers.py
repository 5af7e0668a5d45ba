"""Who approved which response, as people read it: by document and asking, with the exact words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine.world import World
from smr_engine.services import versions
from smr_engine.services.access import Sight
from smr_engine.services.auditing_who import Asked, Published, Told, asked_in, told
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
class Place:
    """Where a text went live: the account's title, when, and the address."""

    title: str
    at: datetime | None
    url: str | None


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
        places: where these very words went live, and when; the hub first.
    """

    case: str
    document: str
    title: str
    revision: int
    digest: str
    text: str
    decisions: tuple[Decision, ...]
    places: tuple[Place, ...]


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
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        asked = asked_in(unit, sight, ref)
        desk = _Desk(sight.reader.world, _texts(unit, sight.family(ref)), _titles(ws, unit, asked))
        together = _asked_together(told(unit, asked))
        return Answers(sight.case(ref), tuple(map(desk.answer, together)))


def _asked_together(decided: Iterable[Told]) -> list[list[Told]]:
    """Return the decisions on one text that one item asked for, a list each."""
    found: dict[tuple[str, str, str], list[Told]] = {}
    for each in decided:
        row = each.row
        found.setdefault((row.item, row.document, row.digest), []).append(each)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Desk:
    """What answers are written with: names, texts by digest, titles by case and document."""

    world: World
    texts: Mapping[str, str]
    titles: Mapping[tuple[str, str], str]

    def answer(self, decided: list[Told]) -> Answer:
        """Return what people said to one text."""
        first = decided[0].row
        places = dict.fromkeys(place for each in decided for place in each.places)
        return Answer(
            case=first.case,
            document=first.document,
            title=self.titles.get((first.case, first.document), first.document),
            revision=first.revision,
            digest=first.digest,
            text=self.texts.get(first.digest, ERASED),
            decisions=tuple(_decision(self.world, each.row) for each in decided),
            places=tuple(map(self._place, places)),
        )

    def _place(self, published: Published) -> Place:
        account = self.world.accounts.get(published.account)
        title = account.title if account else published.account
        return Place(title, published.at, published.url)


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


def _titles(ws: Workspace, unit: UnitOfWork, asked: Iterable[Asked]) -> dict[tuple[str, str], str]:
    """Return what the documents of cases are called."""
    cases = {each.case.header.ref: each.case.header.digest for each in asked}
    return {
        (ref, name): document.title
        for ref, digest in cases.items()
        for name, document in versions.pinned(ws, unit, digest).documents.items()
    }
