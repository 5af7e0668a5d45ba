"""What commands take from a cold process."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.bench import ground
from tests.bench.ground import PROGRAM, row


def restart(waiting: int) -> None:
    """From a cold process to the first decision, with many cases waiting."""
    with ground.workspace("sqlite") as ws:
        ground.start(ws, waiting)
        ground.draft(ws, 1)
        item = ground.open_items(ws, "approval")[0]
        ws.storage.close()
        seconds = _cold(ws.root, "--as", "lea", "approve", item)
    row(f"restart to first decision, {waiting:,} waiting", f"{seconds:.2f} s")


def commands() -> None:
    """The best of three for some commands that people wait for."""
    with ground.workspace("sqlite") as ws:
        ground.start(ws, 50)
        validate = ["validate", str(ws.root), "--json"]  # in words it would speak into the table
        for words in (["--help"], ["inbox", "--as", "tom"], ["cases"], validate):
            best = min(_cold(ws.root, *words) for _ in range(3))
            row(f"cold `smr {words[0]}`", f"{best:.2f} s")


def _cold(root: Path, *words: str) -> float:
    program = [*PROGRAM, "--workspace", str(root), *words]
    done = subprocess.run
    return ground.timed(lambda: done(program, check=True, stdout=subprocess.DEVNULL))
