"""How things end before their time and begin again: cancelling, closing the case, new rounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smr_engine.engine import clocks, messages, wording, work
from smr_engine.engine import events as e
from smr_engine.engine.fold_case import encloses
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item
from smr_engine.engine.statuses import ItemKind, ItemStatus, StepStatus
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import (
    ApprovalStep,
    NotifyStep,
    ParallelStep,
    RepeatStep,
    SectionStep,
    Step,
    SwitchStep,
    child_lists,
    walk,
)

Told = dict[str, list[str]]
"""Titles of what was closed without them, by person."""


# --- the case ----------------------------------------------------------------------------------


def complete_case(run: Run, outcome: str) -> None:
    """Close the case with an outcome: take results, close what is open, tell the parent.

    What was released before its approval has to be ratified, or settled by the owner, first: the
    case goes no further and waits for that. Its parent does not: nothing more will come of it.
    """
    results, problems = _results(run)
    if run.header.ratifying:
        cancel_inside(run, "", "the case ended")
        run.emit(e.CaseEnding(outcome=outcome))
        _tell_parent(run, outcome, results)
        return
    told = run.header.ending is not None
    clocks.stop(run)
    cancel_inside(run, "", "the case ended")
    run.emit(e.CaseCompleted(outcome=outcome, results=results, problems=problems))
    if not told:
        _tell_parent(run, outcome, results)


def finish(run: Run) -> None:
    """Close a case that has ended, once all that was released is ratified or settled."""
    ending = run.header.ending
    if ending is not None and not run.header.ratifying and not run.closed:
        complete_case(run, ending)


def cancel_case(run: Run, reason: str) -> None:
    """Cancel everything under way, then the case; all its children are cancelled as well."""
    clocks.stop(run)
    cancel_inside(run, "", "the case was cancelled", everything=True)
    run.emit(e.CaseCancelled(reason=reason))
    for ref, child in run.header.children.items():
        if not child.ended and not child.waits:
            cancel_child(run, ref)
    _tell_parent(run, "cancelled", {})


def cancel_child(run: Run, ref: str) -> None:
    """Owe the cancelling of a child case."""
    payload = {"do": "cancel_child", "child": ref, "parent": run.header.ref}
    work.owe_case(run, f"cancel {ref}", payload)


def _results(run: Run) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the results; one that cannot be computed is null, for nobody could mend it now."""
    results: dict[str, Any] = {}
    problems = []
    for name, value in run.playbook.results.items():
        try:
            results[name] = run.resolve("", value)
        except ExpressionError as problem:
            results[name] = None
            problems.append(f"{name}: {problem}")
    return results, tuple(problems)


def _tell_parent(run: Run, outcome: str, results: dict[str, Any]) -> None:
    """Owe the parent case the news that this one is over."""
    if run.header.parent:
        payload = {
            "do": "end_child",
            "parent": run.header.parent,
            "child": run.header.ref,
            "outcome": outcome,
            "results": results,
        }
        work.owe_case(run, f"tell {run.header.parent}", payload)


# --- scopes ------------------------------------------------------------------------------------


def cancel_inside(run: Run, scope: str, why: str, *, everything: bool = False) -> None:
    """Cancel all that is under way in a scope and in the scopes below it; tell those asked.

    What was released is to be ratified all the same, unless `everything` is cancelled.
    """
    inside = [p for p in run.header.running if p == scope or encloses(scope, p)]
    run.need(inside)
    told: Told = {}
    for path in sorted(inside, key=len, reverse=True):
        _cancel_scope(run, path, why, told, everything=everything)
        if path != scope:
            run.emit(e.ScopeEnded(scope=path, path=path, ended="cancelled"))
    for path in _left_behind(run, scope):
        _close_items(run, path, _to_close(run, path, everything=everything), why, told)
    run.ended_scopes = [p for p in run.ended_scopes if p not in inside]
    _tell(run, told, why)


def cancel_scope(run: Run, scope: str, why: str) -> None:
    """Cancel all that is under way in a scope, and end it."""
    cancel_inside(run, scope, why)
    run.emit(e.ScopeEnded(scope=scope, path=scope, ended="cancelled"))


def open_scopes_below(run: Run, block: Place) -> list[str]:
    """Return the running scopes inside a block, outer before inner."""
    inside = (f"{block.path}[", f"{block.path}/")
    return sorted((p for p in run.header.running if p.startswith(inside)), key=len)


def _cancel_scope(run: Run, path: str, why: str, told: Told, *, everything: bool) -> None:
    scope = run.scope(path)
    _close_items(run, path, _to_close(run, path, everything=everything), why, told)
    for effect in scope.effects.values():
        if effect.step and not effect.item:
            work.cancel_effect(run, path, effect, why)
    for name, state in scope.steps.items():
        if state.status in {StepStatus.ACTIVE, StepStatus.FAILED}:
            _cancel_step(run, run.place(path, name), why)


