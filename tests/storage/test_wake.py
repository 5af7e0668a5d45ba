"""Wake-ups on PostgreSQL: who owes something wakes the conductor, wherever it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from smr_engine.engine import events as e
from smr_engine.errors import SmrError
from smr_engine.storage.wake import PostgresListener
from tests.storage.stories import Story, at, envelope, opening, owed, task, tell

REF = "CRISIS-2026-0001"
SOON, LONG = 0.05, 20.0  # seconds: for what must not come, and for what must
pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


@pytest.fixture
def listener(storage) -> Iterator[PostgresListener]:
    made = storage.listener()
    yield made
    made.close()


def test_a_commit_that_owes_something_wakes(storage, listener):
    Story(storage).go(opening(REF), owed(REF, 1))
    assert listener.wait(LONG)


def test_a_commit_that_sets_a_timer_wakes(storage, listener):
    Story(storage).go(opening(REF), *task(REF, 1)[:2])
    assert listener.wait(LONG)


def test_an_effect_that_is_put_off_wakes_and_one_that_is_done_does_not(storage, listener):
    story = Story(storage)
    story.go(opening(REF), owed(REF, 1))
    assert listener.wait(LONG)
    story.go(e.EffectDeferred(effect=f"{REF}.1", at=at(9)), minutes=1)
    assert listener.wait(LONG)
    story.go(e.EffectDone(effect=f"{REF}.1"), minutes=10)
    assert not listener.wait(SOON)


def test_a_commit_that_owes_nothing_lets_the_conductor_sleep(storage, listener):
    Story(storage).go(opening(REF))
    assert not listener.wait(SOON)


def test_what_is_rolled_back_wakes_nobody(storage, listener):
    with storage.writing() as unit:
        tell(unit, REF, (opening(REF), owed(REF, 1)), envelope())
    assert not listener.wait(SOON)


def test_those_who_listen_are_counted(storage, listener):
    assert storage.listeners() == 1
    another = storage.listener()
    assert storage.listeners() == 2
    another.close()


def test_whoever_wants_to_can_wake(storage, listener):
    storage.wake()
    storage.wake()
    assert listener.wait(LONG)
    listener.wait(SOON)  # the second may have come with the first or after it
    assert not listener.wait(SOON)


def test_what_came_while_nobody_waited_is_not_lost(storage, listener):
    storage.wake()
    assert listener.wait(LONG)


def test_a_lost_connection_counts_as_a_wake_up_and_is_made_anew(storage, listener):
    with storage.engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = :query"
        connection.execute(text(others), {"query": "LISTEN smr_wake"})
    assert listener.wait(LONG)
    assert listener.wait(LONG)
    assert not listener.wait(SOON)
    storage.wake()
    assert listener.wait(LONG)


def test_a_database_that_does_not_answer_is_told_to_who_listens(backend):
    with pytest.raises(SmrError, match="does not answer"):
        PostgresListener("postgresql://smr:canary-secret@127.0.0.1:1/smr?connect_timeout=2")
