"""Registers beside the cases: playbook versions, the directory, schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import msgspec
from sqlalchemy import and_, or_, select

from smr_engine.services.stored import (
    FAILED,
    TOLD,
    DirectoryRow,
    PlaybookRow,
    ScheduleRow,
    ScheduleRun,
    Standing,
)
from smr_engine.storage.tables import directory, playbooks, schedule_runs, schedules
from smr_engine.storage.transaction import Transaction

# Written down once: every command asks which directory is the newest, every wake-up for schedules.
_VERSION: Final = (
    select(directory.c.version, directory.c.digest).order_by(directory.c.version.desc()).limit(1)
)
_ALL_SCHEDULES: Final = select(schedules).order_by(schedules.c.id)
_SCHEDULES: Final = _ALL_SCHEDULES.where(schedules.c.removed_at.is_(None))


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

    def digests(self) -> Sequence[str]:
        """Return the digests of all versions; see the port."""
        return self._transaction.connection.execute(select(playbooks.c.digest)).scalars().all()


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
        asked = _ALL_SCHEDULES if removed else _SCHEDULES
        rows = self._transaction.connection.execute(asked).mappings()
        return [ScheduleRow(**{**r, "inputs": msgspec.json.decode(r["inputs"])}) for r in rows]

    def record(self, run: ScheduleRun) -> bool:
        """Record a decision about a due instant; see the port."""
        self._transaction.require_writing()
        row = {"schedule": run.schedule, "due": run.due, "decision": run.decision}
        statement = self._transaction.dialect.insert(schedule_runs)
        old, new = schedule_runs.c.decision, statement.excluded.decision
        upsert = statement.on_conflict_do_update(
            index_elements=["schedule", "due"],
            set_={"decision": new, "case_ref": statement.excluded.case_ref},
            where=or_(
                and_(old == FAILED, new != FAILED),
                and_(old == TOLD, new.not_in([FAILED, TOLD])),
            ),
        ).returning(schedule_runs.c.schedule)
        done = self._transaction.connection.execute(upsert, {**row, "case_ref": run.case})
        return done.first() is not None

    def standing(self, schedule: str) -> Standing:
        """Return how far a schedule is; see the port."""
        runs = schedule_runs.c
        unsettled = runs.decision.in_([FAILED, TOLD])
        last = select(runs.due).where(runs.schedule == schedule, ~unsettled)
        failed = select(schedule_runs).where(runs.schedule == schedule, unsettled)
        connection = self._transaction.connection
        rows = connection.execute(failed.order_by(runs.due))
        return Standing(
            connection.execute(last.order_by(runs.due.desc()).limit(1)).scalar(),
            tuple(ScheduleRun(r.schedule, r.due, r.decision, r.case_ref) for r in rows),
        )
