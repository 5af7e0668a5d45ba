"""What the stores of one unit of work share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from smr_engine.services.ports import Entropy
from smr_engine.services.projection import Changes, Head
from smr_engine.services.storing import Conflict, KeyTaken

Guard = Callable[[], AbstractContextManager[None]]
"""Gives a lock to be held for a writing unit of work."""

Insert = postgresql.Insert | sqlite.Insert


class Dialect(Protocol):
    """What the two databases do differently."""

    def engines(self, url: str) -> tuple[Engine, Engine]:
        """Return engines for writing and for reading; no connection is made yet."""
        ...

    def is_set_up(self, url: str) -> bool:
        """Return whether connecting changes nothing about the database any more."""
        ...

    def insert(self, table: Table) -> Insert:
        """Return an INSERT that knows ON CONFLICT."""
        ...

    def next_numbers(self, connection: Connection, count: int) -> list[int]:
        """Return the next numbers of the log, ascending."""
        ...

    def write(self, connection: Connection, changes: Changes) -> None:
        """Write rows in as few statements as the database allows."""
        ...

    def violated(self, error: IntegrityError) -> str:
        """Return the name of the violated constraint, or text that contains its columns."""
        ...


@dataclass(slots=True)
class Transaction:
    """One open transaction; `heads` are the ends of the case streams it has loaded or written."""

    connection: Connection
    dialect: Dialect
    entropy: Entropy
    writes: bool
    heads: dict[str, Head] = field(default_factory=dict)

    def require_writing(self) -> None:
        """Raise RuntimeError in a unit of work that only reads: a defect of the caller."""
        if not self.writes:
            message = "this unit of work was opened for reading"
            raise RuntimeError(message)

    def write(self, changes: Changes) -> None:
        """Write rows.

        Raises:
            KeyTaken, Conflict: a unique key is taken.
        """
        self.require_writing()
        try:
            self.dialect.write(self.connection, changes)
        except IntegrityError as error:
            raise self._taken(error) from error

    def insert(self, table: Table, row: dict[str, Any]) -> None:
        """Insert one row.

        Raises:
            Conflict: its key is taken.
        """
        self.require_writing()
        try:
            self.connection.execute(self.dialect.insert(table), row)
        except IntegrityError as error:
            raise self._taken(error) from error

    def insert_new(self, table: Table, row: dict[str, Any]) -> bool:
        """Insert a row unless its key is there; return whether it was inserted."""
        self.require_writing()
        statement = (
            self.dialect.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
        )
        return self.connection.execute(statement, row).first() is not None

    def _taken(self, error: IntegrityError) -> KeyTaken | Conflict:
        if "command_key" in self.dialect.violated(error):
            return KeyTaken("key-taken", "This command was carried out already")
        return Conflict(
            "conflict",
            "Somebody else was faster, or this has happened already",
            hint="look at how things stand now, then try again if there is still something to do",
        )
