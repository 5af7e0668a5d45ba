"""One flow run per leg: all that one case owes between two waits for people."""

from __future__ import annotations

from typing import Any

from flows.house import tried, workspace
from prefect import State, Task, flow, tags, task
from prefect.client.schemas.objects import TaskRun
from prefect.runtime import flow_run, task_run
from prefect.states import Completed, Failed
from smr_engine.services import effects, legs

MAX_ROUNDS = 20
"""So often a leg goes on with what its own effects gave rise to; the conductor takes the rest."""
TRY_AGAIN = "TryAgain"
"""Name of the state of an effect that certainly did not happen and may work in a moment."""


def may_try_again(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what certainly did not happen: no refusals, no ambiguous outcomes."""
    return state.name == TRY_AGAIN


@task(persist_result=False, retry_condition_fn=may_try_again)
def perform(owed: dict[str, Any]) -> State[Any]:
    """Perform one effect and report how it went; the last try reports also what did not happen."""
    tries = task_run.run_count
    outcome = tried(
        lambda: effects.perform_owed(
            workspace(), owed, last=tries >= owed["tries"], tries=tries, run=str(flow_run.id)
        ),
        owed["effect"],
    )
    if outcome.happened:
        return Completed(message=outcome.words)
    return Failed(name=TRY_AGAIN if outcome.words == "try again" else None, message=outcome.words)


@flow(name="run-leg", persist_result=False, validate_parameters=False)
def run_leg(leg: dict[str, Any]) -> State[Any]:
    """Perform a leg, then whatever its outcomes gave rise to in the same case.

    Returns:
        A failed state if an effect did not happen; which and why stands in the case.
    """
    failed: list[str] = []
    for _ in range(MAX_ROUNDS):
        for owed in leg["owed"]:
            named = perform.with_options(
                name=owed["name"],
                task_run_name=owed["name"],
                retries=owed["tries"] - 1,
                retry_delay_seconds=[owed["pause_s"] * 2.0**n for n in range(owed["tries"] - 1)],
            )
            if not named(owed, return_state=True).is_completed():
                failed.append(owed["effect"])
        following = legs.next_leg(workspace(), leg["case"], str(flow_run.id))
        if following is None:
            break
        leg = following.as_json()
    return Failed(message=f"not done: {', '.join(failed)}") if failed else Completed()
