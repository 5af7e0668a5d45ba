"""What happened, in sentences for whoever reads: of a case, of the last hour, of one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import cache

from smr_engine.playbook.model import Playbook
from smr_engine.services import versions
from smr_engine.services.access import Sight
from smr_engine.services.names import Names
from smr_engine.services.reading_log import event_row, timeline
from smr_engine.services.sentences import Told, tell
from smr_engine.services.stored import EventFilter
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import EventRow
from smr_engine.services.workspace import Workspace


def history(ws: Workspace, ref: str, person: str | None, zone: tzinfo) -> list[Told]:
    """Return the history of a case and of all cases under it in sentences, oldest first.

    Args:
        ws: the workspace.
        ref: the case.
        person: who reads: what they may not see is left out; None sees everything.
        zone: in which they read times.

    Raises:
        NotFound: `no-such-case`, `unknown-person`.
    """
    events = timeline(ws, ref, person)
    with ws.storage.reading() as unit:
        return list(tell(events, names_for(ws, unit, Sight(ws, unit, person), zone)))


def newest_told(
    ws: Workspace, unit: UnitOfWork, sight: Sight, events: Sequence[EventRow]
) -> Iterator[Told]:
    """Yield some events of some cases in sentences, the newest first.

    Args:
        ws: the workspace.
        unit: what is read with.
        sight: of whoever reads; times are in their zone.
        events: in order; what they refer to need not be among them.
    """
    names = names_for(ws, unit, sight, sight.reader.zone)
    yield from tell(events, names, besides=_opening(unit, events), newest_first=True)


def names_for(ws: Workspace, unit: UnitOfWork, sight: Sight, zone: tzinfo) -> Names:
    """Return what things are called for a reader; playbooks are looked up as they are needed."""

    @cache
    def pinned(case: str) -> Playbook | None:
        row = unit.queries.case(case)
        return versions.pinned(ws, unit, row.digest) if row else None

    return Names(sight.reader.world, pinned, zone)


def names_in(ws: Workspace, cases: Iterable[str], zone: tzinfo) -> Names:
    """Return what things are called in some cases; who may know of them is the caller's to ask."""
    with ws.storage.reading() as unit:
        names = names_for(ws, unit, Sight(ws, unit, None), zone)
        known = {case: names.pinned(case) for case in cases}
    return replace(names, pinned=known.get)


def _opening(unit: UnitOfWork, events: Sequence[EventRow]) -> Iterator[EventRow]:
    """Yield what opened the items, effects and elements of some events, if it is not among them.

    No more than that: what a case of 500 elements asked and said is thousands of events.
    """
    opened = {_subject(event) for event in events if event.kind in {"ItemOpened", "EffectOwed"}}
    unknown = [event for event in events if _subject(event) not in {"", *opened}]
    effects = [event for event in unknown if "effect" in event.data]
    items = [event for event in unknown if "effect" not in event.data]
    ids = tuple({_subject(event) for event in items})
    yield from _of_cases(unit, items, "ItemOpened", ids)
    yield from _of_cases(unit, effects, "EffectOwed")
    yield from _of_cases(unit, [event for event in events if "[" in event.path], "ElementsListed")


def _of_cases(
    unit: UnitOfWork, events: Sequence[EventRow], kind: str, items: tuple[str, ...] = ()
) -> Iterator[EventRow]:
    """Yield the events of a kind in the cases of some events."""
    cases = tuple({event.case for event in events if event.case})
    if cases:
        which = EventFilter(cases=cases, kinds=(kind,), items=items)
        yield from map(event_row, unit.events.select(which))


def _subject(event: EventRow) -> str:
    """Return the effect or item that an event is about."""
    return str(event.data.get("effect") or event.data.get("item") or "")
