"""What the tables say, read past the storage, beside what the log has told the oracle."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.oracle import Oracle
from tests.simulation.picture import Asked, instant

STATUSES = {
    "cases": {"open", "held", "completed", "cancelled"},
    "items": {"open", "completed", "expired", "superseded", "cancelled"},
    "effects": {"owed", "sending", "done", "failed", "unknown", "cancelled"},
}
CLOSED = {"completed", "cancelled"}


class Rows:
    """Reads the database file beside the engine, one snapshot for each look."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def newest(self) -> int:
        """Return the number of the newest event."""
        return self._connection.execute("SELECT max(seq) FROM events").fetchone()[0] or 0

    def epoch(self, effect: str) -> int:
        """Return under which lease an effect is performed now; 0 once it is over."""
        rows = self._connection.execute("SELECT epoch FROM leases WHERE id = ?", [effect])
        return int((rows.fetchone() or (0,))[0])

    def check(self, oracle: Oracle, now: datetime) -> None:
        """Compare the tables with the oracle's picture; assert what must hold in every state."""
        self._connection.execute("BEGIN")
        try:
            for problem in self._problems(oracle, now):
                raise AssertionError(problem)
        finally:
            self._connection.execute("COMMIT")

    def overdue(self, now: datetime) -> list[str]:
        """Return timers and effects that should have been taken by now."""
        limit = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        timers = self._pairs("SELECT id, at FROM timers WHERE at <= ?", limit)
        effects = self._pairs("SELECT id, due_at FROM effects WHERE due_at <= ?", limit)
        return [f"{name} was due at {at}" for name, at in [*timers, *effects]]

    def _problems(self, oracle: Oracle, now: datetime) -> Iterator[str]:
        told = {
            "cases": {ref: case.status for ref, case in oracle.cases.items()},
            "items": {item.id: item.status for item in oracle.items.values()},
            "effects": {effect.id: effect.status for effect in oracle.effects.values()},
        }
        for table, allowed in STATUSES.items():
            key = "ref" if table == "cases" else "id"
            there = dict(self._pairs(f"SELECT {key}, status FROM {table}"))
            if there != told[table]:
                yield f"{table} differ: {sorted(set(there.items()) ^ set(told[table].items()))}"
            if strange := set(there.values()) - allowed:
                yield f"{table} are {strange}"
        yield from self._timer_problems(oracle)
        yield from _closed_problems(oracle)
        yield from _stuck(oracle)
        if unnoticed := _unnoticed(oracle, now):
            yield f"the quorum of {unnoticed} is there, and they still wait"

    def _timer_problems(self, oracle: Oracle) -> Iterator[str]:
        """No timer is invented, moved, kept after it fired, or lost while its item is open."""
        pending = {name: instant(at) for name, at in self._pairs("SELECT id, at FROM timers")}
        for name, at in pending.items():
            if name in oracle.fired:
                yield f"the timer {name} has fired and is still there"
            elif oracle.timers.get(name, (None, ""))[0] != at:
                yield f"the timer {name} is set to {at}, and nobody said so"
        for name, (_, item) in oracle.timers.items():
            waiting = item and oracle.items[item].status == "open"
            if waiting and name not in pending and oracle.items[item].kind != "approval":
                yield f"the timer {name} of {item} was lost"

    def _pairs(self, statement: str, *values: str) -> list[tuple[str, str]]:
        return self._connection.execute(statement, values).fetchall()


def _unnoticed(oracle: Oracle, now: datetime) -> list[str]:
    """Return approvals whose quorum is there and that still wait; people only spoke for themselves.

    One whose time is up waits for its expiry only.
    """
    return [
        item.id
        for item in oracle.open_items()
        if item.kind == "approval"
        and (item.expires_at is None or now < item.expires_at)
        and all(v.facts["decision"] in {"approve", "recuse"} for v in item.votes)
        and not any(v.facts.get("on_behalf_of") for v in item.votes)
        and item.is_full(item.lines)
    ]


def _closed_problems(oracle: Oracle) -> Iterator[str]:
    closed = {ref for ref, case in oracle.cases.items() if case.status in CLOSED}
    for item in oracle.open_items():
        if item.case in closed and item.kind != "repair" and not item.ratifies:
            yield f"{item.case} is closed and {item.id} is open"
    for effect in oracle.effects.values():
        if (
            effect.case in closed
            and effect.kind in {"publication", "call"}
            and effect.status == "owed"
        ):
            yield f"{effect.case} is closed and still owes {effect.id}"
    for ref, case in oracle.cases.items():
        holding = any(i.holds for i in oracle.open_items(ref))
        if case.status in {"open", "held"} and holding != (case.status == "held"):
            yield f"{ref} is {case.status}, and something holds it: {holding}"


def _stuck(oracle: Oracle) -> Iterator[str]:
    """Every open item has somebody who may act, or its case has a repair item."""
    for item in oracle.open_items():
        helped = any(i.kind == "repair" for i in oracle.open_items(item.case))
        if not helped and not _somebody(oracle, item):
            yield f"nobody can answer {item.id} ({item.kind} {item.step})"
    for ref, case in oracle.cases.items():
        if case.status == "held" and not any(i.kind == "repair" for i in oracle.open_items(ref)):
            yield f"{ref} is held and there is nothing to repair"


def _somebody(oracle: Oracle, item: Asked) -> bool:
    people = set(oracle.staff.roles) - item.excluded - item.answered
    if item.kind != "approval":
        return bool(people & set(item.asked))
    roles = {role for line in item.lines for role in line["roles"]}
    return any(oracle.staff.may_claim(person, role) for person in people for role in roles)
