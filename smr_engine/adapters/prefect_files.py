"""What the embedded Prefect server keeps in a workspace's state folder."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from smr_engine.adapters.processes import ProcessId
from smr_engine.adapters.workspace_files import write_whole

HOST = "127.0.0.1"  # the open-source server knows no sign-in: this machine only


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server that was started: where it listens and which processes it is."""

    port: int
    supervisor: ProcessId
    server: ProcessId
    started: str  # RFC 3339, UTC
    database: int = 0  # inode of its database; 0 until it has answered once

    @property
    def api_url(self) -> str:
        """Return the address of its API, as Prefect's clients want it."""
        return f"http://{HOST}:{self.port}/api"


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """The files, by the workspace's state folder.

    The locks lie outside the folder, so that deleting the folder does not lift them.
    """

    state_dir: Path

    @property
    def folder(self) -> Path:
        """Return the folder of everything below; deleting it loses run history only."""
        return self.state_dir / "prefect"

    @property
    def home(self) -> Path:
        """Return PREFECT_HOME."""
        return self.folder / "home"

    @property
    def database(self) -> Path:
        """Return Prefect's own SQLite file."""
        return self.home / "prefect.db"

    def database_id(self) -> int:
        """Return the inode of Prefect's database, which tells it from one made in its place."""
        try:
            return self.database.stat().st_ino
        except FileNotFoundError:
            return 0

    @property
    def record(self) -> Path:
        """Return the file that says which server runs."""
        return self.folder / "server.json"

    @property
    def last_used(self) -> Path:
        """Return the file whose age says how long nobody used the server."""
        return self.folder / "last_used"

    @property
    def log(self) -> Path:
        """Return the server's output."""
        return self.folder / "server.log"

    @property
    def lock(self) -> Path:
        """Return the lock under which servers are started and stopped."""
        return self.state_dir / "prefect-server.lock"

    @property
    def users(self) -> Path:
        """Return the lock that everybody shares who wants the server to stay."""
        return self.state_dir / "prefect-users.lock"

    def has_users(self) -> bool:
        """Return whether a process wants the server to stay; one that died does not."""
        try:
            descriptor = os.open(self.users, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def read_record(self) -> ServerRecord | None:
        """Return the record; None if there is none that can be read."""
        try:
            data = json.loads(self.record.read_text(encoding="utf-8"))
            return ServerRecord(
                int(data["port"]),
                _process(data["supervisor"]),
                _process(data["server"]),
                str(data["started"]),
                int(data["database"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_record(self, record: ServerRecord) -> None:
        """Write the record, whole or not at all."""
        write_whole(self.record, json.dumps(asdict(record)).encode(), mode=0o600)


def _process(data: Mapping[str, object]) -> ProcessId:
    return ProcessId(int(str(data["pid"])), str(data["mark"]))
