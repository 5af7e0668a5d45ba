"""Schedules: recurring starts. Our table decides; every due instant is settled exactly once.

Settled means opened or skipped. A start that fails is not: it is tried again (see
`schedule_failures`) until it succeeds or is missed, and then `missed` says what becomes of it.

Rules are RFC 5545 recurrence rules over local wall time; DTSTART is 1 January of the year in which
a schedule was added, so that INTERVAL means calendar quarters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from smr_engine.engine import policy
from smr_engine.engine.commands import Actor
from smr_engine.engine.environment import instant
from smr_engine.engine.world import World
from smr_engine.errors import Invalid, NotFound, Refusal
from smr_engine.playbook.check_timing import is_zone, why_no_rule
from smr_engine.playbook.model import Missed, Playbook, ScheduleTrigger
from smr_engine.services import cases, directory, library, schedule_failures, schedule_inputs
from smr_engine.services.access import Sight
from smr_engine.services.schedule_failures import STREAM
from smr_engine.services.stored import Envelope, ScheduleRow, ScheduleRun
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import DueRow
from smr_engine.services.views import ScheduleRow as Row
from smr_engine.services.workspace import Workspace

MAX_MISSED = 1_000
ON_TIME = timedelta(minutes=5)
"""What is noticed so late was not missed: a conductor may have been started again meanwhile."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a schedule is due: an RFC 5545 rule, a local time `HH:MM` and its zone."""

    rrule: str
    at: str = "09:00"
    timezone: str = "UTC"
    missed: str = "latest"  # latest, all or skip


@dataclass(frozen=True, slots=True)
class Late:
    """A due instant that is to be settled: by opening its case, or by skipping it."""

    row: ScheduleRow
    due: datetime
    opens: bool


# --- the table ---------------------------------------------------------------------------------


def list_(ws: Workspace, person: str | None = None) -> list[Row]:
    """Return the schedules with their next due instants, and why a start of theirs fails.

    Those of restricted cases that the person may not see are left out; None sees all.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        seen = _seen(ws, unit, person)
        rows = [(row, schedule_failures.problems(unit, row)) for row in seen]
    return [replace(_view(row, now), problem=_latest(found)) for row, found in rows]


def add(
    ws: Workspace,
    actor: Actor,
    playbook: str,
    rule: Rule,
    inputs: Mapping[str, Any] | None = None,
) -> Row:
    """Add a schedule; durable when it returns. Its `problem` says if its cases could not open.

    Raises:
        Invalid: rule, time, zone or policy do not make sense.
        Refusal: the actor does not act for the playbook's owner.
    """
    main = library.startable(ws, playbook)[playbook][0]
    row = checked(ws, playbook, rule)
    given = dict(inputs or {})
    trigger = ScheduleTrigger(rule.rrule, rule.at, rule.timezone, inputs=given)
    problem = schedule_inputs.problem_of(main, trigger)
    with ws.storage.writing() as unit:
        _may(ws, unit, main, actor)
        number = len(unit.schedules.all(removed=True)) + 1
        row = replace(
            row,
            id=f"{playbook}-{number}",
            source="added",
            created_by=actor.id,
            inputs=given,
        )
        put(ws, unit, row, actor, "ScheduleAdded")
        unit.keep()
    ws.waker.wake()
    return replace(_view(row, ws.clock.now()), problem=problem)


def remove(ws: Workspace, actor: Actor, schedule: str) -> None:
    """Remove a schedule; one that came from a playbook's trigger stays removed.

    Raises:
        NotFound: there is none.
    """
    with ws.storage.writing() as unit:
        seen = _seen(ws, unit, actor.id if actor.is_person else None)
        row = next((r for r in seen if r.id == schedule), None)
        if row is None:
            raise _unknown(schedule)
        _may(ws, unit, library.read(ws, row.playbook)[0], actor)
        row = replace(row, removed_at=ws.clock.now())
        put(ws, unit, row, actor, "ScheduleRemoved")
        unit.keep()


def next_(
    ws: Workspace, count: int, schedule: str | None = None, person: str | None = None
) -> list[DueRow]:
    """Return the next due instants of all schedules that a person may see, or of one.

    Raises:
        NotFound: there is no such schedule.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        rows = [r for r in _seen(ws, unit, person) if schedule in {None, r.id}]
    if schedule is not None and not rows:
        raise _unknown(schedule)
    coming = [
        DueRow(row.id, row.playbook, due) for row in rows for due in islice(dues(row, now), count)
    ]
    return sorted(coming, key=lambda d: d.due)[:count]


