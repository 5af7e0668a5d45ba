"""What a new severity moves, for people and programs, from the events that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine.environment import instant

Move = dict[str, Any]
"""`{item | clock | step, what, from, to}`; instants as RFC 3339, "" for none."""


def moves(events: Iterable[e.Event]) -> Iterator[Move]:
    """Yield all that a new severity moves: times, quorums, cadences, approvals asked again."""
    for event in events:
        if isinstance(event, e.ItemRescheduled):
            yield from (_moved("item", event.item, each) for each in event.moves)
        elif isinstance(event, e.ClockRescheduled):
            yield from (_moved("clock", event.clock, each) for each in event.moves)
        elif isinstance(event, e.TimerMoved):
            before, after = instant(event.before), instant(event.at)
            yield {"step": event.path, "what": event.purpose, "from": before, "to": after}
        elif isinstance(event, e.StepReopened):
            again = f"round {event.round}"
            yield {"step": event.path, "what": "asked again", "from": "", "to": again}
        elif isinstance(event, e.StepCompleted | e.StepFailed):
            yield {"step": event.path, "what": "outcome", "from": "", "to": event.outcome}


def _moved(kind: str, name: str, move: e.Move) -> Move:
    return {kind: name, "what": move.what, "from": move.before, "to": move.after}
