"""Deployments in Prefect's database: made, changed where they differ, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, FlowFilter
from prefect.client.schemas.responses import DeploymentResponse

from flows import open_case, run_batch, run_leg
from flows.listed import MARK, Deployed

FLOWS = (run_leg.run_leg, run_batch.run_batch, open_case.open_case)


def register(client: SyncPrefectClient, wanted: Sequence[Deployed], keep: set[str]) -> list[str]:
    """Make Prefect's deployments of `open-case` as wanted; return their full names.

    Args:
        client: of the Prefect server.
        wanted: the deployments; those that are as wanted already are not touched.
        keep: names of deployments that are not removed although they are not among them.
    """
    flows = {flow.name: client.create_flow_from_name(flow.name) for flow in FLOWS}
    there = {found.name: found for found in ours(client)}
    for each in wanted:
        _put(client, flows[open_case.NAME], each, there.get(each.name))
    for name, found in there.items():
        if name not in keep:
            client.delete_deployment(found.id)
    return [f"{open_case.NAME}/{each.name}" for each in wanted]


def ours(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Return the deployments of `open-case` that this program made."""
    return client.read_deployments(
        flow_filter=FlowFilter.model_validate({"name": {"any_": [open_case.NAME]}}),
        deployment_filter=DeploymentFilter.model_validate({"tags": {"all_": [MARK]}}),
    )


def _put(
    client: SyncPrefectClient, flow: UUID, wanted: Deployed, there: DeploymentResponse | None
) -> None:
    told = asdict(wanted)
    name = told.pop("name")
    if there is None:
        client.create_deployment(flow, name, **told)
    elif any(getattr(there, key) != value for key, value in told.items()):
        # Creating it once more would remove the schedules that people gave it in Prefect.
        client.update_deployment(there.id, DeploymentUpdate(**told))
