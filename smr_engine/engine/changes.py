"""Small changes to a case, shared by everything that folds: each returns a new case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from smr_engine.engine import events as e
from smr_engine.engine.state import Case, StepState, Timer

K = TypeVar("K")
V = TypeVar("V")


def step_id(path: str) -> str:
    """Return the id of the step at a path (its last segment)."""
    return path.rsplit("/", 1)[-1]


def with_key(mapping: Mapping[K, V], key: K, value: V) -> dict[K, V]:
    """Return a mapping with one key set."""
    return {**mapping, key: value}


def without(mapping: Mapping[K, V], *keys: K) -> dict[K, V]:
    """Return a mapping without some keys."""
    return {k: v for k, v in mapping.items() if k not in keys}


def fresh_step(state: StepState, round_: int) -> StepState:
    """Return a step in a new round; a block keeps how many scopes it has opened so far."""
    opened = max(int(state.detail.get("opened", 0)), int(state.detail.get("before", 0)))
    return StepState(round=round_, detail={"before": opened} if opened else {})


def change_scope(case: Case, event: e.Event, **changes: Any) -> Case:
    """Change fields of the event's scope."""
    scope = replace(case.scopes[event.scope], **changes)
    return Case(case.header, with_key(case.scopes, event.scope, scope))


def change_header(case: Case, **changes: Any) -> Case:
    """Change fields of the header."""
    return Case(replace(case.header, **changes), case.scopes)


def change_step(case: Case, event: e.Event, **changes: Any) -> Case:
    """Change fields of the event's step."""
    scope = case.scopes[event.scope]
    name = step_id(event.path)
    return change_scope(
        case, event, steps=with_key(scope.steps, name, replace(scope.step(name), **changes))
    )


def change_detail(case: Case, event: e.Event, **changes: Any) -> Case:
    """Set keys of the detail of the event's step."""
    state = case.scopes[event.scope].step(step_id(event.path))
    return change_step(case, event, detail={**state.detail, **changes})


def change_item(case: Case, event: e.Event, item: str, **changes: Any) -> Case:
    """Change fields of an item in the event's scope."""
    items = case.scopes[event.scope].items
    return change_scope(case, event, items=with_key(items, item, replace(items[item], **changes)))


def change_effect(case: Case, event: e.Event, effect: str, **changes: Any) -> Case:
    """Change fields of an effect in the event's scope."""
    effects = case.scopes[event.scope].effects
    changed = replace(effects[effect], **changes)
    return change_scope(case, event, effects=with_key(effects, effect, changed))


def set_timer(case: Case, event: e.Event, timer: Timer) -> Case:
    """Set a timer in the event's scope."""
    taken = numbered(case, timer.id)
    timers = taken.scopes[event.scope].timers
    return change_scope(taken, event, timers=with_key(timers, timer.id, timer))


def drop_timers(case: Case, event: e.Event, drop: Callable[[Timer], bool]) -> Case:
    """Drop the timers of the event's scope that fit."""
    timers = case.scopes[event.scope].timers
    kept = {k: t for k, t in timers.items() if not drop(t)}
    return case if len(kept) == len(timers) else change_scope(case, event, timers=kept)


def numbered(case: Case, used: str, **changes: Any) -> Case:
    """Take the number of an id that is used now; change other fields of the header with it."""
    number = int(used.rsplit(".", 1)[-1])
    taken = max(case.header.next_number, number + 1)
    return change_header(case, next_number=taken, **changes)


def gone_out(case: Case, home: e.Event, document: str, by: str) -> Case:
    """Note that a document of the scope of `home` went out, or may have, by an effect or item."""
    documents = case.scopes[home.scope].documents
    known = documents[document]
    if by in known.out:
        return case
    marked = replace(known, out=(*known.out, by))
    return change_scope(case, home, documents=with_key(documents, document, marked))


def not_gone_out(case: Case, home: e.Event, document: str, by: str) -> Case:
    """Note that a document did not go out after all."""
    documents = case.scopes[home.scope].documents
    marked = replace(documents[document], out=tuple(n for n in documents[document].out if n != by))
    return change_scope(case, home, documents=with_key(documents, document, marked))
