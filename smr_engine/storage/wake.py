"""Wake-ups across processes on PostgreSQL: LISTEN on a connection of its own.

The database notifies when a transaction that owes something commits (triggers of the first
migration); `PostgresStorage.wake` is for whatever else a conductor should look at.
"""

from __future__ import annotations

import psycopg
from sqlalchemy import make_url

from smr_engine.errors import SmrError


class PostgresListener:
    """Waits for wake-ups; a lost connection is made anew.

    Args:
        url: SQLAlchemy address of the database.

    Raises:
        SmrError: `storage-failed`: the database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = self._listen()

    def wait(self, timeout_s: float) -> bool:
        """Return True when woken since the last wait, False when the time (seconds) is over.

        After the connection was lost it returns True once, for something may have been missed.

        Raises:
            SmrError: `storage-failed`: the database cannot be reached again; wait again later.
        """
        if self._connection.closed:
            self._connection = self._listen()
            return True
        try:
            return any(True for _ in self._connection.notifies(timeout=timeout_s, stop_after=1))
        except psycopg.OperationalError:
            self._connection.close()
            return True

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _listen(self) -> psycopg.Connection:
        address = make_url(self._url).set(drivername="postgresql")
        try:
            connection = psycopg.connect(
                address.render_as_string(hide_password=False), autocommit=True
            )
        except psycopg.OperationalError as error:
            raise SmrError(
                "storage-failed",
                "The database does not answer",
                hint="smr doctor shows whether it can be reached",
            ) from error
        connection.execute("LISTEN smr_wake")
        return connection
