"""Migrations: from nothing, twice, by many at once, and to the tables the program knows."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from smr_engine.adapters.entropy import SystemEntropy
from smr_engine.adapters.file_lock import FileLock
from smr_engine.errors import Invalid, SmrError
from smr_engine.storage import open_storage, revision, upgrade
from smr_engine.storage.database import connect
from smr_engine.storage.migrate import FOLDER, REVISIONS
from smr_engine.storage.tables import metadata
from tests.support.postgres import drop_database, fresh_database


@pytest.fixture
def empty_url(backend, tmp_path):
    """The address of an empty database."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    url = fresh_database()
    yield url
    drop_database(url)


def plain(index):
    """An index whose condition can be compared."""
    options = {k: str(v) for k, v in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def without_row_numbers(engine, table):
    if engine.dialect.name != "sqlite":
        return False
    with engine.connect() as connection:
        made = text("SELECT sql FROM sqlite_master WHERE name = :table")
        return "WITHOUT ROWID" in connection.execute(made, {"table": table}).scalar_one()


def described(url):
    """What a database says of our tables."""
    engine = create_engine(url)
    found = inspect(engine)
    tables = {}
    for name in sorted(set(found.get_table_names()) - {"alembic_version"}):
        columns = [
            (c["name"], str(c["type"]), c["nullable"], c["default"])
            for c in found.get_columns(name)
        ]
        keys = (found.get_pk_constraint(name), found.get_foreign_keys(name))
        uniques = sorted(found.get_unique_constraints(name), key=str)
        indexes = sorted(map(plain, found.get_indexes(name)), key=str)
        tables[name] = (columns, *keys, uniques, indexes, without_row_numbers(engine, name))
    sequences = found.get_sequence_names() if engine.dialect.supports_sequences else []
    engine.dispose()
    return tables, sequences


def test_migrations_give_the_tables_that_the_program_knows(empty_url, backend, tmp_path):
    open_storage(empty_url, SystemEntropy()).close()
    other = f"sqlite:///{tmp_path / 'other.db'}" if backend == "sqlite" else fresh_database()
    engine = create_engine(other)
    metadata.create_all(engine)
    engine.dispose()
    assert described(empty_url) == described(other)
    if backend == "postgresql":
        drop_database(other)


def test_the_revisions_listed_are_those_there_are():
    script = ScriptDirectory(str(FOLDER))
    assert [r.revision for r in script.walk_revisions()][::-1] == list(REVISIONS)


def test_a_database_is_brought_to_the_newest_revision_once(empty_url):
    storage = connect(empty_url, SystemEntropy())
    assert revision(storage) == ""
    assert upgrade(storage) == ""
    assert upgrade(storage) == REVISIONS[-1] == revision(storage)
    storage.close()


def test_many_may_bring_it_there_at_once(empty_url, tmp_path):
    lock = FileLock(tmp_path / "writer.lock")
    problems = []

    def open_it():
        try:
            open_storage(empty_url, SystemEntropy(), lambda: lock.hold(60)).close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_database_of_a_newer_program_is_left_alone(storage):
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SmrError, match="at revision 9999") as caught:
        upgrade(storage)
    assert caught.value.code == "database-too-new"
    with storage.engine.begin() as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :head"), {"head": REVISIONS[-1]}
        )


def test_a_database_that_is_refused_is_closed_again(sqlite_tables, tmp_path):
    file = Path(shutil.copy(sqlite_tables, tmp_path))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SmrError) as caught:  # kept: its traceback would keep the connections
        open_storage(f"sqlite:///{file}", SystemEntropy())
    assert caught.value.code == "database-too-new"
    assert list(tmp_path.iterdir()) == [file]  # whoever closes last takes SQLite's own files away


@pytest.mark.parametrize("url", ["", "no address", "mysql://somewhere/smr", "sqlite"])
def test_an_address_of_no_database_is_told(url):
    with pytest.raises(Invalid, match="database_url") as caught:
        open_storage(url, SystemEntropy())
    assert caught.value.code == "bad-database-url"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://smr:canary-secret@127.0.0.1:1/smr?connect_timeout=2",
        "sqlite:////no/such/folder/smr.db",
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(url):
    with pytest.raises(SmrError, match="did not do its work") as caught:
        open_storage(url, SystemEntropy())
    assert caught.value.code == "storage-failed"
    assert "canary-secret" not in str(caught.value)
