"""Prefect's REST API, spoken without importing Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from smr_engine.services.ports import EffectRefusedError, EffectUnavailableError

TRIES = 3
"""How often a request is sent to a server that says it is busy: SQLite's often is, for a moment."""
LONGEST_REASON = 300  # characters of what Prefect says

Json = Mapping[str, Any]


def connect(url: str, timeout_s: float, environ: Mapping[str, str]) -> httpx.Client:
    """Return a client of the API at an address; safe to share between threads.

    Args:
        url: of the API.
        timeout_s: of one request, in seconds.
        environ: where `PREFECT_API_KEY` or `PREFECT_API_AUTH_STRING` stand for servers that ask.
    """
    secure = not url.startswith("http://")  # without: no time for certificates that are not used
    headers, auth = {}, None
    if token := environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {token}"
    elif pair := environ.get("PREFECT_API_AUTH_STRING"):
        auth = httpx.BasicAuth(*pair.split(":", 1)) if ":" in pair else None
    return httpx.Client(
        base_url=url, headers=headers, auth=auth, timeout=timeout_s, verify=secure, trust_env=secure
    )


def ask(client: httpx.Client, method: str, place: str, body: Json | None = None) -> httpx.Response:
    """Return what Prefect answers; a 4xx is an answer to whoever asked.

    Raises:
        EffectUnavailableError: it does not answer now.
    """
    try:
        for _ in range(TRIES):
            answer = client.request(method, place, json=body)
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return answer
    except httpx.TransportError as problem:
        raise EffectUnavailableError("Prefect does not answer now") from problem
    raise EffectUnavailableError(f"Prefect answers with status {answer.status_code}")


def content(answer: httpx.Response) -> Any:
    """Return the JSON of an answer.

    Raises:
        EffectRefusedError: it says no, or this is no Prefect.
    """
    if not answer.is_success:
        said = " ".join(answer.text.split())[:LONGEST_REASON]
        raise EffectRefusedError(f"Prefect says no with status {answer.status_code}: {said}")
    try:
        return answer.json()
    except ValueError:
        raise EffectRefusedError("What answers at prefect_api_url is not Prefect's API") from None


def deployment_id(client: httpx.Client, deployment: str) -> str:
    """Return the id of a deployment, named `flow/deployment`; empty if there is none."""
    flow, name = (quote(part, safe="") for part in deployment.split("/"))
    known = ask(client, "GET", f"deployments/name/{flow}/{name}")
    return "" if known.status_code == httpx.codes.NOT_FOUND else str(content(known)["id"])


def create_flow_run(client: httpx.Client, deployment: str, wanted: Json) -> Json:
    """Create a flow run of a deployment, given by its id; under one idempotency key only once."""
    place = f"deployments/{deployment}/create_flow_run"
    started: Json = content(ask(client, "POST", place, {**wanted, "state": {"type": "SCHEDULED"}}))
    return started