def _to_close(run: Run, path: str, *, everything: bool) -> list[Item]:
    return [i for i in run.scope(path).items.values() if everything or not i.ratifies]


def _close_items(run: Run, path: str, items: Iterable[Item], why: str, told: Told) -> None:
    for item in items:
        if item.status is ItemStatus.OPEN:
            work.close_item(run, path, item, why)
            if item.kind is not ItemKind.ACKNOWLEDGEMENT:
                unheard = messages.unheard(run, path, item)
                for person in dict.fromkeys((*item.offered, *item.escalated)):
                    if person not in unheard:
                        told.setdefault(person, []).append(item.title)


def _cancel_step(run: Run, place: Place, why: str) -> None:
    state = run.state(place)
    run.emit(e.StepCancelled(scope=place.scope, path=place.path, round=state.round, why=why))
    for ref, child in run.header.children.items():
        here = child.scope == place.scope and child.step == place.step.id
        if here and child.waits and not child.ended and child.round == state.round:
            cancel_child(run, ref)


def _tell(run: Run, told: Told, why: str) -> None:
    for person, titles in told.items():
        work.tell_about_case(run, [person], wording.withdrawn(run, titles, why))


def _left_behind(run: Run, scope: str) -> list[str]:
    """Return the scopes below that have ended and may still have items open.

    Unanswered acknowledgements, ratifications and notes that a repeat is exhausted outlive it. Only
    blocks in which there can be any are looked into, for this loads their scopes.
    """
    found: list[str] = []
    level = [scope]
    while level:
        level = [inner for path in level for inner in _opened_in(run, path)]
        run.need(level)
        found += level
    return [path for path in found if path not in run.header.running]


def _opened_in(run: Run, path: str) -> list[str]:
    found: list[str] = []
    for name, state in run.scope(path).steps.items():
        step = run.position(name).step
        opened = max(int(state.detail.get("opened", 0)), int(state.detail.get("before", 0)))
        if opened and _may_leave_items(step):
            block = run.place(path, name).path
            if isinstance(step, ParallelStep):
                found += [f"{block}/{branch.id}" for branch in step.branches]
            else:
                found += [f"{block}[{number}]" for number in range(opened)]
    return found


def _may_leave_items(block: Step) -> bool:
    inner = (step for steps in child_lists(block) for step in walk(steps))
    return any(
        (isinstance(step, NotifyStep) and step.acknowledge is not None)
        or (isinstance(step, RepeatStep) and step.max_rounds is not None)
        or (isinstance(step, ApprovalStep) and step.break_glass is not None)
        for step in inner
    )


# --- messages ---------------------------------------------------------------------------------


def let_go(run: Run) -> None:
    """Cancel what waits for the end of quiet hours about items that are settled or handed over.

    Nobody is woken in the morning for what was settled in the night.
    """
    new = {event.effect for event in run.events if isinstance(event, e.EffectOwed)}
    settled = (e.ItemCompleted, e.ItemClosed, e.ItemReassigned)
    for event in [each for each in run.events if isinstance(each, settled)]:
        for effect in messages.waiting(run, event.scope, event.item):
            if effect.id not in new:
                work.cancel_effect(run, event.scope, effect, "nobody needs to be told any more")


# --- new rounds --------------------------------------------------------------------------------


def reopen(run: Run, scope: str, steps: tuple[Step, ...], why: str) -> None:
    """Start a new round of some steps and of all that is nested in them."""
    told: Told = {}
    for step in [inner for outer in steps for inner in (outer, *nested(outer))]:
        place = run.place(scope, step.id)
        state = run.state(place)
        if state.status is StepStatus.WAITING:
            continue
        for path in open_scopes_below(run, place):
            if path in run.header.running:  # not ended with one around it
                cancel_scope(run, path, why)
        _withdraw(run, place, why, told)
        if state.status in {StepStatus.ACTIVE, StepStatus.FAILED}:
            _cancel_step(run, place, why)
        run.emit(e.StepReopened(scope=scope, path=place.path, round=state.round + 1, why=why))
    _tell(run, told, why)


def withdraw(run: Run, place: Place, why: str) -> None:
    """Close the items of a step and cancel what it owes; tell those asked."""
    told: Told = {}
    _withdraw(run, place, why, told)
    _tell(run, told, why)


def _withdraw(run: Run, place: Place, why: str, told: Told) -> None:
    _close_items(run, place.scope, work.open_items_of(run, place), why, told)
    for effect in run.scope(place.scope).effects.values():
        if effect.path == place.path:
            work.cancel_effect(run, place.scope, effect, why)


def nested(step: Step) -> list[Step]:
    """Return the steps inside a section or switch: they live in the same scope."""
    if not isinstance(step, SectionStep | SwitchStep):
        return []
    direct = [inner for steps in child_lists(step) for inner in steps]
    return [found for inner in direct for found in (inner, *nested(inner))]
