"""Whoever changes a row past the program is named by `verify`, whichever column they touch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from smr_engine.engine import events as e
from smr_engine.services.compare_rows import KEYS
from smr_engine.services.stored import PlaybookRow
from smr_engine.services.verify import verify_unit
from smr_engine.storage.tables import metadata
from tests.storage.stories import Story, at, envelope, opening, whole_story

pytestmark = pytest.mark.untraced

REF = "CRISIS-2026-0001"
PROJECTED = (*KEYS, "streams")


@pytest.fixture
def story(storage) -> Story:
    """A whole story, with something in every table."""
    told = whole_story(storage)
    with storage.writing() as unit:
        unit.events.append("directory", "DirectoryImported", {"version": 1}, {}, envelope())
        unit.keep()
    return told


@contextmanager
def unguarded(storage) -> Iterator:
    """A connection that no trigger and no foreign key stops, as whoever owns the database has."""
    engine = create_engine(storage.url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.execute(text(guards)).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
            for table in ("events", "contents"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.commit()
        yield connection
    engine.dispose()


def verify(storage):
    with storage.reading() as unit:
        return verify_unit(unit)


def changed(value):
    """A value of the same kind, next to the one given."""
    if value is None:
        return "x"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1000  # a number nobody else has
    if isinstance(value, bytes):
        middle = len(value) // 2
        return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
    if isinstance(value, str):
        middle = len(value) // 2
        return value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :] if value else "x"
    return value + timedelta(microseconds=1)


def tamper(connection, table, column, key, value) -> None:
    where = " AND ".join(f"{name} = :key_{name}" for name in key)
    values = {f"key_{name}": v for name, v in key.items()} | {"value": value}
    done = connection.execute(text(f'UPDATE {table} SET "{column}" = :value WHERE {where}'), values)
    assert done.rowcount == 1
    connection.commit()


def rows(connection, table):
    keys = [c.name for c in metadata.tables[table].primary_key]
    found = connection.execute(text(f"SELECT * FROM {table} ORDER BY {', '.join(keys)}"))
    return [({k: row[k] for k in keys}, dict(row)) for row in found.mappings()]


def instants(table):
    return {c.name for c in metadata.tables[table].columns if type(c.type).__name__ == "Instant"}


def new_value(storage, table, column, value):
    if value is None and column in instants(table) | {"command_key"}:
        return at(1) if storage.engine.dialect.name == "postgresql" else "2026-11-23T08:31:00Z"
    return changed(value)


def tampered(storage, connection, table, column, row):
    """Change a column of a row, verify, change it back; return what was found."""
    key, old = row
    new = new_value(storage, table, column, old[column])
    tamper(connection, table, column, key, new)
    found = verify(storage)
    moved = {**key, column: new} if column in key else key
    tamper(connection, table, column, moved, old[column])
    return found


def test_an_untouched_database_verifies(storage, story):
    view = verify(storage)
    assert (view.ok, view.problems, view.cases, view.erased) == (True, [], 1, 0)
    assert view.events == len(story.told) + 1


def test_every_column_of_every_event_of_a_case_is_looked_at(storage, story):
    with unguarded(storage) as connection:
        every = storage.engine.dialect.name == "sqlite"  # on PostgreSQL they take turns
        log = [row for row in rows(connection, "events") if row[1]["stream"] == f"case:{REF}"]
        assert len(log) == len(story.told)
        columns = list(log[0][1])
        for number, (key, values) in enumerate(log):
            for column in columns if every else ("leaf", columns[number % len(columns)]):
                view = tampered(storage, connection, "events", column, (key, values))
                named = {p.get("seq") for p in view.problems}
                expected = key["seq"] + 1000 if column == "seq" else key["seq"]
                assert not view.ok, (column, key)
                assert expected in named, (column, key, view.problems)
    assert verify(storage).ok


@pytest.mark.parametrize("table", PROJECTED)
def test_every_projected_column_is_looked_at(storage, story, table):
    with unguarded(storage) as connection:
        row = rows(connection, table)[0]
        for column in [c.name for c in metadata.tables[table].columns]:
            view = tampered(storage, connection, table, column, row)
            told = [p["row"] for p in view.problems if p.get("row", "").startswith(table)]
            assert told, (column, view.problems)
    assert verify(storage).ok


@pytest.mark.parametrize("table", [*PROJECTED, "events"])
def test_a_row_that_was_taken_away_is_missed(storage, story, table):
    with unguarded(storage) as connection:
        key, _ = rows(connection, table)[-1]
        where = " AND ".join(f"{name} = :{name}" for name in key)
        connection.execute(text(f"DELETE FROM {table} WHERE {where}"), key)
        connection.commit()
    assert not verify(storage).ok


@pytest.mark.parametrize("table", ["scopes", "items", "timers", "effects"])
def test_a_row_that_no_event_made_is_named(storage, story, table):
    key = "path" if table == "scopes" else "id"
    with unguarded(storage) as connection:
        _, row = rows(connection, table)[0]
        new = {**row, key: f"{row[key]}9"} | ({"key": "another"} if table == "effects" else {})
        holes = ", ".join(f":{name}" for name in new)
        names = ", ".join(f'"{name}"' for name in new)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({holes})"), new)
        connection.commit()
    [problem] = verify(storage).problems
    assert problem["row"].startswith(table)
    assert "no event says so" in problem["what"]


@pytest.mark.parametrize("column", ["salt", "value", "subject", "event_seq"])
def test_content_that_is_not_what_was_committed_to_is_named(storage, story, column):
    with unguarded(storage) as connection:
        for row in rows(connection, "contents"):
            view = tampered(storage, connection, "contents", column, row)
            named = {p.get("seq") for p in view.problems}
            stray = [p for p in view.problems if p.get("row", "").startswith("contents")]
            assert row[0]["event_seq"] in named or (column == "event_seq" and stray), row
    assert verify(storage).ok


def test_erased_content_is_counted_and_is_no_problem(storage, story):
    with storage.engine.begin() as connection:
        connection.execute(text("DELETE FROM contents WHERE subject = 'person:lea'"))
    view = verify(storage)
    assert (view.ok, view.problems, view.erased) == (True, [], 1)


def test_the_end_of_a_case_with_erased_content_is_still_looked_at(storage, story):
    with storage.engine.begin() as connection:
        connection.execute(text("DELETE FROM contents WHERE subject = 'person:lea'"))
        connection.execute(text("UPDATE cases SET events = events + 1"))
    assert [p["row"] for p in verify(storage).problems] == [f"cases {REF}"]


def test_a_chain_whose_middle_was_taken_out_is_named_where_it_breaks(storage, story):
    with unguarded(storage) as connection:
        for table, column in (("contents", "event_seq"), ("events", "seq")):
            connection.execute(text(f"DELETE FROM {table} WHERE {column} = 5"))
        connection.commit()
    problems = verify(storage).problems
    assert {"seq": 6, "what": f"position 6 follows 4 in case:{REF}"} in problems
    assert {"seq": 6, "what": "the leaf does not continue the one before it"} in problems


def test_the_source_of_a_playbook_is_compared_with_its_digest(storage):
    row = PlaybookRow("00" * 32, "crisis-response", "1.0.0", "", b"name: x", at(0), shipped=True)
    with storage.writing() as unit:
        unit.playbooks.add(row)
        unit.keep()
    [problem] = verify(storage).problems
    assert problem == {"row": f"playbooks {'00' * 32}", "what": "source does not have this digest"}


def test_a_history_that_no_decision_could_have_given_is_named(storage):
    story = Story(storage)
    story.go(opening(REF))
    with storage.writing() as unit:
        case = unit.cases.load(REF)
        unit.cases.save(case, case, [e.CaseReleased()], envelope())
        unit.keep()
    [problem] = verify(storage).problems
    assert "CaseReleased cannot follow the events before it" in problem["what"]


def test_a_state_that_was_saved_but_is_not_what_the_events_give_is_named(storage):
    story = Story(storage)
    story.go(opening(REF))
    with storage.writing() as unit:
        case = unit.cases.load(REF)
        unit.cases.save(case, case, [e.NoteWritten(text="a")], envelope(minutes=1))
        unit.keep()
    [problem] = verify(storage).problems
    assert problem == {"row": f"cases {REF}", "what": "header is not what the events give"}
