"""Folding of effects, timers, signals and children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine import transitions
from smr_engine.engine.changes import (
    change_effect,
    change_header,
    change_scope,
    gone_out,
    not_gone_out,
    numbered,
    set_timer,
    step_id,
    with_key,
    without,
)
from smr_engine.engine.state import (
    Case,
    Child,
    Effect,
    Timer,
)
from smr_engine.engine.statuses import (
    EffectKind,
    EffectStatus,
)


def _owed(case: Case, event: e.EffectOwed, at: datetime, actor: str) -> Case:
    effect = Effect(
        id=event.effect,
        kind=EffectKind(event.kind_of),
        name=event.name,
        step=event.step,
        path=event.path,
        round=event.round,
        key=event.key,
        leg=event.leg,
        after=event.after,
        owed_at=at,
        payload=event.payload,
        digest=event.digest,
        account=event.account,
        document=event.document,
        home=event.home,
        item=event.item,
        not_before=event.not_before,
        retry_attempts=event.retry_attempts,
        backoff_s=event.backoff_s,
        timeout_s=event.timeout_s,
    )
    effects = with_key(case.scopes[event.scope].effects, effect.id, effect)
    return change_scope(numbered(case, effect.id, leg=event.leg), event, effects=effects)


def _effect_moved(case: Case, event: Any, **changes: Any) -> Case:
    effect = case.scopes[event.scope].effects[event.effect]
    status = transitions.after(transitions.EFFECT, effect.status, event.kind())
    if status in {EffectStatus.DONE, EffectStatus.FAILED, EffectStatus.CANCELLED}:
        changes = {"payload": None, "not_before": None, **changes}
    moved = change_effect(case, event, effect.id, status=status, **changes)
    return _mark_document(moved, effect, status)


def _mark_document(case: Case, effect: Effect, status: EffectStatus) -> Case:
    """Keep with a document by which publications it went out, or may have."""
    if not effect.document:
        return case
    home = e.Event(scope=effect.home)
    if status in {EffectStatus.SENDING, EffectStatus.DONE, EffectStatus.UNKNOWN}:
        return gone_out(case, home, effect.document, effect.id)
    if status in {EffectStatus.OWED, EffectStatus.FAILED}:
        return not_gone_out(case, home, effect.document, effect.id)
    return case  # cancelled: one that may have gone out was given up by a person


def _begun(case: Case, event: e.PublicationStarted, at: datetime, actor: str) -> Case:
    return _effect_moved(case, event)


def _done(case: Case, event: e.EffectDone, at: datetime, actor: str) -> Case:
    return _effect_moved(case, event, result=event.result, reason="")


def _deferred(case: Case, event: e.EffectDeferred, at: datetime, actor: str) -> Case:
    attempts = case.scopes[event.scope].effects[event.effect].attempts + event.tries
    return _effect_moved(
        case,
        event,
        not_before=event.at,
        attempts=attempts,
        reason=event.reason,
        result=event.result,
    )


def _effect_failed(case: Case, event: e.EffectFailed, at: datetime, actor: str) -> Case:
    return _effect_moved(case, event, reason=event.reason, result=event.result)


def _unknown(case: Case, event: e.EffectUnknown, at: datetime, actor: str) -> Case:
    return _effect_moved(case, event, reason=event.reason)


def _resumed(case: Case, event: e.EffectResumed, at: datetime, actor: str) -> Case:
    return _effect_moved(case, event, not_before=None, reason="")


def _effect_cancelled(case: Case, event: e.EffectCancelled, at: datetime, actor: str) -> Case:
    return _effect_moved(case, event, reason=event.why)


def _timer_set(case: Case, event: e.TimerSet, at: datetime, actor: str) -> Case:
    timer = Timer(event.timer, event.at, event.purpose, event.path, step_id(event.path))
    return set_timer(case, event, timer)


def _timer_fired(case: Case, event: e.TimerFired, at: datetime, actor: str) -> Case:
    return change_scope(case, event, timers=without(case.scopes[event.scope].timers, event.timer))


def _timer_moved(case: Case, event: e.TimerMoved, at: datetime, actor: str) -> Case:
    timers = case.scopes[event.scope].timers
    moved = replace(timers[event.timer], id=event.becomes, at=event.at)
    dropped = change_scope(case, event, timers=without(timers, event.timer))
    return set_timer(dropped, event, moved)


def _awaited(case: Case, event: e.SignalAwaited, at: datetime, actor: str) -> Case:
    return change_header(
        case, waits=with_key(case.header.waits, event.path, (event.signal, event.key))
    )


def _child_opened(case: Case, event: e.ChildOpened, at: datetime, actor: str) -> Case:
    child = Child(event.scope, event.step, event.round, event.waits)
    return change_header(case, children=with_key(case.header.children, event.child, child))


def _child_ended(case: Case, event: e.ChildEnded, at: datetime, actor: str) -> Case:
    child = replace(case.header.children[event.child], ended=True)
    return change_header(case, children=with_key(case.header.children, event.child, child))


HANDLERS: Mapping[type[e.Event], Callable[[Case, Any, datetime, str], Case]] = {
    e.EffectOwed: _owed,
    e.PublicationStarted: _begun,
    e.EffectDone: _done,
    e.EffectDeferred: _deferred,
    e.EffectFailed: _effect_failed,
    e.EffectUnknown: _unknown,
    e.EffectResumed: _resumed,
    e.EffectCancelled: _effect_cancelled,
    e.TimerSet: _timer_set,
    e.TimerFired: _timer_fired,
    e.TimerMoved: _timer_moved,
    e.SignalAwaited: _awaited,
    e.ChildOpened: _child_opened,
    e.ChildEnded: _child_ended,
}
