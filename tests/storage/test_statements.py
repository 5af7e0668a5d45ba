"""How many statements a command takes on PostgreSQL: round trips are what it pays for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from smr_engine.engine import events as e
from smr_engine.storage.postgresql import _WRITERS
from smr_engine.storage.tables import metadata
from tests.storage.stories import (
    approval,
    at,
    envelope,
    opening,
    owed,
    task,
    tell,
    vote,
    whole_story,
)

REF = "CRISIS-2026-0001"
pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


@contextmanager
def counting(storage) -> Iterator[list[str]]:
    """The statements that reach the database while this is open; BEGIN and COMMIT apart."""
    seen: list[str] = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    engines = (storage.engine, storage.reading_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_a_start_takes_three_statements(storage):
    with counting(storage) as seen, storage.writing() as unit:
        ref = unit.cases.next_reference("CRISIS", 2026)
        tell(unit, ref, (opening(ref), *task(ref, 1)), envelope(), "a key")
        unit.keep()
    assert len(seen) == 3, seen


def test_a_decision_that_opens_the_next_steps_takes_five_statements_with_its_load(storage):
    whole_story(storage)
    decided = (
        vote(REF, 13, "dana", "legal"),
        e.StepStarted(path="publish_again", kind_of="publish", round=1),
        owed(REF, 30, step="publish_again", path="publish_again"),
        *task(REF, 20, "", "follow_up"),
        *approval(REF, 40)[1:],
    )
    with counting(storage) as seen, storage.writing() as unit:
        assert unit.events.by_key("k") is None
        tell(unit, REF, decided, envelope("dana", 30), "k", locate=f"{REF}.13")
        unit.keep()
    assert len(seen) == 5, seen  # key, case, scopes, numbers, rows


def test_completing_an_item_takes_six_because_leases_go_in_a_statement_of_their_own(storage):
    whole_story(storage)
    done = e.ItemCompleted(
        path="mobilise/freeze/stop_posts", scope="mobilise/freeze", item=f"{REF}.5", by="ben"
    )
    with counting(storage) as seen, storage.writing() as unit:
        assert unit.events.by_key("k") is None
        tell(unit, REF, (done,), envelope("ben", 30))
        unit.keep()
    assert len(seen) == 6, seen


def test_a_report_takes_seven_statements_with_the_check_of_its_lease(storage):
    whole_story(storage)
    with storage.writing() as unit:
        claim = unit.claims.claim(f"{REF}.8", "one", at(26), timedelta(minutes=1))
        unit.keep()
    done = e.EffectDone(
        path="mobilise/freeze/stop_posts", scope="mobilise/freeze", effect=f"{REF}.8"
    )
    with counting(storage) as seen, storage.writing() as unit:
        assert unit.claims.held("effect", claim)
        tell(unit, REF, (done,), envelope("engine", 27))
        unit.keep()
    assert len(seen) == 7, seen


def test_claiming_takes_two_statements_however_many_there_are(storage):
    for number in range(1, 4):
        ref = f"CRISIS-2026-{number:04d}"
        with storage.writing() as unit:
            tell(unit, ref, (opening(ref), *[owed(ref, n) for n in range(1, 9)]), envelope())
            unit.keep()
    with counting(storage) as seen, storage.writing() as unit:
        claimed = unit.claims.effects("one", at(1), timedelta(minutes=1), 100)
        unit.keep()
    assert (len(claimed), len(seen)) == (24, 2), seen


def test_what_is_due_next_takes_one_statement(storage):
    whole_story(storage)
    with counting(storage) as seen, storage.reading() as unit:
        assert unit.due.next_instant() is not None
    assert len(seen) == 1


FILLED = {
    "timers": "SELECT 'T' || g, 'C' || g, '', now(), 'wait', '' FROM generate_series(1, 5000) g",
    "scopes": "SELECT 'C' || g, 'p', '{}' FROM generate_series(1, 5000) g",
    "item_people": "SELECT 'p' || g, 'I' || g FROM generate_series(1, 5000) g",
}


@pytest.mark.parametrize("table", FILLED)
def test_writing_one_row_among_thousands_goes_by_the_index(storage, table):
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no parents
        connection.exec_driver_sql(f"INSERT INTO {table} {FILLED[table]}")
        connection.exec_driver_sql(f"ANALYZE {table}")
        for operation in ("update", "delete"):
            columns = tuple(c.name for c in metadata.tables[table].columns)
            explain = text(f"EXPLAIN {_WRITERS[operation](table, columns)}")
            if operation == "delete" or len(columns) > len(metadata.tables[table].primary_key):
                plan = connection.execute(explain, {f"{table}_{operation}": "[]"}).scalars().all()
                assert not [line for line in plan if "Seq Scan" in line], "\n".join(plan)
        connection.rollback()
