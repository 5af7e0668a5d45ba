"""Starts from Prefect, executed in the conductor's process.

With a work pool, too: opening a case is one short transaction, and a worker would take seconds to
begin with it. Any number of conductors may do so; each run is opened by one of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import PrefectSignal
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.client import PrefectServer
from flows.open_case import open_case
from flows.registering import schedule_of, starts
from smr_engine.adapters.prefect_server import touch_server
from smr_engine.services.workspace import Workspace

EVERY_S = 3.0
"""How often Prefect is asked for starts; it has no way to tell, in seconds."""
AT_ONCE = 20

log = logging.getLogger("smr.prefect")


@dataclass(frozen=True, slots=True)
class _Starts:
    """Our deployments by their ids: the playbook of each, and which schedules are ours."""

    playbooks: Mapping[UUID, str]
    schedules: Mapping[UUID, str]

    @classmethod
    def read(cls, client: SyncPrefectClient) -> _Starts:
        """Return what is registered."""
        found = starts(client)
        schedules = [schedule for each in found for schedule in each.schedules]
        return cls(
            {each.id: each.name for each in found},
            {each.id: ours for each in schedules if (ours := schedule_of(each.slug))},
        )

    def parameters(self, run: FlowRun, deployment: UUID) -> dict[str, Any]:
        """Return what the flow is given for a run."""
        by = run.created_by
        schedule = self.schedules.get(by.id, "") if by and by.id and by.type == "SCHEDULE" else ""
        given = {"playbook": self.playbooks[deployment], "inputs": run.parameters}
        if not schedule or run.expected_start_time is None:
            return given
        # Prefect's own kind of instant is not for our events.
        due = datetime.fromisoformat(run.expected_start_time.isoformat())
        return {**given, "schedule": schedule, "due": due}


def open_scheduled(ws: Workspace, api_url: str, stop: threading.Event, for_s: float) -> None:
    """Execute the scheduled and late runs of our deployments until stopped.

    Args:
        ws: the workspace.
        api_url: of the Prefect server.
        stop: set it to make this return.
        for_s: when to return at the latest, in seconds; deployments that changed are known then.

    Raises:
        Exception: of Prefect's client, when the server does not answer any more.
    """
    over = time.monotonic() + for_s
    with PrefectServer(api_url).connected() as client:
        ours = _Starts.read(client)
        while not stop.is_set() and time.monotonic() < over:
            touch_server(ws.state)
            if ours.playbooks:
                _open_due(ws, client, ours)
            stop.wait(EVERY_S)


def _open_due(ws: Workspace, client: SyncPrefectClient, ours: _Starts) -> None:
    deployments = list(ours.playbooks)
    due = client.get_scheduled_flow_runs_for_deployments(deployments, ws.clock.now(), AT_ONCE)
    for scheduled in due:
        claimed: OrchestrationResult[Any] = client.set_flow_run_state(scheduled.id, Pending())
        if claimed.status is not SetStateStatus.ACCEPT or scheduled.deployment_id is None:
            continue  # another process has it
        run = client.read_flow_run(scheduled.id)
        try:
            run_flow(
                open_case,
                flow_run=run,
                parameters=ours.parameters(run, scheduled.deployment_id),
                return_type="state",
            )
        except PrefectSignal as told:  # somebody cancelled or paused the run in Prefect
            log.warning("a start of %s was stopped in Prefect: %s", run.name, told)
