"""Finding the case in which somebody approved something, and leafing through the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from smr_engine.engine import policy
from smr_engine.services.access import Sight, seen_by
from smr_engine.services.reading_log import event_row
from smr_engine.services.stored import DecidedFilter, DecidedRow, EventFilter
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace

AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Found:
    """Cases in which people decided, the latest decision first; `audits`: may they read the log."""

    cases: tuple[DecidedRow, ...]
    audits: bool


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log, the newest event first; `older`: the next page ends before this number."""

    events: tuple[EventRow, ...]
    older: int | None


def search(
    ws: Workspace,
    person: str | None = None,
    *,
    words: str = "",
    who: str = "",
    document: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Found:
    """Return the cases in which people decided, the latest decision first; at most `AT_MOST`.

    Args:
        ws: the workspace.
        person: who reads: what they may not see is left out; None sees everything.
        words: in the case's reference or title.
        who: the person who decided, or whom they acted for.
        document: part of the name of a document of the case, with spaces or without.
        since: decided from this instant on, aware.
        until: decided before this instant, aware.
    """
    name = "_".join(document.split())
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        which = DecidedFilter(words.strip(), who, name, since, until, sight.hidden)
        audits = person is None or policy.may_audit(sight.reader.world, person).may
        return Found(tuple(unit.queries.decided(which, AT_MOST)), audits)


def leaf_through(ws: Workspace, person: str | None, which: EventFilter, before: int = 0) -> LogPage:
    """Return a page of the log, the newest events first.

    Args:
        ws: the workspace.
        person: who reads; see `auditing.log`.
        which: events.
        before: only those with a lower number; 0: from the newest on.

    Raises:
        NotFound, Refusal: as `auditing.log`.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        backwards = replace(seen_by(sight, which), before_seq=before, newest_first=True)
        found = unit.events.select(backwards, AT_MOST + 1)
        shown = [
            event_row(sight.less(event)) for event in found[:AT_MOST] if sight.sees_event(event)
        ]
    return LogPage(tuple(shown), found[AT_MOST - 1].seq if len(found) > AT_MOST else None)
