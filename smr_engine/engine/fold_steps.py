"""Folding of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine import transitions
from smr_engine.engine.changes import (
    change_detail,
    change_header,
    change_scope,
    change_step,
    drop_timers,
    fresh_step,
    set_timer,
    step_id,
    with_key,
    without,
)
from smr_engine.engine.state import (
    Case,
    Timer,
)
from smr_engine.engine.statuses import (
    StepStatus,
)


def _moved(case: Case, event: e.Event) -> StepStatus:
    state = case.scopes[event.scope].step(step_id(event.path))
    return transitions.after(transitions.STEP, state.status, event.kind())


def _started(case: Case, event: e.StepStarted, at: datetime, actor: str) -> Case:
    status = _moved(case, event)
    return change_step(case, event, status=status, round=event.round, started_at=at)


def _over(case: Case, event: e.Event, **changes: Any) -> Case:
    ended = change_step(case, event, status=_moved(case, event), **changes)
    if event.path in ended.header.waits:
        ended = change_header(ended, waits=without(ended.header.waits, event.path))
    return drop_timers(ended, event, lambda t: t.path == event.path and not t.item)


def _skipped(case: Case, event: e.StepSkipped, at: datetime, actor: str) -> Case:
    return _over(
        case,
        event,
        round=event.round,
        outcome="skipped",
        output=None,
        reason=event.reason,
        completed_at=at,
    )


def _step_completed(case: Case, event: e.StepCompleted, at: datetime, actor: str) -> Case:
    return _over(
        case,
        event,
        outcome=event.outcome,
        output=event.output,
        completed_at=at,
        completed_by=event.by,
    )


def _failed(case: Case, event: e.StepFailed, at: datetime, actor: str) -> Case:
    return _over(
        case, event, outcome=event.outcome, output=None, reason=event.reason, completed_at=at
    )


def _step_cancelled(case: Case, event: e.StepCancelled, at: datetime, actor: str) -> Case:
    return _over(case, event, outcome="cancelled", output=None, reason=event.why, completed_at=at)


def _reopened(case: Case, event: e.StepReopened, at: datetime, actor: str) -> Case:
    status = _moved(case, event)
    scope, name = case.scopes[event.scope], step_id(event.path)
    fresh = replace(fresh_step(scope.step(name), event.round), status=status)
    reopened = change_scope(case, event, steps=with_key(scope.steps, name, fresh))
    return drop_timers(reopened, event, lambda t: t.path == event.path and not t.item)


def _option_taken(case: Case, event: e.OptionTaken, at: datetime, actor: str) -> Case:
    return change_detail(case, event, option=event.option)


def _round_planned(case: Case, event: e.RoundPlanned, at: datetime, actor: str) -> Case:
    timer = Timer(event.timer, event.at, "beat", event.path, step_id(event.path))
    return set_timer(case, event, timer)


HANDLERS: Mapping[type[e.Event], Callable[[Case, Any, datetime, str], Case]] = {
    e.StepStarted: _started,
    e.StepSkipped: _skipped,
    e.StepCompleted: _step_completed,
    e.StepFailed: _failed,
    e.StepCancelled: _step_cancelled,
    e.StepReopened: _reopened,
    e.OptionTaken: _option_taken,
    e.RoundPlanned: _round_planned,
}
