"""Finding the case in which somebody approved something, and leafing through the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from smr_engine.services.reading_log import event_row
from smr_engine.services.stored import DecidedFilter, DecidedRow, EventFilter
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace

AT_MOST = 100


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log, the newest event first; `older`: the next page ends before this number."""

    events: tuple[EventRow, ...]
    older: int | None


def search(
    ws: Workspace,
    *,
    words: str = "",
    who: str = "",
    document: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[DecidedRow]:
    """Return the cases in which people decided, the latest decision first; at most `AT_MOST`.

    Args:
        ws: the workspace.
        words: in the case's reference or title.
        who: the person who decided, or whom they acted for.
        document: part of the name of a document of the case, with spaces or without.
        since: decided from this instant on, aware.
        until: decided before this instant, aware.
    """
    name = "_".join(document.split())
    which = DecidedFilter(words.strip(), who, name, since, until)
    with ws.storage.reading() as unit:
        return list(unit.queries.decided(which, AT_MOST))


def leaf_through(
    ws: Workspace,
    *,
    case: str = "",
    actor: str = "",
    kind: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int = 0,
) -> LogPage:
    """Return a page of the log; what is left out does not narrow the choice.

    Args:
        ws: the workspace.
        case: of this case, not of those under it.
        actor: by this person or part of the system.
        kind: like `DecisionRecorded`.
        since: from this instant on, aware.
        until: before this instant, aware.
        before: only events with a lower number; 0: from the newest on.
    """
    which = EventFilter(
        cases=(case,) if case else (),
        actor=actor,
        kinds=(kind,) if kind else (),
        since=since,
        until=until,
        before_seq=before,
        newest_first=True,
    )
    with ws.storage.reading() as unit:
        found = unit.events.select(which, AT_MOST + 1)
    shown = found[:AT_MOST]
    return LogPage(tuple(map(event_row, shown)), shown[-1].seq if len(found) > AT_MOST else None)
