"""The work-pool dispatcher: legs become flow runs that any worker of the pool executes.

Handing over is all that happens here, so nothing imports Prefect. The flow run takes the leases
over when it begins; if no worker begins it in time, they run out, and the leg is handed over again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import httpx

from smr_engine.adapters.prefect_api import ask, connect, content, create_flow_run, deployment_id
from smr_engine.services import legs
from smr_engine.services.ports import (
    DispatchUnavailableError,
    EffectRefusedError,
    EffectUnavailableError,
    Leg,
)
from smr_engine.services.workspace import Workspace

REQUEST_S = 5.0
MOST = 1_000
"""Effects in one flow run of a batch: Prefect takes half a megabyte of parameters."""
READY = "READY"
"""What Prefect says of a pool where a worker has been heard of lately."""


class WorkPoolDispatcher:
    """Hands legs over to the workers of a pool; safe to use from several threads.

    Implements `services.ports.Dispatcher`: its methods return once a flow run is created.

    Args:
        ws: the workspace that the workers open too.
        api_url: of Prefect's API, which the workers use as well.
        pool: the work pool; its two deployments are named after it (`run-leg/POOL`).
        lease: how long a worker has to begin.
        environ: where `PREFECT_API_KEY` or `PREFECT_API_AUTH_STRING` stand for servers that ask.
    """

    def __init__(
        self,
        ws: Workspace,
        api_url: str,
        pool: str,
        lease: timedelta,
        environ: Mapping[str, str],
    ) -> None:
        self._ws = ws
        self._connect = partial(connect, api_url, REQUEST_S, environ)
        self._pool = pool
        self._lease = lease

    def run_leg(self, leg: Leg) -> None:
        """Hand one case's leg over. Raises as `ports.Dispatcher.run_leg`."""
        self._hand_over("run-leg", [leg])

    def run_batch(self, legs: Sequence[Leg]) -> None:
        """Hand the legs of many cases over, as few flow runs. Raises as `run_leg`."""
        for portion in _portions(legs):
            self._hand_over("run-batch", portion)

    def _hand_over(self, flow: str, wanted: Sequence[Leg]) -> None:
        given: list[Leg] = []
        try:
            with self._connect() as client:
                deployment = self._ready(client, f"{flow}/{self._pool}")
                given = legs.hand_over(self._ws, wanted, f"{flow}/{self._pool}", self._lease)
                if given:
                    create_flow_run(client, deployment, _TOLD[flow](given))
        except (EffectRefusedError, EffectUnavailableError) as problem:
            # Created or not, its run must not begin while somebody else performs them.
            legs.release(self._ws, legs.claims_of(given))
            raise DispatchUnavailableError(str(problem)) from problem

    def _ready(self, client: httpx.Client, deployment: str) -> str:
        """Return the deployment's id, if there is a worker at all that could begin now."""
        pool: Mapping[str, Any] = content(ask(client, "GET", f"work_pools/{self._pool}"))
        if pool.get("status") != READY:
            raise EffectUnavailableError(f"no worker is ready in its work pool '{self._pool}'")
        if known := deployment_id(client, deployment):
            return known
        raise EffectRefusedError(f"it has no deployment '{deployment}'; run smr deploy")


def _portions(legs: Sequence[Leg]) -> Iterator[list[Leg]]:
    portion: list[Leg] = []
    size = 0
    for leg in legs:
        if portion and size + len(leg.owed) > MOST:
            yield portion
            portion, size = [], 0
        portion.append(leg)
        size += len(leg.owed)
    if portion:
        yield portion


def _told_of_leg(given: Sequence[Leg]) -> dict[str, Any]:
    (leg,) = given
    return {
        "name": leg.name,
        "tags": list(leg.tags),
        "parameters": {"leg": leg.as_json()},
        "idempotency_key": _key(given),
    }


def _told_of_batch(given: Sequence[Leg]) -> dict[str, Any]:
    owed = [entry for leg in given for entry in leg.as_json()["owed"]]
    return {
        "name": f"batch of {len(owed)} effects",
        "tags": ["batch"],
        "parameters": {"owed": owed},
        "idempotency_key": _key(given),
    }


def _key(given: Sequence[Leg]) -> str:
    """Return a key of this hand-over alone: an epoch is of one claim only."""
    first = given[0].owed[0]
    return f"{first.effect}:{first.epoch}"


_TOLD = {"run-leg": _told_of_leg, "run-batch": _told_of_batch}
