"""Tripwires: what the database refuses to whoever comes past the program."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from smr_engine.storage.tables import events
from tests.storage.stories import whole_story

REFUSED_EVERYWHERE = [
    "UPDATE events SET actor = 'mallory'",
    "UPDATE events SET actor = 'mallory' WHERE seq = 3",
    "DELETE FROM events WHERE seq = 3",
    "DELETE FROM events",
    "UPDATE contents SET value = salt",
]
REFUSED_BY_SQLITE = [
    "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 3",
    "REPLACE INTO events SELECT * FROM events WHERE seq = 3",
    "INSERT OR REPLACE INTO contents SELECT * FROM contents WHERE event_seq = 1",
    "UPDATE OR REPLACE events SET seq = 2 WHERE seq = 3",
]
REFUSED_BY_POSTGRESQL = [
    "TRUNCATE events CASCADE",
    "TRUNCATE contents",
    "SET session_replication_role = replica; DELETE FROM events",
    "SET session_replication_role = replica; UPDATE contents SET value = salt",
]


def attempt(storage, statement, values=None):
    with storage.engine.begin() as connection:
        for part in statement.split("; "):
            connection.execute(text(part), values)


def refused(storage, statement):
    with pytest.raises(DBAPIError):
        attempt(storage, statement)


def log_of(storage):
    with storage.reading() as unit:
        return list(unit.proof.events())


@pytest.mark.parametrize("statement", REFUSED_EVERYWHERE)
def test_the_log_is_not_edited(storage, statement):
    whole_story(storage)
    before = log_of(storage)
    refused(storage, statement)
    assert log_of(storage) == before


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", REFUSED_BY_SQLITE)
def test_sqlite_replaces_nothing_in_the_log(storage, statement):
    whole_story(storage)
    before = log_of(storage)
    refused(storage, statement)
    assert log_of(storage) == before


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "way",
    [
        {"version": 3},  # collides with the position in the stream
        {"stream": "case:another", "version": 1, "command_key": "first's"},
        {"stream": "case:another", "version": 1, "item": "vote's", "actor": "vote's"},
        {"seq": 1000, "version": 1000},  # leaves a gap
        {"version": 1000},
    ],
)
def test_sqlite_replaces_no_event_by_way_of_another_unique_key(storage, way):
    whole_story(storage)
    before = log_of(storage)
    vote = next(e for e in before if e["kind"] == "DecisionRecorded")
    fake = {c.name: vote[c.name] for c in events.c} | {"seq": len(before) + 1}
    values = {"first's": before[0]["command_key"], "vote's": None}
    for name, value in way.items():
        if value == "vote's":
            fake[name] = vote[name]
        else:
            fake[name] = values.get(value, value)
    names = ", ".join(fake)
    holes = ", ".join(f":{name}" for name in fake)
    with pytest.raises(DBAPIError):
        attempt(storage, f"INSERT OR REPLACE INTO events ({names}) VALUES ({holes})", fake)
    assert log_of(storage) == before


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", REFUSED_BY_POSTGRESQL)
def test_postgresql_lets_nobody_past_the_triggers(storage, statement):
    whole_story(storage)
    before = log_of(storage)
    refused(storage, statement)
    assert log_of(storage) == before


def test_content_can_be_erased(storage):
    whole_story(storage)
    with storage.engine.begin() as connection:
        erased = connection.execute(text("DELETE FROM contents WHERE subject = 'person:lea'"))
        assert erased.rowcount == 1
    assert all(c["subject"] != "person:lea" for e in log_of(storage) for c in e["contents"])
