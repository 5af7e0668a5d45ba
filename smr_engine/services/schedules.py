"""Schedules: recurring starts. Our table decides; every due instant is settled exactly once.

Rules are RFC 5545 recurrence rules over local wall time; DTSTART is 1 January of the year in which
a schedule was added, so that INTERVAL means calendar quarters.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

from smr_engine.engine import policy
from smr_engine.engine.commands import Actor
from smr_engine.engine.environment import instant
from smr_engine.engine.world import World
from smr_engine.errors import Invalid, NotFound, Refusal, SmrError
from smr_engine.playbook.expressions import compile_template
from smr_engine.playbook.model import Missed, Playbook, Template
from smr_engine.services import cases, directory, library
from smr_engine.services.stored import CaseRow, Envelope, ScheduleRow, ScheduleRun
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import DueRow
from smr_engine.services.views import ScheduleRow as Row
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.schedules")
STREAM = "schedules"
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


# --- the table ---------------------------------------------------------------------------------


def list_(ws: Workspace) -> list[Row]:
    """Return the schedules with their next due instants."""
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        return [_view(row, now) for row in unit.schedules.all()]


def add(
    ws: Workspace,
    actor: Actor,
    playbook: str,
    rule: Rule,
    inputs: Mapping[str, Any] | None = None,
) -> Row:
    """Add a schedule; durable when it returns.

    Raises:
        Invalid: rule, time, zone or policy do not make sense.
        Refusal: the actor does not act for the playbook's owner.
    """
    main = library.startable(ws, playbook)[playbook][0]
    row = checked(ws, playbook, rule)
    with ws.storage.writing() as unit:
        _may(ws, unit, main, actor)
        number = len(unit.schedules.all(removed=True)) + 1
        row = replace(
            row,
            id=f"{playbook}-{number}",
            source="added",
            created_by=actor.id,
            inputs=dict(inputs or {}),
        )
        put(ws, unit, row, actor, "ScheduleAdded")
        unit.keep()
    ws.waker.wake()
    return _view(row, ws.clock.now())


def remove(ws: Workspace, actor: Actor, schedule: str) -> None:
    """Remove a schedule; one that came from a playbook's trigger stays removed.

    Raises:
        NotFound: there is none.
    """
    with ws.storage.writing() as unit:
        row = next((r for r in unit.schedules.all() if r.id == schedule), None)
        if row is None:
            raise _unknown(schedule)
        _may(ws, unit, library.read(ws, row.playbook)[0], actor)
        row = replace(row, removed_at=ws.clock.now())
        put(ws, unit, row, actor, "ScheduleRemoved")
        unit.keep()


def next_(ws: Workspace, count: int, schedule: str | None = None) -> list[DueRow]:
    """Return the next due instants of all schedules, or of one.

    Raises:
        NotFound: there is no such schedule.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        rows = [r for r in unit.schedules.all() if schedule in {None, r.id}]
    if schedule is not None and not rows:
        raise _unknown(schedule)
    coming = [
        DueRow(row.id, row.playbook, due) for row in rows for due in islice(dues(row, now), count)
    ]
    return sorted(coming, key=lambda d: d.due)[:count]


def _unknown(schedule: str) -> NotFound:
    hint = "see: smr schedule list"
    return NotFound("unknown-schedule", f"there is no schedule '{schedule}'", hint=hint)


# --- due instants ------------------------------------------------------------------------------


def dues(row: ScheduleRow, after: datetime) -> Iterator[datetime]:
    """Yield the due instants of a schedule after an instant, in UTC, in order.

    The rule runs over local wall time; a wall time that a change of the clock skips is taken at the
    first instant after it.
    """
    zone = ZoneInfo(row.timezone)
    rule = rrulestr(row.rrule, dtstart=row.dtstart.astimezone(zone).replace(tzinfo=None))
    start = after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    for wall in rule.xafter(start):
        due = wall.replace(tzinfo=zone).astimezone(UTC)
        if due > after:
            yield due


def next_instant(ws: Workspace) -> datetime | None:
    """Return the next instant at which a schedule is due (or overdue and not yet settled)."""
    with ws.storage.reading() as unit:
        rows = unit.schedules.all()
        ahead = [next(dues(row, _settled_until(unit, row)), None) for row in rows]
    return min((at for at in ahead if at is not None), default=None)


def open_due(ws: Workspace, now: datetime) -> list[str]:
    """Open what is due, following each schedule's `missed` policy; return the cases.

    Idempotent: a due instant is settled once, whoever comes first.
    """
    with ws.storage.reading() as unit:
        late = [
            (row, _overdue(row, _settled_until(unit, row), now)) for row in unit.schedules.all()
        ]
    opened = []
    for row, instants in late:
        for due, opens in _policy(row, instants, now):
            case = start_scheduled(ws, row.id, due) if opens else _skip(ws, row, due)
            opened += [case] if case else []
    return opened


def _overdue(row: ScheduleRow, settled: datetime, now: datetime) -> list[datetime]:
    """Return the due instants up to now that are not settled, oldest first."""
    return list(islice(takewhile(lambda due: due <= now, dues(row, settled)), MAX_MISSED))


