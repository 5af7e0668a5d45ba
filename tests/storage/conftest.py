"""One storage suite, on a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from smr_engine.adapters.entropy import SystemEntropy
from smr_engine.adapters.file_lock import FileLock
from smr_engine.storage import SqlStorage, open_storage
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
def postgres_template() -> str:
    """A PostgreSQL database with our tables, to copy."""
    url = fresh_database()
    open_storage(url, SystemEntropy()).close()
    return str(make_url(url).database)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def database(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A database with our tables and nothing in them."""
    if backend == "sqlite":
        yield Database(f"sqlite:///{tmp_path / 'smr.db'}", tmp_path)
        return
    url = fresh_database(request.getfixturevalue("postgres_template"))
    yield Database(url, tmp_path)
    drop_database(url)


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
