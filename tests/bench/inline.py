"""What legs cost that the conductor's own process performs, with an embedded Prefect server."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.inline import InlineDispatcher
from smr_engine.adapters.prefect_health import answers
from smr_engine.adapters.prefect_server import ensure_server, stop_server
from smr_engine.bootstrap import conductor
from smr_engine.services import items
from smr_engine.services.legs import legs_of
from smr_engine.services.workspace import Workspace, actor
from tests.bench import ground
from tests.bench.ground import PROGRAM, p50, p99, rate, row


@contextmanager
def embedded_server() -> Iterator[str]:
    """Run a Prefect server as `smr up` does; yield the address of its API."""
    with tempfile.TemporaryDirectory(prefix="smr-bench-prefect-") as folder:
        try:
            yield ensure_server(Path(folder), os.environ)
        finally:
            stop_server(Path(folder))


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
        time.sleep(0.1)  # counting takes from what is measured


def drained(server: str, waiting: int, legs: int) -> None:
    """Publications owed by many cases at once: some as legs one by one, then all in batches."""
    with ground.workspace("sqlite") as ws:
        ground.owe_publications(ws, waiting)
        _one_by_one(ws, server, waiting, legs)
        left = ground.open_cases(ws)
        began = time.perf_counter()
        with conducted(ws, server):
            _settle(ws)
        seconds = time.perf_counter() - began
        done = left - ground.open_cases(ws)
    row(f"drained through run_batch, {left:,} owed", f"{done / seconds:.0f} cases/s")


def _one_by_one(ws: Workspace, server: str, waiting: int, legs: int) -> None:
    dispatcher = _ready(ws, server)
    claimed = ground.claimed(ws, legs)
    seconds = [ground.timed(lambda g=leg: dispatcher.run_leg(g)) for leg in legs_of(claimed)]
    row(
        f"drained through run_leg, one by one, {waiting:,} owed",
        f"{rate(seconds):.1f} legs/s (p50 {p50(seconds):.0f} ms)",
    )


def idle(server: str, waiting: int, watched_s: float) -> None:
    """What a conductor takes while cases wait: processor and memory of its own process."""
    sizes = {}
    for count in (0, waiting):
        with ground.workspace("sqlite") as ws:
            ground.start(ws, count)
            ground.let_go_of_messages(ws)
            ws.storage.close()
            sizes[count] = _idle_process(ws.root, server, watched_s)
    (_, empty), (cpu, full) = sizes[0], sizes[waiting]
    row(f"idle conductor, {waiting:,} waiting: processor", f"{cpu:.2f} %")
    row(
        f"idle conductor, {waiting:,} waiting: memory",
        f"{full / 1024:.0f} MiB ({max(full - empty, 0) / waiting:.2f} KiB per waiting case)",
    )


def _idle_process(root: Path, server: str, watched_s: float) -> tuple[float, float]:
    environ = {**os.environ, "SMR_PREFECT_API_URL": server}
    process = subprocess.Popen(
        [*PROGRAM, "--workspace", str(root), "work"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(watched_s / 2)  # it has settled by then
    before = _ticks(process.pid)
    time.sleep(watched_s)
    used = (_ticks(process.pid) - before) / os.sysconf("SC_CLK_TCK") / watched_s * 100
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    process.terminate()
    process.wait()
    return used, float(resident)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
