"""Many machines on one: PostgreSQL, a Prefect server on it, workers and conductors as processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from smr_engine.adapters.prefect_health import answers
from smr_engine.adapters.prefect_server import SETTINGS
from tests.adapters.servers import free_port

BIN = Path(sys.executable).parent
POOL = "smr"
BOOT_S = 120.0
ESTABLISHED = "01"
"""How /proc/net/tcp says that a connection stands."""
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
}


@dataclass
class Machine:
    """A process with all that it started, as a machine of its own would have it."""

    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """Return the process and its descendants."""
        found = [self.process.pid]
        for pid in found:
            found += [child for child in _parents().get(pid, []) if child not in found]
        return found

    def talks_to(self, port: int) -> bool:
        """Whether one of its processes has a connection to a port of this host."""
        wanted = {f"socket:[{inode}]" for inode in _inodes_of_connections_to(port)}
        return any(_links(Path(f"/proc/{pid}/fd")) & wanted for pid in self.pids())

    def kill(self) -> None:
        """Take the machine's power away: SIGKILL to all of it."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Shut it down as an operator does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def _parents() -> dict[int, list[int]]:
    """Return the children of every process."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    return children


def _links(folder: Path) -> set[str]:
    """Return where the links in a folder lead; a process that has just ended has none."""
    found = set()
    with contextlib.suppress(OSError):
        for link in folder.iterdir():
            with contextlib.suppress(OSError):
                found.add(str(link.readlink()))
    return found


def _inodes_of_connections_to(port: int) -> set[str]:
    """Return the sockets of everybody who has a connection to a port of this host."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED}


def who_talks_to(port: int, machines: list[Machine]) -> Machine | None:
    """Return the machine that has a connection to a port of this host; None: there is none yet."""
    return next((machine for machine in machines if machine.talks_to(port)), None)


@dataclass
class Site:
    """Everything that runs, and the folder where its logs are."""

    folder: Path
    api_url: str
    running: list[Machine] = field(default_factory=list)

    def machine(self, name: str, *command: str, **environ: str) -> Machine:
        """Start a program."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        given = {**os.environ, **QUIET, "PREFECT_HOME": str(home), **environ}
        given |= {"PREFECT_API_URL": self.api_url}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, env=given, cwd=home, stdout=log, stderr=log)
        self.running.append(Machine(process))
        return self.running[-1]

    def worker(self, name: str, workspace: Path) -> Machine:
        """Start a worker of the pool, which knows the workspace from its environment."""
        command = (str(BIN / "prefect"), "worker", "start", "--pool", POOL, "--name", name)
        return self.machine(name, *command, SMR_WORKSPACE=str(workspace))

    def conductor(self, name: str, workspace: Path) -> Machine:
        """Start `smr work`."""
        return self.machine(name, str(BIN / "smr"), "--workspace", str(workspace), "work")

    def log(self, name: str) -> str:
        """Return what a machine said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")


@contextmanager
def running_site(folder: Path, database: str) -> Iterator[Site]:
    """Run a Prefect server on a PostgreSQL database, given by its SQLAlchemy URL."""
    port = free_port()
    site = Site(folder, f"http://127.0.0.1:{port}/api")
    with ExitStack() as ended:
        ended.callback(lambda: [machine.stop() for machine in reversed(site.running)])
        site.machine(
            "server",
            *(str(BIN / "prefect"), "server", "start", "--port", str(port)),
            **SETTINGS,
            PREFECT_API_DATABASE_CONNECTION_URL=database.replace("+psycopg:", "+asyncpg:"),
        )
        until = time.monotonic() + BOOT_S
        while not answers(site.api_url):
            assert time.monotonic() < until, site.log("server")
            time.sleep(0.2)
        yield site
