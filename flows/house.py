"""Which workspace a flow run works on: the conductor's own, or the one the environment names."""

from __future__ import annotations

import os
from pathlib import Path

from smr_engine.bootstrap import open_workspace
from smr_engine.services.workspace import Workspace
from smr_engine.settings import find_workspace

NOWHERE = Path(os.devnull)
"""Where flows keep results: nowhere. Left out, Prefect asks its server for a place in each run."""

_open: list[Workspace] = []


def use(ws: Workspace) -> None:
    """Let flow runs of this process work on a workspace that is open already."""
    _open[:] = [ws]


def workspace() -> Workspace:
    """Return the workspace; a process of Prefect's opens the one that a command there would, once.

    Raises:
        SmrError: there is none, or it cannot be opened.
    """
    if not _open:
        root = find_workspace(None, os.environ, Path.cwd())
        _open.append(open_workspace(root, os.environ, door="flow"))
    return _open[0]
