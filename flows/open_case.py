"""Opening a case from Prefect: its start form, its schedules, its API, its automations.

The run decides nothing: it hands the inputs to the same use case as every other door, under the
flow run's id as idempotency key, and acts as `prefect:<deployment>`.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.house import NOWHERE, workspace
from flows.listed import OPEN_CASE
from smr_engine.errors import SmrError
from smr_engine.services import cases, scheduled_outside
from smr_engine.services.workspace import Actor

NAME = OPEN_CASE
NOTHING_OPENED = "nothing was opened; smr schedule list says whether it will be tried again"

log = logging.getLogger("smr.prefect")


@flow(name=NAME, persist_result=False, result_storage=NOWHERE, validate_parameters=False)
def open_case(
    playbook: str, inputs: dict[str, Any], schedule: str = "", due: datetime | None = None
) -> State[Any]:
    """Open a case. Idempotent: a flow run that is run again opens no second one.

    Args:
        playbook: its name, which is the deployment's too.
        inputs: the parameters of the deployment's flow run; a schedule of ours has its own.
        schedule: id of the schedule of ours that this run is about; empty if it is about none.
        due: the schedule's instant that has come.

    Returns:
        A completed state that names the case; a failed one that says what is wrong with the inputs,
        or else only the code of the refusal.
    """
    try:
        if schedule and due:
            return _settle(schedule, due)
        return _open(playbook, inputs)
    except SmrError as refusal:
        log.warning("a start of %s from Prefect was refused: %s", playbook, refusal)
        # What was typed into Prefect's form Prefect knows; other refusals may speak of people.
        is_about_form = refusal.code == "form-invalid"
        return Failed(message=refusal.message if is_about_form else refusal.code)
    except Exception as fault:
        log.exception("a start of %s from Prefect met a fault", playbook)
        return Failed(message=type(fault).__name__)


def _open(playbook: str, inputs: dict[str, Any]) -> State[Any]:
    actor = Actor(f"prefect:{playbook}", "", "prefect")
    opening = cases.Opening(key=f"prefect:{flow_run.id}")
    return Completed(message=cases.start(workspace(), actor, playbook, inputs, opening).case)


def _settle(schedule: str, due: datetime) -> State[Any]:
    case = scheduled_outside.settle_due(workspace(), schedule, due)
    return Completed(message=case or NOTHING_OPENED)
