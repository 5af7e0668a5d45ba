"""The verbs that steps share: putting work in front of people, owing effects, failing, holding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine import messages, timing, who, wording
from smr_engine.engine.environment import instant
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Effect, Item, Line
from smr_engine.engine.statuses import (
    CaseStatus,
    EffectKind,
    EffectStatus,
    ItemKind,
    ItemStatus,
    StepStatus,
)
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import Assignment, Retry

# --- items -------------------------------------------------------------------------------------


def open_item(
    run: Run,
    place: Place,
    kind: ItemKind,
    offered: tuple[str, ...],
    *,
    announce: bool = True,
    schedule: timing.Schedule | None = None,
    lines: tuple[Line, ...] = (),
    **more: Any,
) -> str:
    """Open an item of a step with its due time and timers; tell those who are asked.

    Args:
        run: the command under way.
        place: the step.
        kind: what is asked.
        offered: the people who may act.
        announce: owe them a message.
        schedule: its times; left out, those of the step (a repair item has none).
        lines: of an approval's quorum; the schedule says when each is due.
        more: further fields of `ItemOpened`.

    Returns:
        The id of the item.
    """
    step = place.step
    if schedule is None:
        schedule = timing.UNTIMED if kind is ItemKind.REPAIR else timing.schedule_of(step)
    times = timing.times(run, place.scope, schedule, run.calendar(step, offered), run.now)
    item, *timers = run.ids(1 + len(times.planned))
    rules = tuple(map(timer_rule, timers, times.planned))
    fields = dict(more)
    if "title" not in fields:
        fields["title"] = run.text(place.scope, step.title)
    if "message" not in fields:
        fields["message"] = run.text(place.scope, step.help)
    run.emit(
        e.ItemOpened(
            scope=place.scope,
            path=place.path,
            item=item,
            kind_of=kind.value,
            round=run.state(place).round,
            step=step.id,
            offered=offered,
            due_at=times.due_at,
            expires_at=times.expires_at,
            timers=rules,
            lines=tuple(map(dated, lines, times.lines_due)),
            **fields,
        )
    )
    if announce:
        opened = run.scope(place.scope).items[item]
        tell(run, place, who.persons(offered), wording.asked(run, opened), item=item)
    return item


def timer_rule(name: str, planned: timing.Planned) -> e.TimerRule:
    """Return what an event says of a timer that is planned."""
    return e.TimerRule(
        id=name,
        at=planned.at,
        purpose=planned.purpose,
        rule=planned.rule,
        line=planned.line,
        key=planned.key,
    )


def dated(line: Line, due_at: datetime | None) -> Line:
    """Return a quorum line with its own due time, if it has one."""
    return replace(line, due_at=due_at)


def items_of(run: Run, place: Place, kind: ItemKind | None = None) -> list[Item]:
    """Return the items of a step's present round, oldest first."""
    now = run.state(place).round
    return [
        item
        for item in run.scope(place.scope).items.values()
        if item.path == place.path and item.round == now and (kind is None or item.kind is kind)
    ]


def open_items_of(run: Run, place: Place) -> list[Item]:
    """Return the items of a step that are open."""
    return [item for item in items_of(run, place) if item.status is ItemStatus.OPEN]


def close_item(run: Run, scope: str, item: Item, why: str, by_item: str = "") -> None:
    """Close an open item without an answer."""
    status = ItemStatus.SUPERSEDED if by_item else ItemStatus.CANCELLED
    run.emit(
        e.ItemClosed(
            scope=scope, path=item.path, item=item.id, status=status, why=why, by_item=by_item
        )
    )
    release(run)


def release(run: Run) -> None:
    """Let a held case go on once no repair item holds it."""
    if run.header.status is CaseStatus.HELD and not run.header.holds:
        run.emit(e.CaseReleased())


# --- effects -----------------------------------------------------------------------------------


