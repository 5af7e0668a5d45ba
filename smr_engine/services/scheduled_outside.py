"""Schedules as calendars elsewhere (Prefect's) know them; what they start is decided here.

A calendar elsewhere only says that an instant has come. Whether it is one of the schedule's,
whether it was settled before and what `missed` makes of it stands in our tables, so it does not
matter who comes first, how late, or who changed the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from smr_engine.errors import Refusal
from smr_engine.services import schedules
from smr_engine.services.schedules import MAX_MISSED, Late
from smr_engine.services.stored import ScheduleRow
from smr_engine.services.workspace import Workspace

AN_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a schedule is due: `DTSTART` and `RRULE` (RFC 5545) in local wall time, and its zone."""

    schedule: str
    rrule: str
    timezone: str


def recurrences(ws: Workspace, playbook: str) -> list[Recurrence]:
    """Return the schedules of a playbook."""
    with ws.storage.reading() as unit:
        return [_recurrence(row) for row in unit.schedules.all() if row.playbook == playbook]


def _recurrence(row: ScheduleRow) -> Recurrence:
    begins = row.dtstart.astimezone(ZoneInfo(row.timezone))
    rrule = f"DTSTART:{begins:%Y%m%dT%H%M%S}\nRRULE:{row.rrule.removeprefix('RRULE:')}"
    return Recurrence(row.id, rrule, row.timezone)


def settle_due(ws: Workspace, schedule: str, due: datetime) -> str:
    """Settle an instant that has come; return the case that was opened for it, empty if none was.

    Idempotent, as `schedules.settle`.

    Raises:
        Refusal: ``not-due``, the schedule has no such instant, or it has not come yet.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        row = next((row for row in unit.schedules.all() if row.id == schedule), None)
    ahead = schedules.dues(row, due - AN_INSTANT) if row else iter(())
    instants = list(islice(takewhile(lambda at: at <= now, ahead), MAX_MISSED))
    if row is None or due <= row.added_at or instants[:1] != [due]:
        message = f"{schedule} is not due at {due.isoformat()}"
        raise Refusal("not-due", message, hint="smr deploy makes Prefect's schedules right again")
    opens = dict(schedules.by_policy(row, instants, now))[due]
    return schedules.settle(ws, Late(row, due, opens))
