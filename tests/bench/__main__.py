"""Prints the figures of the README. Takes about ten minutes; `--quick` a tenth of the sizes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from flows.inline import InlineDispatcher
from smr_engine.adapters.prefect_health import answers
from smr_engine.adapters.prefect_server import ensure_server, stop_server
from smr_engine.bootstrap import conductor
from smr_engine.services import cases, items
from smr_engine.services.legs import LEASE, legs_of
from smr_engine.services.workspace import Workspace, actor
from tests.bench import ground, instants
from tests.bench.ground import HERE, p50, p99, rate, row
from tests.support.postgres import postgres_session

QUICK = "--quick" in sys.argv
MANY = 1_000 if QUICK else 10_000
WAITING = 200 if QUICK else 2_000
SAMPLES = 40 if QUICK else 200
LEGS = 20 if QUICK else 60
PROGRAM = [sys.executable, "-c", "from smr_engine.cli.main import run; run()"]
DATABASES = ("sqlite", "postgresql")


def throughput(database: str) -> None:
    """Starts and decisions a second with few and with many open cases, beside the bare rows."""
    with ground.workspace(database) as ws:
        ground.start(ws, 10)
        _rates(database, ws, 10)
        before = _bytes_of(ws)
        ground.start(ws, MANY)
        size = (_bytes_of(ws) - before) / MANY
        _rates(database, ws, MANY)
    row(f"{database}: disk per waiting case", f"{size / 1024:.1f} KiB")


def _rates(database: str, ws: Workspace, waiting: int) -> None:
    """Start, draft and approve some cases; compare with the rows that the last one wrote."""
    started = ground.start(ws, SAMPLES)
    bare_start = ground.bare(ws, ground.rows_of_last_command(ws), SAMPLES)
    ground.draft(ws, SAMPLES)
    decided = ground.approve(ws, SAMPLES)
    bare_decision = ground.bare(ws, ground.rows_of_last_command(ws), SAMPLES)
    for what, ours, theirs in (
        ("starts", started, bare_start),
        ("decisions", decided, bare_decision),
    ):
        row(
            f"{database}: {what}/s, {waiting:,} open cases",
            f"{rate(ours):.0f} ({rate(ours) / rate(theirs):.2f} of a bare transaction's"
            f" {rate(theirs):.0f})",
        )


def _bytes_of(ws: Workspace) -> float:
    if ws.storage.engine.dialect.name == "sqlite":
        return sum(f.stat().st_size for f in ws.state.glob("smr.db*"))
    with ws.storage.engine.connect() as connection:
        query = "SELECT pg_database_size(current_database())"
        return float(connection.exec_driver_sql(query).scalar())


def engine_share(database: str) -> None:
    """From the call of `decide` to the publication it owes being claimed."""
    with ground.workspace(database) as ws:
        ground.start(ws, SAMPLES)
        ground.draft(ws, SAMPLES)
        ground.let_go_of_messages(ws)
        lea, waiting = actor(ws, "lea"), ground.open_items(ws, "approval")
        seconds = [ground.timed(lambda i=i: _decide_and_claim(ws, lea, i)) for i in waiting]
    row(
        f"{database}: decision to effect claimed, p50 / p99",
        f"{p50(seconds):.1f} / {p99(seconds):.1f} ms",
    )


def _decide_and_claim(ws: Workspace, lea, item: str) -> None:
    items.decide(ws, lea, item, "approve")
    with ws.storage.writing() as unit:
        claimed = unit.claims.effects("bench", ws.clock.now(), LEASE, 10)
        unit.keep()
    if not claimed:
        message = f"nothing was owed after {item}"
        raise RuntimeError(message)


@contextmanager
def conducted(ws: Workspace, server: str) -> Iterator[InlineDispatcher]:
    """Run a conductor with inline dispatch beside the measurement."""
    dispatcher = _ready(ws, server)
    made = conductor(ws, dispatcher)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield dispatcher
    finally:
        made.stop()
        ws.waker.wake()
        thread.join()


def _ready(ws: Workspace, server: str) -> InlineDispatcher:
    """Return a dispatcher that has imported Prefect and found its server."""
    dispatcher = InlineDispatcher(ws, lambda: server, answers)
    dispatcher.prepare()
    dispatcher._booting.join()
    return dispatcher


def approve_to_published(server: str, waiting: int) -> None:
    """From the approval to the page in the newsroom, through a flow run."""
    with ground.workspace("sqlite") as ws:
        ground.start(ws, waiting + 45)
        ground.draft(ws, 45)
        ground.let_go_of_messages(ws)
        seconds = []
        with conducted(ws, server):
            lea = actor(ws, "lea")
            for item in ground.open_items(ws, "approval"):
                began, known = time.perf_counter(), _pages(ws)
                items.decide(ws, lea, item, "approve")
                while _pages(ws) == known and time.perf_counter() - began < 60:
                    time.sleep(0.001)
                seconds.append(time.perf_counter() - began)
                _settle(ws)
    row(
        f"approve to published, {waiting:,} waiting, p50 / p99",
        f"{p50(seconds[5:]):.0f} / {p99(seconds[5:]):.0f} ms",
    )


def _pages(ws: Workspace) -> int:
    return sum(len(files) for _, _, files in os.walk(ws.root / "newsroom"))


def _settle(ws: Workspace) -> None:
    while True:
        with ws.storage.reading() as unit:
            if unit.queries.counts()["effects_owed"] == 0:
                return
        time.sleep(0.02)


def drained(server: str) -> None:
    """Publications owed by many cases at once: some as legs one by one, then all in batches."""
    with ground.workspace("sqlite") as ws:
        ground.start(ws, WAITING)
        ground.draft(ws, WAITING)
        ground.let_go_of_messages(ws)
        ground.approve(ws, WAITING)
        _one_by_one(ws, server)
        left = _open_cases(ws)
        began = time.perf_counter()
        with conducted(ws, server):
            _settle(ws)
        seconds = time.perf_counter() - began
        done = left - _open_cases(ws)
    row(f"drained through run_batch, {left:,} owed", f"{done / seconds:.0f} cases/s")


def _one_by_one(ws: Workspace, server: str) -> None:
    dispatcher = _ready(ws, server)
    with ws.storage.writing() as unit:
        claimed = unit.claims.effects("bench", ws.clock.now(), LEASE, LEGS)
        unit.keep()
    seconds = [ground.timed(lambda g=leg: dispatcher.run_leg(g)) for leg in legs_of(claimed)]
    row(
        f"drained through run_leg, one by one, {WAITING:,} owed",
        f"{rate(seconds):.1f} legs/s (p50 {p50(seconds):.0f} ms)",
    )


def _open_cases(ws: Workspace) -> int:
    with ws.storage.reading() as unit:
        return int(unit.queries.counts()["open_cases"])


def foreach(database: str) -> None:
    """What a command in one element costs with 10, 100 and 500 elements."""
    costs = []
    for count in (10, 100, 500):
        with ground.workspace(database, HERE / "foreach.yaml") as ws:
            names = [f"creator {n}" for n in range(count)]
            cases.start(ws, actor(ws, "ana"), "foreach", {"names": names})
            tom = actor(ws, "tom")
            firsts = ground.open_items(ws, "task")[:10]
            work = [partial(items.complete, ws, tom, item, {}) for item in firsts]
            costs.append(p50([ground.timed(one) for one in work]))
    shown = ", ".join(f"{cost:.1f} ms" for cost in costs)
    row(
        f"{database}: element-local command, 10, 100, 500 elements",
        f"{shown} ({costs[2] / costs[0]:.1f} x)",
    )


def idle(server: str) -> None:
    """What a conductor takes while cases wait: processor and memory of its own process."""
    sizes = {}
    for waiting in (0, WAITING):
        with ground.workspace("sqlite") as ws:
            ground.start(ws, waiting)
            ground.let_go_of_messages(ws)
            ws.storage.close()
            sizes[waiting] = _idle_process(ws.root, server)
    (_, empty), (cpu, full) = sizes[0], sizes[WAITING]
    row(f"idle conductor, {WAITING:,} waiting: processor", f"{cpu:.2f} %")
    row(
        f"idle conductor, {WAITING:,} waiting: memory",
        f"{full / 1024:.0f} MiB ({max(full - empty, 0) / WAITING:.2f} KiB per waiting case)",
    )


def _idle_process(root: Path, server: str) -> tuple[float, float]:
    environ = {**os.environ, "SMR_PREFECT_API_URL": server}
    process = subprocess.Popen(
        [*PROGRAM, "--workspace", str(root), "work"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(10)
    before = _ticks(process.pid)
    time.sleep(20)
    used = (_ticks(process.pid) - before) / os.sysconf("SC_CLK_TCK") / 20 * 100
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    process.terminate()
    process.wait()
    return used, float(resident)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def restart() -> None:
    """From a cold process to the first decision, with many cases waiting."""
    with ground.workspace("sqlite") as ws:
        ground.start(ws, WAITING)
        ground.draft(ws, 1)
        item = ground.open_items(ws, "approval")[0]
        ws.storage.close()
        seconds = _cold(ws.root, "--as", "lea", "approve", item)
    row(f"restart to first decision, {WAITING:,} waiting", f"{seconds:.2f} s")


def cold() -> None:
    """What commands take from a cold process."""
    with ground.workspace("sqlite") as ws:
        ground.start(ws, 50)
        for words in (["--help"], ["inbox", "--as", "tom"], ["cases"], ["validate", str(ws.root)]):
            best = min(_cold(ws.root, *words) for _ in range(3))
            row(f"cold `smr {words[0]}`", f"{best:.2f} s")


def _cold(root: Path, *words: str) -> float:
    program = [*PROGRAM, "--workspace", str(root), *words]
    done = subprocess.run
    return ground.timed(lambda: done(program, check=True, stdout=subprocess.DEVNULL))


def main() -> None:
    """Measure everything."""
    print("| figure | value |\n|---|---|")
    with postgres_session(durable=True):
        for database in DATABASES:
            throughput(database)
            engine_share(database)
            foreach(database)
            instants.due_timers(database, MANY)
            instants.finding_what_is_due(database, 1_000, 10 * MANY)
            instants.waking_up(database)
    restart()
    cold()
    with tempfile.TemporaryDirectory(prefix="smr-bench-prefect-") as folder:
        server = ensure_server(Path(folder), os.environ)
        try:
            for waiting in (10, WAITING):
                approve_to_published(server, waiting)
            drained(server)
            idle(server)
        finally:
            stop_server(Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n(peak memory of the measuring process {peak:.0f} MiB)")


if __name__ == "__main__":
    main()
