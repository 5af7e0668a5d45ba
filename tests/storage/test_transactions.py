"""What a unit of work promises of itself: snapshots, queues, durability."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from sqlalchemy import event, text

from smr_engine.engine import events as e
from smr_engine.errors import SmrError
from tests.storage.stories import Story, at, envelope, opening, tell

REF = "CRISIS-2026-0001"


def test_a_reader_sees_one_moment_and_does_not_wait_for_writers(storage):
    story = Story(storage)
    story.go(opening(REF))
    with storage.reading() as reader:
        assert reader.cases.load(REF).header.last_at == at(0)
        story.go(e.NoteWritten(text="meanwhile"), minutes=5)
        assert reader.cases.load(REF).header.last_at == at(0)
        assert reader.queries.counts()["events"] == 1
    assert story.loaded().header.last_at == at(5)


def test_a_reader_is_let_in_while_somebody_writes(storage):
    story = Story(storage)
    story.go(opening(REF))
    with storage.writing() as writer:
        tell(writer, REF, (e.NoteWritten(text="in the making"),), envelope(minutes=5))
        assert story.loaded().header.last_at == at(0)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_reader_is_let_in_while_as_many_write_as_can(storage):
    Story(storage).go(opening(REF))
    pool = storage.engine.pool
    with ExitStack() as writers:
        while pool.checkedout() < pool.size() + pool._max_overflow:
            writers.enter_context(storage.writing())
        assert Story(storage).loaded().header.last_at == at(0)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_cases_do_not_wait_for_each_other(storage):
    for ref in (REF, "CRISIS-2026-0002"):
        Story(storage, ref).go(opening(ref))
    with storage.writing() as first, storage.writing() as second:
        for unit, ref in ((first, REF), (second, "CRISIS-2026-0002")):
            tell(unit, ref, (e.NoteWritten(text="at once"),), envelope(minutes=5))
        second.keep()
        first.keep()
    assert Story(storage).loaded().header.last_at == at(5)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_the_database_itself_keeps_a_reader_from_writing(storage):
    with pytest.raises(SmrError, match="read-only transaction"), storage.reading() as unit:
        unit.queries._transaction.connection.execute(text("DELETE FROM counters"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_is_set_to_lose_nothing(storage):
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with storage.engine.connect() as connection:
        for name, value in expected.items():
            assert connection.execute(text(f"PRAGMA {name}")).scalar() == value


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_writer_takes_its_place_before_it_reads(storage):
    """A transaction that reads first and writes later fails when somebody wrote in between."""
    begun = []
    engine = storage._reading.engine  # what happens on it is heard of the writers too
    event.listen(engine, "before_cursor_execute", lambda *a: begun.append(a[2]))
    with storage.writing():
        pass
    with storage.reading():
        pass
    assert begun == ["BEGIN IMMEDIATE", "BEGIN"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_writers_of_sqlite_queue_at_the_lock(database, open_again):
    first, second = open_again(), open_again()
    order = []
    begun = threading.Event()

    def write():
        begun.set()
        with second.writing() as unit:
            order.append("second")
            unit.keep()

    thread = threading.Thread(target=write)
    with first.writing() as unit:
        thread.start()
        begun.wait()
        thread.join(0.1)  # time enough to go wrong
        order.append("first")
        unit.keep()
    thread.join()
    assert order == ["first", "second"]


def test_the_lock_is_free_again_after_a_unit_of_work_that_could_not_begin(storage):
    with storage.writing() as unit:
        unit.keep()
    storage.close()
    with storage.writing() as unit:  # closing gives connections back; it does not end anything
        unit.keep()


def test_a_failure_of_the_database_is_told_in_our_words_without_the_row(storage):
    Story(storage).go(opening(REF))
    canary = "canary of somebody's text"
    with pytest.raises(SmrError, match="The database did not do its work") as caught:
        break_it(storage, canary)
    assert caught.value.code == "storage-failed"
    assert canary not in str(caught.value)


def break_it(storage, value):
    with storage.writing() as unit:
        connection = unit.queries._transaction.connection
        insert = "INSERT INTO streams (stream, events, head) VALUES (:value, NULL, :head)"
        connection.execute(text(insert), {"value": value, "head": b""})
