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
    return Timer(rule.id, rule.at, rule.purpose, "", "", rule=rule.rule, clock=clock)


def _started(case: Case, event: e.ClockStarted, at: datetime, actor: str) -> Case:
    state = ClockState(ClockStatus.RUNNING, event.title, event.runs_from, event.due_at)
    case = _put(case, event.clock, state)
    for rule in event.timers:
        case = set_timer(case, event, clock_timer(event.clock, rule))
    return case


def _not_needed(case: Case, event: e.ClockNotNeeded, at: datetime, actor: str) -> Case:
    return _put(case, event.clock, ClockState(ClockStatus.NOT_NEEDED, event.title))


def _told(case: Case, event: e.ClockTold, at: datetime, actor: str) -> Case:
    kept = without(case.scopes[event.scope].timers, event.timer)
    case = change_scope(case, event, timers=kept)
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
    e.ClockMet: _met,
}
