"""Opening a database by its address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from smr_engine.errors import Invalid
from smr_engine.services.ports import Entropy
from smr_engine.storage.group_commit import GroupCommit
from smr_engine.storage.sqlite import SqliteDialect
from smr_engine.storage.transaction import Dialect, Guard
from smr_engine.storage.unit_of_work import Means, SqlUnitOfWork

if TYPE_CHECKING:
    from smr_engine.storage.wake import PostgresListener

T = TypeVar("T")


class SqlStorage:
    """A database (implements `services.storing.Storage`). Safe to share between threads.

    After a fork the child must open its own.
    """

    def __init__(self, dialect: Dialect, url: str, entropy: Entropy, guard: Guard) -> None:
        writing, reading = dialect.engines(url)
        self.dialect = dialect
        self.url = url
        self.guard = guard
        self.engine = writing
        self.reading_engine = reading
        self._writing = Means(writing, dialect, guard, entropy, writes=True)
        self._reading = Means(reading, dialect, guard, entropy, writes=False)

    def writing(self) -> SqlUnitOfWork:
        """Return a unit of work that may write."""
        return SqlUnitOfWork(self._writing)

    def together(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        """Run a piece of work that may share its commit; see the port."""
        with self.writing() as unit:
            result = work(unit)
            unit.keep()
        return result

    def reading(self) -> SqlUnitOfWork:
        """Return a unit of work over one snapshot."""
        return SqlUnitOfWork(self._reading)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
        self.reading_engine.dispose()


class SqliteStorage(SqlStorage):
    """An SQLite file: one writer at a time, so that those who wait for it share a commit."""

    def __init__(self, dialect: Dialect, url: str, entropy: Entropy, guard: Guard) -> None:
        super().__init__(dialect, url, entropy, guard)
        self._group = GroupCommit(self.writing)

    def together(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        """Run a piece of work, with others that wait; see the port."""
        return self._group.run(work)


_LISTENING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND query = 'LISTEN smr_wake'"
)


class PostgresStorage(SqlStorage):
    """A PostgreSQL database, which can also wake conductors in other processes."""

    def wake(self) -> None:
        """Wake whoever listens; best effort, never raises (implements `services.ports.Waker`)."""
        with suppress(DBAPIError), self.engine.connect() as connection:  # they also poll, slowly
            commits_at_once = connection.execution_options(isolation_level="AUTOCOMMIT")
            commits_at_once.execute(text("NOTIFY smr_wake"))

    def listeners(self) -> int:
        """Return how many listen; see the port.

        A listener's connection does nothing else, so its last statement is the one it listens by.
        """
        with self.engine.connect() as connection:
            return int(connection.execute(_LISTENING).scalar_one())

    def listener(self) -> PostgresListener:
        """Return a new listener for wake-ups.

        Raises:
            SmrError: `storage-failed`.
        """
        from smr_engine.storage.wake import PostgresListener

        return PostgresListener(self.url)


def connect(url: str, entropy: Entropy, guard: Guard = nullcontext) -> SqlStorage:
    """Return the storage behind an address; nothing is read or made yet (see `migrate.upgrade`).

    Args:
        url: `sqlite:////path/to/smr.db` or `postgresql://user@host/name`.
        entropy: for the salts of content commitments.
        guard: gives a lock that only one process holds at a time; SQLite's writers queue at it.

    Raises:
        Invalid: `bad-database-url`.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise _bad_url("it cannot be read") from error
    backend = address.get_backend_name()
    if backend == "sqlite":
        return SqliteStorage(SqliteDialect(), url, entropy, guard)
    if backend == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
        full = address.render_as_string(hide_password=False)
        from smr_engine.storage.postgresql import PostgresDialect  # its driver loads slowly

        return PostgresStorage(PostgresDialect(), full, entropy, nullcontext)
    raise _bad_url(f"{backend} is not supported")


def _bad_url(why: str) -> Invalid:
    return Invalid(
        "bad-database-url",
        f"The setting database_url is no address of a database: {why}",
        hint="sqlite:////path/to/smr.db or postgresql://user:password@host/name",
    )
