"""Deployments in Prefect's database: what is not as wanted there, and making it so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.filters import DeploymentFilter, FlowFilter
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import RRuleSchedule
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from flows import open_case, run_batch, run_leg
from flows.listed import MARK, Deployed

FLOWS = tuple(flow.name for flow in (run_leg.run_leg, run_batch.run_batch, open_case.open_case))
OURS = "smr-"
"""How the slugs of our schedules begin; what follows is the schedule's id in our table."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not as wanted: what, in words, and what mends it."""

    what: str
    mend: Callable[[], object]


def changes(
    client: SyncPrefectClient, wanted: Sequence[Deployed], keep: set[str]
) -> Iterator[Change]:
    """Yield what has to change in Prefect, in an order in which it can be mended.

    Args:
        client: of the Prefect server.
        wanted: the deployments there should be; what is as wanted already is not touched.
        keep: names of deployments that are not removed although they are not among them.
    """
    flows = {name: client.create_flow_from_name(name) for name in FLOWS}
    there = {(found.flow_id, found.name): found for found in _ours(client, FLOWS)}
    for pool in {each.told.get("work_pool_name") for each in wanted} - {None}:
        yield from _pool(client, str(pool))
    for each in wanted:
        found = there.pop((flows[each.flow], each.name), None)
        if found is None:
            mend = partial(_create, client, flows[each.flow], each)
            yield Change(f"the deployment {each.full_name} is missing", mend)
        else:
            yield from _differences(client, each, found)
    for found in there.values():
        if found.name not in keep:
            mend = partial(client.delete_deployment, found.id)
            yield Change(f"the deployment {found.name} is of no use any more", mend)


def starts(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Return the deployments of `open-case` that this program made."""
    return _ours(client, [open_case.NAME])


def schedule_of(slug: str | None) -> str:
    """Return which schedule of ours one in Prefect stands for; empty if it is somebody else's."""
    return slug.removeprefix(OURS) if slug and slug.startswith(OURS) else ""


def _ours(client: SyncPrefectClient, flows: Sequence[str]) -> list[DeploymentResponse]:
    return client.read_deployments(
        flow_filter=FlowFilter.model_validate({"name": {"any_": list(flows)}}),
        deployment_filter=DeploymentFilter.model_validate({"tags": {"all_": [MARK]}}),
    )


def _pool(client: SyncPrefectClient, name: str) -> Iterator[Change]:
    """See that there is a work pool; one that somebody made, of whatever type, is left as it is."""
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        pool = WorkPoolCreate(name=name, type="process", base_job_template=template)
        mend = partial(client.create_work_pool, pool)
        yield Change(f"the work pool {name} is missing", mend)


def _create(client: SyncPrefectClient, flow: UUID, wanted: Deployed) -> None:
    schedules = list(_schedules(wanted).values())
    client.create_deployment(flow, wanted.name, **wanted.told, schedules=schedules)


def _differences(
    client: SyncPrefectClient, wanted: Deployed, found: DeploymentResponse
) -> Iterator[Change]:
    if any(getattr(found, key) != value for key, value in wanted.told.items()):
        # Creating it once more would remove the schedules that people gave it in Prefect.
        update = DeploymentUpdate(**wanted.told)
        mend: Callable[[], Any] = partial(client.update_deployment, found.id, update)
        yield Change(f"the deployment {wanted.full_name} differs", mend)
    schedules = _schedules(wanted)
    for there in found.schedules:
        schedule = schedule_of(there.slug)
        should = schedules.pop(there.slug or "", None)
        if should is not None and not _is_as_wanted(there, should):
            mend = partial(_put_right, client, found.id, there.id, should)
            yield Change(f"the schedule {schedule} was changed in Prefect", mend)
        elif should is None and schedule:
            mend = partial(client.delete_deployment_schedule, found.id, there.id)
            yield Change(f"the schedule {schedule} is in Prefect only", mend)
    for slug, should in schedules.items():
        mend = partial(client.create_deployment_schedules, found.id, [should])
        yield Change(f"the schedule {schedule_of(slug)} is missing in Prefect", mend)


def _schedules(wanted: Deployed) -> dict[str, DeploymentScheduleCreate]:
    """Return our schedules of a deployment by their slugs."""
    return {
        (slug := f"{OURS}{each.schedule}"): DeploymentScheduleCreate(
            slug=slug, schedule=RRuleSchedule(rrule=each.rrule, timezone=each.timezone), active=True
        )
        for each in wanted.recurrences
    }


def _is_as_wanted(there: DeploymentSchedule, should: DeploymentScheduleCreate) -> bool:
    same = there.schedule == should.schedule and there.parameters == should.parameters
    return same and there.active and there.max_scheduled_runs is None


def _put_right(
    client: SyncPrefectClient, deployment: UUID, there: UUID, should: DeploymentScheduleCreate
) -> None:
    """Replace a schedule: a PATCH cannot take back a bound on its runs."""
    client.delete_deployment_schedule(deployment, there)
    client.create_deployment_schedules(deployment, [should])
