"""The database: tables, migrations, the unit of work and its stores, on SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import nullcontext

from smr_engine.services.ports import Entropy
from smr_engine.storage.database import PostgresStorage, SqlStorage, connect
from smr_engine.storage.migrate import revision, upgrade
from smr_engine.storage.transaction import Guard

__all__ = ["PostgresStorage", "SqlStorage", "open_storage", "revision", "upgrade"]


def open_storage(url: str, entropy: Entropy, writer_lock: Guard = nullcontext) -> SqlStorage:
    """Return the database behind an address, with the tables of this version of the program.

    Args:
        url: `sqlite:////path/to/smr.db` (its folder must be there) or
            `postgresql://user:password@host/name` (the database must be there).
        entropy: for the salts of content commitments.
        writer_lock: gives a lock that only one process of the workspace holds at a time; SQLite's
            writers queue at it. PostgreSQL does not need it.

    Raises:
        SmrError: `bad-database-url`, `storage-failed`, or `database-too-new`.
    """
    storage = connect(url, entropy, writer_lock)
    try:
        upgrade(storage)
    except BaseException:
        storage.close()
        raise
    return storage
