"""Scheduled starts that failed: noted, told to whoever owns the playbook, and not given up.

A failed start settles nothing: the quarterly review is not lost because of a typo. It is tried
again until it succeeds or the schedule's `missed` policy lets it go (a later instant is due; it is
too late for `skip`). The playbook's owner is told once about each due instant.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from smr_engine.engine.environment import instant
from smr_engine.engine.world import Person
from smr_engine.errors import SmrError
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.services import directory, library, versions
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Message,
    Recipient,
)
from smr_engine.services.stored import (
    FAILED,
    TOLD,
    Envelope,
    EventFilter,
    ScheduleRow,
    ScheduleRun,
)
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.schedules")
STREAM = "schedules"
TELL_S = 10.0
"""How long telling somebody may take, in seconds."""


def note(ws: Workspace, row: ScheduleRow, due: datetime, problem: Exception) -> None:
    """Note that a start failed and tell the playbook's owner; the note is durable first.

    May be called each time it is tried: what is known already is not noted again, and whoever has
    been told is not told again. Nothing happens if somebody has opened the case meanwhile.
    """
    with ws.storage.writing() as unit:
        unit.schedules.record(ScheduleRun(row.id, due, FAILED))
        standing = {run.due: run.decision for run in unit.schedules.standing(row.id).failures}
        if due not in standing:
            return
        if reasons(unit).get((row.id, instant(due))) != str(problem):
            _append(ws, unit, row, due, problem)
        unit.keep()
    if standing[due] == FAILED:
        _tell(ws, row, due, str(problem))


def problems(unit: UnitOfWork, row: ScheduleRow) -> Mapping[datetime, str]:
    """Return why the starts of a schedule fail that are still to be made, by due instant."""
    failures = unit.schedules.standing(row.id).failures
    said = reasons(unit) if failures else {}
    return {run.due: said.get((row.id, instant(run.due)), "") for run in failures}


def reasons(unit: UnitOfWork) -> dict[tuple[str, str | None], str]:
    """Return why starts failed, the last reason of each, by schedule and due instant."""
    noted = unit.events.select(EventFilter(streams=(STREAM,), kinds=("ScheduledStartFailed",)))
    return {
        (event.facts["schedule"], event.facts["due"]): str(event.content.get("reason", ""))
        for event in noted
    }


def _append(
    ws: Workspace, unit: UnitOfWork, row: ScheduleRow, due: datetime, problem: Exception
) -> None:
    known = isinstance(problem, SmrError | ExpressionError)
    code = problem.code if isinstance(problem, SmrError) else type(problem).__name__
    fault = None if known else problem
    log.warning("schedule %s due %s: %s", row.id, instant(due), code, exc_info=fault)
    facts = {"schedule": row.id, "playbook": row.playbook, "due": instant(due), "code": code}
    content = {STREAM: {"reason": str(problem)}}
    envelope = Envelope(ws.clock.now(), "engine")
    unit.events.append(STREAM, "ScheduledStartFailed", facts, content, envelope)


# --- telling -----------------------------------------------------------------------------------


def _tell(ws: Workspace, row: ScheduleRow, due: datetime, reason: str) -> None:
    """Tell whoever can mend it; if nobody could be told, that is tried again with the start.

    The message has the same key on every try, like an effect's.
    """
    with ws.storage.reading() as unit:
        people = _owners(ws, unit, row)
    told = [person.id for person in people if _told(ws, person, row, due, reason)]
    if not told:
        return
    with ws.storage.writing() as unit:
        if unit.schedules.record(ScheduleRun(row.id, due, TOLD)):
            facts = {"schedule": row.id, "due": instant(due)}
            envelope = Envelope(ws.clock.now(), "engine")
            unit.events.append(
                STREAM, "ScheduleOwnerTold", facts, {STREAM: {"told": told}}, envelope
            )
            unit.keep()


def _told(ws: Workspace, person: Person, row: ScheduleRow, due: datetime, reason: str) -> bool:
    local = due.astimezone(ZoneInfo(row.timezone))
    message = Message(
        key=f"schedule:{row.id}:{instant(due)}:{person.id}",
        case=row.id,
        recipient=Recipient("person", person.id, person.name, person.email, person.notify),
        subject=f"[{row.id}] The scheduled start of {row.playbook} failed",
        body=f"{row.playbook} was due on {local:%-d %B %Y at %H:%M} ({row.timezone}) and could not "
        f"be opened:\n\n{reason}\n\nPlease mend this. It is tried again every minute, until a "
        "later start is due; `smr schedule list` shows whether it still waits.",
    )
    try:
        ws.notifier.send(message, TELL_S)
    except (EffectRefusedError, EffectUnavailableError) as problem:
        log.warning("%s could not be told about schedule %s: %s", person.id, row.id, problem)
        return False
    except EffectAmbiguousError:
        return True  # perhaps; it stands in `smr schedule list` and `smr doctor` as well
    return True


def _owners(ws: Workspace, unit: UnitOfWork, row: ScheduleRow) -> list[Person]:
    """Return who acts for the playbook's owner now; else who made the schedule, or may mend it."""
    world = directory.world(ws, unit)
    owner = _owner(ws, unit, row.playbook)
    names = [holder.person for holder in world.acting_at(owner, ws.clock.now())]
    names = names or list(world.holders(owner)) or [row.created_by]
    found = [world.people[name] for name in names if name in world.people]
    return found or [p for p in world.people.values() if p.access == "administrator"]


def _owner(ws: Workspace, unit: UnitOfWork, playbook: str) -> str:
    """Return the playbook's owner: as its file says, else as its last version that was started."""
    try:
        return library.read(ws, playbook)[0].owner
    except SmrError:
        known = [row for row in unit.playbooks.all() if row.name == playbook]
    return versions.pinned(ws, unit, known[-1].digest).owner if known else ""
