"""Expiry: what an item does when nobody has answered it in time. Silence never approves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from smr_engine.engine import events as e
from smr_engine.engine import flow, policy, timing, who, wording, work
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Timer
from smr_engine.engine.statuses import ItemKind, ItemStatus, StepStatus
from smr_engine.engine.steps import approvals, people, ratifying, telling
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import OnExpiry

EXPIRED = "expired"
LATE = "it was not answered in time"


def item_expired(run: Run, place: Place, item: Item) -> None:
    """Close an item that nobody has answered in time, and do what its step says then."""
    run.emit(
        e.ItemClosed(
            scope=place.scope,
            path=place.path,
            item=item.id,
            status=ItemStatus.EXPIRED,
            why=LATE,
        )
    )
    state = run.state(place)
    late = run.scope(place.scope).items[item.id]
    if late.ratifies:
        ratifying.unratified(run, place, late, "late", "it was not ratified in time")
    elif state.status is StepStatus.ACTIVE and state.round == item.round:
        _CONSEQUENCES[place.step.on_expiry](run, place, late)
    if item.kind is not ItemKind.ACKNOWLEDGEMENT:
        asked = who.persons((*item.offered, *item.escalated))
        words = wording.expired(run, item, consequence(place, item))
        work.tell(run, place, asked, words, item=item.id)


def wait_expired(run: Run, scope: str, timer: Timer) -> None:
    """End a wait for something that did not come in time."""
    place = run.place(scope, timer.step)
    run.emit(e.TimerFired(scope=scope, path=timer.path, timer=timer.id))
    reason = "what it waited for did not come in time"
    if place.step.on_expiry is OnExpiry.SKIP:
        approvals.pass_over(run, place, reason)
    else:
        flow.fail(run, place, reason, EXPIRED)


def consequence(place: Place, item: Item) -> str:
    """Return what an expiry means, as the end of a sentence."""
    step = place.step
    if item.ratifies:
        return "the release is marked as unratified"
    if step.on_expiry is OnExpiry.REJECT and step.kind == "approval":
        return "it counts as rejected"
    if step.on_expiry is OnExpiry.SKIP:
        return "the case goes on without it"
    if step.on_expiry is OnExpiry.ESCALATE:
        return "others are asked instead"
    if step.on_failure == "continue":
        return "it has failed, and the case goes on"
    return "it has failed, and the case is held"


# --- what on_expiry says -----------------------------------------------------------------------


def _fail(run: Run, place: Place, item: Item) -> None:
    flow.fail(run, place, f"{item.title}: {LATE}", EXPIRED)


def _reject(run: Run, place: Place, item: Item) -> None:
    """Count silence as a rejection; what is no approval cannot be rejected, and fails."""
    if item.kind is ItemKind.APPROVAL:
        approvals.rejected(run, place, f"{item.title} was rejected, for {LATE}")
    else:
        _fail(run, place, item)


def _skip(run: Run, place: Place, item: Item) -> None:
    """Go on without an answer; where several were asked for theirs, without this person's."""
    if item.kind is ItemKind.ACKNOWLEDGEMENT:
        telling.told_all(run, place)
        return
    done = [i for i in work.items_of(run, place, item.kind) if i.status is ItemStatus.COMPLETED]
    several = item.kind is ItemKind.TASK
    if several and work.open_items_of(run, place):
        return
    if several and done:
        people.all_done(run, place, done[-1].closed_by)
        return
    approvals.pass_over(run, place, LATE)


def _escalate(run: Run, place: Place, item: Item) -> None:
    """Ask the last escalation target instead, else the owner; of an approval the quorum stays."""
    targets = tuple(p for p in _targets(run, place) if p not in item.excluded)
    schedule = replace(timing.schedule_of(place.step), expires=None)
    try:
        if item.kind is ItemKind.APPROVAL:
            _ask_again(run, place, item, targets, schedule)
        else:
            _ask_instead(run, place, item, targets, schedule)
    except (ExpressionError, StepProblemError) as problem:
        flow.fail(run, place, str(problem))


def _targets(run: Run, place: Place) -> tuple[str, ...]:
    rules = run.varied(timing.schedule_of(place.step).escalate) or ()
    return who.told(run, place.scope, rules[-1].to if rules else ())


def _ask_again(
    run: Run, place: Place, item: Item, targets: tuple[str, ...], schedule: timing.Schedule
) -> None:
    question = approvals.resolve(run, place)
    again = approvals.ask(run, place, question, item, schedule=schedule, escalated=targets)
    asked = run.scope(place.scope).items[again]
    names = ", ".join(policy.name_of(run.world, p) for p in question.eligible)
    work.escalate(run, place, asked, targets, wording.escalation(run, asked, names))


def _ask_instead(
    run: Run, place: Place, item: Item, targets: tuple[str, ...], schedule: timing.Schedule
) -> None:
    if not targets:
        message = f"{item.title}: {LATE}, and there is nobody else to ask"
        raise StepProblemError(message)
    work.open_item(
        run,
        place,
        item.kind,
        targets,
        schedule=schedule,
        title=item.title,
        message=item.message,
        subject=item.subject,
        bundle=item.bundle,
        excluded=item.excluded,
        previous=item.id,
    )


_CONSEQUENCES: Mapping[OnExpiry, Callable[[Run, Place, Item], None]] = {
    OnExpiry.FAIL: _fail,
    OnExpiry.REJECT: _reject,
    OnExpiry.SKIP: _skip,
    OnExpiry.ESCALATE: _escalate,
}
