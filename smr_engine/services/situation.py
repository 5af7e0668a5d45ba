"""The situation: what is open, the worst first, exercises last; and what happened just now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from smr_engine.engine.statuses import CaseStatus, ItemStatus
from smr_engine.playbook.model import Playbook
from smr_engine.services import case_sentence, reading_clocks, versions
from smr_engine.services.access import Sight
from smr_engine.services.histories import newest_told
from smr_engine.services.reading_asks import asks_of
from smr_engine.services.reading_log import event_row
from smr_engine.services.sentences import Told, is_message
from smr_engine.services.stored import CaseRow, EventFilter, SeverityRow
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import ClockView, EventRow, ItemRow
from smr_engine.services.workspace import Workspace

AT_ONCE = 50
"""Cases on one page."""
JUST_NOW = timedelta(hours=1)
MOST_EVENTS = 150
MOST_TOLD = 30
OWN_EVENTS, OWN_TOLD = 60, 10
_ACTS: Mapping[str, str] = {
    "CaseOpened": "",
    "CaseCancelled": "",
    "ClockMet": "by",
    "DecisionRecorded": "",
    "DocumentRevised": "author",
    "EvidenceAttached": "",
    "GlassBroken": "",
    "ItemCompleted": "by",
    "ItemReassigned": "",
    "NoteWritten": "",
    "SeverityChanged": "",
    "SignalReceived": "",
}
"""What people do, each with the field that names somebody only if it was not the engine's doing."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One open case in a sentence; `late`: something that it waits for is overdue.

    `playbook` is its title: it tells cases apart that belong together and are about the same.
    """

    case: str
    title: str
    playbook: str
    severity: str | None
    held: bool
    drill: bool
    opened_at: datetime
    parent: str
    sentence: str
    late: bool
    clocks: list[ClockView]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is open now, a page of it.

    Args:
        counts: how many cases are open, by severity, the worst first; "" has none.
        exercises: how many more are open, and are none of these.
        cases: those of this page.
        page: its number, from 1.
        pages: how many there are.
        happened: in the last hour, the newest first.
    """

    counts: Mapping[str, int]
    exercises: int
    cases: Sequence[CaseLine]
    page: int
    pages: int
    happened: Sequence[Told]


def situation(ws: Workspace, person: str | None, page: int = 1) -> Situation:
    """Return the situation as a person may see it; None sees everything.

    Args:
        ws: the workspace.
        person: who reads.
        page: which page of the open cases, from 1; one past the end is the last.

    Raises:
        NotFound: `unknown-person`.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        order = _worst_first(ws, unit, unit.queries.severities(sight.hidden))
        pages = max(1, -(-sum(row.cases for row in order) // AT_ONCE))
        number = min(max(page, 1), pages)
        rows = unit.queries.live(order, (number - 1) * AT_ONCE, AT_ONCE)
        return Situation(
            counts=_counted(row for row in order if not row.drill),
            exercises=sum(row.cases for row in order if row.drill),
            cases=_lines(ws, unit, sight, rows),
            page=number,
            pages=pages,
            happened=_just_now(ws, unit, sight),
        )


def cases_of(ws: Workspace, shown: Iterable[ItemRow | Told]) -> dict[str, CaseRow]:
    """Return the cases of what somebody is shown: whom an item asks may know what it is about."""
    refs = {each.event.case or "" if isinstance(each, Told) else each.case for each in shown}
    with ws.storage.reading() as unit:
        return {row.ref: row for row in unit.queries.cases(among=refs)}


def done_by(ws: Workspace, person: str) -> list[Told]:
    """Return what somebody did lately, the newest first, in the cases that they may see.

    Raises:
        NotFound: `unknown-person`.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        which = EventFilter(
            actor=person, kinds=tuple(_ACTS), without=sight.hidden, newest_first=True
        )
        rows = map(event_row, reversed(unit.events.select(which, OWN_EVENTS)))
        acts = [row for row in rows if _is_act(row)]
        return list(islice(newest_told(ws, unit, sight, acts), OWN_TOLD))


def _is_act(event: EventRow) -> bool:
    """Return whether somebody did it, and not the engine upon what they did."""
    named = _ACTS[event.kind]
    return not named or bool(event.data.get(named))


def _worst_first(ws: Workspace, unit: UnitOfWork, rows: Iterable[SeverityRow]) -> list[SeverityRow]:
    """Return them in the order of their scales: without a severity is last, exercises after all."""

    def rank(row: SeverityRow) -> tuple[bool, int, str]:
        place = _rank(versions.pinned(ws, unit, row.digest), row.severity)
        return row.drill, place, row.severity or ""

    return sorted(rows, key=rank)


def _rank(playbook: Playbook, severity: str | None) -> int:
    levels = playbook.severity.levels if playbook.severity else ()
    return levels.index(severity) if severity in levels else len(levels) + 100


def _counted(order: Iterable[SeverityRow]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in order:
        name = row.severity or ""
        found[name] = found.get(name, 0) + row.cases
    return found


def _lines(
    ws: Workspace, unit: UnitOfWork, sight: Sight, rows: Sequence[CaseRow]
) -> list[CaseLine]:
    refs = [row.ref for row in rows]
    items = unit.queries.items(status=ItemStatus.OPEN, among=refs)
    asks = asks_of(unit, items)
    clocks = reading_clocks.running(unit, sight.reader.now, refs)
    found = []
    for row in rows:
        own = [item for item in items if item.case == row.ref]
        playbook = versions.pinned(ws, unit, row.digest)
        said = case_sentence.sentence(row, playbook, own, asks, sight.reader)
        found.append(
            CaseLine(
                case=row.ref,
                title=row.title,
                playbook=playbook.title,
                severity=row.severity,
                held=row.status is CaseStatus.HELD,
                drill=row.drill,
                opened_at=row.opened_at,
                parent=row.parent if row.parent and sight.sees(row.parent) else "",
                sentence=said.words,
                late=said.late,
                clocks=clocks.get(row.ref, []),
            )
        )
    return found


def _just_now(ws: Workspace, unit: UnitOfWork, sight: Sight) -> list[Told]:
    """Say what the last hour brought; on a quiet day nothing older is read to find that out."""
    since = sight.reader.now - JUST_NOW
    recent = [each.seq for each in unit.events.newest(MOST_EVENTS) if each.at >= since]
    if not recent:
        return []
    which = EventFilter(after_seq=min(recent) - 1, without=sight.hidden, newest_first=True)
    newest = unit.events.select(which, MOST_EVENTS)  # told how few: else PostgreSQL reads them all
    events = [sight.less(event) for event in reversed(newest) if event.case]
    rows = map(event_row, events)
    told = newest_told(ws, unit, sight, [row for row in rows if not is_message(row)])
    return list(islice(told, MOST_TOLD))
