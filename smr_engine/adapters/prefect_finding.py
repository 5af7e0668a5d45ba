"""Whether Prefect is as it should be, as a finding of the doctor; Prefect is not imported."""

from __future__ import annotations

from pathlib import Path

from smr_engine.adapters.prefect_health import answers
from smr_engine.adapters.prefect_server import server_status
from smr_engine.services.views import Finding


def look(state_dir: Path, api_url: str) -> Finding:
    """Return whether Prefect answers; the embedded server need not run until there is work.

    Args:
        state_dir: the workspace's state folder.
        api_url: of the settings' server; empty for the embedded one.
    """
    if api_url:
        ok = answers(api_url)
        hint = "start that server, or take prefect_api_url out of smr.yaml"
        words = "answers" if ok else "does not answer"
        return Finding("prefect", ok, f"the server of prefect_api_url {words}", hint)
    status = server_status(state_dir)
    if status.running and not status.ready:
        message = "the embedded server runs and does not answer"
        return Finding("prefect", False, message, "smr down, then smr up")
    message = f"answers at {status.api_url}" if status.running else "starts when it is needed"
    return Finding("prefect", True, f"the embedded server {message}")
