"""What instants ask for: waits that are over, beats, publications, reminders, expiries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from smr_engine.engine import clocks, expiry, messages, policy, quorum, timing, who, wording, work
from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Line, Timer
from smr_engine.engine.statuses import ItemKind
from smr_engine.engine.steps import approvals, blocks, other, publishing


def fire(run: Run, command: c.FireTimer) -> None:
    """Do what an instant asks for; a stale timer is a no-op.

    An item whose time is up expires with whichever of its timers comes first: nobody is reminded
    of what can no longer be answered.
    """
    for path, scope in run.case.scopes.items():
        timer = scope.timers.get(command.timer)
        if timer is not None and timer.at <= run.now:
            run.after = timer.purpose
            if timer.clock:
                clocks.fire(run, timer)
                return
            item = scope.items.get(timer.item)
            if item is not None and policy.has_expired(item, run.now):
                expiry.item_expired(run, run.place(path, timer.step), item)
            else:
                _FIRED[timer.purpose](run, path, timer)
            return


def _wait(run: Run, scope: str, timer: Timer) -> None:
    run.emit(e.TimerFired(scope=scope, path=timer.path, timer=timer.id))
    other.wait_over(run, run.place(scope, timer.step))


def _beat(run: Run, scope: str, timer: Timer) -> None:
    run.emit(e.TimerFired(scope=scope, path=timer.path, timer=timer.id))
    blocks.next_round(run, run.place(scope, timer.step))


def _publish(run: Run, scope: str, timer: Timer) -> None:
    run.emit(e.TimerFired(scope=scope, path=timer.path, timer=timer.id))
    publishing.time_has_come(run, run.place(scope, timer.step))


def _remind(run: Run, scope: str, timer: Timer) -> None:
    """Remind those who have not answered."""
    item = run.scope(scope).items[timer.item]
    place = run.place(scope, timer.step)
    if _held(run, place, item):
        return
    people = messages.to_remind(run, item, _unanswered(run, item, timer))
    run.emit(
        e.ItemReminded(
            scope=scope,
            path=timer.path,
            item=item.id,
            timer=timer.id,
            people=tuple(people),
            later=messages.put_off(run, people),
            next=_next(run, place, timer),
        )
    )
    due = _as_due(item, timer)
    work.remind(run, place, due, people, wording.reminder(run, due, _ahead(run, place, item)))


def _warn(run: Run, scope: str, timer: Timer) -> None:
    """Tell those who have not answered what happens at the expiry, and when that is."""
    item = run.scope(scope).items[timer.item]
    place = run.place(scope, timer.step)
    if _held(run, place, item):
        return
    people = messages.to_remind(run, item, _unanswered(run, item, timer))
    run.emit(
        e.ItemWarned(
            scope=scope,
            path=timer.path,
            item=item.id,
            timer=timer.id,
            people=tuple(people),
            later=messages.put_off(run, people),
        )
    )
    work.remind(run, place, item, people, wording.warning(run, item, _ahead(run, place, item)))


def _escalate(run: Run, scope: str, timer: Timer) -> None:
    """Tell the next level why, and let them act."""
    item = run.scope(scope).items[timer.item]
    place = run.place(scope, timer.step)
    if _held(run, place, item):
        return
    late = _unanswered(run, item, timer)
    told = _escalated_to(run, place, timer) if late or timer.line is None else ()
    people = tuple(p for p in told if p not in item.excluded)
    run.emit(
        e.ItemEscalated(
            scope=scope,
            path=timer.path,
            item=item.id,
            timer=timer.id,
            people=people,
            later=messages.put_off(run, people),
            next=_next(run, place, timer),
        )
    )
    waits_for = ", ".join(policy.name_of(run.world, p) for p in late) or "nobody"
    due = _as_due(item, timer)
    work.escalate(run, place, due, people, wording.escalation(run, due, waits_for))


def _escalated_to(run: Run, place: Place, timer: Timer) -> tuple[str, ...]:
    rules = run.varied(timing.schedule_of(place.step).escalate) or ()
    return who.told(run, place.scope, rules[timer.rule].to if timer.rule < len(rules) else ())


def _ahead(run: Run, place: Place, item: Item) -> wording.Ahead:
    """Return what comes next for an item: whom it escalates to and when, and how it expires."""
    timers = run.scope(place.scope).timers.values()
    coming = [
        t for t in timers if t.item == item.id and t.purpose == timing.ESCALATE and t.at > run.now
    ]
    ends = expiry.consequence(place, item)
    if not coming:
        return wording.Ahead(expiry=ends)
    first = min(coming, key=lambda timer: timer.at)
    to = [p for p in _escalated_to(run, place, first) if p not in item.excluded]
    names = ", ".join(policy.name_of(run.world, p) for p in to)
    return wording.Ahead(first.at if to else None, names, ends)


def _held(run: Run, place: Place, item: Item) -> bool:
    """Hold the case instead of reminding of an approval that nobody can grant any more."""
    approval = item.kind is ItemKind.APPROVAL
    return approval and approvals.hold_if_nobody_is_left(run, place, item)


_FIRED = {
    "wait": _wait,
    "beat": _beat,
    publishing.PUBLISH: _publish,
    "remind": _remind,
    "escalate": _escalate,
    "warn": _warn,
    "expire": expiry.wait_expired,  # of an item: see `fire`
}


def _next(run: Run, place: Place, timer: Timer) -> e.TimerRule | None:
    fired = timing.Planned(timer.at, timer.purpose, timer.rule, timer.line, timer.key)
    calendar = run.calendar(place.step, run.scope(place.scope).items[timer.item].offered)
    planned = timing.again(run, timing.schedule_of(place.step), fired, calendar)
    return work.timer_rule(run.ids(1)[0], planned) if planned else None


def _as_due(item: Item, timer: Timer) -> Item:
    """Return an item as due as the quorum line that a timer counts from."""
    if timer.line is None:
        return item
    return replace(item, due_at=item.lines[timer.line].due_at, lines=())


def _unanswered(run: Run, item: Item, timer: Timer) -> tuple[str, ...]:
    """Return who was asked and is waited for; for approvals by role, as of now."""
    if item.kind is ItemKind.APPROVAL:
        roles = [role for line in _lines(run, item, timer) for role in line.roles]
        asked = policy.people_acting_in(run.world, roles, run.now)
    else:
        asked = (*item.offered, *item.escalated)
    return policy.awaited(run.world, item, asked, run.now)


def _lines(run: Run, item: Item, timer: Timer) -> Iterable[Line]:
    """Return the lines that a timer is about: its own while it is not filled, or those without."""
    if timer.line is not None:
        filled = quorum.filled(item.lines, item.votes, run.world)
        missing = filled.have[timer.line] < filled.need[timer.line]
        return item.lines[timer.line : timer.line + 1] if missing else ()
    if timer.purpose == timing.WARN:
        return item.lines
    return [line for line in item.lines if line.due_at is None]
