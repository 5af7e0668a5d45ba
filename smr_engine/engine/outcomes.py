"""What the world answers: effects tried, children that ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine import flow, who, wording, work
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Effect, Json
from smr_engine.engine.statuses import EffectKind, EffectStatus, StepStatus
from smr_engine.engine.steps import other, publishing, telling
from smr_engine.errors import NotFound, Refusal
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import PlaybookStep

POLL_S = 30
"""How long to wait before asking again about a call that goes on elsewhere, in seconds."""
LONGEST_PAUSE_S = 86_400
"""Between two tries of an effect, in seconds."""


# --- effects -----------------------------------------------------------------------------------


def begin_publication(run: Run, command: c.BeginPublication) -> None:
    """Check the approval again under the lock and mark the publication as begun.

    Raises:
        Refusal: `effect-settled`: it is not owed any more; `publication-unwanted`: it has begun
            already, and its step has been cancelled or has failed since.
    """
    scope, effect = _effect(run, command.effect)
    run.continue_leg(effect.leg, effect.after)
    if effect.status is EffectStatus.SENDING:
        if _active_place(run, scope, effect) is None:
            message = f"{effect.name}: its step is over"
            raise Refusal("publication-unwanted", message, where=effect.id)
        return
    if effect.status is not EffectStatus.OWED:
        message = f"{effect.id} is {effect.status}"
        raise Refusal("effect-settled", message, where=effect.id)
    publishing.begin(run, run.place(scope, effect.step), effect)


def report(run: Run, command: c.ReportEffect) -> None:
    """Take the outcome of one try.

    A late outcome (the lease was lost, or the effect is settled) is kept as evidence only.
    """
    scope, effect = _effect(run, command.effect)
    run.continue_leg(effect.leg, effect.after)
    if command.stale or effect.status not in {EffectStatus.OWED, EffectStatus.SENDING}:
        run.emit(
            e.OutcomeNoted(
                scope=scope,
                path=effect.path,
                effect=effect.id,
                outcome=command.outcome.value,
                result=command.result,
            )
        )
        return
    _REPORTS[command.outcome](run, scope, effect, command)


def _done(run: Run, scope: str, effect: Effect, command: c.ReportEffect) -> None:
    run.emit(e.EffectDone(scope=scope, path=effect.path, effect=effect.id, result=command.result))
    go_on(run, scope, effect, command.result)
    if _given_up(run, scope, effect):
        _tell_owners(run, f"{wording.deed(run, effect)} went out before it could be stopped")


def go_on(run: Run, scope: str, effect: Effect, result: Json) -> None:
    """Go on after an effect was done; a step that cannot go on fails, what was done stays done."""
    place = _active_place(run, scope, effect)
    if place is None:
        return
    try:
        if effect.kind is EffectKind.PUBLICATION:
            publishing.published(run, place)
        elif effect.kind is EffectKind.NOTIFICATION:
            telling.told_all(run, place)
        elif effect.kind is EffectKind.CALL:
            other.called(run, place, result)
        elif isinstance(place.step, PlaybookStep):
            other.child_opened(run, place, result)
    except (ExpressionError, StepProblemError) as problem:
        flow.fail(run, place, str(problem))


def _unavailable(run: Run, scope: str, effect: Effect, command: c.ReportEffect) -> None:
    """Owe it again after a growing pause; after the last attempt it has failed.

    What no step waits for any more (cancelled while it was going out) is not tried again.
    """
    last = effect.attempts + command.tries >= effect.retry_attempts
    wanted = effect.item or not effect.step or _active_place(run, scope, effect) is not None
    if last or not wanted:
        _refused(run, scope, effect, command)
        return
    made = effect.attempts + command.tries
    pause_s = min(effect.backoff_s * 2 ** min(made - 1, 20), LONGEST_PAUSE_S)
    run.emit(
        e.EffectDeferred(
            scope=scope,
            path=effect.path,
            effect=effect.id,
            at=run.now + timedelta(seconds=pause_s),
            tries=command.tries,
            reason=command.reason,
            result=command.result,
        )
    )


def _pending(run: Run, scope: str, effect: Effect, command: c.ReportEffect) -> None:
    run.emit(
        e.EffectDeferred(
            scope=scope,
            path=effect.path,
            effect=effect.id,
            at=run.now + timedelta(seconds=POLL_S),
            tries=0,
            result=command.result,
        )
    )


def _refused(run: Run, scope: str, effect: Effect, command: c.ReportEffect) -> None:
    run.emit(
        e.EffectFailed(
            scope=scope,
            path=effect.path,
            effect=effect.id,
            reason=command.reason,
            result=command.result,
        )
    )
    place = _active_place(run, scope, effect)
    if place is not None:
        flow.fail(run, place, f"{wording.deed(run, effect)}: {command.reason}")


def _unknown(run: Run, scope: str, effect: Effect, command: c.ReportEffect) -> None:
    run.emit(
        e.EffectUnknown(scope=scope, path=effect.path, effect=effect.id, reason=command.reason)
    )
    if _given_up(run, scope, effect):
        _tell_owners(
            run, f"{wording.deed(run, effect)} may or may not have gone out ({command.reason})"
        )
    if effect.item or not effect.step or not run.alive(scope):
        return
    place = run.place(scope, effect.step)
    if run.state(place).status in {StepStatus.ACTIVE, StepStatus.FAILED}:
        happened = f"may or may not have happened ({command.reason}). Look, then say."
        work.hold(run, place, f"{wording.deed(run, effect)} {happened}", effect.id)


_REPORTS = {
    c.Outcome.DONE: _done,
    c.Outcome.UNAVAILABLE: _unavailable,
    c.Outcome.PENDING: _pending,
    c.Outcome.REFUSED: _refused,
    c.Outcome.UNKNOWN: _unknown,
}


def _active_place(run: Run, scope: str, effect: Effect) -> Place | None:
    """Return the step an effect moves on; None for messages about items and steps gone on."""
    if effect.item or not effect.step or not run.alive(scope):
        return None
    place = run.place(scope, effect.step)
    state = run.state(place)
    return place if state.status is StepStatus.ACTIVE and state.round == effect.round else None


def _given_up(run: Run, scope: str, effect: Effect) -> bool:
    """Return whether the step of a publication was cancelled or skipped while it was going out."""
    if effect.kind is not EffectKind.PUBLICATION:
        return False
    status = run.scope(scope).step(effect.step).status
    return status in {StepStatus.CANCELLED, StepStatus.SKIPPED}


def _tell_owners(run: Run, what: str) -> None:
    """Tell the owners what no item asks them about any more."""
    work.tell_about_case(run, who.owners(run), wording.although_stopped(run, what))


def _effect(run: Run, name: str) -> tuple[str, Effect]:
    for path, scope in run.case.scopes.items():
        if name in scope.effects:
            return path, scope.effects[name]
    raise NotFound("unknown-effect", f"there is no effect {name}")


# --- children ----------------------------------------------------------------------------------


def note_child(run: Run, command: c.NoteChild) -> None:
    """Note a child case that is opened in the same transaction.

    Raises:
        Refusal: it is no longer wanted; then it is not opened.
    """
    scope, effect = _effect(run, command.effect)
    if effect.status is not EffectStatus.OWED:
        raise Refusal("effect-settled", f"{effect.id} is {effect.status}", where=effect.id)
    other.note_child(run, run.place(scope, effect.step), effect.round, command.child)


def end_child(run: Run, command: c.EndChild) -> None:
    """Take the end of a child case; a step that waits for it goes on."""
    child = run.header.children.get(command.child)
    if child is None or child.ended:
        return
    run.need([child.scope])
    place = run.place(child.scope, child.step)
    run.after = f"{command.child} ended"
    results: dict[str, Any] = dict(command.results)
    run.emit(
        e.ChildEnded(
            scope=child.scope,
            path=place.path,
            child=command.child,
            outcome=command.outcome,
            results=results,
        )
    )
    state = run.state(place)
    active = run.alive(child.scope) and state.status is StepStatus.ACTIVE
    if child.waits and active and state.round == child.round:
        other.child_ended(run, place, command.child, command.outcome, results)
