"""Events as doors show them."""

from __future__ import annotations

from smr_engine.services.access import Sight
from smr_engine.services.stored import EventFilter, StoredEvent
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace


def timeline(ws: Workspace, ref: str, person: str | None = None) -> list[EventRow]:
    """Return the history of a case and of all cases under it, oldest first.

    Args:
        ws: the workspace.
        ref: the case.
        person: who reads: what they may not see is left out; None sees everything.

    Raises:
        NotFound: `no-such-case`, `unknown-person`.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        found = unit.events.select(EventFilter(cases=tuple(sight.family(ref))))
        events = [sight.less(event) for event in found]
    return [event_row(event) for event in sorted(events, key=lambda e: (e.at, e.seq))]


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
