"""The embedded Prefect server: started when first needed, shared, gone after an idle hour.

Nothing here imports Prefect. The server has its own SQLite file in its own home and listens on
loopback only; deleting `prefect/` in the state folder at any time loses run history, no more.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smr_engine.adapters.file_lock import FileLock
from smr_engine.adapters.prefect_files import HOST, ServerFiles, ServerRecord
from smr_engine.errors import SmrError

IDLE_S = 3600.0
READY_S = 60.0  # a first boot with migrations takes about 11 s
STOP_S = 10.0
ANSWER_S = 5.0
CHECK_S = 0.1  # whether the server answers can only be asked, it does not tell
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    # Row by row the recorder locks SQLite against the API, and a run takes 2 s instead of 0.1.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "2",
    # Nothing of ours depends on Prefect's events or automations.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How the embedded server is: `running` as a process, `ready` to answer."""

    running: bool
    ready: bool = False
    api_url: str = ""
    pid: int = 0
    started: str = ""  # RFC 3339, UTC


def ensure_server(
    state_dir: Path,
    environ: Mapping[str, str],
    *,
    timeout_s: float = READY_S,
    idle_s: float = IDLE_S,
) -> str:
    """Return the API address of the embedded server, which answers; start it when there is none.

    Counts as use of the server. Commands that ask at the same time get the same server.

    Args:
        state_dir: the workspace's state folder; made when missing.
        environ: what the server inherits, less all `PREFECT_` variables.
        timeout_s: how long to wait until it answers, in seconds.
        idle_s: seconds without use after which a server started here ends by itself.

    Raises:
        SmrError: `prefect-not-started` when it ends at once or does not answer in time;
            `lock-timeout` when another command cannot finish starting one.
    """
    files = ServerFiles(state_dir.resolve())
    files.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.folder.mkdir(mode=0o700, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    ready = _ready_server(files)
    if ready is None:
        with FileLock(files.lock).hold(timeout_s):
            ready = _usable_server(files, deadline) or _start(files, environ, deadline, idle_s)
    touch_server(state_dir)
    return ready.api_url


def touch_server(state_dir: Path) -> None:
    """Say that the server is in use, so that it does not end as idle. Never starts one."""
    with contextlib.suppress(FileNotFoundError):  # its folder may be deleted at any time
        ServerFiles(state_dir).last_used.touch(mode=0o600)


@contextmanager
def in_use(state_dir: Path) -> Iterator[None]:
    """Keep the server from ending as idle within the block, however long nothing is asked of it.

    A lock, not a signal now and then: it also holds while the machine sleeps, and ends with the
    process. The server need not run yet. Never starts one.
    """
    descriptor = os.open(ServerFiles(state_dir).users, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        touch_server(state_dir)  # its idle time begins now
        os.close(descriptor)


def server_status(state_dir: Path) -> ServerStatus:
    """Return how the embedded server is; does not count as use."""
    files = ServerFiles(state_dir)
    record = files.read_record()
    if record is None or not record.server.is_alive:
        return ServerStatus(running=False)
    ready = _answers(record)
    return ServerStatus(
        running=True,
        ready=ready,
        api_url=record.api_url,
        pid=record.server.pid,
        started=record.started,
    )


def stop_server(state_dir: Path, *, grace_s: float = STOP_S) -> bool:
    """Stop the embedded server with all its processes.

    Args:
        state_dir: the workspace's state folder.
        grace_s: seconds until SIGKILL follows SIGTERM.

    Returns:
        Whether there was one. Idempotent; another process that has the number by now is left alone.

    Raises:
        SmrError: `lock-timeout` when a start is under way and does not end.
    """
    if not state_dir.is_dir():
        return False
    files = ServerFiles(state_dir.resolve())
    with FileLock(files.lock).hold(READY_S):
        return _stop(files, grace_s)


def server_environment(files: ServerFiles, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a server: the given one, with our settings for Prefect only."""
    kept = {name: value for name, value in environ.items() if not name.startswith("PREFECT_")}
    return {
        **kept,
        **SETTINGS,
        "PREFECT_HOME": str(files.home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{files.database}",
        "PREFECT_UI_STATIC_DIRECTORY": str(files.home / "ui"),
    }


def _ready_server(files: ServerFiles) -> ServerRecord | None:
    """Return the recorded server if it runs, has its database and answers at once."""
    record = files.read_record()
    if record is None or record.database == 0 or not _is_whole(files, record):
        return None
    return record if _answers(record) else None


def _is_whole(files: ServerFiles, record: ServerRecord) -> bool:
    """Return whether both processes run, on the database they began with."""
    alive = record.supervisor.is_alive and record.server.is_alive
    return alive and record.database in {0, files.database_id()}


def _usable_server(files: ServerFiles, deadline: float) -> ServerRecord | None:
    """Return the recorded server, giving a busy one time; clear away what cannot be used."""
    record = files.read_record()
    if record is not None and _is_whole(files, record):
        return _wait_until_ready(files, deadline)
    _stop(files, STOP_S)
    return None


def _start(
    files: ServerFiles, environ: Mapping[str, str], deadline: float, idle_s: float
) -> ServerRecord:
    files.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.last_used.touch(mode=0o600)
    module = "smr_engine.adapters.prefect_supervisor"
    package_root = str(Path(__file__).resolve().parents[2])  # a checkout need not be installed
    environment = server_environment(files, environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        [package_root, *filter(None, [environ.get("PYTHONPATH")])]
    )
    with files.log.open("wb") as log:
        started = subprocess.run(  # noqa: S603
            [sys.executable, "-m", module, str(files.state_dir), str(idle_s)],
            env=environment,
            cwd="/",  # the server must not find a prefect.toml or .env of the present folder
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if started.returncode != 0:
        raise _not_started()
    return _wait_until_ready(files, deadline)


def _wait_until_ready(files: ServerFiles, deadline: float) -> ServerRecord:
    """Return the record of a server once it answers, on whatever port it got."""
    while time.monotonic() < deadline:
        record = files.read_record()
        if record is None or not record.supervisor.is_alive:
            break
        if _answers(record) and _is_ours(files, record):
            ready = replace(record, database=files.database_id())
            files.write_record(ready)
            return ready
        time.sleep(CHECK_S)
    _stop(files, STOP_S)
    raise _not_started()


def _not_started() -> SmrError:
    return SmrError(
        "prefect-not-started",
        "The embedded Prefect server did not start",
        hint="its output is in .smr/prefect/server.log; `smr doctor` checks the installation",
    )


def _answers(record: ServerRecord) -> bool:
    return _get(record, "/api/health") is True


def _is_ours(files: ServerFiles, record: ServerRecord) -> bool:
    """Return whether the server that answers is the one of this folder and not one on its port."""
    settings = _get(record, "/api/admin/settings")
    return isinstance(settings, dict) and settings.get("home") == str(files.home)


def _get(record: ServerRecord, path: str) -> Any:
    """Return the JSON data that the server answers; None where it does not."""
    connection = http.client.HTTPConnection(HOST, record.port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _stop(files: ServerFiles, grace_s: float) -> bool:
    record = files.read_record()
    if record is None:
        return False
    stopped = record.supervisor.end_group(grace_s)
    # A supervisor that was killed leaves its server behind.
    stopped = record.server.end_group(grace_s) or stopped
    files.record.unlink(missing_ok=True)
    return stopped
