"""How lists of steps go on: entering, resuming, ending scopes, ending the case.

One rule for every list (root, section, option, branch, element, round): steps in order, the first
that is not over is entered or waited for. When a list is over, its block goes on; when a scope is
over, it is queued and its block takes notice in `settle`, so nothing depends on who ended it.
"""

from __future__ import annotations

from collections.abc import Callable

from smr_engine.engine import events as e
from smr_engine.engine import wording, work
from smr_engine.engine.fold_case import block_of, encloses
from smr_engine.engine.paths import scope_chain
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import StepState
from smr_engine.engine.statuses import ItemKind, ItemStatus, StepStatus
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import (
    PublishStep,
    SectionStep,
    Step,
    SwitchStep,
    child_lists,
)

Starter = Callable[[Run, Place], None]
ScopeHandler = Callable[[Run, Place, str], None]

STARTERS: dict[str, Starter] = {}
"""How each kind of step begins; the step modules register themselves (see `engine.decide`)."""

ON_SCOPE_ENDED: dict[str, ScopeHandler] = {}
"""What each scope-opening block does when one of its scopes has ended."""


def proceed(run: Run, scope: str, steps: tuple[Step, ...]) -> bool:
    """Go on with a list until something must be waited for; return whether it is over."""
    for step in steps:
        place = run.place(scope, step.id)
        if run.state(place).status is StepStatus.WAITING:
            if not _may_begin(run, place):
                return False
            enter(run, place)
        if not run.alive(scope) or not is_over(run.state(place), step):
            return False
    return True


def is_over(state: StepState, step: Step) -> bool:
    """Return whether a list may go past a step."""
    if state.status is StepStatus.FAILED:
        return step.on_failure == "continue"
    return state.status in {StepStatus.COMPLETED, StepStatus.SKIPPED}


def enter(run: Run, place: Place) -> None:
    """Begin a step, or skip it if its `when` does not hold; a step that cannot begin fails."""
    try:
        if place.step.when is not None and not run.evaluate(place.scope, place.step.when):
            work.skip(run, place, run.explain(place.scope, place.step.when))
            return
        STARTERS[place.step.kind](run, place)
    except (ExpressionError, StepProblemError) as problem:
        work.fail(run, place, str(problem))


def resume(run: Run, place: Place) -> None:
    """Go on after a step is over: with its list, then with whatever encloses that."""
    if not run.alive(place.scope):
        return
    position = run.position(place.step.id)
    if not proceed(run, place.scope, position.siblings):
        return
    block = position.parent
    if isinstance(block, SectionStep | SwitchStep):
        outer = run.place(place.scope, block.id)
        if run.state(outer).status is StepStatus.ACTIVE:  # else a reopened step inside it is over
            work.complete(run, outer)
        resume(run, outer)
    else:
        list_over(run, place.scope)


def list_over(run: Run, scope: str) -> None:
    """End the scope whose list is over; the root's ends the case."""
    if scope:
        end_scope(run, scope)
    else:
        complete_case(run, "done")


def end_scope(run: Run, scope: str, ended: str | None = None) -> None:
    """End a branch, element or round; its block takes notice in `settle`."""
    run.emit(e.ScopeEnded(scope=scope, path=scope, ended=ended))
    run.ended_scopes.append(scope)


def settle(run: Run) -> None:
    """Let every block whose scope has ended go on, until nothing is left to do."""
    while run.ended_scopes and not run.closed:
        scope = run.ended_scopes.pop(0)
        outer = scope_chain(run.index, scope)[1]
        block = block_of(scope)
        place = run.place(outer, block.rsplit("/", 1)[-1])
        if run.alive(outer) and run.state(place).status is StepStatus.ACTIVE:
            try:
                ON_SCOPE_ENDED[place.step.kind](run, place, scope)
            except (ExpressionError, StepProblemError) as problem:
                work.fail(run, place, str(problem))


def block_over(run: Run, place: Place, outcome: str, output: object = None) -> None:
    """Complete a block whose scopes have all ended, and go on after it."""
    work.complete(run, place, outcome, output)
    resume(run, place)


# --- ending and reopening ----------------------------------------------------------------------


def end_with(run: Run, place: Place, outcome: str, of: str | None) -> None:
    """End the case, or with `of` the enclosing element, round or branch, with an outcome."""
    if of is None:
        complete_case(run, outcome)
        return
    scope = next(p for p in scope_chain(run.index, place.scope) if _is_scope_of(p, of))
    cancel_inside(run, scope, f"ended: {outcome}")
    end_scope(run, scope, outcome)


def _is_scope_of(path: str, name: str) -> bool:
    """Return whether a scope belongs to a block (element, round) or is the branch of this id."""
    last = path.rsplit("/", 1)[-1]
    return last.split("[")[0] == name or (bool(path) and block_of(path).endswith(f"/{name}"))


def complete_case(run: Run, outcome: str) -> None:
    """Close the case with an outcome: take results, close what is open, tell the parent."""
    results = run.resolve("", dict(run.playbook.results))
    cancel_inside(run, "", "the case ended")
    run.emit(e.CaseCompleted(outcome=outcome, results=results))
    end_children(run, waited_only=True)
    tell_parent(run, outcome)


