"""Blocks: section, switch, parallel, foreach and repeat."""

from __future__ import annotations

from typing import Any, cast

from smr_engine.engine import deadlines, flow, work
from smr_engine.engine import events as e
from smr_engine.engine.environment import instant, step_view
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Scope
from smr_engine.engine.statuses import ItemKind, ScopeKind, StepStatus
from smr_engine.engine.timing import instant_of
from smr_engine.engine.who import owners
from smr_engine.playbook.model import (
    Branch,
    Expression,
    ForeachStep,
    Option,
    ParallelStep,
    RepeatStep,
    SectionStep,
    Step,
    SwitchStep,
)

MAX_ELEMENTS = 5_000


# --- section and switch: no scope of their own -------------------------------------------------


def start_section(run: Run, place: Place) -> None:
    """Enter a phase."""
    work.start(run, place)
    if flow.proceed(run, place.scope, cast(SectionStep, place.step).steps):
        work.complete(run, place)


def start_switch(run: Run, place: Place) -> None:
    """Take the first option that holds; with none, nothing is done."""
    step = cast(SwitchStep, place.step)
    option, because = _choose(run, place, step)
    work.start(run, place)
    taken = option.name if option else "none"
    run.emit(e.OptionTaken(scope=place.scope, path=place.path, option=taken, because=because))
    for other in step.options:
        if other is not option:
            _skip_all(run, place.scope, other.steps, f"the option '{other.name}' was not taken")
    if option is None or flow.proceed(run, place.scope, option.steps):
        work.complete(run, place)


def _choose(run: Run, place: Place, step: SwitchStep) -> tuple[Option | None, str]:
    outcome = None
    if step.on is not None:
        outcome = run.visible_state(place.scope, step.on).outcome
    for option in step.options:
        if option.outcome is not None and option.outcome == outcome:
            return option, f"{step.on} ended with '{outcome}'"
        if option.when is not None and run.evaluate(place.scope, option.when):
            return option, run.explain(place.scope, option.when)
        if option.outcome is None and option.when is None:
            return option, "no other option held"
    return None, "no option held"


def _skip_all(run: Run, scope: str, steps: tuple[Step, ...], reason: str) -> None:
    for step in steps:
        place = run.place(scope, step.id)
        if run.state(place).status is StepStatus.WAITING:
            work.skip(run, place, reason)


# --- parallel ----------------------------------------------------------------------------------


def start_parallel(run: Run, place: Place) -> None:
    """Open all branches at once."""
    branches = cast(ParallelStep, place.step).branches
    paths = [f"{place.path}/{branch.id}" for branch in branches]
    flow.load_earlier_scopes(run, place, paths)
    work.start(run, place)
    base = run.state(place).round
    for path in paths:
        run.emit(
            e.ScopeOpened(
                scope=place.scope, path=path, kind_of=ScopeKind.BRANCH, base_round=base, local={}
            )
        )
    for branch, path in zip(branches, paths, strict=True):
        _run_branch(run, path, branch)


def _run_branch(run: Run, path: str, branch: Branch) -> None:
    if run.alive(path) and flow.proceed(run, path, branch.steps):
        flow.end_scope(run, path)


def branch_ended(run: Run, place: Place, scope: str) -> None:
    """Join: `any` cancels the others, `all` waits for them."""
    step = cast(ParallelStep, place.step)
    if step.join_any:
        for other in flow.open_scopes_below(run, place):
            flow.cancel_inside(run, other, "another branch has ended")
            run.emit(e.ScopeEnded(scope=other, path=other, ended="cancelled"))
    elif flow.open_scopes_below(run, place):
        return
    flow.block_over(run, place, "done")


# --- foreach -----------------------------------------------------------------------------------


def start_foreach(run: Run, place: Place) -> None:
    """List the elements and start as many as may run at a time."""
    step = cast(ForeachStep, place.step)
    elements = _elements(run, place, step)
    before = int(run.state(place).detail.get("before", 0))
    flow.load_earlier_scopes(run, place, [f"{place.path}[{n}]" for n in range(before)])
    work.start(run, place)
    base = run.state(place).round
    run.emit(
        e.ElementsListed(
            scope=place.scope,
            path=place.path,
            count=len(elements),
            base_round=base,
            name=step.name,
            elements=elements,
        )
    )
    if not elements:
        work.complete(run, place, "done", [])
        return
    for number in range(min(step.at_a_time, len(elements))):
        _start_element(run, place, number)