def _seen(ws: Workspace, unit: UnitOfWork, person: str | None) -> list[ScheduleRow]:
    sight = Sight(ws, unit, person)
    return [row for row in unit.schedules.all() if sight.sees_schedules_of(row.playbook)]


def _unknown(schedule: str) -> NotFound:
    hint = "see: smr schedule list"
    return NotFound("unknown-schedule", f"there is no schedule '{schedule}'", hint=hint)


# --- due instants ------------------------------------------------------------------------------


def dues(row: ScheduleRow, after: datetime) -> Iterator[datetime]:
    """Return the due instants of a schedule after an instant, in UTC, in order.

    The rule runs over local wall time; a wall time that a change of the clock skips is taken at the
    first instant after it.
    """
    return _dues(row.rrule, row.timezone, row.dtstart, after)


def _dues(rrule: str, timezone: str, dtstart: datetime, after: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(timezone)
    rule = rrulestr(rrule, dtstart=dtstart.astimezone(zone).replace(tzinfo=None))
    start = after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    for wall in rule.xafter(start):
        due = wall.replace(tzinfo=zone).astimezone(UTC)
        if due > after:
            yield due


def next_instant(ws: Workspace) -> datetime | None:
    """Return the next instant at which a schedule is due, or was and nobody has looked at it yet.

    A start that failed is not waited for.
    """
    with ws.storage.reading() as unit:
        rows = unit.schedules.all()
        ahead = [_first(row, _looked_at_until(unit, row)) for row in rows]
    return min((at for at in ahead if at is not None), default=None)


def late(ws: Workspace, now: datetime, *, again: bool) -> list[Late]:
    """Return what is to be settled now, following each schedule's `missed` policy.

    Args:
        ws: the workspace.
        now: the present instant.
        again: whether starts that failed are tried again.
    """
    found: list[Late] = []
    with ws.storage.reading() as unit:
        for row in unit.schedules.all():
            standing = unit.schedules.standing(row.id)
            failed = {run.due for run in standing.failures}
            overdue = _overdue(row, standing.settled or row.added_at, now)
            instants = sorted(failed.union(overdue))
            found += [
                Late(row, due, opens)
                for due, opens in by_policy(row, instants, now)
                if again or not (opens and due in failed)
            ]
    return found


def settle(ws: Workspace, late: Late) -> str:
    """Settle a due instant; return the case that was opened, empty if none was.

    Idempotent: a due instant is settled once, whoever comes first.
    """
    if late.opens:
        return start_scheduled(ws, late.row.id, late.due)
    _record(ws, ScheduleRun(late.row.id, late.due, "skipped"))
    return ""


def start_scheduled(ws: Workspace, schedule: str, due: datetime) -> str:
    """Open the case of one due instant; return its reference, empty if it cannot be opened now.

    Idempotent under (schedule, due): the conductor and Prefect call the same function. Failing is
    noted and told, and leaves the instant to be settled.
    """
    with ws.storage.reading() as unit:
        row = next((r for r in unit.schedules.all() if r.id == schedule), None)
        if row is None:
            return ""
        last = schedule_inputs.last_case(unit, row.playbook)
    key = f"schedule:{schedule}:{instant(due)}"
    actor = Actor(f"schedule:{schedule}", "", "engine")
    opening = cases.Opening(key=key, schedule=schedule, due=due)
    try:
        inputs = schedule_inputs.inputs_of(ws, row, due, last)
        case = cases.start(ws, actor, row.playbook, inputs, opening).case
    except Exception as problem:  # noqa: BLE001 - a fault of ours, too, keeps no other waiting
        schedule_failures.note(ws, row, due, problem)
        return ""
    _record(ws, ScheduleRun(schedule, due, "opened", case))
    return case


def _overdue(row: ScheduleRow, settled: datetime, now: datetime) -> list[datetime]:
    """Return the due instants up to now that are not settled, oldest first."""
    first = _first(row, settled)
    if first is None or first > now:
        return []
    return list(islice(takewhile(lambda due: due <= now, dues(row, settled)), MAX_MISSED))


def _first(row: ScheduleRow, after: datetime) -> datetime | None:
    """Return the first due instant after another."""
    return _known_first(row.rrule, row.timezone, row.dtstart, after)


@lru_cache(maxsize=1024)
def _known_first(rrule: str, zone: str, dtstart: datetime, after: datetime) -> datetime | None:
    """A conductor asks with each wake-up, and a rule has to be followed from its beginning."""
    return next(_dues(rrule, zone, dtstart, after), None)


def by_policy(
    row: ScheduleRow, instants: Sequence[datetime], now: datetime
) -> list[tuple[datetime, bool]]:
    """Return which of the overdue instants, oldest first, open a case now, as `missed` says.

    That is all of them, the latest, or only one that is just due.
    """
    if row.missed == Missed.ALL.value:
        return [(due, True) for due in instants]
    if row.missed == Missed.LATEST.value:
        return [(due, due == instants[-1]) for due in instants]
    return [(due, now - due <= ON_TIME) for due in instants]


def _record(ws: Workspace, run: ScheduleRun) -> None:
    """Settle a due instant, unless somebody else has."""
    facts = {
        "schedule": run.schedule,
        "due": instant(run.due),
        "decision": run.decision,
        "case": run.case,
    }
    with ws.storage.writing() as unit:
        if unit.schedules.record(run):
            envelope = Envelope(ws.clock.now(), "engine")
            unit.events.append(STREAM, "ScheduleSettled", facts, {}, envelope)
            unit.keep()


def _looked_at_until(unit: UnitOfWork, row: ScheduleRow) -> datetime:
    """Return the last due instant that was settled or failed, or when the schedule was added."""
    standing = unit.schedules.standing(row.id)
    return max([standing.settled or row.added_at, *(run.due for run in standing.failures)])


# --- details -----------------------------------------------------------------------------------


def checked(ws: Workspace, playbook: str, rule: Rule) -> ScheduleRow:
    """Return a schedule that a playbook's trigger brings, still without its id.

    Raises:
        Invalid: rule, time, zone or policy do not make sense.
    """
    if not is_zone(rule.timezone):
        message = f"'{rule.timezone}' is no time zone"
        raise Invalid("bad-schedule", message, hint="write one like Europe/Berlin")
    zone = ZoneInfo(rule.timezone)
    try:
        wall = time.fromisoformat(rule.at)
    except ValueError as problem:
        message = f"'{rule.at}' is no time of day"
        raise Invalid("bad-schedule", message, hint="write one like 09:00") from problem
    if rule.missed not in set(Missed):
        message = f"'{rule.missed}' does not say what becomes of missed instants"
        raise Invalid("bad-schedule", message, hint=f"one of: {', '.join(Missed)}")
    if reason := why_no_rule(rule.rrule, rule.at):
        hint = "like FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO (RFC 5545)"
        raise Invalid("bad-schedule", f"'{rule.rrule}' {reason}", hint=hint)
    now = ws.clock.now()
    start = datetime.combine(date(now.astimezone(zone).year, 1, 1), wall, zone)
    row = ScheduleRow(
        id="",
        playbook=playbook,
        rrule=rule.rrule,
        at=rule.at,
        timezone=rule.timezone,
        dtstart=start.astimezone(UTC),
        missed=rule.missed,
        source="trigger",
        created_by="engine",
        added_at=now,
    )
    if next(dues(row, now), None) is None:
        raise Invalid("bad-schedule", f"'{rule.rrule}' never comes again")
    return row


def _may(ws: Workspace, unit: UnitOfWork, playbook: Playbook, actor: Actor) -> None:
    world: World = directory.world(ws, unit)
    verdict = policy.owns(world, playbook, actor.id, ws.clock.now())
    if not verdict.may:
        raise Refusal("may-not-act", verdict.why_not)


def put(ws: Workspace, unit: UnitOfWork, row: ScheduleRow, actor: Actor, kind: str) -> None:
    """Store a schedule with the event that says why; the caller keeps the unit of work."""
    unit.schedules.put(row)
    facts = {"schedule": row.id, "playbook": row.playbook, "rrule": row.rrule, "at": row.at}
    envelope = Envelope(
        ws.clock.now(),
        actor.id,
        assurance=actor.assurance,
        door=actor.door,
        os_user=actor.os_user,
    )
    inputs = {STREAM: {"inputs": dict(row.inputs)}} if row.inputs else {}
    unit.events.append(STREAM, kind, {**facts, "timezone": row.timezone}, inputs, envelope)


def _latest(problems: Mapping[datetime, str]) -> str:
    """Return the problem of the latest start that failed, empty if none did."""
    return problems[max(problems)] if problems else ""


def _view(row: ScheduleRow, now: datetime) -> Row:
    following = next(dues(row, now), None)
    return Row(row.id, row.playbook, row.rrule, row.timezone, following, row.at, row.missed)
