"""Work of several threads: durable when it returns, and on SQLite with one commit for many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from smr_engine.engine import events as e
from smr_engine.errors import SmrError
from smr_engine.services.stored import EventFilter
from smr_engine.storage import SqlStorage
from tests.storage.stories import Story, envelope, opening, tell
from tests.storage.test_racing import together, verified

CASES = [f"CRISIS-2026-000{n}" for n in range(1, 7)]


@contextmanager
def commits(storage: SqlStorage) -> Iterator[list[object]]:
    """What was committed within the block."""
    seen: list[object] = []

    def note_it(connection: object) -> None:
        seen.append(connection)

    event.listen(storage.engine, "commit", note_it)
    yield seen
    event.remove(storage.engine, "commit", note_it)


def note(ref: str, text: str = "seen") -> Callable[[Any], str]:
    def work(unit: Any) -> str:
        unit.cases.load(ref)
        tell(unit, ref, (e.NoteWritten(text=text),), envelope("ana", 1))
        return ref

    return work


def notes(storage: SqlStorage) -> list[str]:
    with storage.reading() as unit:
        return [each.case for each in unit.events.select(EventFilter(kinds=("NoteWritten",)))]


class Behind:
    """Several pieces of work that wait behind a first one, which holds the writer's place."""

    def __init__(self, storage: SqlStorage, first: Callable[[Any], object]) -> None:
        self.storage = storage
        self.held, self.go_on = threading.Event(), threading.Event()
        self.said: dict[str, object] = {}
        self._threads = [self._thread("first", self._holding(first))]
        assert self.held.wait(20)

    def then(self, name: str, work: Callable[[Any], object]) -> None:
        self._threads.append(self._thread(name, work))

    def end(self) -> dict[str, object]:
        """Let the first go on, once all others wait for it."""
        while len(self.storage._group._waiting) < len(self._threads) - 1:
            threading.Event().wait(0.01)
        self.go_on.set()
        for thread in self._threads:
            thread.join(20)
        return self.said

    def _holding(self, first: Callable[[Any], object]) -> Callable[[Any], object]:
        def work(unit: Any) -> object:
            self.held.set()
            assert self.go_on.wait(20)
            return first(unit)

        return work

    def _thread(self, name: str, work: Callable[[Any], object]) -> threading.Thread:
        def run() -> None:
            try:
                self.said[name] = self.storage.together(work)
            except BaseException as problem:
                self.said[name] = problem

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def six(storage: SqlStorage) -> SqlStorage:
    for ref in CASES:
        Story(storage, ref).go(opening(ref))
    return storage


ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"])
"""PostgreSQL's writers do not wait for each other."""


def test_what_every_thread_wrote_is_there_when_it_returns(six):
    def write(number: int) -> list[bool]:
        ref = CASES[number]
        return [six.together(note(ref)) == ref and ref in notes(six) for _ in range(10)]

    assert together(6, write) == [[True] * 10] * 6
    assert sorted(notes(six)) == sorted(CASES * 10)
    verified(six)


@ON_SQLITE
def test_what_waits_behind_a_writer_shares_the_next_commit(six):
    behind = Behind(six, note(CASES[0]))
    with commits(six) as seen:
        for ref in CASES[1:]:
            behind.then(ref, note(ref))
        said = behind.end()
    assert said == {"first": CASES[0], **{ref: ref for ref in CASES[1:]}}
    assert len(seen) == 2
    verified(six)


@ON_SQLITE
def test_two_commands_of_one_case_in_one_commit_follow_each_other(six):
    behind = Behind(six, note(CASES[0]))
    for number in range(4):
        behind.then(str(number), note(CASES[1], str(number)))
    behind.end()
    assert notes(six) == [CASES[0], *[CASES[1]] * 4]
    verified(six)


@ON_SQLITE
def test_what_is_refused_takes_nothing_with_it(six):
    def refused(unit: Any) -> None:
        note(CASES[2])(unit)
        raise SmrError("no", "it is refused")

    behind = Behind(six, note(CASES[0]))
    behind.then("before", note(CASES[1]))
    behind.then("refused", refused)
    behind.then("after", note(CASES[3]))
    said = behind.end()
    assert isinstance(said["refused"], SmrError)
    assert (said["before"], said["after"]) == (CASES[1], CASES[3])
    assert sorted(notes(six)) == [CASES[0], CASES[1], CASES[3]]
    verified(six)


@ON_SQLITE
def test_a_commit_that_fails_fails_for_all_and_nothing_is_there(six):
    def broken(unit: Any) -> None:
        unit._transaction.connection.connection.dbapi_connection.execute("ROLLBACK")

    behind = Behind(six, note(CASES[0]))
    behind.then("one", note(CASES[1]))
    behind.then("broken", broken)
    said = behind.end()
    assert said["first"] == CASES[0]
    assert all(isinstance(said[name], Exception) for name in ("one", "broken"))
    assert notes(six) == [CASES[0]]
    assert six.together(note(CASES[1])) == CASES[1]  # and work goes on
    verified(six)


@ON_SQLITE
def test_a_thread_that_is_stopped_stops_no_other(six):
    def stopped(unit: Any) -> None:
        raise KeyboardInterrupt

    behind = Behind(six, note(CASES[0]))
    behind.then("stopped", stopped)
    behind.then("one", note(CASES[1]))
    said = behind.end()
    assert isinstance(said["stopped"], KeyboardInterrupt | SmrError)
    assert said["one"] == CASES[1] or said["one"].code == "storage-failed"
    assert six.together(note(CASES[2])) == CASES[2]
    verified(six)
