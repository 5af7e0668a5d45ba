"""Run by the Python of a clean install: registers a quarterly deployment, waits for its next run.

Prints the instant of the scheduled run. Prefect makes it in its own time, and only if its scheduler
works, which is what versions of SQLAlchemy and FastAPI have broken without a word.
"""

from __future__ import annotations

import sys
import time

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter
from prefect.client.schemas.schedules import RRuleSchedule

RRULE = "DTSTART:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=1MO"  # within Prefect's 100 days


def wait_for_server(client: SyncPrefectClient, until: float) -> None:
    while True:
        try:
            client.hello()
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def scheduled_run(client: SyncPrefectClient, until: float) -> str:
    schedule = RRuleSchedule(rrule=RRULE, timezone="Europe/Berlin")
    deployment = client.create_deployment(
        client.create_flow_from_name("open-case"),
        "policy-review",
        schedules=[DeploymentScheduleCreate(schedule=schedule, active=True)],
        enforce_parameter_schema=False,
    )
    mine = DeploymentFilter.model_validate({"id": {"any_": [deployment]}})
    while time.monotonic() < until:
        if runs := client.read_flow_runs(deployment_filter=mine, limit=1):
            return str(runs[0].expected_start_time)
        time.sleep(0.2)
    sys.exit("Prefect's scheduler made no run: is one of its dependencies too new?")


def main() -> None:
    until = time.monotonic() + 120
    with get_client(sync_client=True) as client:
        wait_for_server(client, until)
        print(scheduled_run(client, until))


if __name__ == "__main__":
    main()
