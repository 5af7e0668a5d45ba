"""Events as doors show them."""

from __future__ import annotations

from smr_engine.errors import NotFound
from smr_engine.services.stored import CaseRow, EventFilter, StoredEvent
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace


def timeline(ws: Workspace, ref: str) -> list[EventRow]:
    """Return the history of a case and of all cases under it, oldest first.

    Raises:
        NotFound: `no-such-case`.
    """
    with ws.storage.reading() as unit:
        known_case(unit, ref)
        cases = (ref, *unit.queries.children(ref))
        events = unit.events.select(EventFilter(cases=cases))
    return [event_row(event) for event in sorted(events, key=lambda e: (e.at, e.seq))]


def known_case(unit: UnitOfWork, ref: str) -> CaseRow:
    """Return a case's row.

    Raises:
        NotFound: `no-such-case`.
    """
    row = unit.queries.case(ref)
    if row is None:
        raise NotFound(
            "no-such-case", f"There is no case {ref}", hint="smr cases lists them", where=ref
        )
    return row


def event_row(event: StoredEvent) -> EventRow:
    """Return an event as doors show it; what was erased is missing from its data."""
    return EventRow(
        seq=event.seq,
        at=event.at,
        case=event.case or None,
        kind=event.kind,
        actor=event.actor,
        on_behalf_of=event.on_behalf_of,
        role=", ".join(event.roles),
        assurance=event.assurance,
        data=event.data,
        leaf_hash=event.leaf_hash,
        path=event.path,
        stream=event.stream,
    )
