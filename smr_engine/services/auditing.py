"""The audit trail as people read it: the log, who approved which response, and verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from smr_engine.services.access import Sight, seen_by
from smr_engine.services.auditing_who import who
from smr_engine.services.reading_log import event_row
from smr_engine.services.stored import EventFilter
from smr_engine.services.verify import verify
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace

__all__ = ["log", "verify", "who"]

EVENTS_AT_ONCE = 500


def log(
    ws: Workspace,
    person: str | None = None,
    *,
    case: str | None = None,
    actor: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[EventRow]:
    """Yield events in the order of the log, as they are read: memory does not grow with the log.

    All are of one snapshot. What is left out does not narrow the choice.

    Args:
        ws: the workspace.
        person: who reads: auditors and administrators, and of a case whoever may see it; what they
            may not see is left out. None sees everything.
        case: of this case, not of those under it.
        actor: by this person or part of the system.
        kind: like `DecisionRecorded`.
        since: from this instant on, aware.
        until: before this instant, aware.

    Raises:
        NotFound: `no-such-case`.
        Refusal: `may-not-audit`.
    """
    which = EventFilter(
        cases=(case,) if case else (),
        actor=actor or "",
        kinds=(kind,) if kind else (),
        since=since,
        until=until,
    )
    with ws.storage.reading() as unit:
        seen_by(Sight(ws, unit, person), which)
    return _pages(ws, person, which)


def page(
    ws: Workspace, person: str | None, which: EventFilter, limit: int
) -> tuple[list[EventRow], int | None]:
    """Return a page of the log, oldest first, and the number after which the next one begins.

    Args:
        ws: the workspace.
        person: who reads; see `log`.
        which: events; `after_seq` is where the page before ended.
        limit: how many at most.

    Raises:
        NotFound, Refusal: as `log`.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        found = unit.events.select(seen_by(sight, which), limit + 1)
        rows = [event_row(sight.less(event)) for event in found[:limit] if sight.sees_event(event)]
    return rows, found[limit - 1].seq if len(found) > limit else None


def _pages(ws: Workspace, person: str | None, which: EventFilter) -> Iterator[EventRow]:
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        which = seen_by(sight, which)
        while events := unit.events.select(which, EVENTS_AT_ONCE):
            yield from (event_row(sight.less(e)) for e in events if sight.sees_event(e))
            which = replace(which, after_seq=events[-1].seq)