def owe(
    run: Run,
    place: Place,
    kind: EffectKind,
    name: str,
    payload: Any,
    **more: Any,
) -> str:
    """Owe the outside world an effect of a step; return its id."""
    retry = place.step.retry or Retry()
    effect = run.ids(1)[0]
    run.emit(
        e.EffectOwed(
            scope=place.scope,
            path=place.path,
            effect=effect,
            kind_of=kind,
            name=name,
            step=place.step.id,
            round=run.state(place).round,
            key=_key(run, effect),
            leg=run.leg,
            after=run.after,
            retry_attempts=retry.attempts,
            backoff_s=retry.backoff_s,
            timeout_s=retry.timeout_s,
            payload=payload,
            **more,
        )
    )
    return effect


def owe_case(run: Run, name: str, payload: dict[str, Any], place: Place | None = None) -> str:
    """Owe a command to another case of ours (open a child, tell the parent, cancel a child)."""
    effect = run.ids(1)[0]
    run.emit(
        e.EffectOwed(
            scope=place.scope if place else "",
            path=place.path if place else "",
            effect=effect,
            kind_of=EffectKind.CASE,
            name=name,
            step=place.step.id if place else "",
            round=run.state(place).round if place else 1,
            key=_key(run, effect),
            leg=run.leg,
            after=run.after,
            payload=payload,
        )
    )
    return effect


def tell(
    run: Run,
    place: Place,
    to: list[who.RecipientRef],
    words: wording.Words,
    *,
    item: str = "",
) -> None:
    """Owe people a message of ours about a step; what asks for an answer goes to deputies too."""
    people = [ref["id"] for ref in to]
    about = run.scope(place.scope).items.get(item) if words.asks else None
    name = f"tell about {place.step.id}"
    for each in messages.composed(run, messages.with_deputies(run, about, people), words):
        more = {"item": item, "not_before": each.not_before}
        owe(run, place, EffectKind.NOTIFICATION, name, each.payload, **more)


def remind(
    run: Run, place: Place, item: Item, people: messages.Asked, words: wording.Words
) -> None:
    """Owe each of these people a reminder of an item, in place of one that still waits."""
    _tell_each(run, place, item, EffectKind.REMINDER, messages.to_each(run, people, words))


def escalate(
    run: Run, place: Place, item: Item, people: Iterable[str], words: wording.Words
) -> None:
    """Owe each of these people, and deputies, an escalation, in place of one that still waits."""
    asked = messages.with_deputies(run, item, people)
    _tell_each(run, place, item, EffectKind.ESCALATION, messages.to_each(run, asked, words))


_VERBS = {EffectKind.REMINDER: "remind of", EffectKind.ESCALATION: "escalate"}


def _tell_each(
    run: Run, place: Place, item: Item, kind: EffectKind, told: Mapping[str, messages.Message]
) -> None:
    for effect in list(run.scope(place.scope).effects.values()):
        if effect.kind is kind and messages.is_about(effect, item, told):
            cancel_effect(run, place.scope, effect, f"a newer {kind} takes its place")
    for each in told.values():
        payload = {**each.payload, "due": instant(item.due_at)}
        more = {"item": item.id, "not_before": each.not_before}
        owe(run, place, kind, f"{_VERBS[kind]} {place.step.id}", payload, **more)


def tell_about_case(run: Run, people: Iterable[str], words: wording.Words) -> None:
    """Owe people a message of ours that belongs to no step."""
    for each in messages.composed(run, dict.fromkeys(people, ()), words):
        effect = run.ids(1)[0]
        run.emit(
            e.EffectOwed(
                effect=effect,
                kind_of=EffectKind.NOTIFICATION,
                name="tell about the case",
                step="",
                round=1,
                key=_key(run, effect),
                leg=run.leg,
                after=run.after,
                payload=each.payload,
                not_before=each.not_before,
            )
        )


