"""Deployments: what Prefect may start and execute, registered, compared and served.

Prefect is imported only when it is used.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows import environment, house, workers
from flows.listed import Deployed, listed
from smr_engine.errors import Invalid
from smr_engine.services.workspace import Workspace

if TYPE_CHECKING:
    from flows.registering import Change

AGAIN_S = 30.0
"""How long a Prefect that could not be had is left alone, in seconds."""
COMPARE_S = 60.0
"""How often what is registered is compared with what should be, in seconds."""

log = logging.getLogger("smr.prefect")


def deploy(ws: Workspace, api_url: str, pool: str = "") -> list[str]:
    """Register our flows, a deployment of `open-case` for each playbook the settings list, a pool.

    Idempotent: what has not changed is not touched, and our deployments that are not wanted any
    more are removed. Schedules of ours stand in our tables: each of a listed playbook becomes one
    of its deployment, and what people changed there is put right; schedules that they made in
    Prefect themselves stay. A playbook with restricted visibility is never registered, for
    Prefect's server knows no sign-in.

    Args:
        ws: the workspace; its option `prefect_start` lists the playbooks.
        api_url: address of the API of a Prefect server that answers.
        pool: the work pool whose workers execute legs; empty where the conductor does.

    Returns:
        The names of the deployments there are now (`open-case/crisis-response`).

    Raises:
        Invalid: `not-deployed`: some are restricted or cannot be started; the rest is done.
        Exception: of Prefect's client, when the server does not answer.
    """
    starts, problems = listed(ws)
    wanted = [*starts, *workers.for_pool(pool)]
    with _changes(ws, api_url, wanted) as changes:
        for change in changes:
            change.mend()
    if problems:
        raise Invalid("not-deployed", "; ".join(problems), where="prefect_start")
    return [each.full_name for each in wanted]


def drift(ws: Workspace, api_url: str, pool: str = "") -> list[str]:
    """Return what in Prefect is not as `deploy` would make it, in words."""
    try:
        return _drift(ws, api_url, pool)
    except Exception as problem:  # noqa: BLE001 - it is told, whatever keeps us from looking
        return [f"Prefect cannot be asked: {type(problem).__name__}"]


def _drift(ws: Workspace, api_url: str, pool: str) -> list[str]:
    with _changes(ws, api_url, [*listed(ws)[0], *workers.for_pool(pool)]) as changes:
        return [change.what for change in changes]


@contextmanager
def _changes(ws: Workspace, api_url: str, wanted: Sequence[Deployed]) -> Iterator[Iterator[Change]]:
    environment.prepare(ws.state)
    from flows.client import PrefectServer
    from flows.registering import changes

    with PrefectServer(api_url).connected() as client:
        yield changes(client, wanted, keep=set(ws.options.prefect_start))


def serve(
    ws: Workspace, find_server: Callable[[], str], stop: threading.Event, pool: str = ""
) -> None:
    """Keep the deployments as they should be and open what is started from Prefect, until stopped.

    For a thread of its own. Returns at once where the settings list no playbook and no pool.

    Args:
        ws: the workspace.
        find_server: returns the address of a Prefect server that answers; asked again when the one
            before is gone.
        stop: set it to make this return; a start under way is finished.
        pool: as `deploy` takes it.
    """
    if not ws.options.prefect_start and not pool:
        return
    house.use(ws)
    while not stop.is_set():
        try:
            _serve_on(ws, find_server(), stop, pool)
        except Exception as problem:  # noqa: BLE001 - whatever keeps Prefect away, the house goes on
            log.warning("starts from Prefect wait: %s %s", type(problem).__name__, problem)
            stop.wait(AGAIN_S)


def _serve_on(ws: Workspace, api_url: str, stop: threading.Event, pool: str) -> None:
    try:
        deploy(ws, api_url, pool)
    except Invalid as problem:
        log.warning("%s", problem)
    from flows.serving import open_scheduled

    open_scheduled(ws, api_url, stop, COMPARE_S)