def tell_parent(run: Run, outcome: str) -> None:
    """Owe the parent case the news that this one is over."""
    if run.header.parent:
        payload = {
            "do": "end_child",
            "parent": run.header.parent,
            "child": run.header.ref,
            "outcome": outcome,
            "results": run.header.results,
        }
        work.owe_case(run, f"tell {run.header.parent}", payload)


def end_children(run: Run, *, waited_only: bool) -> None:
    """Owe the cancelling of child cases (those waited for, or all)."""
    for ref, child in run.header.children.items():
        if not child.ended and (child.waits or not waited_only):
            payload = {"do": "cancel_child", "child": ref, "parent": run.header.ref}
            work.owe_case(run, f"cancel {ref}", payload)


def cancel_inside(run: Run, scope: str, why: str) -> None:
    """Cancel all that is under way in a scope and in the scopes below it; tell those asked."""
    inside = [p for p in run.header.running if p == scope or encloses(scope, p)]
    run.need(inside)
    told: dict[str, list[str]] = {}
    for path in sorted(inside, key=len, reverse=True):
        _cancel_scope(run, path, why, told)
        if path != scope:
            run.emit(e.ScopeEnded(scope=path, path=path, ended="cancelled"))
    run.ended_scopes = [p for p in run.ended_scopes if p not in inside]
    for person, titles in told.items():
        work.tell_about_case(run, [person], wording.withdrawn(run, titles, why))


def cancel_step(run: Run, place: Place, why: str) -> None:
    """Cancel one active or failed step with its items and effects, not what is nested in it."""
    for item in work.open_items_of(run, place):
        work.close_item(run, place.scope, item, why)
    for effect in list(run.scope(place.scope).effects.values()):
        if effect.path == place.path:
            work.cancel_effect(run, place.scope, effect, why)
    state = run.state(place)
    if state.status in {StepStatus.ACTIVE, StepStatus.FAILED}:
        run.emit(e.StepCancelled(scope=place.scope, path=place.path, round=state.round, why=why))


def reopen(run: Run, scope: str, steps: tuple[Step, ...], why: str) -> None:
    """Start a new round of some steps and of all that is nested in them."""
    for step in [inner for outer in steps for inner in (outer, *_nested(outer))]:
        place = run.place(scope, step.id)
        state = run.state(place)
        if state.status is StepStatus.WAITING:
            continue
        for path in [p for p in run.header.running if encloses(place.path, p) or _opens(place, p)]:
            cancel_inside(run, path, why)
            run.emit(e.ScopeEnded(scope=path, path=path, ended="cancelled"))
        cancel_step(run, place, why)
        run.emit(e.StepReopened(scope=scope, path=place.path, round=state.round + 1, why=why))


def _opens(place: Place, scope: str) -> bool:
    return scope.startswith((f"{place.path}[", f"{place.path}/"))


def _nested(step: Step) -> list[Step]:
    """Return the steps inside a section or switch: they live in the same scope."""
    if not isinstance(step, SectionStep | SwitchStep):
        return []
    direct = [inner for steps in child_lists(step) for inner in steps]
    return [found for inner in direct for found in (inner, *_nested(inner))]


def _cancel_scope(run: Run, path: str, why: str, told: dict[str, list[str]]) -> None:
    scope = run.scope(path)
    for item in scope.items.values():
        if item.status is ItemStatus.OPEN:
            work.close_item(run, path, item, why)
            _note(told, item.kind, item.title, (*item.offered, *item.escalated))
    for effect in scope.effects.values():
        if not effect.item:
            work.cancel_effect(run, path, effect, why)
    for name, state in scope.steps.items():
        if state.status in {StepStatus.ACTIVE, StepStatus.FAILED}:
            place = run.place(path, name)
            run.emit(e.StepCancelled(scope=path, path=place.path, round=state.round, why=why))


def _note(told: dict[str, list[str]], kind: ItemKind, title: str, people: tuple[str, ...]) -> None:
    if kind is not ItemKind.ACKNOWLEDGEMENT:
        for person in dict.fromkeys(people):
            told.setdefault(person, []).append(title)


def _may_begin(run: Run, place: Place) -> bool:
    """A publication does not begin while an approval it requires is being asked again."""
    if not isinstance(place.step, PublishStep):
        return True
    for name in place.step.requires:
        state = run.visible_state(place.scope, name)
        if state.status in {StepStatus.ACTIVE, StepStatus.WAITING} and state.round > 1:
            return False
    return True


def open_scopes_below(run: Run, block: Place) -> list[str]:
    """Return the running scopes that a block opened (not those nested deeper)."""
    return [p for p in run.header.running if p and block_of(p) == block.path]


def load_earlier_scopes(run: Run, block: Place, names: list[str]) -> None:
    """Make sure that the scopes of an earlier round of a block are loaded before it opens anew."""
    if run.state(block).detail.get("before"):
        run.need(names)
