"""Which workspace a flow run works on: the conductor's own, or the one the environment names."""

from __future__ import annotations

import os
from pathlib import Path

from smr_engine.bootstrap import open_workspace
from smr_engine.services.workspace import Workspace

NOWHERE = Path(os.devnull)
"""Where flows keep results: nowhere. Left out, Prefect asks its server for a place in each run."""

_open: list[Workspace] = []


def use(ws: Workspace) -> None:
    """Let flow runs of this process work on a workspace that is open already."""
    _open[:] = [ws]


def workspace() -> Workspace:
    """Return the workspace; a worker's process opens the one `SMR_WORKSPACE` names, once."""
    if not _open:
        _open.append(open_workspace(Path(os.environ["SMR_WORKSPACE"]), os.environ, door="flow"))
    return _open[0]
