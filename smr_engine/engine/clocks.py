"""Clocks: deadlines that run from a recorded fact, whoever works on what.

Each is tried after every command: it starts when its `runs_from` first yields an instant, or is not
needed if its `when` does not hold then; it is met by a step, or when the owner says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine import timing, who, wording, work
from smr_engine.engine.changes import step_id
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Run
from smr_engine.engine.state import ClockState, StepState, Timer
from smr_engine.engine.statuses import ClockStatus, StepStatus
from smr_engine.errors import NotFound, Refusal
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import Clock


def tick(run: Run) -> None:
    """Start and meet clocks as far as what this command did allows."""
    if run.closed or not run.events:
        return
    for clock in run.playbook.clocks:
        if clock.id not in run.header.clocks:
            _try(run, clock)
        elif is_running(run.header.clocks[clock.id]):
            for event in _completions(run, clock):
                _meet(run, clock.id, run.now, event.by)
                break


def is_running(state: ClockState) -> bool:
    """Return whether a clock has started and is not met."""
    return state.status is ClockStatus.RUNNING


def meet(run: Run, command: c.MeetClock) -> None:
    """Take somebody's word that what a clock asks for was done.

    Raises:
        NotFound: the playbook has no such clock.
        Refusal: it does not run.
    """
    known = {clock.id: clock for clock in run.playbook.clocks}
    if command.clock not in known:
        names = ", ".join(known) or "none"
        message = f"{run.playbook.name} has no clock '{command.clock}'"
        raise NotFound("unknown-clock", message, hint=f"there are: {names}")
    state = run.header.clocks.get(command.clock)
    if state is None or not is_running(state):
        standing = "has not started yet" if state is None else f"is {state.status.words}"
        again = " already" if state and state.status is ClockStatus.MET else ""
        message = f"{command.clock} {standing}{again}"
        raise Refusal("clock-not-running", message, where=run.header.ref)
    run.after = f"clock {command.clock}"
    _meet(run, command.clock, run.now, run.actor.id, command.note)


def fire(run: Run, timer: Timer) -> None:
    """Remind the owner of a clock, or tell those whom it escalates to."""
    clock = next(each for each in run.playbook.clocks if each.id == timer.clock)
    people = who.owners(run)
    if timer.purpose == timing.ESCALATE:
        rules = run.varied(clock.escalate) or ()
        people = who.told(run, "", rules[timer.rule].to if timer.rule < len(rules) else ())
    fired = timing.Planned(timer.at, timer.purpose, timer.rule, key=timer.key)
    following = timing.again(run, schedule_of(clock), fired, run.calendar())
    run.emit(
        e.ClockTold(
            clock=clock.id,
            timer=timer.id,
            purpose=timer.purpose,
            people=people,
            next=work.timer_rule(run.ids(1)[0], following) if following else None,
        )
    )
    state = run.header.clocks[clock.id]
    escalated = timer.purpose == timing.ESCALATE
    words = wording.clock(run, clock.id, state, escalated=escalated)
    work.tell_about_case(run, people, words)


def stop(run: Run) -> None:
    """Let the last step of a case start or meet clocks, then tell the owner what was not met."""
    tick(run)
    left = [state for state in run.header.clocks.values() if is_running(state)]
    if left:
        work.tell_about_case(run, who.owners(run), wording.clocks_left(run, left))


def schedule_of(clock: Clock) -> timing.Schedule:
    """Return what is owed around a clock."""
    return timing.Schedule(clock.due, clock.remind, clock.escalate)


def times_of(run: Run, clock: Clock, start: datetime) -> timing.Times:
    """Return when a clock that runs from `start` is due, and what is owed around that.

    A clock of which that cannot be computed is due at once: better too early than never.
    """
    try:
        return timing.times(run, "", schedule_of(clock), run.calendar(), start)
    except (ExpressionError, StepProblemError):
        return timing.Times(start, (), None, (timing.Planned(start, timing.REMIND),))


# --- details -----------------------------------------------------------------------------------


def _try(run: Run, clock: Clock) -> None:
    start = _instant(run, clock)
    if start is None:
        return
    because = _why_not_needed(run, clock)
    if because:
        run.emit(e.ClockNotNeeded(clock=clock.id, title=clock.title, because=because))
        return
    times = times_of(run, clock, start)
    remaining = timing.remaining(run, schedule_of(clock), times.planned, run.calendar())
    rules = map(work.timer_rule, run.ids(len(remaining.planned)), remaining.planned)
    run.emit(
        e.ClockStarted(
            clock=clock.id,
            title=clock.title,
            runs_from=start,
            due_at=times.due_at or start,
            timers=tuple(rules),
            passed=remaining.passed,
        )
    )
    done = _met_before(run, clock)
    if done is not None:
        _meet(run, clock.id, done.completed_at or run.now, done.completed_by)


def _instant(run: Run, clock: Clock) -> datetime | None:
    """Return the instant that a clock runs from; None while there is none."""
    try:
        value = run.evaluate("", clock.runs_from)
        return timing.instant_of(value) if value else None
    except (ExpressionError, StepProblemError):
        return None


def _why_not_needed(run: Run, clock: Clock) -> str:
    """Return why a clock is not needed; empty if it is, and where that cannot be told."""
    try:
        if clock.when is None or run.evaluate("", clock.when):
            return ""
        return run.explain("", clock.when)
    except ExpressionError:
        return ""


def _completions(run: Run, clock: Clock) -> Iterator[e.StepCompleted]:
    """Yield the completions of the step that meets a clock, in whatever scope it ran."""
    for event in run.events:
        if isinstance(event, e.StepCompleted) and step_id(event.path) == clock.met_by:
            yield event


def _met_before(run: Run, clock: Clock) -> StepState | None:
    """Return the state of the step that meets a clock if it was completed before the clock ran."""
    if clock.met_by is None:
        return None
    state = run.visible_state("", clock.met_by)
    return state if state.status is StepStatus.COMPLETED else None


def _meet(run: Run, clock: str, at: datetime, by: str, note: str = "") -> None:
    run.emit(e.ClockMet(clock=clock, met_at=at, by=by, note=note))
