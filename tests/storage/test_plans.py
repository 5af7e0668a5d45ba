"""What pages ask again and again is found by an index, however long the log and the list of cases are."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from smr_engine.services.stored import EventFilter
from tests.storage.stories import whole_story

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

REF = "CRISIS-2026-0001"
ASKED = {
    "the cases under one": lambda unit: unit.queries.children(REF),
    "what somebody did lately": lambda unit: unit.events.select(
        EventFilter(actor="dana", newest_first=True), 60
    ),
    "the history of a case": lambda unit: unit.events.select(EventFilter(cases=(REF,))),
    "what asked for an answer": lambda unit: unit.events.select(
        EventFilter(cases=(REF,), kinds=("ItemOpened",), items=(f"{REF}.13",))
    ),
    "a case": lambda unit: unit.cases.load(REF, all_scopes=True),
    "an inbox": lambda unit: unit.queries.inbox("dana", 200),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_pages_ask_again_and_again_is_found_by_an_index(storage, asked):
    whole_story(storage)
    seen = []

    def note(connection, cursor, statement, parameters, *rest):
        seen.append((statement, parameters))

    event.listen(storage.reading_engine, "before_cursor_execute", note)
    with storage.reading() as unit:
        ASKED[asked](unit)
    event.remove(storage.reading_engine, "before_cursor_execute", note)
    assert seen
    with storage.reading_engine.connect() as connection:
        for statement, parameters in seen:
            explain = f"EXPLAIN QUERY PLAN {statement}"
            plan = [row.detail for row in connection.exec_driver_sql(explain, parameters)]
            read_whole = [f"SCAN {table}" for table in ("events", "cases", "items", "scopes")]
            assert not [line for line in plan if line in read_whole], "\n".join(plan)
