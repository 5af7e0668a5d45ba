"""Registers beside the cases: playbook versions, the directory, schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from smr_engine.services.stored import DirectoryRow, PlaybookRow, ScheduleRow, ScheduleRun
from smr_engine.storage.tables import directory, playbooks, schedule_runs, schedules
from smr_engine.storage.transaction import Transaction

# Written down once: every command asks which directory is the newest.
_VERSION: Final = (
    select(directory.c.version, directory.c.digest).order_by(directory.c.version.desc()).limit(1)
)


class SqlPlaybooks:
    """Playbook versions in one unit of work (implements `services.storing.Playbooks`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, playbook: PlaybookRow) -> bool:
        """Register a version; see the port."""
        return self._transaction.insert_new(playbooks, asdict(playbook))

    def get(self, digest: str) -> PlaybookRow | None:
        """Return one version; see the port."""
        asked = select(playbooks).where(playbooks.c.digest == digest)
        row = self._transaction.connection.execute(asked).mappings().one_or_none()
        return PlaybookRow(**row) if row else None

    def all(self) -> Sequence[PlaybookRow]:
        """Return every version; see the port."""
        asked = select(playbooks).order_by(playbooks.c.name, playbooks.c.registered_at)
        return [PlaybookRow(**r) for r in self._transaction.connection.execute(asked).mappings()]


class SqlDirectory:
    """Directory versions in one unit of work (implements `services.storing.Directory`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def latest(self) -> DirectoryRow | None:
        """Return the newest version; see the port."""
        asked = select(directory).order_by(directory.c.version.desc()).limit(1)
        row = self._transaction.connection.execute(asked).one_or_none()
        if row is None:
            return None
        return DirectoryRow(row.version, row.digest, msgspec.json.decode(row.data), row.at)

    def version(self) -> tuple[int, str]:
        """Return number and digest of the newest version; see the port."""
        row = self._transaction.connection.execute(_VERSION).one_or_none()
        return (row.version, row.digest) if row else (0, "")

    def add(self, row: DirectoryRow) -> None:
        """Store the next version; see the port."""
        data = msgspec.json.encode(row.data).decode()
        self._transaction.insert(
            directory,
            {"version": row.version, "digest": row.digest, "data": data, "at": row.at},
        )


class SqlSchedules:
    """Schedules in one unit of work (implements `services.storing.Schedules`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, schedule: ScheduleRow) -> None:
        """Add or replace a schedule; see the port."""
        self._transaction.require_writing()
        row = {**asdict(schedule), "inputs": msgspec.json.encode(schedule.inputs).decode()}
        statement = self._transaction.dialect.insert(schedules).values(row)
        changed = {name: value for name, value in row.items() if name != "id"}
        upsert = statement.on_conflict_do_update(index_elements=["id"], set_=changed)
        self._transaction.connection.execute(upsert)

    def all(self, *, removed: bool = False) -> Sequence[ScheduleRow]:
        """Return the schedules; see the port."""
        asked = select(schedules).order_by(schedules.c.id)
        if not removed:
            asked = asked.where(schedules.c.removed_at.is_(None))
        rows = self._transaction.connection.execute(asked).mappings()
        return [ScheduleRow(**{**r, "inputs": msgspec.json.decode(r["inputs"])}) for r in rows]

    def record(self, run: ScheduleRun) -> bool:
        """Record a decision about a due instant; see the port."""
        row = {"schedule": run.schedule, "due": run.due, "decision": run.decision}
        return self._transaction.insert_new(schedule_runs, {**row, "case_ref": run.case})

    def runs(self, schedule: str, since: datetime | None = None) -> Sequence[ScheduleRun]:
        """Return what was decided; see the port."""
        asked = select(schedule_runs).where(schedule_runs.c.schedule == schedule)
        if since is not None:
            asked = asked.where(schedule_runs.c.due >= since)
        rows = self._transaction.connection.execute(asked.order_by(schedule_runs.c.due))
        return [ScheduleRun(row.schedule, row.due, row.decision, row.case_ref) for row in rows]
