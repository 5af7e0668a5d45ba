"""Due times and the timers around them, from what a step says at the case's severity."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from smr_engine.engine import deadlines
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Run
from smr_engine.engine.world import Calendar
from smr_engine.errors import SmrError
from smr_engine.playbook.durations import YEARS, Duration, DurationKind, Offset
from smr_engine.playbook.model import (
    Due,
    DueAt,
    Escalation,
    NotifyStep,
    Step,
    Varied,
)

REMIND, ESCALATE, WARN, EXPIRE = "remind", "escalate", "warn", "expire"
WARNING = Offset(percent=75)
"""When those who have not answered are warned: so much of the time until the expiry has passed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is owed around one item: its due time, reminders, escalations and its end.

    `lines` are the names and due times of an approval's quorum lines; None shares the item's.
    """

    due: Varied[Due] | None = None
    remind: Varied[tuple[Offset, ...]] | None = None
    escalate: Varied[tuple[Escalation, ...]] | None = None
    expires: Varied[Due] | None = None
    lines: tuple[tuple[str, Varied[Due] | None], ...] = ()


UNTIMED = Schedule()


@dataclass(frozen=True, slots=True)
class Planned:
    """One instant of a rule: `rule` is its index among the reminders or escalations."""

    at: datetime
    purpose: str
    rule: int = 0
    line: int | None = None
    key: str = ""  # the rule in words: the same at every severity that has it


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is still to come, and the rules that are passed over since a newer one says the same."""

    planned: tuple[Planned, ...]
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """When one item is due and expires, and the first instants of all that is owed around it."""

    due_at: datetime | None
    lines_due: tuple[datetime | None, ...]
    expires_at: datetime | None
    planned: tuple[Planned, ...]


def schedule_of(step: Step) -> Schedule:
    """Return the schedule of a step's item; of a notify step that of its acknowledgements."""
    asked = step.acknowledge if isinstance(step, NotifyStep) and step.acknowledge else step
    return Schedule(asked.due, asked.remind, asked.escalate, step.expires)


def times(run: Run, scope: str, schedule: Schedule, calendar: Calendar, start: datetime) -> Times:
    """Return the times of something that begins at `start`.

    Raises:
        StepProblemError: as `due_at`.
    """
    due = due_at(run, scope, schedule.due, calendar, start)
    expires = due_at(run, scope, schedule.expires, calendar, start)
    lines = tuple(due_at(run, scope, line, calendar, start) for _, line in schedule.lines)
    planned = []
    if not lines or None in lines:
        planned += plan(run, schedule, due, calendar, start)
    for number, (own, (name, due_in)) in enumerate(zip(lines, schedule.lines, strict=True)):
        if own is not None:
            around = plan(run, replace(schedule, due=due_in), own, calendar, start)
            planned += [replace(p, line=number, key=f"{p.key} ({name})") for p in around]
    if expires is not None:
        planned += _ending(run, schedule, expires, calendar, start)
    return Times(due, lines, expires, tuple(planned))


def due_at(
    run: Run, scope: str, due: Varied[Due] | None, calendar: Calendar, start: datetime
) -> datetime | None:
    """Return when something that begins at `start` is due.

    Raises:
        StepProblemError: the instant it is anchored to is not there.
    """
    spec = run.varied(due)
    if isinstance(spec, DueAt):
        at = instant_of(run.evaluate(scope, spec.at))
        return later(at, spec.plus, calendar) if spec.plus else at
    return later(start, spec, calendar) if isinstance(spec, Duration) else None


def later(start: datetime, duration: Duration, calendar: Calendar) -> datetime:
    """Return the instant at which a duration is over.

    Raises:
        StepProblemError: the calendar is never open, or known for too short a time.
    """
    try:
        return deadlines.add(start, duration, calendar)
    except SmrError as problem:
        raise StepProblemError(str(problem)) from problem


