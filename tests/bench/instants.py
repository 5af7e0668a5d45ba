"""What time costs: firing what is due, finding it, waking up, and living through days."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, insert, literal, select

from smr_engine.services import cases, schedules, triggers
from smr_engine.services.conductor import TIMERS_AT_ONCE
from smr_engine.services.legs import LEASE
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Workspace, actor
from smr_engine.storage.tables import timers
from tests.bench import ground
from tests.bench.ground import HERE, p50, p99, row
from tests.simulation import town
from tests.simulation.test_five_years import BEGIN, PATIENCE, ROUTINES
from tests.support.houses import SetClock, furnish, next_instant, open_house, work

PAUSE = HERE / "pause.yaml"
LISTEN = """
import sys, time
from pathlib import Path
from smr_engine.bootstrap import _listener, open_workspace
listener = _listener(open_workspace(Path(sys.argv[1]), {}))
print("listening", flush=True)
while sys.stdin.readline():
    print(time.monotonic() if listener.wait(10) else "not woken", flush=True)
"""


def due_timers(database: str, count: int) -> None:
    """Timers fired a second when all are due at once, each a command of a case of its own."""
    with ground.workspace(database, PAUSE) as ws:
        _start(ws, count)
        later = replace(ws, clock=SetClock(ws.clock.now() + timedelta(hours=2)))
        began = time.perf_counter()
        assert work(later).timers == count
        seconds = time.perf_counter() - began
    row(f"{database}: timers fired/s, {count:,} due at once", f"{count / seconds:.0f}")


def finding_what_is_due(database: str, few: int, many: int) -> None:
    """What the conductor's look and its claim of one due timer cost while so many wait."""
    costs: dict[str, list[float]] = {"look for what is due": [], "claim of the one due": []}
    for pending in (few, many):
        with ground.workspace(database, PAUSE) as ws:
            _start(ws, 1)
            first = _multiply_timers(ws, pending)
            for what, find in zip(costs, (_look, partial(_claim, first)), strict=True):
                costs[what].append(p50([ground.timed(partial(find, ws)) for _ in range(200)]))
    for what, (of_few, of_many) in costs.items():
        row(
            f"{database}: one {what}, among {few:,} and {many:,} timers",
            f"{of_few:.2f} and {of_many:.2f} ms ({of_many / of_few:.1f} x)",
        )


def waking_up(database: str, count: int = 100) -> None:
    """From the wake-up in one process to the return of the wait in another."""
    with ground.workspace(database) as ws, _listener_of(ws) as (ask, heard):
        seconds = []
        for _ in range(count):
            ask()
            time.sleep(0.02)  # it waits by then
            began = time.monotonic()
            ws.waker.wake()
            seconds.append(float(heard()) - began)
    row(
        f"{database}: wake-up in another process, p50 / p99",
        f"{p50(seconds):.2f} / {p99(seconds):.2f} ms",
    )


def living(days: int) -> None:
    """Days a second on a virtual clock: the house of `tests/simulation/test_five_years.py`."""
    with tempfile.TemporaryDirectory(prefix="smr-bench-days-") as folder:
        clock = SetClock(BEGIN)
        playbooks = {each.name: each.text for each in ROUTINES} | {"patience": PATIENCE}
        house = furnish(
            Path(folder) / "house", directory=json.dumps(town.directory({})), playbooks=playbooks
        )
        ws = open_house(house, clock)
        triggers.sync(ws)
        seconds = ground.timed(lambda: _live(ws, clock, BEGIN + timedelta(days=days)))
        with ws.storage.reading() as unit:
            events = len(unit.events.select(EventFilter()))
        ws.storage.close()
    row(f"simulated days/s, {days} days of {events:,} events", f"{days / seconds:.0f}")


def _live(ws: Workspace, clock: SetClock, end: datetime) -> None:
    """Move the clock from instant to instant, as long as there is one before the end."""
    while True:
        coming = (next_instant(ws), schedules.next_instant(ws))
        now = min((at for at in coming if at is not None), default=end)
        if now >= end:
            return
        clock.move_to(now)
        work(ws)


def _start(ws: Workspace, count: int) -> None:
    ana = actor(ws, "ana")
    for _ in range(count):
        cases.start(ws, ana, "pause", {})


def _multiply_timers(ws: Workspace, count: int) -> datetime:
    """Let as many timers wait as that many cases would have, without opening them.

    A look and a claim read this table and its leases, never the cases; so copies of a real row do.

    Returns:
        When the first of them is due, a second before the next.
    """
    with ws.storage.engine.begin() as connection:
        one = connection.execute(select(timers)).mappings().one()
        rows = [
            {**one, "id": f"{one['id']}~{n}", "at": one["at"] + timedelta(seconds=n)}
            for n in range(1, count)
        ]
        for first in range(0, len(rows), 5_000):
            connection.execute(insert(timers), rows[first : first + 5_000])
        there = select(func.count(literal(1))).select_from(timers)
        assert connection.execute(there).scalar() == count
    return one["at"]


def _look(ws: Workspace) -> None:
    with ws.storage.reading() as unit:
        unit.due.next_instant()


def _claim(now: datetime, ws: Workspace) -> None:
    """Claim what is due; it is not kept, so that the next one finds the same."""
    with ws.storage.writing() as unit:
        assert len(unit.claims.timers("bench", now, LEASE, TIMERS_AT_ONCE)) == 1


@contextmanager
def _listener_of(ws: Workspace) -> Iterator[tuple[object, object]]:
    """Another process that waits for a wake-up whenever it is asked to."""
    command = [sys.executable, "-c", LISTEN, str(ws.root)]
    pipe = subprocess.PIPE
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=root) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline().strip() == "listening"

        def ask() -> None:
            process.stdin.write("again\n")
            process.stdin.flush()

        yield ask, lambda: process.stdout.readline().strip()
        process.stdin.close()
