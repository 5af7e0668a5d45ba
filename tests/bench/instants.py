"""What time costs: firing what is due, finding it, waking up, and living through days."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, literal, select

from smr_engine.services import cases
from smr_engine.services.workspace import Workspace, actor
from smr_engine.storage.tables import timers
from tests.bench import ground
from tests.bench.ground import HERE, p50, p99, row
from tests.support.houses import SetClock, work

PAUSE = HERE / "pause.yaml"
LISTEN = """
import sys, time
from pathlib import Path
from smr_engine.bootstrap import _listener, open_workspace
listener = _listener(open_workspace(Path(sys.argv[1]), {"SMR_DATABASE_URL": sys.argv[2]}))
print("listening", flush=True)
while sys.stdin.readline():
    print(time.monotonic() if listener.wait(10) else "not woken", flush=True)
"""


def due_timers(database: str, count: int) -> None:
    """Timers fired a second when all are due at once, each a command of a case of its own."""
    with ground.workspace(database, PAUSE) as ws:
        _start(ws, count)
        later = replace(ws, clock=SetClock(ws.clock.now() + timedelta(hours=2)))
        seconds = ground.timed(lambda: work(later))
    row(f"{database}: timers fired/s, {count:,} due at once", f"{count / seconds:.0f}")


def finding_what_is_due(database: str, few: int, many: int) -> None:
    """What one look costs the conductor while so many timers wait, none of them due."""
    costs = []
    for pending in (few, many):
        with ground.workspace(database, PAUSE) as ws:
            _start(ws, 1)
            _multiply_timers(ws, pending)
            costs.append(p50([ground.timed(lambda ws=ws: _look(ws)) for _ in range(200)]))
    row(
        f"{database}: one look among {few:,} and {many:,} timers",
        f"{costs[0]:.2f} and {costs[1]:.2f} ms ({costs[1] / costs[0]:.1f} x)",
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


def _start(ws: Workspace, count: int) -> None:
    ana = actor(ws, "ana")
    for _ in range(count):
        cases.start(ws, ana, "pause", {})


def _multiply_timers(ws: Workspace, count: int) -> None:
    """Let as many timers wait as that many cases would have, without opening them."""
    with ws.storage.engine.begin() as connection:
        one = connection.execute(select(timers)).mappings().one()
        rows = [
            {**one, "id": f"{one['id']}~{n}", "at": one["at"] + timedelta(seconds=n)}
            for n in range(count - 1)
        ]
        for first in range(0, len(rows), 5_000):
            connection.execute(insert(timers), rows[first : first + 5_000])
        assert connection.execute(select(func.count(literal(1))).select_from(timers)).scalar() == (
            count
        )


def _look(ws: Workspace) -> None:
    with ws.storage.reading() as unit:
        unit.due.next_instant()


@contextmanager
def _listener_of(ws: Workspace) -> Iterator[tuple[object, object]]:
    """Another process that waits for a wake-up whenever it is asked to."""
    url = ws.storage.url.replace("+psycopg", "")
    command = [sys.executable, "-c", LISTEN, str(ws.root), url]
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