def next_beat(
    run: Run, last: datetime, every: Duration, calendar: Calendar
) -> tuple[datetime, int]:
    """Return when a cadence beats again, and how many beats have passed unheard since the last.

    A late beat follows at once; it stands for the newest of those that passed, and the others
    are missed. Beats are counted by division, however many there were.

    Raises:
        StepProblemError: as `later`.
    """
    at = later(last, every, calendar)
    if at > run.now:
        return at, 0
    if every.kind is DurationKind.BUSINESS_DAYS:
        missed = 0
        while (following := later(at, every, calendar)) <= run.now:
            at, missed = following, missed + 1
        return run.now, missed
    passed = int((run.now - last).total_seconds())
    if every.kind is DurationKind.BUSINESS_TIME:
        passed = _open_seconds(last, run.now, calendar)
    return run.now, max(0, passed // max(1, every.amount) - 1)


def _open_seconds(start: datetime, end: datetime, calendar: Calendar) -> int:
    try:
        return deadlines.open_seconds(start, end, calendar)
    except SmrError as problem:
        raise StepProblemError(str(problem)) from problem


def plan(
    run: Run, schedule: Schedule, due: datetime | None, calendar: Calendar, start: datetime
) -> list[Planned]:
    """Return the first instants of all reminders and escalations of something that begins then.

    Raises:
        StepProblemError: as `later`.
    """
    reminders: Sequence[Offset] = run.varied(schedule.remind) or ()
    escalations: Sequence[Escalation] = run.varied(schedule.escalate) or ()
    business = _in_business_time(run, schedule.due)
    rules = [(REMIND, n, offset, "") for n, offset in enumerate(reminders)]
    rules += [(ESCALATE, n, each.at, _targets(each)) for n, each in enumerate(escalations)]
    planned = []
    for purpose, number, offset, to in rules:
        if due is None and not _from_start(offset):
            continue
        at = _offset_at(offset, (start, due or start), calendar, business=business)
        planned.append(Planned(at, purpose, number, key=f"{purpose} {offset}{to}"))
    return planned


def _targets(escalation: Escalation) -> str:
    return f" to {', '.join(party.name.source for party in escalation.to)}"


def line_name(roles: Sequence[str]) -> str:
    """Return what a quorum line is called."""
    return " or ".join(roles)


def _ending(
    run: Run, schedule: Schedule, expires: datetime, calendar: Calendar, start: datetime
) -> list[Planned]:
    """Return the warning before something expires, where there is time for one, and the expiry."""
    business = _in_business_time(run, schedule.expires)
    warning = _offset_at(WARNING, (start, expires), calendar, business=business)
    warned = [Planned(warning, WARN, key=WARN)] if start < warning < expires else []
    return [*warned, Planned(expires, EXPIRE, key=EXPIRE)]


def _offset_at(
    offset: Offset, between: tuple[datetime, datetime], calendar: Calendar, *, business: bool
) -> datetime:
    try:
        return deadlines.offset_at(offset, *between, calendar, business=business)
    except SmrError as problem:
        raise StepProblemError(str(problem)) from problem


def again(run: Run, schedule: Schedule, fired: Planned, calendar: Calendar) -> Planned | None:
    """Return the next instant of a rule that repeats, after the one that fired.

    Instants that passed meanwhile are not made up for: the next one lies in the future. There is
    none where the calendar ends.
    """
    repeating = {REMIND: schedule.remind, ESCALATE: schedule.escalate}
    rules: Sequence[Any] = run.varied(repeating.get(fired.purpose)) or ()
    if not rules or fired.rule >= len(rules):
        return None
    rule = rules[fired.rule]
    offset: Offset = rule.at if isinstance(rule, Escalation) else rule
    if not offset.every:
        return None
    try:
        at = deadlines.next_repeat(offset, fired.at, calendar, after=run.now)
    except SmrError:
        return None
    return replace(fired, at=at)


def remaining(
    run: Run,
    schedule: Schedule,
    planned: Sequence[Planned],
    calendar: Calendar,
    fired: Collection[str] = (),
) -> Remaining:
    """Return what is still to come of what is planned.

    A rule that has fired only goes on repeating. Of the reminders that are past the newest comes at
    once; whoever is late is reminded once, not once for each instant that has passed.
    """
    kept: list[Planned] = []
    past: list[Planned] = []
    for each in planned:
        following = again(run, schedule, each, calendar)
        if each.key in fired:
            kept += [each if each.at > run.now else following] if following else []
        elif each.purpose == REMIND and each.at <= run.now:
            past.append(each)
        else:
            kept.append(each)
    past.sort(key=lambda each: each.at)
    superfluous, newest = past[:-1], past[-1:]
    later_on = (again(run, schedule, each, calendar) for each in superfluous)
    kept += [*newest, *(each for each in later_on if each)]
    return Remaining(tuple(kept), tuple(each.key for each in superfluous))


def instant_of(value: Any) -> datetime:
    """Return the aware instant that an RFC 3339 text or a date names.

    Raises:
        StepProblemError: it names none, or one that is out of reach.
    """
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        message = f"'{value}' is not an instant (write it like 2026-01-09T16:11:00-05:00)"
        raise StepProblemError(message) from None
    if at.year not in YEARS:
        message = f"'{value}' is out of reach: years go from {YEARS[0]} to {YEARS[-1]}"
        raise StepProblemError(message)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _from_start(offset: Offset) -> bool:
    return offset.percent is None and offset.anchor == "start"


def _in_business_time(run: Run, due: Varied[Due] | None) -> bool:
    spec = run.varied(due)
    length = spec.plus if isinstance(spec, DueAt) else spec
    return isinstance(length, Duration) and length.kind is not DurationKind.ELAPSED
