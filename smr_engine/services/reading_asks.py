"""What approvals ask and who has decided, for lists: from the events of many cases at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from smr_engine.engine.state import Item, Line, Vote
from smr_engine.engine.statuses import DecisionKind, ItemKind
from smr_engine.services.stored import EventFilter, ItemRow, StoredEvent
from smr_engine.services.storing import UnitOfWork

CASES_AT_ONCE = 500
OPENED, RESCORED, DECIDED = "ItemOpened", "ItemRescheduled", "DecisionRecorded"


@dataclass(slots=True)
class Asks:
    """What an approval asks, and what has been answered so far."""

    lines: tuple[Line, ...] = ()
    excluded: tuple[str, ...] = ()
    assurance: str = ""
    votes: list[Vote] = field(default_factory=list)
    documents: tuple[tuple[str, int], ...] = ()  # what it is about, with its revision


_NOTHING = Asks()


def asks_of(unit: UnitOfWork, rows: Iterable[ItemRow]) -> dict[str, Asks]:
    """Return what the approvals among some items ask, by item; no text is in it."""
    found = {row.id: Asks() for row in _approvals(rows)}
    for event in _events(unit, rows, OPENED, RESCORED, DECIDED):
        known = found.get(event.facts["item"])
        if known is not None:
            _learn(known, event)
    return found


def items_of(unit: UnitOfWork, rows: Sequence[ItemRow]) -> Iterator[tuple[str, Item]]:
    """Yield cases and items, as far as a verdict and a list need them."""
    approvals = asks_of(unit, rows)
    for row in rows:
        asks = approvals.get(row.id) or _NOTHING
        yield (
            row.case,
            Item(
                id=row.id,
                kind=row.kind,
                step=row.step,
                path=row.path,
                round=row.round,
                title=row.title,
                opened_at=row.opened_at,
                offered=row.offered,
                status=row.status,
                due_at=row.due_at,
                expires_at=row.expires_at,
                escalated=row.escalated,
                lines=asks.lines,
                excluded=asks.excluded,
                assurance=asks.assurance,
                votes=tuple(asks.votes),
            ),
        )


def _approvals(rows: Iterable[ItemRow]) -> list[ItemRow]:
    return [row for row in rows if row.kind is ItemKind.APPROVAL]


def _events(unit: UnitOfWork, rows: Iterable[ItemRow], *kinds: str) -> Iterator[StoredEvent]:
    cases = list(dict.fromkeys(row.case for row in _approvals(rows)))
    for first in range(0, len(cases), CASES_AT_ONCE):
        chunk = tuple(cases[first : first + CASES_AT_ONCE])
        yield from unit.events.select(EventFilter(cases=chunk, kinds=kinds))


def _learn(known: Asks, event: StoredEvent) -> None:
    facts: Mapping[str, Any] = event.facts
    if event.kind in {OPENED, RESCORED}:
        known.lines = msgspec.convert(facts.get("lines", ()), tuple[Line, ...])
        known.assurance = facts.get("assurance", "")
    if event.kind == OPENED:
        known.excluded = tuple(facts.get("excluded", ()))
        bound = (event.content.get("bundle") or {}).get("documents", ())
        known.documents = tuple((each["document"], each["revision"]) for each in bound)
    if event.kind == DECIDED:
        known.votes.append(_vote(event))


def _vote(event: StoredEvent) -> Vote:
    facts: Mapping[str, Any] = event.facts
    return Vote(
        person=facts["person"],
        decision=DecisionKind(facts["decision"]),
        digest=facts["digest"],
        roles=tuple(facts["roles"]),
        on_behalf_of=facts.get("on_behalf_of", ""),
        at=event.at,
    )
