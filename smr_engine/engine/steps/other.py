"""Wait, call, set, playbook and end."""

from __future__ import annotations

from typing import cast

from smr_engine.engine import events as e
from smr_engine.engine import flow, timing, who, work
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Json
from smr_engine.engine.statuses import EffectKind, EffectStatus
from smr_engine.engine.steps import rescoring
from smr_engine.engine.timing import instant_of
from smr_engine.playbook.model import CallStep, EndStep, PlaybookStep, SetStep, WaitStep

# --- wait --------------------------------------------------------------------------------------


def start_wait(run: Run, place: Place) -> None:
    """Wait for a time, until an instant, or for a signal."""
    step = cast(WaitStep, place.step)
    if step.signal is not None:
        key = _key(run, place, step)
        expires = timing.due_at(run, place.scope, step.expires, run.calendar(step), run.now)
        work.start(run, place)
        run.emit(e.SignalAwaited(scope=place.scope, path=place.path, signal=step.signal, key=key))
        if expires is not None:
            work.set_timer(run, place, expires, timing.EXPIRE)
        return
    if step.until is not None:
        at = instant_of(run.evaluate(place.scope, step.until))
    else:
        at = timing.later(run.now, run.varied(step.duration), run.calendar(step))
    work.start(run, place)
    work.set_timer(run, place, at, "wait")


def _key(run: Run, place: Place, step: WaitStep) -> str:
    key = run.text(place.scope, step.key)
    if step.key is not None and not key:
        message = "the key of this wait is empty, so it would hear every signal of its name"
        raise StepProblemError(message)
    return key


def is_too_late(run: Run, place: Place) -> bool:
    """Return whether a wait has expired, whether its timer has fired yet or not."""
    timers = run.scope(place.scope).timers.values()
    ends = (t for t in timers if t.path == place.path and t.purpose == timing.EXPIRE)
    return any(timer.at <= run.now for timer in ends)


def wait_over(run: Run, place: Place) -> None:
    """Go on after the time of a wait has come."""
    work.complete(run, place, "elapsed")
    flow.resume(run, place)


def signalled(run: Run, place: Place, key: str, payload: Json) -> None:
    """Go on after the signal a wait listens for."""
    step = cast(WaitStep, place.step)
    run.emit(
        e.SignalReceived(
            scope=place.scope,
            path=place.path,
            signal=step.signal or "",
            key=key,
            payload=payload,
        )
    )
    work.complete(run, place, "signalled", payload, run.actor.id)
    flow.resume(run, place)


# --- call --------------------------------------------------------------------------------------


def start_call(run: Run, place: Place) -> None:
    """Owe a call to another system; in a drill it is only recorded."""
    step = cast(CallStep, place.step)
    arguments = run.resolve(place.scope, dict(step.arguments))
    work.start(run, place)
    payload = {"uses": step.uses, "with": arguments}
    effect = work.owe(run, place, EffectKind.CALL, f"call {step.uses}", payload)
    if run.header.drill:
        result = {"withheld": True}
        run.emit(e.EffectDone(scope=place.scope, path=place.path, effect=effect, result=result))
        work.complete(run, place, "done", result)


def called(run: Run, place: Place, result: Json) -> None:
    """Go on with what a call returned."""
    work.complete(run, place, "done", result)
    flow.resume(run, place)


# --- set and end -------------------------------------------------------------------------------


def start_set(run: Run, place: Place) -> None:
    """Name values for later steps, and score the case again if the step says so.

    Raises:
        StepProblemError: there is no such severity.
    """
    step = cast(SetStep, place.step)
    values = run.resolve(place.scope, dict(step.values))
    level = run.text(place.scope, step.severity)
    reason = run.text(place.scope, step.reason)
    problem = rescoring.why_no_level(run, level) if level else ""
    if problem:
        raise StepProblemError(problem)
    work.start(run, place)
    if level and level != run.severity:
        rescoring.rescore(run, level, reason)
    work.complete(run, place, "done", values)


def start_end(run: Run, place: Place) -> None:
    """End the case here, or the enclosing element, round or branch."""
    step = cast(EndStep, place.step)
    work.start(run, place)
    work.complete(run, place, step.outcome)
    flow.end_with(run, place, step.outcome, step.of)


# --- playbook ----------------------------------------------------------------------------------


def start_playbook(run: Run, place: Place) -> None:
    """Owe the opening of another playbook's case, pinned to the version of this case's opening."""
    step = cast(PlaybookStep, place.step)
    inputs = run.resolve(place.scope, dict(step.inputs))
    documents, authors = {}, {}
    for name in step.hands_over:
        found = run.scope(run.find_document(place.scope, name)).documents.get(name)
        if found is not None:
            documents[name] = found.text
            authors[name] = sorted(who.authors(run, place.scope, name) - {""})
    work.start(run, place)
    payload = {
        "do": "open_child",
        "playbook": step.playbook,
        "digest": run.header.pins[step.playbook],
        "inputs": inputs,
        "documents": documents,
        "authors": authors,
        "drill": run.header.drill,
        "requester": run.header.requester,
        "parent": run.header.ref,
        "waits": step.wait_until_done,
    }
    work.owe_case(run, f"open {step.playbook}", payload, place)


def child_opened(run: Run, place: Place, result: Json) -> None:
    """Go on after the child was opened, if the step does not wait for its end."""
    if not cast(PlaybookStep, place.step).wait_until_done:
        work.complete(run, place, "done", {"case": result["case"]})
        flow.resume(run, place)


def note_child(run: Run, place: Place, round_: int, child: str) -> None:
    """Note that a child case was opened in a round of a step."""
    run.emit(
        e.ChildOpened(
            scope=place.scope,
            path=place.path,
            child=child,
            step=place.step.id,
            round=round_,
            waits=cast(PlaybookStep, place.step).wait_until_done,
        )
    )


def child_ended(run: Run, place: Place, child: str, outcome: str, results: Json) -> None:
    """Go on with the outcome and the results of the child.

    Whoever opened it may have been lost before reporting that; its end is proof enough.
    """
    for effect in work.effects_of(run, place, EffectKind.CASE):
        if effect.status is EffectStatus.OWED:
            opened = {"case": child}
            run.emit(
                e.EffectDone(scope=place.scope, path=place.path, effect=effect.id, result=opened)
            )
    work.complete(run, place, outcome, dict(results))
    flow.resume(run, place)
