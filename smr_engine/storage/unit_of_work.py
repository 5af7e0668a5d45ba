"""The unit of work: one transaction, rolled back unless committed. The only file that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Self

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from smr_engine.errors import SmrError
from smr_engine.services.ports import Entropy
from smr_engine.storage.accounts import SqlAccounts
from smr_engine.storage.cases import SqlCases
from smr_engine.storage.claims import SqlClaims, SqlDue
from smr_engine.storage.events import SqlEvents
from smr_engine.storage.proof import SqlProof
from smr_engine.storage.queries import SqlQueries
from smr_engine.storage.registers import SqlDirectory, SqlPlaybooks, SqlSchedules
from smr_engine.storage.transaction import Dialect, Guard, Transaction


@dataclass(frozen=True, slots=True)
class Means:
    """What a unit of work is made from."""

    engine: Engine
    dialect: Dialect
    guard: Guard
    entropy: Entropy
    writes: bool


class SqlUnitOfWork:
    """One transaction and its stores (implements `services.storing.UnitOfWork`). Used once."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._stack = ExitStack()
        self._open: Transaction | None = None

    @cached_property
    def cases(self) -> SqlCases:
        """Cases."""
        return SqlCases(self._transaction)

    @cached_property
    def events(self) -> SqlEvents:
        """The log."""
        return SqlEvents(self._transaction)

    @cached_property
    def claims(self) -> SqlClaims:
        """Leases."""
        return SqlClaims(self._transaction)

    @cached_property
    def due(self) -> SqlDue:
        """The next instant."""
        return SqlDue(self._transaction)

    @cached_property
    def playbooks(self) -> SqlPlaybooks:
        """Playbook versions."""
        return SqlPlaybooks(self._transaction)

    @cached_property
    def directory(self) -> SqlDirectory:
        """Directory versions."""
        return SqlDirectory(self._transaction)

    @cached_property
    def schedules(self) -> SqlSchedules:
        """Schedules."""
        return SqlSchedules(self._transaction)

    @cached_property
    def accounts(self) -> SqlAccounts:
        """Accounts, sessions and tokens."""
        return SqlAccounts(self._transaction)

    @cached_property
    def queries(self) -> SqlQueries:
        """Listings."""
        return SqlQueries(self._transaction)

    @cached_property
    def proof(self) -> SqlProof:
        """Raw rows."""
        return SqlProof(self._transaction)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happens inside when it raises; the unit of work goes on."""
        transaction = self._transaction
        heads = dict(transaction.heads)
        try:
            with transaction.connection.begin_nested():
                yield
        except BaseException:
            transaction.heads = heads
            raise

    def keep(self) -> None:
        """Make everything durable; nothing may follow in this unit of work.

        Raises:
            SmrError: `storage-failed`; whether it is durable is not known then.
        """
        self._transaction.connection.commit()
        self._open = None

    @property
    def _transaction(self) -> Transaction:
        if self._open is None:
            message = "this unit of work is not open"
            raise RuntimeError(message)
        return self._open

    def __enter__(self) -> Self:
        """Begin: wait for the writers' lock, connect, start the transaction."""
        means = self._means
        with ExitStack() as entered:
            if means.writes:
                entered.enter_context(means.guard())
            try:
                connection = entered.enter_context(means.engine.connect())
                connection.begin()
            except DBAPIError as error:
                raise failed(error) from error
            self._stack = entered.pop_all()
        self._open = Transaction(connection, means.dialect, means.entropy, means.writes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Roll back what was not committed, and tell a failure of the database in our words.

        Raises:
            SmrError: `storage-failed`.
        """
        self._open = None
        self._stack.close()  # closing the connection rolls back
        if isinstance(error, DBAPIError):
            raise failed(error) from error


def failed(error: DBAPIError) -> SmrError:
    """Return a failure of the database in our words.

    Only the first line of its own: what follows may quote the row, and so somebody's text.
    """
    lines = str(error.orig).splitlines() or ["no reason given"]
    return SmrError(
        "storage-failed",
        f"The database did not do its work: {lines[0]}",
        hint="smr doctor shows whether it can be reached and written to",
    )
