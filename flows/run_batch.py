"""One flow run for many legs: when hundreds are owed at once, a run for each would set the pace."""

from __future__ import annotations

from typing import Any

from flows.house import workspace
from prefect import flow, tags, task
from prefect.runtime import flow_run
from smr_engine.services import effects
from smr_engine.services.effects import NotDoneError
from smr_engine.services.workspace import Workspace

CHUNK = 50
"""Effects in one task: few enough to read, many enough that Prefect's cost does not count."""


@task(persist_result=False)
def perform_chunk(chunk: list[dict[str, Any]]) -> int:
    """Perform some effects one after the other; return how many did not happen."""
    ws, run = workspace(), str(flow_run.id or "")
    return sum(not _performed(ws, owed, run) for owed in chunk)


def _performed(ws: Workspace, owed: dict[str, Any], run: str) -> bool:
    try:
        effects.perform_owed(ws, owed, last=True, tries=1, run=run)
    except NotDoneError:
        return False
    return True


@flow(name="run-batch", persist_result=False, validate_parameters=False)
def run_batch(owed: list[dict[str, Any]]) -> None:
    """Perform the effects of many cases.

    Raises:
        NotDoneError: some did not happen; which ones and why stands in their cases.
    """
    failed = 0
    for start_at in range(0, len(owed), CHUNK):
        chunk = owed[start_at : start_at + CHUNK]
        last = start_at + len(chunk)
        named = perform_chunk.with_options(name=f"effects {start_at + 1} to {last}")
        failed += named(chunk)
    if failed:
        message = f"{failed} of {len(owed)} effects"
        raise NotDoneError(message)


def start(owed: list[dict[str, Any]]) -> None:
    """Call the flow in this process."""
    with tags("batch"):
        run_batch.with_options(flow_run_name=f"batch of {len(owed)} effects")(owed)
