"""Scoring a case again: all that is open is recomputed from its own beginning at the new severity.

What has been reminded of is not reminded of again by the same rule. What is past under the new
severity comes at once, but at most one reminder an item. Granted approvals stand; a publication
that has not begun is checked against the new quorum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from smr_engine.engine import clocks, flow, messages, policy, quorum, timing, who, wording, work
from smr_engine.engine import events as e
from smr_engine.engine.binding import publications_of
from smr_engine.engine.bundle import granted
from smr_engine.engine.environment import instant
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Line, StepState, Timer
from smr_engine.engine.statuses import ENDED_STEPS, ItemKind, ItemStatus, StepStatus
from smr_engine.engine.steps import approvals, asking_again, ratifying
from smr_engine.errors import Refusal
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import (
    ApprovalStep,
    Clock,
    QuorumLine,
    RepeatStep,
    WaitStep,
)

Told = dict[str, list[str]]
"""What has moved, in words, by person."""


def rescore(run: Run, level: str, reason: str) -> None:
    """Give the case another severity, and recompute what is open in all running scopes."""
    running = list(run.header.running)
    run.need(running)
    before = run.severity or ""
    run.emit(e.SeverityChanged(before=before, after=level, reason=reason))
    told: Told = {}
    asked = []
    for path in running:
        items = list(run.scope(path).items.values())
        asked += [(path, item.id) for item in items if _reschedule(run, path, item, told)]
        _move_waits(run, path)
    for clock in run.playbook.clocks:
        _reschedule_clock(run, clock)
    for person, lines in told.items():
        work.tell_about_case(run, [person], wording.rescored(run, before, lines))
    _check_granted(run, running)
    for path, name in asked:  # last, for this may end scopes, and the case
        _judge(run, path, run.scope(path).items[name])


def why_no_level(run: Run, level: str) -> str:
    """Return why something is no severity of the playbook; empty if it is one."""
    scale = run.playbook.severity
    if scale is None:
        return f"{run.playbook.name} has no severity"
    if level not in scale.levels:
        return f"'{level}' is not one of {', '.join(scale.levels)}"
    return ""


# --- items -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Anew:
    """What an item is at the new severity."""

    times: timing.Times
    remaining: timing.Remaining
    lines: tuple[Line, ...]
    offered: tuple[str, ...]
    assurance: str


def _reschedule(run: Run, path: str, item: Item, told: Told) -> bool:
    """Recompute an open item; return whether another quorum is asked for.

    One whose new times do not resolve keeps those it has.
    """
    if item.status is not ItemStatus.OPEN or item.kind is ItemKind.REPAIR:
        return False
    place = run.place(path, item.step)
    try:
        anew = _anew(run, place, item)
    except (ExpressionError, StepProblemError):
        return False
    moves = _moves(item, anew, _timers_of(run, path, item))
    if not moves:
        return False
    rules = map(work.timer_rule, run.ids(len(anew.remaining.planned)), anew.remaining.planned)
    run.emit(
        e.ItemRescheduled(
            scope=path,
            path=item.path,
            item=item.id,
            due_at=anew.times.due_at,
            expires_at=anew.times.expires_at,
            timers=tuple(rules),
            passed=anew.remaining.passed,
            lines=anew.lines,
            offered=anew.offered,
            assurance=anew.assurance,
            moves=moves,
        )
    )
    _tell(run, place, item, told)
    return anew.lines != item.lines


def _judge(run: Run, path: str, item: Item) -> None:
    """Grant an approval that now has its quorum; hold one that nobody can grant any more.

    One whose time is up is left to its expiry, whether its timer has fired yet or not.
    """
    if run.closed or item.status is not ItemStatus.OPEN or policy.has_expired(item, run.now):
        return
    place = run.place(path, item.step)
    if item.lines or item.ratifies:
        approvals.count(run, place, item)
    else:
        flow.fail(run, place, approvals.NO_LINE)


def _anew(run: Run, place: Place, item: Item) -> _Anew:
    step, lines, offered, assurance = place.step, item.lines, item.offered, item.assurance
    schedule = _schedule_of(run, place, item)
    if item.kind is ItemKind.APPROVAL and isinstance(step, ApprovalStep):
        applying = approvals.applying_lines(run, place)
        lines = approvals.lines_of(applying)
        schedule = _with_lines(schedule, item, applying)
        _, offered = approvals.possible(run, lines, frozenset(item.excluded))
        assurance = approvals.least_assurance(run, step)
    calendar = run.calendar(step, item.offered)
    times = timing.times(run, place.scope, schedule, calendar, item.opened_at)
    remaining = timing.remaining(run, schedule, times.planned, calendar, item.fired)
    dated = tuple(map(work.dated, lines, times.lines_due))
    return _Anew(times, remaining, dated, offered, assurance)


def _with_lines(
    schedule: timing.Schedule, item: Item, applying: tuple[QuorumLine, ...]
) -> timing.Schedule:
    """Return a schedule with that of the lines that apply; of a ratification all share one."""
    dues = approvals.dues_of(applying)
    if item.ratifies:
        dues = tuple((name, None) for name, _ in dues)
    return replace(schedule, lines=dues)


def _schedule_of(run: Run, place: Place, item: Item) -> timing.Schedule:
    """Return the times of an item: one that follows an expired one has no end."""
    glass = place.step.break_glass if isinstance(place.step, ApprovalStep) else None
    if item.ratifies and glass is not None:
        return ratifying.schedule_of(place, glass, ())
    schedule = timing.schedule_of(place.step)
    before = run.scope(place.scope).items.get(item.previous)
    if before is not None and before.status is ItemStatus.EXPIRED:
        return replace(schedule, expires=None)
    return schedule


def _timers_of(run: Run, path: str, item: Item) -> list[Timer]:
    return [timer for timer in run.scope(path).timers.values() if timer.item == item.id]


def _tell(run: Run, place: Place, before: Item, told: Told) -> None:
    """Ask those whose role is new in a quorum; note for the others that its due time has moved."""
    item = run.scope(place.scope).items[before.id]
    new = [p for p in item.offered if p not in {*before.offered, *before.escalated}]
    if new:
        work.tell(run, place, who.persons(new), wording.asked(run, item), item=item.id)
    if item.due_at == before.due_at or item.due_at is None:
        return
    answered = {vote.person for vote in item.votes}
    for person in dict.fromkeys((*before.offered, *before.escalated)):
        if person not in answered:
            told.setdefault(person, []).append(
                wording.moved(messages.reader(run, person), item, before)
            )


# --- what moved --------------------------------------------------------------------------------


def _moves(item: Item, anew: _Anew, timers: Iterable[Timer]) -> tuple[e.Move, ...]:
    """Return what is different now; nothing if all stays."""
    lines = _line_moves(item.lines, anew.lines)
    whole = [
        _move("due", item.due_at, anew.times.due_at),
        _move("expires", item.expires_at, anew.times.expires_at),
        *lines,
        _move("assurance", item.assurance, anew.assurance),
        *_timer_moves(timers, anew.remaining.planned),
    ]
    return tuple(each for each in whole if each is not None)


def _line_moves(old: tuple[Line, ...], new: tuple[Line, ...]) -> list[e.Move | None]:
    before, after = _by_roles(old), _by_roles(new)
    return [
        _move(f"line {name}", before.get(name), after.get(name)) for name in {**before, **after}
    ]


def _by_roles(lines: tuple[Line, ...]) -> Mapping[str, str]:
    """Return what each line asks, in a word or two, by its roles."""
    found: dict[str, str] = {}
    for line in lines:
        due = f", due {instant(line.due_at)}" if line.due_at else ""
        name = timing.line_name(line.roles)
        found[name] = f"{found.get(name, '')}{line.need or 'all'}{due}"
    return found


def _timer_moves(old: Iterable[Timer], new: Iterable[timing.Planned]) -> list[e.Move | None]:
    hidden = {timing.EXPIRE}  # the item's own instant says it
    before = {t.key: t.at for t in old if t.purpose not in hidden}
    after = {p.key: p.at for p in new if p.purpose not in hidden}
    return [_move(key, before.get(key), after.get(key)) for key in {**before, **after}]


def _move(what: str, before: datetime | str | None, after: datetime | str | None) -> e.Move | None:
    was, now = _words(before), _words(after)
    return e.Move(what=what, before=was, after=now) if was != now else None


def _words(value: datetime | str | None) -> str:
    return (instant(value) or "") if isinstance(value, datetime) else value or ""


# --- waits and beats ---------------------------------------------------------------------------


def _move_waits(run: Run, path: str) -> None:
    """Recompute when the waits of a scope end, and when its repeats beat again."""
    for timer in list(run.scope(path).timers.values()):
        if timer.item or timer.clock:
            continue
        place = run.place(path, timer.step)
        try:
            at = _instant_of(run, place, timer)
        except (ExpressionError, StepProblemError):
            continue
        if at is not None and at != timer.at:
            run.emit(
                e.TimerMoved(
                    scope=path,
                    path=timer.path,
                    timer=timer.id,
                    becomes=run.ids(1)[0],
                    purpose=timer.purpose,
                    before=timer.at,
                    at=at,
                )
            )


def _instant_of(run: Run, place: Place, timer: Timer) -> datetime | None:
    """Return when a timer of a step comes at the present severity; None if that says nothing."""
    step, calendar = place.step, run.calendar(place.step)
    start = run.state(place).started_at or run.now
    if timer.purpose == timing.EXPIRE:
        return timing.due_at(run, place.scope, step.expires, calendar, start)
    if isinstance(step, WaitStep) and step.duration is not None:
        return timing.later(start, run.varied(step.duration), calendar)
    if isinstance(step, RepeatStep) and timer.purpose == "beat":
        return _beat(run, place, step)
    return None


def _beat(run: Run, place: Place, step: RepeatStep) -> datetime:
    """Return when a repeat beats again: start to start, at once where that has passed."""
    number = int(run.state(place).detail["opened"]) - 1
    last = f"{place.path}[{number}]"
    run.need([last])
    every = run.varied(step.every)
    if every is None:
        return run.now
    started = timing.instant_of(run.scope(last).local["started"])
    at, _ = timing.next_beat(run, started, every, run.calendar(step))
    return at


# --- granted approvals -------------------------------------------------------------------------


def _check_granted(run: Run, running: list[str]) -> None:
    """Ask again where a publication has not begun and its approvals do not fill the new quorum."""
    for place in _granted_in(run, running):
        if _is_wanting(run, place) and _is_relied_on(run, place):
            with suppress(Refusal):  # decided in a part of the case that has been ended: it stands
                asking_again.reopen(run, place, insist=False)


def _granted_in(run: Run, running: list[str]) -> list[Place]:
    """Return the granted approvals of running scopes, and of branches that were joined to them."""
    found: dict[str, Place] = {}
    for position in run.index.by_id.values():
        if isinstance(position.step, ApprovalStep):
            for path in running:
                scope = run.scope_of_step(path, position.step.id) if run.alive(path) else None
                if scope is not None:
                    place = run.place(scope, position.step.id)
                    found[place.path] = place
    run.need([place.scope for place in found.values()])
    return [place for place in found.values() if _is_granted(run.state(place))]


def _is_granted(state: StepState) -> bool:
    return state.status is StepStatus.COMPLETED and state.outcome == "approved"


def _is_wanting(run: Run, place: Place) -> bool:
    """Return whether more is asked for now than was granted, and those who approved lack it."""
    item = granted(run, place.scope, place.step.id)
    if item is None or item.broken is not None:
        return False
    lines = approvals.lines_of(approvals.applying_lines(run, place))
    if not Counter(lines) - Counter(work.dated(line, None) for line in item.lines):
        return False  # people and roles may have changed since, but nothing new is asked
    return not quorum.filled(lines, item.votes, run.world).complete


def _is_relied_on(run: Run, place: Place) -> bool:
    """Return whether a publication is to come that relies on an approval."""
    names = publications_of(run.index, place.step.id)
    return any(_is_to_come(run, place, name) for name in names)


def _is_to_come(run: Run, place: Place, publish: str) -> bool:
    around = [block.id for block, _ in run.position(publish).parents]
    states = (run.visible_state(place.scope, name) for name in (*around, publish))
    return all(state.status not in ENDED_STEPS for state in states)


# --- clocks ------------------------------------------------------------------------------------


def _reschedule_clock(run: Run, clock: Clock) -> None:
    state = run.header.clocks.get(clock.id)
    if state is None or not clocks.is_running(state) or state.runs_from is None:
        return
    times = clocks.times_of(run, clock, state.runs_from)
    schedule, calendar = clocks.schedule_of(clock), run.calendar()
    remaining = timing.remaining(run, schedule, times.planned, calendar, state.fired)
    timers = [timer for timer in run.scope("").timers.values() if timer.clock == clock.id]
    due = times.due_at or state.runs_from
    whole = [_move("due", state.due_at, due), *_timer_moves(timers, remaining.planned)]
    moves = tuple(each for each in whole if each is not None)
    if moves:
        rules = map(work.timer_rule, run.ids(len(remaining.planned)), remaining.planned)
        run.emit(
            e.ClockRescheduled(
                clock=clock.id,
                due_at=due,
                timers=tuple(rules),
                passed=remaining.passed,
                moves=moves,
            )
        )
