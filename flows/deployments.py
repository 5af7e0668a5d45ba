"""Deployments: what `smr deploy` registers and the conductor serves."""

from __future__ import annotations

import threading
from typing import Any

from flows.open_case import open_case
from prefect.runner import Runner
from prefect.runner.storage import LocalStorage  # noqa: F401 - documented default of `to_deployment`
from smr_engine.services import library
from smr_engine.services.workspace import Workspace

SERVED_EVERY_S = 5
"""How often the serving process asks Prefect for runs, in seconds."""


def listed(ws: Workspace) -> list[dict[str, Any]]:
    """Return what is registered for each playbook that the settings list (`prefect_start`).

    Playbooks with restricted visibility are left out: Prefect's server has no authentication.
    """
    found = []
    for name in ws.options.prefect_start:
        playbook = library.load(ws, name)
        if playbook.visibility is None:
            found.append(
                {
                    "name": playbook.name,
                    "description": playbook.summary,
                    "tags": list(playbook.labels),
                    "version": f"{playbook.version}+{playbook.digest[:12]}",
                    "inputs": dict(playbook.inputs),
                }
            )
    return found
