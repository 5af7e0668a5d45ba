"""Folding: a case and the next event give the next case. Pure, total on lawful histories.

`evolve` evaluates nothing, reads no clock and asks nobody: whatever was evaluated stands in the
event. Folding all events of a case gives the same value as stepping through its commands.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from smr_engine.engine import events as e
from smr_engine.engine import (
    fold_case,
    fold_clocks,
    fold_effects,
    fold_items,
    fold_steps,
    transitions,
)
from smr_engine.engine.state import Case

_HANDLERS = {
    **fold_case.HANDLERS,
    **fold_steps.HANDLERS,
    **fold_items.HANDLERS,
    **fold_effects.HANDLERS,
    **fold_clocks.HANDLERS,
}


def evolve(case: Case | None, event: e.Event, at: datetime, actor: str) -> Case:
    """Return the case after an event.

    Args:
        case: the case before it; None before `CaseOpened`.
        event: what happened.
        at: when (aware, UTC), from the event's envelope.
        actor: who did it, from the event's envelope.

    Raises:
        IllegalTransitionError: the event cannot follow this state.
    """
    if isinstance(event, e.CaseOpened):
        return fold_case.open_case(event, at)
    if case is None:
        message = f"{event.kind()} before CaseOpened"
        raise transitions.IllegalTransitionError(message)
    moved = _HANDLERS[type(event)](case, event, at, actor)
    if moved.header.last_at == at:
        return moved
    return Case(replace(moved.header, last_at=at), moved.scopes)


def fold(history: list[tuple[e.Event, datetime, str]]) -> Case:
    """Return the case that a whole history gives; `history` must not be empty."""
    case: Case | None = None
    for event, at, actor in history:
        case = evolve(case, event, at, actor)
    if case is None:
        message = "an empty history has no case"
        raise transitions.IllegalTransitionError(message)
    return case
