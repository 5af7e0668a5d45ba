"""How lists of steps go on: entering, resuming, ending scopes.

One rule for every list (root, section, option, branch, element, round): steps in order, the first
that is not over is entered or waited for. When a list is over, its block goes on; when a scope is
over, it is queued and its block takes notice in `settle`, so nothing depends on who ended it.
"""

from __future__ import annotations

from collections.abc import Callable

from smr_engine.engine import closing, work
from smr_engine.engine import events as e
from smr_engine.engine.fold_case import block_of
from smr_engine.engine.paths import opened_by, scope_chain
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import StepState
from smr_engine.engine.statuses import StepStatus
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.index import Scope
from smr_engine.playbook.model import BLOCKS, PublishStep, SectionStep, Step, SwitchStep

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
        if not run.alive(scope) or not _is_past(run, place):
            return False
    return True


def is_over(state: StepState, step: Step) -> bool:
    """Return whether a list may go past a step."""
    if state.status is StepStatus.FAILED:
        return step.on_failure == "continue"
    return state.status in {StepStatus.COMPLETED, StepStatus.SKIPPED}


def _is_past(run: Run, place: Place) -> bool:
    """Return whether a list may go past a step, with all that was reopened inside it."""
    if not is_over(run.state(place), place.step):
        return False
    if not isinstance(place.step, BLOCKS):
        return True
    inside = (run.place(place.scope, inner.id) for inner in closing.nested(place.step))
    if any(_goes_on(run.state(inner), inner.step) for inner in inside):
        return False
    return not closing.open_scopes_below(run, place)


def _goes_on(state: StepState, step: Step) -> bool:
    return state.status is StepStatus.ACTIVE or (
        state.status is StepStatus.FAILED and not is_over(state, step)
    )


def enter(run: Run, place: Place) -> None:
    """Begin a step, or skip it if its `when` does not hold; a step that cannot begin fails."""
    try:
        if place.step.when is not None and not run.evaluate(place.scope, place.step.when):
            work.skip(run, place, run.explain(place.scope, place.step.when))
            return
        STARTERS[place.step.kind](run, place)
    except (ExpressionError, StepProblemError) as problem:
        work.fail(run, place, str(problem))


def fail(run: Run, place: Place, reason: str, outcome: str = "failed") -> None:
    """Fail a step; its list goes on at once if it says `on_failure: continue`."""
    work.fail(run, place, reason, outcome)
    if is_over(run.state(place), place.step):
        resume(run, place)


def resume(run: Run, place: Place) -> None:
    """Go on with the list of a step as far as it may, then with whatever encloses that."""
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


def wake(run: Run, step_id: str) -> None:
    """Go on wherever a list has come to a step that waits for something elsewhere."""
    wanted = run.position(step_id)
    around = [path for path in run.header.running if runs_in(run, path, wanted.scopes)]
    run.need(around)
    for path in around:
        place = run.place(path, step_id)
        waits = run.alive(path) and run.state(place).status is StepStatus.WAITING
        if waits and _is_entered(run, path, wanted.parent):
            resume(run, place)


def _is_entered(run: Run, scope: str, block: Step | None) -> bool:
    """Return whether a list has begun: that of a running scope, or of an active section."""
    if not isinstance(block, SectionStep | SwitchStep):
        return True
    return run.state(run.place(scope, block.id)).status is StepStatus.ACTIVE


def runs_in(run: Run, path: str, scopes: tuple[Scope, ...]) -> bool:
    """Return whether a scope is one of those in which a step runs."""
    around = scope_chain(run.index, path)[-2::-1]
    return len(around) == len(scopes) and all(map(opened_by, around, scopes))


def list_over(run: Run, scope: str) -> None:
    """End the scope whose list is over; the root's ends the case."""
    if scope:
        end_scope(run, scope)
    else:
        closing.complete_case(run, "done")


def end_scope(run: Run, scope: str, ended: str | None = None) -> None:
    """End a branch, element or round; its block takes notice in `settle`."""
    run.emit(e.ScopeEnded(scope=scope, path=scope, ended=ended))
    run.ended_scopes.append(scope)


def settle(run: Run) -> None:
    """Let every block whose scope has ended go on, until nothing is left to do."""
    while run.ended_scopes and not run.closed:
        scope = run.ended_scopes.pop(0)
        outer = scope_chain(run.index, scope)[1]
        place = run.place(outer, block_of(scope).rsplit("/", 1)[-1])
        if not run.alive(outer):
            continue
        if run.state(place).status is StepStatus.ACTIVE:
            try:
                ON_SCOPE_ENDED[place.step.kind](run, place, scope)
            except (ExpressionError, StepProblemError) as problem:
                fail(run, place, str(problem))
        elif run.state(place).status is StepStatus.COMPLETED:
            resume(run, place)  # a branch that went on after it was over, is over again


def block_over(run: Run, place: Place, outcome: str, output: object = None) -> None:
    """Complete a block whose scopes have all ended, and go on after it."""
    work.complete(run, place, outcome, output)
    resume(run, place)


def end_with(run: Run, place: Place, outcome: str, of: str | None) -> None:
    """End the case, or with `of` the enclosing element, round or branch, with an outcome."""
    if of is None:
        closing.complete_case(run, outcome)
        return
    scope = next(p for p in scope_chain(run.index, place.scope) if _is_scope_of(p, of))
    closing.cancel_inside(run, scope, f"ended: {outcome}")
    end_scope(run, scope, outcome)


def _is_scope_of(path: str, name: str) -> bool:
    """Return whether a scope is an element or round of this block, or the branch of this id."""
    return path.rsplit("/", 1)[-1].partition("[")[0] == name


def _may_begin(run: Run, place: Place) -> bool:
    """A publication does not begin while an approval it requires is being asked again."""
    if not isinstance(place.step, PublishStep):
        return True
    for name in place.step.requires:
        state = run.visible_state(place.scope, name)
        asked_again = state.round > 1 and state.status is not StepStatus.CANCELLED
        if asked_again and not is_over(state, run.position(name).step):
            return False
    return True


def load_earlier_scopes(run: Run, block: Place, names: list[str]) -> None:
    """Make sure that the scopes of an earlier round of a block are loaded before it opens anew."""
    if run.state(block).detail.get("before"):
        run.need(names)
