"""Starts from Prefect, executed in the conductor's process until work pools come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import PrefectSignal
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.client import PrefectServer
from flows.open_case import open_case
from flows.registering import ours
from smr_engine.adapters.prefect_server import touch_server
from smr_engine.services.workspace import Workspace

EVERY_S = 3.0
"""How often Prefect is asked for starts; it has no way to tell, in seconds."""
AT_ONCE = 20

log = logging.getLogger("smr.prefect")


def open_scheduled(ws: Workspace, api_url: str, stop: threading.Event) -> None:
    """Execute the scheduled and late runs of our deployments until stopped.

    Raises:
        Exception: of Prefect's client, when the server does not answer any more.
    """
    with PrefectServer(api_url).connected() as client:
        names = {found.id: found.name for found in ours(client)}
        while not stop.is_set():
            touch_server(ws.state)
            _open_due(ws, client, names)
            stop.wait(EVERY_S)


def _open_due(ws: Workspace, client: SyncPrefectClient, names: Mapping[UUID, str]) -> None:
    due = client.get_scheduled_flow_runs_for_deployments(list(names), ws.clock.now(), AT_ONCE)
    for scheduled in due:
        claimed: OrchestrationResult[Any] = client.set_flow_run_state(scheduled.id, Pending())
        if claimed.status is not SetStateStatus.ACCEPT or scheduled.deployment_id is None:
            continue  # another process has it
        playbook = names[scheduled.deployment_id]
        try:
            run_flow(
                open_case,
                flow_run=client.read_flow_run(scheduled.id),
                parameters={"playbook": playbook, "inputs": scheduled.parameters},
                return_type="state",
            )
        except PrefectSignal as told:  # somebody cancelled or paused the run in Prefect
            log.warning("a start of %s from Prefect was stopped there: %s", playbook, told)