def start_scheduled(ws: Workspace, schedule: str, due: datetime) -> str:
    """Open the case of one due instant; return its reference, empty if it cannot be opened.

    Idempotent under (schedule, due): the conductor and Prefect call the same function.
    """
    with ws.storage.reading() as unit:
        row = next((r for r in unit.schedules.all() if r.id == schedule), None)
        if row is None:
            return ""
        last = _last_case(unit, row.playbook)
        last_view = _last_view(unit, last)
    key = f"schedule:{schedule}:{instant(due)}"
    actor = Actor(f"schedule:{schedule}", "", "engine")
    try:
        inputs = _inputs(ws, row, due, last_view)
        opening = cases.Opening(key=key, schedule=schedule, due=due)
        case = cases.start(ws, actor, row.playbook, inputs, opening).case
        run = ScheduleRun(schedule, due, "opened", case)
    except SmrError as problem:
        log.warning("schedule %s due %s: %s", schedule, instant(due), problem.code)
        case, run = "", ScheduleRun(schedule, due, "failed")
    with ws.storage.writing() as unit:
        if unit.schedules.record(run):
            _note(ws, unit, run)
            unit.keep()
    return case


def _policy(
    row: ScheduleRow, instants: list[datetime], now: datetime
) -> list[tuple[datetime, bool]]:
    """Return which of the overdue instants open a case: all, the latest, or only one just due."""
    if row.missed == Missed.ALL.value:
        return [(due, True) for due in instants]
    if row.missed == Missed.LATEST.value:
        return [(due, due == instants[-1]) for due in instants]
    return [(due, now - due <= ON_TIME) for due in instants]


def _skip(ws: Workspace, row: ScheduleRow, due: datetime) -> str:
    run = ScheduleRun(row.id, due, "skipped")
    with ws.storage.writing() as unit:
        if unit.schedules.record(run):
            _note(ws, unit, run)
            unit.keep()
    return ""


def _settled_until(unit: UnitOfWork, row: ScheduleRow) -> datetime:
    """Return the last due instant that was settled, or when the schedule was added."""
    runs = unit.schedules.runs(row.id)
    return max((run.due for run in runs), default=row.added_at)


# --- inputs ------------------------------------------------------------------------------------


def _inputs(
    ws: Workspace, row: ScheduleRow, due: datetime, last: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the inputs of a scheduled case; templates see `due` and `last`."""
    names = {"due": instant(due), "last": last}
    given: Mapping[str, Any] = row.inputs
    if row.source == "trigger":
        playbook = library.read(ws, row.playbook)[0]
        given = next(
            (t.inputs for t in playbook.triggers if t.rrule == row.rrule and t.at == row.at), {}
        )
    filled = {key: _filled(value, names) for key, value in given.items()}
    return {key: value for key, value in filled.items() if value is not None}


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Template):
        return compile_template(value.source).evaluate(names)
    if isinstance(value, str) and "{{" in value:
        return compile_template(value).evaluate(names)
    if isinstance(value, Mapping):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, names) for inner in value]
    return value


def _last_case(unit: UnitOfWork, playbook: str) -> CaseRow | None:
    completed = unit.queries.cases(playbook=playbook, limit=50)
    return next((row for row in completed if row.status == "completed" and not row.drill), None)


def _last_view(unit: UnitOfWork, row: CaseRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    header = unit.cases.load(row.ref).header
    return {
        "ref": row.ref,
        "closed_at": instant(row.closed_at),
        "outcome": row.outcome,
        "results": header.results,
    }


# --- details -----------------------------------------------------------------------------------


def checked(ws: Workspace, playbook: str, rule: Rule) -> ScheduleRow:
    """Return a schedule that a playbook's trigger brings, still without its id.

    Raises:
        Invalid: rule, time, zone or policy do not make sense.
    """
    try:
        zone = ZoneInfo(rule.timezone)
        wall = time.fromisoformat(rule.at)
        missed = Missed(rule.missed)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise Invalid("bad-schedule", f"{rule.timezone} {rule.at}: {problem}") from problem
    now = ws.clock.now()
    start = datetime.combine(date(now.astimezone(zone).year, 1, 1), wall, zone)
    row = ScheduleRow(
        id="",
        playbook=playbook,
        rrule=rule.rrule,
        at=rule.at,
        timezone=rule.timezone,
        dtstart=start.astimezone(UTC),
        missed=missed.value,
        source="trigger",
        created_by="engine",
        added_at=now,
    )
    try:
        following = next(dues(row, now), None)
    except (ValueError, KeyError, TypeError) as problem:
        message = f"'{rule.rrule}' is not a recurrence rule: {problem}"
        hint = "like FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO (RFC 5545)"
        raise Invalid("bad-schedule", message, hint=hint) from problem
    if following is None:
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


def _note(ws: Workspace, unit: UnitOfWork, run: ScheduleRun) -> None:
    facts = {
        "schedule": run.schedule,
        "due": instant(run.due),
        "decision": run.decision,
        "case": run.case,
    }
    unit.events.append(STREAM, "ScheduleSettled", facts, {}, Envelope(ws.clock.now(), "engine"))


def _view(row: ScheduleRow, now: datetime) -> Row:
    following = next(dues(row, now), None)
    return Row(row.id, row.playbook, row.rrule, row.timezone, following, row.at, row.missed)
