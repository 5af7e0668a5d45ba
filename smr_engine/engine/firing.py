"""What instants ask for: waits that are over, beats, publications, reminders, expiries."""

from __future__ import annotations

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine import expiry, policy, timing, who, wording, work
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Timer
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
    people = _unanswered(run, item)
    run.emit(
        e.ItemReminded(
            scope=scope,
            path=timer.path,
            item=item.id,
            timer=timer.id,
            people=people,
            next=_next(run, place, timer),
        )
    )
    work.tell(run, place, who.persons(people), wording.reminder(run, item), item=item.id)


def _warn(run: Run, scope: str, timer: Timer) -> None:
    """Tell those who have not answered what happens at the expiry, and when that is."""
    item = run.scope(scope).items[timer.item]
    place = run.place(scope, timer.step)
    if _held(run, place, item):
        return
    people = _unanswered(run, item)
    run.emit(
        e.ItemWarned(scope=scope, path=timer.path, item=item.id, timer=timer.id, people=people)
    )
    words = wording.warning(run, item, expiry.consequence(place))
    work.tell(run, place, who.persons(people), words, item=item.id)


def _escalate(run: Run, scope: str, timer: Timer) -> None:
    """Tell the next level why, and let them act."""
    item = run.scope(scope).items[timer.item]
    place = run.place(scope, timer.step)
    if _held(run, place, item):
        return
    rules = run.varied(timing.schedule_of(place.step).escalate) or ()
    parties = rules[timer.rule].to if timer.rule < len(rules) else ()
    people = tuple(p for p in who.told(run, scope, parties) if p not in item.excluded)
    run.emit(
        e.ItemEscalated(
            scope=scope,
            path=timer.path,
            item=item.id,
            timer=timer.id,
            people=people,
            next=_next(run, place, timer),
        )
    )
    waits_for = ", ".join(policy.name_of(run.world, p) for p in _unanswered(run, item)) or "nobody"
    words = wording.escalation(run, item, waits_for)
    work.tell(run, place, who.persons(people), words, item=item.id)


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
    fired = timing.Planned(timer.at, timer.purpose, timer.rule)
    calendar = run.calendar(place.step, run.scope(place.scope).items[timer.item].offered)
    planned = timing.again(run, timing.schedule_of(place.step), fired, calendar)
    if planned is None:
        return None
    return e.TimerRule(id=run.ids(1)[0], at=planned.at, purpose=planned.purpose, rule=planned.rule)


def _unanswered(run: Run, item: Item) -> tuple[str, ...]:
    """Return who was asked and has not answered; for approvals by role, as of now."""
    answered = {vote.person for vote in item.votes} | set(item.excluded)
    if item.kind is ItemKind.APPROVAL:
        roles = [role for line in item.lines for role in line.roles]
        asked = policy.people_acting_in(run.world, roles, run.now)
    else:
        asked = (*item.offered, *item.escalated)
    return tuple(p for p in dict.fromkeys(asked) if p not in answered)
