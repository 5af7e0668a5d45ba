"""One storage suite, on a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from smr_engine.adapters.entropy import SystemEntropy
from smr_engine.adapters.file_lock import FileLock
from smr_engine.storage import SqlStorage, open_storage
from smr_engine.storage.tables import metadata
from tests.support.postgres import drop_database, fresh_database

BACKENDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Database:
    """A database that tests open as often as they like, from any process."""

    url: str
    folder: Path

    @property
    def backend(self) -> str:
        return make_url(self.url).get_backend_name()

    def open(self) -> SqlStorage:
        lock = FileLock(self.folder / "writer.lock")
        return open_storage(self.url, SystemEntropy(), lambda: lock.hold(60))


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables, to copy."""
    path = tmp_path_factory.mktemp("tables") / "smr.db"
    open_storage(f"sqlite:///{path}", SystemEntropy()).close()
    return path


@pytest.fixture(scope="session")
def postgres_tables() -> Iterator[str]:
    """A PostgreSQL database with our tables, which tests empty before they use it."""
    url = fresh_database()
    open_storage(url, SystemEntropy()).close()
    yield url
    drop_database(url)


def empty(url: str) -> None:
    """Take everything out, past the triggers; making a new database takes twenty times as long."""
    tables = ", ".join(t.name for t in metadata.sorted_tables)
    statements = (
        "ALTER TABLE events DISABLE TRIGGER USER",
        "ALTER TABLE contents DISABLE TRIGGER USER",
        f"TRUNCATE {tables} RESTART IDENTITY",
        "ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only",
        "ALTER TABLE contents ENABLE ALWAYS TRIGGER contents_never_changed",
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def database(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our tables and nothing in them."""
    if backend == "sqlite":
        path = shutil.copy(request.getfixturevalue("sqlite_tables"), tmp_path)
        yield Database(f"sqlite:///{path}", tmp_path)
        return
    url = request.getfixturevalue("postgres_tables")
    empty(url)
    yield Database(url, tmp_path)


@pytest.fixture
def open_again(database: Database) -> Iterator[Callable[[], SqlStorage]]:
    """Opens the database; everything is closed at the end."""
    opened: list[SqlStorage] = []

    def another() -> SqlStorage:
        opened.append(database.open())
        return opened[-1]

    yield another
    for storage in opened:
        storage.close()


@pytest.fixture
def storage(open_again: Callable[[], SqlStorage]) -> SqlStorage:
    return open_again()
