"""SQLite: one file, one writer at a time, commits that survive a power cut.

Python's driver opens transactions by itself, and only before it writes; here it is told not to
(`isolation_level = None`) and every transaction begins with a BEGIN of ours, as SQLAlchemy's page
on pysqlite advises.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, create_engine, event, func, make_url, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from smr_engine.audit.leaf import timestamp
from smr_engine.services.projection import Changes, Operation, Row
from smr_engine.storage.tables import events, metadata

_TABLES: Final = (
    "events", "contents", "cases", "scopes", "items", "item_people", "timers", "clocks", "effects",
    "leases",
)  # fmt: skip
_WRITES: Final[tuple[Operation, ...]] = ("insert", "update")
_ORDER: Final[tuple[tuple[str, Operation], ...]] = (
    *((name, "delete") for name in reversed(_TABLES)),
    *((name, operation) for name in _TABLES for operation in _WRITES),
)
_LAST: Final = select(func.max(events.c.seq))
PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # NORMAL may lose acknowledged commits with the power
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",  # writers queue at a lock of ours; this is for checkpoints
)


class SqliteDialect:
    """What SQLite does its own way (implements `storage.transaction.Dialect`)."""

    def engines(self, url: str) -> tuple[Engine, Engine]:
        """Return engines for writing (BEGIN IMMEDIATE) and for reading (a snapshot)."""
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine.execution_options(smr_begin="BEGIN IMMEDIATE"), engine

    def is_set_up(self, url: str) -> bool:
        """Return whether the file is in WAL mode (bytes 18 and 19 of SQLite's file format).

        Switching to it meets "database is locked" when two connections do it at once, whatever
        their time-outs, so it is done under the writers' lock.
        """
        path = Path(make_url(url).database or "")
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(20)[18:20] == b"\x02\x02"

    def insert(self, table: Table) -> sqlite.Insert:
        """Return an INSERT that knows ON CONFLICT."""
        return sqlite.insert(table)

    def next_numbers(self, connection: Connection, count: int) -> list[int]:
        """Return the next numbers of the log; there are no gaps, because nobody else writes."""
        last = connection.execute(_LAST).scalar() or 0
        return list(range(last + 1, last + count + 1))

    def write(self, connection: Connection, changes: Changes) -> None:
        """Write rows: deletes first, referencing rows before those they refer to, then the rest."""
        for name, operation in _ORDER:
            if rows := changes.rows.get((name, operation)):
                given = tuple(rows[0])
                values = _values(_columns(name, operation, given), rows)
                connection.exec_driver_sql(_statement(name, operation, given), values)

    def violated(self, error: IntegrityError) -> str:
        """Return SQLite's message, which contains the columns."""
        return str(error.orig)


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(pragma)
    # SQLite's own knows ASCII only; what people search for has umlauts.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("smr_begin", "BEGIN")
    connection.exec_driver_sql(begin)


def _values(columns: tuple[str, ...], rows: list[Row]) -> list[tuple[Any, ...]]:
    return [tuple([_value(row[c]) for c in columns]) for row in rows]


def _value(value: Any) -> Any:
    return timestamp(value) if value.__class__ is datetime else value


@cache
def _columns(name: str, operation: Operation, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns whose values a statement takes, in its order."""
    keys = tuple(c.name for c in metadata.tables[name].primary_key)
    if operation == "insert":
        return given
    return (*(c for c in given if c not in keys and operation == "update"), *keys)


@cache
def _statement(name: str, operation: Operation, given: tuple[str, ...]) -> str:
    columns = _columns(name, operation, given)
    keys = {c.name for c in metadata.tables[name].primary_key}
    where = " AND ".join(f'"{c}" = ?' for c in columns if c in keys)
    if operation == "insert":
        names = ", ".join(f'"{c}"' for c in columns)
        return f'INSERT INTO "{name}" ({names}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608
    if operation == "update":
        changed = ", ".join(f'"{c}" = ?' for c in columns if c not in keys)
        return f'UPDATE "{name}" SET {changed} WHERE {where}'  # noqa: S608
    return f'DELETE FROM "{name}" WHERE {where}'  # noqa: S608
