"""The `prefect.deployment` of `call` steps, over Prefect's REST API and without importing Prefect.

A flow run is looked for under the effect's key and started if there is none, so that each try is
also the next look at it: nothing is kept between them, and none is started twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from smr_engine.adapters.prefect_api import (
    Json,
    ask,
    connect,
    content,
    create_flow_run,
    deployment_id,
)
from smr_engine.services.ports import EffectRefusedError, EffectUnavailableError

REQUESTS = 3
"""At most so many in one call; they share its time."""
ENDED_BADLY = frozenset({"FAILED", "CRASHED", "CANCELLED"})
BLOCKS = '"__prefect_kind"'
"""Would make Prefect render a template or read its own variables in a parameter."""


class DeploymentCaller:
    """Starts deployments and follows their flow runs (implements `services.ports.Caller`).

    Args:
        api_url: returns the address of Prefect's API; empty if no server runs now.
        environ: where `PREFECT_API_KEY` or `PREFECT_API_AUTH_STRING` stand for servers that ask.
    """

    def __init__(self, api_url: Callable[[], str], environ: Mapping[str, str]) -> None:
        self._api_url = api_url
        self._environ = environ

    def call(self, key: str, arguments: Json, timeout_s: float) -> Mapping[str, Any]:
        """Start a deployment, or look how its run goes; may be repeated, `key` starts one run.

        Args:
            key: the idempotency key of the run.
            arguments: `deployment` (flow/deployment) and `parameters`.
            timeout_s: for all requests together, in seconds.

        Returns:
            `flow_run` (its id) and `state` (its state's name); with `pending` until it has ended.

        Raises:
            EffectRefusedError: there is no such deployment, it does not take the parameters, or
                its run has failed, crashed or was cancelled.
            EffectUnavailableError: Prefect does not answer now; never ambiguous, see above.
        """
        deployment, parameters = _asked(arguments)
        url = self._api_url()
        if not url:
            raise EffectUnavailableError("No Prefect server runs now")
        with connect(url, timeout_s / REQUESTS, self._environ) as client:
            run = _found(client, key) or _started(client, key, deployment, parameters)
        return _told(run, deployment)


def _asked(arguments: Json) -> tuple[str, Json]:
    deployment = str(arguments.get("deployment") or "")
    if deployment.count("/") != 1 or not all(deployment.split("/")):
        raise EffectRefusedError(f"{deployment[:80]!r} is no deployment; write flow/deployment")
    parameters = arguments.get("parameters") or {}
    if BLOCKS in json.dumps(parameters):
        raise EffectRefusedError(f"A parameter may not say {BLOCKS}: Prefect would carry it out")
    return deployment, parameters


def _found(client: httpx.Client, key: str) -> Json | None:
    asked = {"flow_runs": {"idempotency_key": {"any_": [key]}}, "limit": 1}
    runs = content(ask(client, "POST", "flow_runs/filter", asked))
    return runs[0] if runs else None


def _started(client: httpx.Client, key: str, deployment: str, parameters: Json) -> Json:
    known = deployment_id(client, deployment)
    if not known:
        raise EffectRefusedError(
            f"Prefect has no deployment '{deployment}'; deploy it there, or correct the playbook"
        )
    return create_flow_run(client, known, {"parameters": parameters, "idempotency_key": key})


def _told(run: Json, deployment: str) -> Mapping[str, Any]:
    state = run.get("state") or {}
    kind, name = state.get("type"), state.get("name", "")
    if kind in ENDED_BADLY:
        raise EffectRefusedError(
            f"The flow run {run['id']} of '{deployment}' ended: {name}; Prefect shows why"
        )
    told = {"flow_run": run["id"], "state": name}
    return told if kind == "COMPLETED" else {**told, "pending": True}
