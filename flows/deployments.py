"""Deployments: the playbooks that Prefect may open, registered and served.

Prefect is imported only when it is used.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from flows import environment, house
from flows.listed import listed
from smr_engine.errors import Invalid
from smr_engine.services.workspace import Workspace

AGAIN_S = 30.0
"""How long a Prefect that could not be had is left alone, in seconds."""

log = logging.getLogger("smr.prefect")


def deploy(ws: Workspace, api_url: str) -> list[str]:
    """Register our flows, and a deployment of `open-case` for each playbook the settings list.

    Idempotent: what has not changed is not touched, schedules that people made in Prefect stay, and
    our deployments of playbooks that are no longer listed are removed. A playbook with restricted
    visibility is never registered, for Prefect's server knows no sign-in.

    Args:
        ws: the workspace; its option `prefect_start` lists the playbooks.
        api_url: address of the API of a Prefect server that answers.

    Returns:
        The names of the deployments there are now (`open-case/crisis-response`).

    Raises:
        Invalid: `not-deployed`: some are restricted or cannot be started; the rest is done.
        Exception: of Prefect's client, when the server does not answer.
    """
    wanted, problems = listed(ws)
    environment.prepare(ws.state)
    from flows.client import PrefectServer
    from flows.registering import register

    with PrefectServer(api_url).connected() as client:
        names = register(client, wanted, keep=set(ws.options.prefect_start))
    if problems:
        raise Invalid("not-deployed", "; ".join(problems), where="prefect_start")
    return names


def serve(ws: Workspace, find_server: Callable[[], str], stop: threading.Event) -> None:
    """Register the deployments and open what is started from Prefect, until stopped.

    For a thread of its own. Returns at once where the settings list no playbook.

    Args:
        ws: the workspace.
        find_server: returns the address of a Prefect server that answers; asked again when the one
            before is gone.
        stop: set it to make this return; a start under way is finished.
    """
    if not ws.options.prefect_start:
        return
    house.use(ws)
    while not stop.is_set():
        try:
            _serve_on(ws, find_server(), stop)
        except Exception as problem:  # noqa: BLE001 - whatever keeps Prefect away, the house goes on
            log.warning("starts from Prefect wait: %s %s", type(problem).__name__, problem)
            stop.wait(AGAIN_S)


def _serve_on(ws: Workspace, api_url: str, stop: threading.Event) -> None:
    try:
        deploy(ws, api_url)
    except Invalid as problem:
        log.warning("%s", problem)
    from flows.serving import open_scheduled

    open_scheduled(ws, api_url, stop)
