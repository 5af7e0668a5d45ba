"""The audit trail as people read it: the log, who approved which response, and verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from smr_engine.services.auditing_who import who
from smr_engine.services.reading_log import event_row, known_case
from smr_engine.services.stored import EventFilter
from smr_engine.services.verify import verify
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace

__all__ = ["log", "verify", "who"]

EVENTS_AT_ONCE = 500


def log(
    ws: Workspace,
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
        case: of this case, not of those under it.
        actor: by this person or part of the system.
        kind: like `DecisionRecorded`.
        since: from this instant on, aware.
        until: before this instant, aware.

    Raises:
        NotFound: `no-such-case`.
    """
    which = EventFilter(
        cases=(case,) if case else (),
        actor=actor or "",
        kinds=(kind,) if kind else (),
        since=since,
        until=until,
    )
    with ws.storage.reading() as unit:
        if case:
            known_case(unit, case)
    return _pages(ws, which)


def _pages(ws: Workspace, which: EventFilter) -> Iterator[EventRow]:
    with ws.storage.reading() as unit:
        while events := unit.events.select(which, EVENTS_AT_ONCE):
            yield from map(event_row, events)
            which = replace(which, after_seq=events[-1].seq)
