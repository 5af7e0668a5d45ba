"""Bringing a database to the tables this program knows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from smr_engine.errors import SmrError
from smr_engine.storage.database import SqlStorage
from smr_engine.storage.unit_of_work import failed

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""The revisions in their order; a test compares them with the files, for Alembic imports slowly."""

FOLDER: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 7_305_617_401  # any number that no other program locks


def revision(storage: SqlStorage) -> str:
    """Return the revision of the database, "" for an empty one.

    Raises:
        SmrError: `storage-failed`.
    """
    try:
        with storage.reading_engine.connect() as connection:
            return _revision(connection)
    except DBAPIError as error:
        raise failed(error) from error


def upgrade(storage: SqlStorage) -> str:
    """Bring the database to the newest revision in one transaction; return the one it had.

    Nothing happens where it is there already. Processes that do this at the same time queue.

    Raises:
        SmrError: `storage-failed`, or `database-too-new`: a newer program was here.
    """
    if storage.dialect.is_set_up(storage.url):
        found = _known(storage)
        if found == REVISIONS[-1]:
            return found
    with storage.guard():
        found = _known(storage)
        if found != REVISIONS[-1]:
            try:
                with storage.engine.begin() as connection:
                    _run(connection)
            except DBAPIError as error:
                raise failed(error) from error
    return found


def _known(storage: SqlStorage) -> str:
    found = revision(storage)
    if found and found not in REVISIONS:
        raise SmrError(
            "database-too-new",
            f"The database is at revision {found}, which this version of smr does not know",
            hint="use the version of smr that brought it there, or a newer one",
        )
    return found


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
