"""Schedules that playbooks bring along: what their triggers say becomes, and stays, a schedule."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from smr_engine.engine.commands import Actor
from smr_engine.errors import SmrError
from smr_engine.playbook.model import Playbook
from smr_engine.services import doctor_playbooks, library, schedules
from smr_engine.services.stored import ScheduleRow
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.schedules")
OURS = Actor("engine", "", "engine")
TRIGGER = "trigger"
WITHDRAWN = "withdrawn"
"""The source of a schedule that its playbook no longer asks for; not one removed by hand."""


def sync(ws: Workspace) -> list[str]:
    """Make the schedules what the playbooks' triggers say; durable when it returns.

    Idempotent. A schedule that a playbook no longer asks for is withdrawn, and comes back when it
    asks again; one removed by hand stays removed. A playbook with errors keeps what it has.

    Returns:
        The names of the playbooks that cannot be started, of those in use.
    """
    faulty: list[str] = []
    wanted: dict[str, ScheduleRow] = {}
    for name in ws.files.names():
        try:
            rows = _asked_for(ws, name, library.load(ws, name))
        except SmrError:
            faulty.append(name)
            continue
        wanted.update({row.id: row for row in rows})
    with ws.storage.reading() as unit:
        changed = _changes(ws, unit, wanted, faulty)
    if changed:
        with ws.storage.writing() as unit:
            for row, kind in _changes(ws, unit, wanted, faulty):
                schedules.put(ws, unit, row, OURS, kind)
            unit.keep()
    missed = sorted(doctor_playbooks.in_use(ws).intersection(faulty))
    for name in missed:
        log.warning("%s cannot be started: smr validate %s says why", name, name)
    return missed


def _asked_for(ws: Workspace, name: str, playbook: Playbook) -> list[ScheduleRow]:
    found = []
    for trigger in playbook.triggers:
        rule = schedules.Rule(trigger.rrule, trigger.at, trigger.timezone, trigger.missed.value)
        unique = f"{name}|{trigger.rrule}|{trigger.at}|{trigger.timezone}"
        suffix = hashlib.sha256(unique.encode()).hexdigest()[:8]
        found.append(replace(schedules.checked(ws, name, rule), id=f"{name}-{suffix}"))
    return found


def _changes(
    ws: Workspace, unit: UnitOfWork, wanted: Mapping[str, ScheduleRow], faulty: Iterable[str]
) -> list[tuple[ScheduleRow, str]]:
    """Return the schedules to be stored, each with the event that says why."""
    known = {row.id: row for row in unit.schedules.all(removed=True)}
    changes: list[tuple[ScheduleRow, str]] = []
    for row in wanted.values():
        before = known.get(row.id)
        if before is None or before.source == WITHDRAWN:
            changes.append((row, "ScheduleAdded"))
        elif before.removed_at is None and before.missed != row.missed:
            changes.append((replace(before, missed=row.missed), "ScheduleChanged"))
    for row in known.values():
        stays = row.id in wanted or row.playbook in faulty
        if row.source == TRIGGER and row.removed_at is None and not stays:
            gone = replace(row, source=WITHDRAWN, removed_at=ws.clock.now())
            changes.append((gone, "ScheduleRemoved"))
    return changes
