"""The small parent process of the embedded Prefect server.

    python -m smr_engine.adapters.prefect_supervisor STATE_DIR IDLE_SECONDS

It starts the server on a free port, writes the record, and stops the server when nobody has used it
for an hour and no conductor is at work, when its files were deleted, or when it is told to. Kept
apart so that it stays small.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from smr_engine.adapters.prefect_files import HOST, ServerFiles, ServerRecord
from smr_engine.adapters.processes import ProcessId

LOOK_S = 5.0  # how often the files are looked at
GRACE_S = 8.0  # the server's time to end by itself
PORTS_TRIED = 3
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Supervisor:
    """Runs one server for one state folder.

    Args:
        files: of the state folder.
        idle_s: seconds without use after which the server is stopped.
    """

    def __init__(self, files: ServerFiles, idle_s: float) -> None:
        self._files = files
        self._idle_s = idle_s
        self._told_to_stop = False
        self._wakes, wake = socket.socketpair()
        self._wakes.setblocking(False)
        wake.setblocking(False)
        self._wake = wake

    def run(self, started: int) -> None:
        """Run the server to its end; a port that was taken in between is changed.

        Args:
            started: a descriptor; a byte is written to it once the record stands.
        """
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake up
        try:
            self._serve(started)
        finally:
            if self._is_mine(self._files.read_record()):
                self._files.record.unlink(missing_ok=True)

    def _serve(self, started: int) -> None:
        for _ in range(PORTS_TRIED):
            port = free_port()
            server = _start(port)
            try:
                self._record(port, server)
                with contextlib.suppress(BrokenPipeError):  # whoever started us did not wait
                    os.write(started, b"1")
                self._watch(server)
            finally:
                self._end(server)
            if self._told_to_stop or not is_taken(port):
                return

    def _stop(self, *_: object) -> None:
        self._told_to_stop = True

    def _record(self, port: int, server: subprocess.Popen[bytes]) -> None:
        self._files.write_record(
            ServerRecord(
                port,
                ProcessId.of(os.getpid()) or _gone(),
                ProcessId.of(server.pid) or ProcessId(server.pid, ""),
                datetime.now(UTC).isoformat(),
            )
        )

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        """Return once the server has ended or has to."""
        while server.poll() is None and not self._told_to_stop and self._is_wanted():
            select.select([self._wakes], [], [], LOOK_S)
            with contextlib.suppress(BlockingIOError):
                self._wakes.recv(64)

    def _is_wanted(self) -> bool:
        """Return whether the server still has its files and somebody who uses it."""
        record = self._files.read_record()
        if record is None or not self._is_mine(record):
            return False
        if record.database not in {0, self._files.database_id()}:
            return False
        try:
            idle = time.time() - self._files.last_used.stat().st_mtime >= self._idle_s
        except FileNotFoundError:
            return False
        return not idle or self._files.has_users()

    @staticmethod
    def _is_mine(record: ServerRecord | None) -> bool:
        return record is not None and record.supervisor.pid == os.getpid()

    def _end(self, server: subprocess.Popen[bytes]) -> None:
        if server.poll() is None:
            self._told_to_stop = True
            server.terminate()
            try:
                server.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                server.kill()
        server.wait()


def _start(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prefect", "server", "start"]
    return subprocess.Popen(  # noqa: S603
        [*command, "--host", HOST, "--port", str(port)],
        env={**os.environ, "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api"},
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (one thread)
    )


def _end_with_parent() -> None:
    """Ask the kernel to end the server when its supervisor is killed (prctl(2), Linux only)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Return whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _gone() -> ProcessId:
    raise RuntimeError("this process cannot find itself")  # no process table: nothing would work


def detach() -> int:
    """Become a daemon; the process that was started ends once the daemon has written a byte.

    Returns:
        The descriptor to write it to. If the daemon dies before, the exit status is 1.
    """
    reading, writing = os.pipe()
    if os.fork() > 0:
        os.close(writing)
        os._exit(0 if os.read(reading, 1) else 1)
    os.close(reading)
    os.setsid()
    return writing


def main(arguments: list[str]) -> None:
    """Run the supervisor, detached."""
    started = detach()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    Supervisor(ServerFiles(Path(arguments[0])), float(arguments[1])).run(started)


if __name__ == "__main__":
    main(sys.argv[1:])
