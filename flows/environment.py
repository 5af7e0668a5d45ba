"""What Prefect reads from the environment while it is imported. Nothing here imports it."""

from __future__ import annotations

import os
from pathlib import Path

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",  # logs stay in this house
    "PREFECT_LOGGING_SETTINGS_PATH": str(Path(__file__).with_name("logging.yaml")),
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",  # these loggers heed no file
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_API_REQUEST_TIMEOUT": "10",
    "PREFECT_CLIENT_MAX_RETRIES": "2",  # a lost server: 2 and 4 seconds, then we go on without it
}


def prepare(state: Path) -> None:
    """Set the environment of this process for Prefect; call before anything imports it.

    Args:
        state: the workspace's state folder. Prefect's client keeps its few files there and not with
            the profiles of somebody who uses Prefect for other things as well.
    """
    home = state / "prefect" / "client"
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home))
    os.environ.update(SETTINGS)