def element_ended(run: Run, place: Place, scope: str) -> None:
    """Start the next element, or finish with the results of all."""
    detail = run.state(place).detail
    total, started, ended = detail["opened"], detail["started"], detail["ended"]
    if started < total:
        run.need([f"{place.path}[{started}]"])
        _start_element(run, place, started)
    elif ended == total:
        paths = [f"{place.path}[{n}]" for n in range(total)]
        flow.block_over(run, place, "done", _results(run, paths))


def _elements(run: Run, place: Place, step: ForeachStep) -> list[Any]:
    if isinstance(step.elements, Expression):
        found = run.evaluate(place.scope, step.elements)
    else:
        found = run.resolve(place.scope, step.elements)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > MAX_ELEMENTS:
        message = f"`in` must give a list of at most {MAX_ELEMENTS} elements"
        raise StepProblemError(message)
    return found


def _start_element(run: Run, place: Place, number: int) -> None:
    path = f"{place.path}[{number}]"
    run.emit(e.ScopeStarted(scope=place.scope, path=path))
    steps = cast(ForeachStep, place.step).steps
    if run.alive(path) and flow.proceed(run, path, steps):
        flow.end_scope(run, path)


# --- repeat ------------------------------------------------------------------------------------


def start_repeat(run: Run, place: Place) -> None:
    """Begin with the first round."""
    before = int(run.state(place).detail.get("before", 0))
    flow.load_earlier_scopes(run, place, [f"{place.path}[{n}]" for n in range(before)])
    work.start(run, place)
    _start_round(run, place, 0, None)


def round_ended(run: Run, place: Place, scope: str) -> None:
    """Stop when `until` holds or the rounds are used up; else beat again, start to start."""
    step = cast(RepeatStep, place.step)
    number = int(scope[scope.rindex("[") + 1 : -1])
    if step.until is not None and run.evaluate(scope, step.until):
        _finish(run, place, number, "until")
    elif step.max_rounds is not None and number + 1 >= step.max_rounds:
        _exhausted(run, place, number)
    else:
        _plan_next(run, place, number)


def next_round(run: Run, place: Place) -> None:
    """Begin the next round: its beat has come."""
    number = int(run.state(place).detail["opened"]) - 1
    run.need([f"{place.path}[{number}]"])
    previous = _result(run, run.scope(f"{place.path}[{number}]"))
    _start_round(run, place, number + 1, previous)


def _start_round(run: Run, place: Place, number: int, previous: Any) -> None:
    path = f"{place.path}[{number}]"
    run.emit(
        e.ScopeOpened(
            scope=place.scope,
            path=path,
            kind_of=ScopeKind.ROUND,
            base_round=run.state(place).round,
            local={"round": number + 1, "previous": previous, "started": instant(run.now)},
        )
    )
    if flow.proceed(run, path, cast(RepeatStep, place.step).steps):
        flow.end_scope(run, path)


def _plan_next(run: Run, place: Place, number: int) -> None:
    """Plan the next beat from the start of this round; a late one follows at once."""
    every = run.varied(cast(RepeatStep, place.step).every)
    if every is None:
        next_round(run, place)
        return
    calendar = run.calendar(place.step)
    last = instant_of(run.scope(f"{place.path}[{number}]").local["started"])
    at = deadlines.add(last, every, calendar)
    missed = 0
    while deadlines.add(at, every, calendar) <= run.now:
        at = deadlines.add(at, every, calendar)
        missed += 1
    timer = run.ids(1)[0]
    run.emit(
        e.RoundPlanned(
            scope=place.scope,
            path=place.path,
            timer=timer,
            at=max(at, run.now),
            missed=missed,
        )
    )


def _exhausted(run: Run, place: Place, number: int) -> None:
    title = f"{place.step.title}: all {number + 1} rounds are used up"
    message = "It has ended without its condition being met. Decide how to go on, then skip this."
    work.open_item(
        run, place, ItemKind.REPAIR, owners(run), title=title, message=message, holds=False
    )
    _finish(run, place, number, "exhausted")


def _finish(run: Run, place: Place, number: int, outcome: str) -> None:
    paths = [f"{place.path}[{n}]" for n in range(number + 1)]
    flow.block_over(run, place, outcome, _results(run, paths))


# --- results -----------------------------------------------------------------------------------


def _results(run: Run, paths: list[str]) -> list[dict[str, Any]]:
    run.need(paths)
    return [_result(run, run.scope(path)) for path in paths]


def _result(run: Run, scope: Scope) -> dict[str, Any]:
    """Return what is seen of one element or round from outside."""
    inner = {name: step_view(state) for name, state in scope.steps.items()}
    shown = {name: {"output": v["output"], "outcome": v["outcome"]} for name, v in inner.items()}
    return {"element": scope.local.get("value"), "ended": scope.ended, **shown}
