"""Blocks: section, switch, parallel, foreach and repeat."""

from __future__ import annotations

from typing import Any, cast

from smr_engine.engine import closing, flow, timing, work
from smr_engine.engine import events as e
from smr_engine.engine.environment import instant
from smr_engine.engine.fold_case import block_of
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.statuses import ItemKind, ScopeKind, StepStatus
from smr_engine.engine.timing import instant_of
from smr_engine.engine.who import owners
from smr_engine.playbook.index import Position
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
MAX_ROUNDS_AT_ONCE = 100


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
        for other in closing.open_scopes_below(run, place):
            if other in run.header.running:  # not ended with one around it
                closing.cancel_scope(run, other, "another branch has ended")
    elif closing.open_scopes_below(run, place):
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
        if run.alive(place.scope):  # an element may end the case, or what is around the foreach
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
        flow.block_over(run, place, "done", _results(run, place, paths))


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
    (previous,) = _results(run, place, [f"{place.path}[{number}]"])
    _start_round(run, place, number + 1, previous)


def _start_round(run: Run, place: Place, number: int, previous: Any) -> None:
    path = f"{place.path}[{number}]"
    if number < int(run.state(place).detail.get("before", 0)):
        run.need([path])
    run.emit(
        e.ScopeOpened(
            scope=place.scope,
            path=path,
            kind_of=ScopeKind.ROUND,
            base_round=run.state(place).round,
            local={"round": number + 1, "previous": previous, "started": instant(run.now)},
        )
    )
    if run.alive(path) and flow.proceed(run, path, cast(RepeatStep, place.step).steps):
        flow.end_scope(run, path)


def _plan_next(run: Run, place: Place, number: int) -> None:
    """Plan the next beat from the start of this round; a late one follows at once."""
    every = run.varied(cast(RepeatStep, place.step).every)
    if every is None:
        _refuse_circle(run, place)
        next_round(run, place)
        return
    last = instant_of(run.scope(f"{place.path}[{number}]").local["started"])
    at, missed = timing.next_beat(run, last, every, run.calendar(place.step))
    timer = run.ids(1)[0]
    run.emit(
        e.RoundPlanned(
            scope=place.scope,
            path=place.path,
            timer=timer,
            at=at,
            missed=missed,
        )
    )


def _refuse_circle(run: Run, place: Place) -> None:
    """Stop a repeat whose rounds wait for nobody: this very command has begun too many of them."""
    begun = [
        event
        for event in run.events
        if isinstance(event, e.ScopeOpened) and block_of(event.path) == place.path
    ]
    if len(begun) >= MAX_ROUNDS_AT_ONCE:
        message = "it goes round in a circle without waiting for anybody"
        raise StepProblemError(message)


def _exhausted(run: Run, place: Place, number: int) -> None:
    title = f"{work.title_of(run, place)}: all {number + 1} rounds are used up"
    message = "It has ended without its condition being met. Decide how to go on, then skip this."
    work.open_item(
        run, place, ItemKind.REPAIR, owners(run), title=title, message=message, holds=False
    )
    _finish(run, place, number, "exhausted")


def _finish(run: Run, place: Place, number: int, outcome: str) -> None:
    paths = [f"{place.path}[{n}]" for n in range(number + 1)]
    flow.block_over(run, place, outcome, _results(run, place, paths))


# --- results -----------------------------------------------------------------------------------


def _results(run: Run, place: Place, paths: list[str]) -> list[dict[str, Any]]:
    """Return what is seen of elements or rounds from outside: every step, those in branches too."""
    run.need(paths)
    inside = [
        position for position in run.index.by_id.values() if position.document_home == place.step.id
    ]
    _load_branches(run, paths, inside)
    return [
        {
            "element": run.scope(path).local.get("value"),
            "ended": run.scope(path).ended,
            **{position.step.id: _seen(run, path, position.step.id) for position in inside},
        }
        for path in paths
    ]


def _seen(run: Run, scope: str, name: str) -> dict[str, Any]:
    state = run.visible_state(scope, name)
    return {"output": state.output, "outcome": state.outcome}


def _load_branches(run: Run, paths: list[str], inside: list[Position]) -> None:
    """Ask for all branches of all elements at once, one depth of nesting after the other."""
    blocks = [p for p in inside if isinstance(p.step, ParallelStep)]
    for block in sorted(blocks, key=lambda p: len(p.scopes)):
        branches = []
        for path in paths:
            scope = run.scope_of_step(path, block.step.id)
            if scope is not None and run.scope(scope).step(block.step.id).started_at is not None:
                opened = run.place(scope, block.step.id).path
                names = [branch.id for branch in cast(ParallelStep, block.step).branches]
                branches += [f"{opened}/{name}" for name in names]
        run.need(branches)
