"""A case in one sentence: whom it waits for, since when, what is late, which words are ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smr_engine.engine import quorum
from smr_engine.engine.statuses import CaseStatus, ItemKind
from smr_engine.playbook.model import Playbook
from smr_engine.services.reading_asks import Asks
from smr_engine.services.reading_verdicts import Reader
from smr_engine.services.stored import CaseRow, ItemRow
from smr_engine.services.text import counted, listed, span

_NOTHING = Asks()
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a case waits for, in words; `late`: something that it waits for is overdue."""

    words: str
    late: bool = False


def sentence(
    case: CaseRow,
    playbook: Playbook,
    items: Sequence[ItemRow],
    asks: Mapping[str, Asks],
    reader: Reader,
) -> Sentence:
    """Return where a case stands.

    Args:
        case: as listings show it.
        playbook: the version it is pinned to.
        items: its open items.
        asks: what its approvals ask, by item (`reading_asks.asks_of`).
        reader: for whom, when.
    """
    if not items:
        return Sentence(_without_people(case))
    first, *others = sorted(items, key=_pressing)
    known = asks.get(first.id) or _NOTHING
    late = first.due_at is not None and first.due_at < reader.now
    words = f"Waits for {_whom(first, known, reader)} since {span(reader.now - first.opened_at)}"
    if late and first.due_at is not None:
        words = f"{words}, {span(reader.now - first.due_at)} late"
    words = f"{words}: {first.title}{_ready(known, playbook)}"
    if others:
        words = f"{words}; and for {counted(len(others), 'other answer')}"
    is_late = late or any(o.due_at is not None and o.due_at < reader.now for o in others)
    return Sentence(f"{words}.", is_late)


def _pressing(item: ItemRow) -> tuple[bool, bool, bool, str]:
    """Order items: what holds the case up, work before acknowledgements, what is due first."""
    due = item.due_at.isoformat() if item.due_at else "9999"
    told = item.kind is ItemKind.ACKNOWLEDGEMENT
    return item.kind is not ItemKind.REPAIR, told, item.kind is not ItemKind.APPROVAL, due


def _whom(item: ItemRow, asks: Asks, reader: Reader) -> str:
    """Return roles with the people in them who have not answered, else the people alone."""
    answered = {vote.person for vote in asks.votes}
    asked = [p for p in (*item.offered, *item.escalated) if p not in answered]
    roles = _missing(asks, reader)
    if not roles:
        return some_people(asked, reader)
    return listed([_role(role, asked, reader) for role in roles])


def _missing(asks: Asks, reader: Reader) -> list[str]:
    """Return the roles whose answers an approval still misses."""
    filled = quorum.filled(asks.lines, asks.votes, reader.world)
    lines = zip(asks.lines, filled.need, filled.have, strict=True)
    return list(dict.fromkeys(r for line, need, have in lines if have < need for r in line.roles))


def _role(role: str, asked: Iterable[str], reader: Reader) -> str:
    title = reader.role(role)
    people = [p for p in asked if role in reader.world.roles_of(p)]
    return f"{title} ({some_people(people, reader)})" if people else title


def some_people(people: Sequence[str], reader: Reader) -> str:
    """Return people by name, the first few; nobody where there are none."""
    names = [reader.name(person) for person in people[:_MOST_NAMES]]
    more = len(people) - len(names)
    return listed([*names, f"{more} more"] if more > 0 else names, "or") or "nobody"


def _ready(asks: Asks, playbook: Playbook) -> str:
    """Return which revision of a document waits for its approval."""
    titles = {name: spec.title or name for name, spec in playbook.documents.items()}
    newest = [f"{titles.get(name, name)}, version {number}" for name, number in asks.documents]
    return f" ({listed(newest)})" if newest else ""


def _without_people(case: CaseRow) -> str:
    if case.status is CaseStatus.HELD:
        return "Is held: something failed, and its owner has to settle it."
    return "Waits for nobody: for time to pass, a signal, or what is on its way."