def effects_of(run: Run, place: Place, *kinds: EffectKind) -> list[Effect]:
    """Return the effects of a step's present round, announcements of its items left out."""
    now = run.state(place).round
    return [
        effect
        for effect in run.scope(place.scope).effects.values()
        if effect.path == place.path
        and effect.round == now
        and not effect.item
        and effect.kind in kinds
    ]


def cancel_effect(run: Run, scope: str, effect: Effect, why: str) -> None:
    """Let an effect that has not begun go."""
    if effect.status in {EffectStatus.OWED, EffectStatus.UNKNOWN}:
        run.emit(e.EffectCancelled(scope=scope, path=effect.path, effect=effect.id, why=why))


def _key(run: Run, effect: str) -> str:
    """Return an idempotency key: stable for the effect, and of no other workspace's case."""
    unique = f"{effect}|{instant(run.header.opened_at)}|{run.header.requester}"
    return f"{effect}-{hashlib.sha256(unique.encode()).hexdigest()[:16]}"


# --- steps -------------------------------------------------------------------------------------


def start(run: Run, place: Place) -> None:
    """Mark a step as begun."""
    run.emit(
        e.StepStarted(
            scope=place.scope,
            path=place.path,
            kind_of=place.step.kind,
            round=run.state(place).round,
        )
    )


def set_timer(run: Run, place: Place, at: datetime, purpose: str) -> None:
    """Let a step wait for an instant; the timer goes when the step is over."""
    timer = run.ids(1)[0]
    run.emit(e.TimerSet(scope=place.scope, path=place.path, timer=timer, at=at, purpose=purpose))


def complete(
    run: Run,
    place: Place,
    outcome: str = "done",
    output: Any = None,
    by: str = "",
) -> None:
    """Mark a step as over; the caller lets its list go on."""
    state = run.state(place)
    run.emit(
        e.StepCompleted(
            scope=place.scope,
            path=place.path,
            round=state.round,
            outcome=outcome,
            output=output,
            by=by,
        )
    )


def skip(run: Run, place: Place, reason: str) -> None:
    """Mark a step as skipped, with the reason."""
    run.emit(
        e.StepSkipped(
            scope=place.scope, path=place.path, round=run.state(place).round, reason=reason
        )
    )


def fail(run: Run, place: Place, reason: str, outcome: str = "failed") -> None:
    """Mark a step as failed; unless it may be passed over, hold the case with a repair item.

    What it has asked and not yet begun is taken back. A publication whose outcome is unknown
    keeps its repair item: somebody still has to look.
    """
    if run.state(place).status is StepStatus.WAITING:
        start(run, place)
    for item in open_items_of(run, place):
        if item.kind is not ItemKind.REPAIR:
            close_item(run, place.scope, item, "the step failed")
    for effect in effects_of(run, place, *EffectKind):
        if effect.status is EffectStatus.OWED:
            cancel_effect(run, place.scope, effect, "the step failed")
    run.emit(
        e.StepFailed(
            scope=place.scope,
            path=place.path,
            round=run.state(place).round,
            outcome=outcome,
            reason=reason,
        )
    )
    if place.step.on_failure != "continue":
        hold(run, place, reason)


def hold(run: Run, place: Place, reason: str, effect: str = "") -> str:
    """Open a repair item that holds the case until it is answered; return its id."""
    item = open_item(
        run,
        place,
        ItemKind.REPAIR,
        repairers(run, place),
        title=f"Repair: {title_of(run, place)}",
        message=reason,
        effect=effect,
        holds=True,
    )
    run.emit(e.CaseHeld(scope=place.scope, path=place.path, item=item))
    return item


def title_of(run: Run, place: Place) -> str:
    """Return a step's title, with gaps where its names cannot be filled in."""
    try:
        return run.text(place.scope, place.step.title)
    except ExpressionError:
        return place.step.title.blank


def repairers(run: Run, place: Place) -> tuple[str, ...]:
    """Return who settles what went wrong at a step: its `on_failure`, else the owner."""
    named = place.step.on_failure
    return who.told(run, place.scope, named.parties if isinstance(named, Assignment) else ())
