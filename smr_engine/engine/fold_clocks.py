"""Folding of clocks: they stand in the header, their timers in the root scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine.changes import (
    change_header,
    change_scope,
    drop_timers,
    set_timer,
    with_key,
    without,
)
from smr_engine.engine.state import Case, ClockState, Timer
from smr_engine.engine.statuses import ClockStatus


def _put(case: Case, clock: str, state: ClockState) -> Case:
    return change_header(case, clocks=with_key(case.header.clocks, clock, state))


def clock_timer(clock: str, rule: e.TimerRule) -> Timer:
    """Return a timer of a clock."""
    return Timer(rule.id, rule.at, rule.purpose, "", "", rule=rule.rule, clock=clock, key=rule.key)


def _started(case: Case, event: e.ClockStarted, at: datetime, actor: str) -> Case:
    state = ClockState(
        ClockStatus.RUNNING, event.title, event.runs_from, event.due_at, fired=event.passed
    )
    return _with_timers(_put(case, event.clock, state), event)


def _rescheduled(case: Case, event: e.ClockRescheduled, at: datetime, actor: str) -> Case:
    state = case.header.clocks[event.clock]
    passed = tuple(key for key in event.passed if key not in state.fired)
    case = _put(
        case, event.clock, replace(state, due_at=event.due_at, fired=(*state.fired, *passed))
    )
    case = drop_timers(case, event, lambda timer: timer.clock == event.clock)
    return _with_timers(case, event)


def _with_timers(case: Case, event: e.ClockStarted | e.ClockRescheduled) -> Case:
    for rule in event.timers:
        case = set_timer(case, event, clock_timer(event.clock, rule))
    return case


def _not_needed(case: Case, event: e.ClockNotNeeded, at: datetime, actor: str) -> Case:
    return _put(case, event.clock, ClockState(ClockStatus.NOT_NEEDED, event.title))


def _told(case: Case, event: e.ClockTold, at: datetime, actor: str) -> Case:
    timers = case.scopes[event.scope].timers
    state, key = case.header.clocks[event.clock], timers[event.timer].key
    if key not in state.fired:
        case = _put(case, event.clock, replace(state, fired=(*state.fired, key)))
    case = change_scope(case, event, timers=without(timers, event.timer))
    if event.next is None:
        return case
    return set_timer(case, event, clock_timer(event.clock, event.next))


def _met(case: Case, event: e.ClockMet, at: datetime, actor: str) -> Case:
    met = replace(
        case.header.clocks[event.clock], status=ClockStatus.MET, met_at=event.met_at, by=event.by
    )
    case = _put(case, event.clock, met)
    return drop_timers(case, event, lambda timer: timer.clock == event.clock)


HANDLERS: Mapping[type[e.Event], Callable[[Case, Any, datetime, str], Case]] = {
    e.ClockStarted: _started,
    e.ClockNotNeeded: _not_needed,
    e.ClockTold: _told,
    e.ClockRescheduled: _rescheduled,
    e.ClockMet: _met,
}
