"""One flow run for many legs: when hundreds are owed at once, a run for each would set the pace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from prefect import State, flow, tags, task
from prefect.states import Completed, Failed

from flows import performing
from flows.house import NOWHERE, workspace
from smr_engine.services import legs

ABREAST = 8
"""Effects of a chunk under way at a time: they mostly wait for the disk, or for the network."""
CHUNK = 50
"""Effects in one task: few enough to read, many enough that Prefect's cost does not count."""


@task(persist_result=False)
def perform_chunk(chunk: list[Mapping[str, Any]]) -> State[list[str]]:
    """Perform some effects, each once, a few beside each other; then what they give rise to."""
    failed: list[str] = []
    with performing.in_hand(chunk) as hand, ThreadPoolExecutor(ABREAST) as pool:
        while owed := list(hand):
            contexts = [copy_context() for _ in owed]  # a context is in one thread at a time
            tried = pool.map(lambda context, each: context.run(_once, each), contexts, owed)
            failed += [each["effect"] for each, done in zip(owed, tried, strict=True) if not done]
    return _state(failed)


def _once(owed: Mapping[str, Any]) -> bool:
    return performing.perform(owed, last=True, tries=1).happened


@task(persist_result=False)
def perform_reminders(owed: list[Mapping[str, Any]]) -> State[list[str]]:
    """Tell each person once of all that they are reminded of."""
    return _state(performing.remind(owed))


@flow(name="run-batch", persist_result=False, result_storage=NOWHERE, validate_parameters=False)
def run_batch(owed: list[dict[str, Any]]) -> State[Any]:
    """Perform the effects of many cases.

    Returns:
        A failed state if some did not happen; which and why stands in their cases.
    """
    failed: list[str] = []
    taken = performing.received(owed)
    kept = workspace().keeper.keeping(map(legs.claim_of, taken))
    with kept, performing.untagged():
        failed += [name for name, state in _performed(taken) if not state.is_completed()]
    return _state(failed)


def _performed(owed: list[Mapping[str, Any]]) -> Iterator[tuple[str, State[Any]]]:
    """Perform effects a chunk at a time and all reminders together; yield how each task ended."""
    reminders = [each for each in owed if each.get("reminds")]
    others = [each for each in owed if not each.get("reminds")]
    for first in range(0, len(others), CHUNK):
        chunk = others[first : first + CHUNK]
        name = f"effects {first + 1} to {first + len(chunk)}"
        yield name, perform_chunk.with_options(task_run_name=name)(chunk, return_state=True)
    if reminders:
        name = f"{len(reminders)} reminders"
        yield name, perform_reminders.with_options(task_run_name=name)(reminders, return_state=True)


def _state(failed: list[str]) -> State[Any]:
    return Failed(message=f"not done: {', '.join(failed)}") if failed else Completed()


def start(owed: list[dict[str, Any]]) -> None:
    """Call the flow in this process; failures stand in the cases."""
    with tags("batch"):
        run_batch.with_options(flow_run_name=f"batch of {len(owed)} effects")(
            owed, return_state=True
        )
