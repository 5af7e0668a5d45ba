"""Inboxes: what waits for a person, or for anybody.

Lists read the projected columns only. What those do not hold of approvals (the lines of the quorum,
who is kept out, who has decided) comes from the events that recorded it, for all approvals at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from smr_engine.engine import policy
from smr_engine.engine.commands import ASSURANCES
from smr_engine.engine.policy import Verdict
from smr_engine.engine.state import CaseHeader, Item
from smr_engine.engine.statuses import CaseStatus, ItemKind, ItemStatus
from smr_engine.errors import Invalid
from smr_engine.playbook.model import Playbook
from smr_engine.services import directory, reading_clocks, versions
from smr_engine.services import stored as s
from smr_engine.services.reading_asks import items_of
from smr_engine.services.reading_clocks import Pinned
from smr_engine.services.reading_verdicts import Reader, asked, number_of, voters
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import ItemRow
from smr_engine.services.workspace import Workspace

_LATEST = datetime.max.replace(tzinfo=UTC)


def inbox(
    ws: Workspace,
    person: str | None,
    assurance: str = ASSURANCES[0],
    *,
    all_items: bool = False,
    most: int | None = None,
) -> list[ItemRow]:
    """Return the open items that wait for a person: what is due first, then the oldest.

    Clocks that run stand among them for those who may say that they are met.

    Args:
        ws: the workspace.
        person: whose inbox it is. They see what they were asked and have not answered, and what
            they may act on for others (as a deputy, or back from an absence).
        assurance: how they have proved who they are.
        all_items: return every open item instead, with the person's verdict (None: nobody's); of
            restricted cases only those the person may know of.
        most: how many rows to return at most; None: all.

    Raises:
        Invalid: `no-actor`: neither a person nor `all_items`.
        NotFound: `unknown-person`.
    """
    if person is None and not all_items:
        raise Invalid("no-actor", "say whose inbox", hint="--as PERSON, or --all for every item")
    with ws.storage.reading() as unit:
        reader = Reader(person, directory.world(ws, unit), ws.clock.now(), assurance)
        pinned = partial(versions.pinned, ws, unit)
        waiting = (
            _everything(unit, reader, pinned) if all_items else _own(unit, reader, pinned, most)
        )
        clocks = unit.queries.running_clocks()
        waiting += reading_clocks.inbox_rows(reader, clocks, pinned, everybody=all_items)
    waiting.sort(key=lambda row: row.due or _LATEST)  # else in the order they are in
    return waiting[:most]


def _everything(unit: UnitOfWork, reader: Reader, pinned: Pinned) -> list[ItemRow]:
    """Return every open item that the reader may know of."""
    rows = unit.queries.items(status=ItemStatus.OPEN)
    playbooks = _playbooks_of_all(unit, pinned) if reader.person else {}
    return [
        reader.row(case, item, verdict)
        for case, item, verdict in _judged(unit, reader, rows, playbooks)
        if reader.sees(item, verdict, playbooks.get(case))
    ]


def _own(unit: UnitOfWork, reader: Reader, pinned: Pinned, most: int | None) -> list[ItemRow]:
    """Return what waits for the reader; of a long inbox no more is read than is returned.

    Unless much of it is answered already, and waits for others: then more, and more again.
    """
    look_at = most
    while True:
        rows, are_all = _candidates(unit, reader, look_at)
        playbooks = _playbooks_of_repairs(unit, pinned, rows)
        found = [
            reader.row(case, item, verdict)
            for case, item, verdict in _judged(unit, reader, rows, playbooks)
            if verdict.may or (reader.person in asked(item) and reader.person not in voters(item))
        ]
        if look_at is None or most is None or are_all or len(found) >= most:
            return found
        look_at *= 4


def _judged(
    unit: UnitOfWork,
    reader: Reader,
    rows: Sequence[s.ItemRow],
    playbooks: Mapping[str, Playbook],
) -> Iterator[tuple[str, Item, Verdict]]:
    """Yield items with their cases, and whether the reader may act on them."""
    for case, item in items_of(unit, rows):
        yield case, item, reader.verdict(_header(case, reader.now), item, playbooks.get(case))


# --- where to look -----------------------------------------------------------------------------


def _candidates(unit: UnitOfWork, reader: Reader, most: int | None) -> tuple[list[s.ItemRow], bool]:
    """Return the first items that may wait for the reader, and whether these are all.

    They are the reader's own, and those of their neighbours.
    """
    people = [reader.person or "", *sorted(_neighbours(reader) - {reader.person})]
    asked_of = [unit.queries.inbox(person, most) for person in people]
    found = {row.id: row for rows in asked_of for row in rows}
    first = sorted(found.values(), key=_due_first)[:most]
    are_all = len(first) == len(found) and all(len(rows) != most for rows in asked_of)
    return first, are_all


def _neighbours(reader: Reader) -> set[str]:
    """Return those whose items the reader may answer too.

    An approval is decided by whoever acts in a role now, and was offered to those who acted in it
    when it was opened: other holders and deputies. Any item may be answered by a deputy of
    somebody who is away.
    """
    world, person = reader.world, reader.person or ""
    found: set[str] = set()
    for role in policy.acting_roles(world, person, reader.now):
        known = world.roles.get(role)
        found |= {*world.holders(role), *(known.deputies if known else ())}
    for deputised in world.roles.values():
        if person in deputised.deputies:
            found |= {h for h in world.holders(deputised.id) if _is_away(reader, h)}
    return found


def _is_away(reader: Reader, person: str) -> bool:
    day = policy.today(reader.world, person, reader.now)
    return reader.world.people[person].is_away(day)


def _due_first(row: s.ItemRow) -> tuple[datetime, datetime, str, int]:
    return (row.due_at or _LATEST, row.opened_at, row.case, number_of(row.id))


# --- what is there -----------------------------------------------------------------------------


def _playbooks_of_all(unit: UnitOfWork, pinned: Pinned) -> dict[str, Playbook]:
    """Return the playbook of every case that is not over."""
    live = (CaseStatus.OPEN, CaseStatus.HELD)
    return {row.ref: pinned(row.digest) for st in live for row in unit.queries.cases(status=st)}


def _playbooks_of_repairs(
    unit: UnitOfWork, pinned: Pinned, rows: Iterable[s.ItemRow]
) -> dict[str, Playbook]:
    """Return the playbooks of those cases in which something is to be settled: owners may."""
    broken = {row.case for row in rows if row.kind is ItemKind.REPAIR}
    found = (unit.queries.case(ref) for ref in broken)
    return {row.ref: pinned(row.digest) for row in found if row}


def _header(ref: str, now: datetime) -> CaseHeader:
    """Return as much of a case's header as a verdict asks for: an open item's case is not over."""
    return CaseHeader(ref, "", "", "", "", "", now, now)
