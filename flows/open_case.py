"""Opening a case from Prefect: its start form, its schedules, its API, its automations.

The run decides nothing: it hands the inputs to the same use case as every other door, under the flow
run's id as idempotency key, and acts as `prefect:<deployment>`.
"""

from __future__ import annotations

from typing import Any

from flows.house import workspace
from prefect import flow
from prefect.runtime import deployment, flow_run
from smr_engine.services import cases
from smr_engine.services.workspace import Actor


@flow(name="open-case", persist_result=False, validate_parameters=False)
def open_case(inputs: dict[str, Any]) -> str:
    """Open a case of the deployment's playbook; return its reference. Idempotent per flow run."""
    playbook = str(deployment.name)
    actor = Actor(f"prefect:{playbook}", "", "prefect")
    opening = cases.Opening(key=f"prefect:{flow_run.root_flow_run_id or flow_run.id}")
    return cases.start(workspace(), actor, playbook, inputs, opening).case
