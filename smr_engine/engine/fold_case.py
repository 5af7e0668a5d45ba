"""Folding of cases and scopes."""

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
    drop_timers,
    fresh_step,
    step_id,
    with_key,
)
from smr_engine.engine.state import (
    Case,
    CaseHeader,
    Scope,
)
from smr_engine.engine.statuses import (
    ScopeKind,
    ScopeStatus,
)


def open_case(event: e.CaseOpened, at: datetime) -> Case:
    """Return the case that its first event gives."""
    header = CaseHeader(
        ref=event.ref,
        playbook=event.playbook,
        version=event.version,
        digest=event.digest,
        title=event.title,
        requester=event.requester,
        opened_at=at,
        last_at=at,
        severity=event.severity,
        inputs=event.inputs,
        drill=event.drill,
        parent=event.parent,
        pins=event.pins,
    )
    return Case(header, {"": Scope("", ScopeKind.ROOT)})


def _case_moved(case: Case, event: e.Event) -> Case:
    status = transitions.after(transitions.CASE, case.header.status, event.kind())
    return change_header(case, status=status)


def _held(case: Case, event: e.CaseHeld, at: datetime, actor: str) -> Case:
    holds = (*case.header.holds, event.item)
    return change_header(_case_moved(case, event), holds=holds)


def _released(case: Case, event: e.CaseReleased, at: datetime, actor: str) -> Case:
    return change_header(_case_moved(case, event), holds=())


def _stopped(case: Case, event: e.Event) -> Case:
    """Let nobody be reminded of a closed case's clocks."""
    return drop_timers(case, event, lambda timer: bool(timer.clock))


def _completed(case: Case, event: e.CaseCompleted, at: datetime, actor: str) -> Case:
    moved = _stopped(_case_moved(case, event), event)
    return change_header(
        moved,
        outcome=event.outcome,
        results=event.results,
        problems=event.problems,
        closed_at=at,
        holds=(),
        running=(),
    )


def _rescored(case: Case, event: e.SeverityChanged, at: datetime, actor: str) -> Case:
    return change_header(case, severity=event.after)


def _ending(case: Case, event: e.CaseEnding, at: datetime, actor: str) -> Case:
    return change_header(case, ending=event.outcome)


def _cancelled(case: Case, event: e.CaseCancelled, at: datetime, actor: str) -> Case:
    moved = _stopped(_case_moved(case, event), event)
    return change_header(moved, outcome="cancelled", closed_at=at, holds=(), running=())


def _scope_opened(case: Case, event: e.ScopeOpened, at: datetime, actor: str) -> Case:
    scope = replace(
        _afresh(case.scopes.get(event.path), event.base_round)
        or Scope(event.path, ScopeKind(event.kind_of), base_round=event.base_round),
        local=event.local,
    )
    running = (*(p for p in case.header.running if p != event.path), event.path)
    opened = Case(replace(case.header, running=running), with_key(case.scopes, event.path, scope))
    return _count_in_block(opened, event.path, "opened")


def _afresh(old: Scope | None, base_round: int, *, same: bool = False) -> Scope | None:
    """Return a scope that its block opens anew: its steps begin again, its history stays.

    Rounds never repeat, so that nothing of the past is taken for the present. Texts stay only for
    the `same` element; of another, and of a new round of a repeat, drafts start again.
    """
    if old is None:
        return None
    return replace(
        old,
        status=ScopeStatus.RUNNING,
        base_round=base_round,
        ended=None,
        steps={k: fresh_step(s, max(base_round, s.round + 1)) for k, s in old.steps.items()},
        documents={k: replace(d, stale=d.stale or not same) for k, d in old.documents.items()},
    )


def _elements_listed(case: Case, event: e.ElementsListed, at: datetime, actor: str) -> Case:
    scopes = dict(case.scopes)
    for number, element in enumerate(event.elements):
        path = f"{event.path}[{number}]"
        old = case.scopes.get(path)
        same = old is not None and old.local.get("value") == element
        scopes[path] = replace(
            _afresh(old, event.base_round, same=same)
            or Scope(path, ScopeKind.ELEMENT, base_round=event.base_round),
            status=ScopeStatus.WAITING,
            local={"name": event.name, "value": element, "index": number},
        )
    listed = Case(case.header, scopes)
    return change_detail(listed, event, opened=event.count, started=0, ended=0)


def _scope_started(case: Case, event: e.ScopeStarted, at: datetime, actor: str) -> Case:
    scope = replace(case.scopes[event.path], status=ScopeStatus.RUNNING, ended=None)
    started = Case(
        replace(case.header, running=(*case.header.running, event.path)),
        with_key(case.scopes, event.path, scope),
    )
    return _count_in_block(started, event.path, "started")


def _scope_ended(case: Case, event: e.ScopeEnded, at: datetime, actor: str) -> Case:
    scope = replace(case.scopes[event.path], status=ScopeStatus.ENDED, ended=event.ended)
    running = tuple(p for p in case.header.running if p != event.path)
    ended = Case(replace(case.header, running=running), with_key(case.scopes, event.path, scope))
    return _count_in_block(ended, event.path, "ended")


def _count_in_block(case: Case, scope_path: str, what: str) -> Case:
    """Count a started or ended scope in the state of the block that opened it."""
    block = block_of(scope_path)
    outer = outer_scope(case, scope_path)
    state = case.scopes[outer].step(step_id(block))
    event = e.Event(path=block, scope=outer)
    return change_detail(case, event, **{what: int(state.detail.get(what, 0)) + 1})


def block_of(scope_path: str) -> str:
    """Return the path of a scope's block: `a/each` of `a/each[3]` and of `a/each/x`."""
    if scope_path.endswith("]"):
        return scope_path[: scope_path.rindex("[")]
    return scope_path.rsplit("/", 1)[0]


def outer_scope(case: Case, scope_path: str) -> str:
    """Return the path of the loaded scope directly around a scope."""
    around = block_of(scope_path)
    while "/" in around:
        around = around.rsplit("/", 1)[0]
        if around in case.scopes:
            return around
    return ""


def encloses(scope_path: str, path: str) -> bool:
    """Return whether a path lies inside a scope."""
    return not scope_path or path.startswith(f"{scope_path}/")


HANDLERS: Mapping[type[e.Event], Callable[[Case, Any, datetime, str], Case]] = {
    e.CaseHeld: _held,
    e.CaseReleased: _released,
    e.SeverityChanged: _rescored,
    e.CaseEnding: _ending,
    e.CaseCompleted: _completed,
    e.CaseCancelled: _cancelled,
    e.ScopeOpened: _scope_opened,
    e.ElementsListed: _elements_listed,
    e.ScopeStarted: _scope_started,
    e.ScopeEnded: _scope_ended,
}
