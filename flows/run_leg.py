"""One flow run per leg: all that one case owes between two waits for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import State, Task, flow, tags, task
from prefect.client.schemas.objects import TaskRun
from prefect.runtime import task_run
from prefect.states import Completed, Failed

from flows import performing
from flows.house import NOWHERE
from smr_engine.services import effects


def may_try_again(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what certainly did not happen: no refusals, no ambiguous outcomes."""
    return state.message == effects.TRY_AGAIN.words


@task(persist_result=False, retry_condition_fn=may_try_again)
def perform(owed: Mapping[str, Any]) -> State[Any]:
    """Perform one effect and report how it went; the last try reports also what did not happen."""
    tries = task_run.run_count
    performed = performing.perform(owed, last=tries >= owed["tries"], tries=tries)
    return (Completed if performed.happened else Failed)(message=performed.words)


@flow(name="run-leg", persist_result=False, result_storage=NOWHERE, validate_parameters=False)
def run_leg(leg: dict[str, Any]) -> State[Any]:
    """Perform a leg, then whatever its outcomes gave rise to in the same case.

    Returns:
        A failed state if an effect did not happen; which and why stands in the case.
    """
    with performing.in_hand(performing.received(leg["owed"])) as hand:
        failed = [owed["effect"] for owed in hand if not _performed(owed)]
    return Failed(message=f"not done: {', '.join(failed)}") if failed else Completed()


def _performed(owed: Mapping[str, Any]) -> bool:
    named = perform.with_options(
        task_run_name=lambda: str(owed["name"]),  # a text would be a template
        retries=owed["tries"] - 1,
        retry_delay_seconds=[owed["pause_s"] * 2.0**n for n in range(owed["tries"] - 1)],
    )
    with performing.untagged():
        return named(owed, return_state=True).is_completed()


def start(leg: dict[str, Any], name: str, labels: list[str]) -> None:
    """Call the flow in this process under the leg's name and tags; failures stand in the case."""
    with tags(*labels):
        run_leg.with_options(flow_run_name=lambda: name)(leg, return_state=True)
