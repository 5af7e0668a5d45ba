"""Recurring cases."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from smr_engine.services import schedules
from smr_engine.services.views import DueRow, ScheduleRow
from smr_engine.web.api.callers import InPerson, Reading
from smr_engine.web.api.shapes import (
    AT_ONCE,
    V1,
    After,
    Limit,
    Name,
    NewSchedule,
    Page,
    Removed,
    page_of,
)

router = APIRouter(prefix=f"{V1}/schedules", tags=["schedules"])


@router.get("")
def list_schedules(caller: Reading, after: After = "", limit: Limit = AT_ONCE) -> Page[ScheduleRow]:
    """List the schedules with their next instants."""
    rows = schedules.list_(caller.ws, caller.person)
    return page_of(rows, lambda row: row.schedule, after, limit)


@router.get("/coming")
def list_coming(caller: Reading, count: Annotated[int, Query(ge=1, le=100)] = 10) -> Page[DueRow]:
    """Return what opens next, and when."""
    return Page(rows=schedules.next_(caller.ws, count, person=caller.person))


@router.post("", status_code=201)
def add_schedule(caller: InPerson, body: NewSchedule) -> ScheduleRow:
    """Open a case of a playbook again and again."""
    rule = schedules.Rule(body.rrule, body.at, body.timezone, body.missed)
    return schedules.add(caller.ws, caller.actor, body.playbook, rule, body.inputs)


@router.delete("/{name}")
def remove_schedule(caller: InPerson, name: Name) -> Removed:
    """Remove a schedule; one that a playbook brought stays removed."""
    schedules.remove(caller.ws, caller.actor, name)
    return Removed(schedule=name)
