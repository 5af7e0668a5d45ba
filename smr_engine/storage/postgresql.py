"""PostgreSQL: many machines; what a command writes travels in one statement.

The round trips of a transaction, not its rows, are what takes time. So all rows of a command go as
JSON into data-modifying WITH queries of a single statement; foreign keys are checked at its end.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, LargeBinary, Table, create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from smr_engine.services.projection import Changes
from smr_engine.storage.tables import metadata

_NUMBERS: Final = text("SELECT nextval('events_seq') FROM generate_series(1, :count)")
_Part = tuple[str, str, tuple[str, ...]]  # table, operation, columns


class PostgresDialect:
    """What PostgreSQL does its own way (implements `storage.transaction.Dialect`)."""

    def engines(self, url: str) -> tuple[Engine, Engine]:
        """Return engines for writing (READ COMMITTED, rows locked) and for reading (a snapshot).

        Each has connections of its own: many who wait for one case leave readers theirs.
        """
        reading = _engine(url).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        return _engine(url), reading

    def is_set_up(self, url: str) -> bool:
        """Return True: a PostgreSQL database is made by somebody else."""
        return True

    def insert(self, table: Table) -> postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT."""
        return postgresql.insert(table)

    def next_numbers(self, connection: Connection, count: int) -> list[int]:
        """Return the next numbers of the log; what is rolled back leaves a gap."""
        return sorted(connection.execute(_NUMBERS, {"count": count}).scalars())

    def write(self, connection: Connection, changes: Changes) -> None:
        """Write all rows in one statement, and drop leases in a second.

        Whoever claims locks the effect and then its lease. Within one statement the order would
        be PostgreSQL's to choose, and the two could wait for each other for ever.
        """
        leases = {key: rows for key, rows in changes.rows.items() if key[0] == "leases"}
        for rows_of in ({k: r for k, r in changes.rows.items() if k not in leases}, leases):
            if rows_of:
                parts = tuple((t, o, tuple(rows[0])) for (t, o), rows in rows_of.items())
                values = {f"{t}_{o}": _json(t, rows) for (t, o), rows in rows_of.items()}
                connection.execute(_statement(parts), values)

    def violated(self, error: IntegrityError) -> str:
        """Return the name of the constraint."""
        diagnosis = getattr(error.orig, "diag", None)
        return str(getattr(diagnosis, "constraint_name", ""))


def _engine(url: str) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,  # a conductor lives through a restart of the server
        pool_size=5,
        max_overflow=10,
        connect_args={"options": "-c timezone=UTC", "application_name": "smr"},
    )


def _json(name: str, rows: list[dict[str, Any]]) -> str:
    """Return rows as JSON; bytes in the notation of PostgreSQL."""
    binary = _binary_columns(name)
    if binary:
        rows = [{c: f"\\x{v.hex()}" if c in binary else v for c, v in row.items()} for row in rows]
    return msgspec.json.encode(rows).decode()


@cache
def _binary_columns(name: str) -> frozenset[str]:
    columns = metadata.tables[name].columns
    return frozenset(c.name for c in columns if isinstance(c.type, LargeBinary))


@cache
def _statement(parts: tuple[_Part, ...]) -> Any:
    """Return the statement that writes these parts; there are a few dozen combinations."""
    written = [f'"{t}_{o}" AS ({_WRITERS[o](t, columns)})' for t, o, columns in parts]
    return text(f"WITH {', '.join(written)} SELECT 1")


def _rows(table: str, operation: str) -> str:
    return f'json_populate_recordset(NULL::"{table}", CAST(:{table}_{operation} AS json)) AS r'


def _insert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{c}"' for c in columns)
    return f'INSERT INTO "{table}" ({names}) SELECT {names} FROM {_rows(table, "insert")}'  # noqa: S608


def _update(table: str, columns: tuple[str, ...]) -> str:
    keys = {c.name for c in metadata.tables[table].primary_key}
    changed = ", ".join(f'"{c}" = r."{c}"' for c in columns if c not in keys)
    rows = _rows(table, "update")
    return f'UPDATE "{table}" SET {changed} FROM {rows} WHERE {_same(table, "update")}'  # noqa: S608


def _delete(table: str, _columns: tuple[str, ...]) -> str:
    rows = _rows(table, "delete")
    return f'DELETE FROM "{table}" USING {rows} WHERE {_same(table, "delete")}'  # noqa: S608


def _same(table: str, operation: str) -> str:
    """Return the condition that a row is one of those written.

    The database takes any record set for 100 rows and would read the whole table to join them; the
    keys as an array lead it to the index.
    """
    keys = [c.name for c in metadata.tables[table].primary_key]
    listed = f'ARRAY(SELECT r."{keys[0]}" FROM {_rows(table, operation)})'  # noqa: S608
    joined = " AND ".join(f'"{table}"."{key}" = r."{key}"' for key in keys)
    return f'"{table}"."{keys[0]}" = ANY({listed}) AND {joined}'


_WRITERS: Final = {"insert": _insert, "update": _update, "delete": _delete}
