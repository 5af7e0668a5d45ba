"""`smr audit verify` exits 3 and names it when a byte was changed behind the program's back.

That every byte and every column is looked at is shown in tests/storage/test_tampering.py; here the
whole way is walked, from a case that people played to the exit status.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from tests.cli.program import Result, smr
from tests.crash.lives import play
from tests.crash.sink import accounts_at, running_sink
from tests.crash.story import PLAYBOOKS
from tests.support.houses import DIRECTORY, SetClock, furnish, open_house

LOOKS_AT = {
    "cases": "outcome",
    "scopes": "state",
    "items": "closed_by",
    "effects": "digest",
    "streams": "events",
}


@dataclass
class Played:
    """A house whose story is over."""

    folder: Path
    database_url: str  # as SQLAlchemy reads it
    environ: dict[str, str | None]

    def verify(self) -> Result:
        words = ("--workspace", str(self.folder), "audit", "verify", "--json")
        return smr(*words, environ=self.environ)

    @contextmanager
    def unguarded(self) -> Iterator[Connection]:
        """A connection that no trigger stops, as whoever owns the database has."""
        engine = create_engine(self.database_url)
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                for name in connection.execute(text(triggers)).scalars().all():
                    connection.execute(text(f"DROP TRIGGER {name}"))
            else:
                connection.execute(text("SET session_replication_role = replica"))
                connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
            yield connection
            connection.commit()
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def played(request: pytest.FixtureRequest, tmp_path: Path) -> Played:
    house = tmp_path / "house"
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    with running_sink(tmp_path) as sink:
        furnish(house, directory=DIRECTORY + accounts_at(sink, "house"), playbooks=PLAYBOOKS)
        clock = SetClock()
        ws = open_house(house, clock, url)
        play(ws, clock, house)
        ws.storage.close()
    environ: dict[str, str | None] = {"SMR_DATABASE_URL": url or None}
    return Played(house, url or f"sqlite:///{house}/.smr/smr.db", environ)


def test_one_changed_byte_is_named_and_the_program_exits_3(played: Played) -> None:
    assert played.verify().exit_code == 0
    with played.unguarded() as connection:
        numbers = "SELECT seq FROM events WHERE stream = 'case:POST-2026-0001' ORDER BY seq"
        seqs = connection.execute(text(numbers)).scalars().all()
    for place, seq in enumerate(seqs[:: len(seqs) // 5]):
        with played.unguarded() as connection:
            leaf = connection.execute(text("SELECT leaf FROM events WHERE seq = :s"), {"s": seq})
            good = bytes(leaf.scalar_one())
            byte = place * len(good) // 6
            bad = good[:byte] + bytes([good[byte] ^ 1]) + good[byte + 1 :]
            set_leaf(connection, seq, bad)
        told = played.verify()
        assert told.exit_code == 3
        assert not told.json["ok"]
        assert seq in {problem.get("seq") for problem in told.json["problems"]}
        with played.unguarded() as connection:
            set_leaf(connection, seq, good)
    assert played.verify().exit_code == 0


@pytest.mark.parametrize("table", LOOKS_AT)
def test_a_changed_row_of_the_state_is_named_and_the_program_exits_3(
    played: Played, table: str
) -> None:
    column = LOOKS_AT[table]
    with played.unguarded() as connection:
        some = f"SELECT {column} FROM {table} WHERE CAST({column} AS TEXT) <> '' LIMIT 1"
        old = connection.execute(text(some)).scalar_one()
        new = old + 1 if isinstance(old, int) else one_other_letter(old)
        change = text(f"UPDATE {table} SET {column} = :new WHERE {column} = :old")
        assert connection.execute(change, {"new": new, "old": old}).rowcount
    told = played.verify()
    assert told.exit_code == 3
    named = [p["row"] for p in told.json["problems"] if p.get("row", "").startswith(table)]
    assert named


def one_other_letter(value: str) -> str:
    middle = len(value) // 2
    return value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :]


def set_leaf(connection: Connection, seq: int, leaf: bytes) -> None:
    connection.execute(
        text("UPDATE events SET leaf = :leaf WHERE seq = :seq"), {"leaf": leaf, "seq": seq}
    )
