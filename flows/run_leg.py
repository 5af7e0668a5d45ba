"""One flow run per leg: all that one case owes between two waits for people."""

from __future__ import annotations

from typing import Any

from flows.house import workspace
from prefect import State, Task, flow, tags, task
from prefect.client.schemas.objects import TaskRun
from prefect.runtime import flow_run, task_run
from smr_engine.services import effects, legs
from smr_engine.services.effects import NotDoneError

MAX_ROUNDS = 20
"""So often a leg goes on with what its own effects gave rise to; the conductor takes the rest."""


class TryAgainError(Exception):
    """The effect certainly did not happen and may work in a moment."""


def may_try_again(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what certainly did not happen: no refusals, no ambiguous outcomes."""
    return isinstance(state.result(raise_on_failure=False), TryAgainError)


@task(persist_result=False, retry_condition_fn=may_try_again)
def perform(owed: dict[str, Any]) -> str:
    """Perform one effect and report how it went; the last try reports also what did not happen."""
    tried_before = task_run.run_count - 1
    last = tried_before + 1 >= owed["tries"]
    outcome = effects.perform_owed(
        workspace(), owed, last=last, tries=tried_before + 1, run=str(flow_run.id or "")
    )
    if outcome == "try again":
        raise TryAgainError(owed["effect"])
    return outcome


@flow(name="run-leg", persist_result=False, validate_parameters=False)
def run_leg(leg: dict[str, Any]) -> None:
    """Perform a leg, then whatever its outcomes gave rise to in the same case.

    Raises:
        NotDoneError: an effect did not happen; which ones and why stands in the case.
    """
    failed: list[str] = []
    for _ in range(MAX_ROUNDS):
        for owed in leg["owed"]:
            named = perform.with_options(
                name=owed["name"],
                retries=owed["tries"] - 1,
                retry_delay_seconds=[owed["pause_s"] * 2.0**n for n in range(owed["tries"] - 1)],
            )
            state = named(owed, return_state=True)
            if not state.is_completed():
                failed.append(owed["effect"])
        following = legs.next_leg(workspace(), leg["case"], str(flow_run.id))
        if following is None:
            break
        leg = following.as_json()
    if failed:
        raise NotDoneError(", ".join(failed))


def start(leg: dict[str, Any], name: str, labels: list[str]) -> None:
    """Call the flow in this process under the leg's name and tags."""
    with tags(*labels):
        run_leg.with_options(flow_run_name=name)(leg)
