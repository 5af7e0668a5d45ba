"""Wake-ups between the processes of one workspace on SQLite: Unix datagram sockets in `.smr/wake/`.

Every listener binds a socket of its own, so that several conductors can listen. A wake-up carries
nothing: it says "look into the database". Losing one costs the conductor's slow poll, no more.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import tempfile
import threading
import uuid
from pathlib import Path

from smr_engine.adapters.workspace_files import write_whole

FOLDER = "wake"
SOCKET = ".sock"
POINTER = ".path"  # a text file that holds the path of a socket elsewhere
LONGEST_PATH = 100  # bytes; Linux takes 107, macOS 103


class SocketWaker:
    """Wakes every listener of a workspace (implements `services.ports.Waker`).

    Args:
        state_dir: the workspace's state folder (`.smr`).
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER

    def wake(self) -> None:
        """Say that something is owed or due. Best effort: never raises and never blocks."""
        with contextlib.suppress(OSError), _datagram_socket() as sender:
            for entry in self._folder.iterdir():
                with contextlib.suppress(OSError):  # one bad entry keeps no other from waking
                    _send(sender, entry)

    def listeners(self) -> int:
        """Return how many would hear it; what dead ones left behind does not count."""
        with contextlib.suppress(OSError):
            return sum(map(_is_heard, self._folder.iterdir()))
        return 0


def _is_heard(entry: Path) -> bool:
    """Return whether somebody has an entry's socket; nothing is sent."""
    if entry.suffix not in {SOCKET, POINTER}:
        return False
    try:
        with _datagram_socket() as asking:
            asking.connect(_address_of(entry))
    except OSError:
        return False
    return True


def _send(sender: socket.socket, entry: Path) -> None:
    """Wake one listener; what a dead one left behind is removed."""
    if entry.suffix not in {SOCKET, POINTER}:
        return
    try:
        sender.sendto(b"1", _address_of(entry))
    except BlockingIOError:
        return  # its queue is full: it will wake anyway
    except (ConnectionRefusedError, FileNotFoundError):
        entry.unlink(missing_ok=True)


def _address_of(entry: Path) -> str:
    return os.fsdecode(entry.read_bytes()) if entry.suffix == POINTER else str(entry)


def _datagram_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


class WakeListener:
    """Waits for wake-ups; one per conductor.

    Args:
        state_dir: the workspace's state folder; `wake/` is made in it with mode 0700.

    Raises:
        OSError: the socket cannot be made.
    """

    def __init__(self, state_dir: Path) -> None:
        folder = state_dir / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._elsewhere: Path | None = None
        self._entry, address = self._place(folder)
        self._socket = _datagram_socket()
        self._socket.bind(address)
        if self._entry.suffix == POINTER:
            write_whole(self._entry, os.fsencode(address), mode=0o600)
        self._own_end, self._other_end = socket.socketpair()
        self._own_end.setblocking(False)
        self._other_end.setblocking(False)
        self._ends = selectors.DefaultSelector()
        self._ends.register(self._socket, selectors.EVENT_READ)
        self._ends.register(self._own_end, selectors.EVENT_READ)
        self._waiting = threading.Lock()  # what a `wait` looks at is not closed under it
        self._closed = False

    def _place(self, folder: Path) -> tuple[Path, str]:
        """Return the entry in the folder and the socket's path, which must be short."""
        name = uuid.uuid4().hex[:12]
        wanted = folder / f"{name}{SOCKET}"
        if len(os.fsencode(wanted)) <= LONGEST_PATH:
            return wanted, str(wanted)
        self._elsewhere = Path(tempfile.mkdtemp(prefix="smr-wake-"))
        return folder / f"{name}{POINTER}", str(self._elsewhere / f"s{SOCKET}")

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for a wake-up.

        Args:
            timeout_s: at most this many seconds; None waits for ever.

        Returns:
            True after one or more wake-ups since the last call, False at the time-out and once
            the listener is closed.
        """
        with self._waiting:
            if self._closed:
                return False
            ready = [key.fileobj for key, _ in self._ends.select(timeout_s)]
            for end in (self._socket, self._own_end):
                if end in ready:
                    _drain(end)
            return bool(ready) and not self._closed

    def wake(self) -> None:
        """Wake the waiter from this process (another thread, a signal handler). Never raises."""
        with contextlib.suppress(OSError):
            self._other_end.send(b"1")

    def close(self) -> None:
        """Stop listening; a `wait` under way returns False. Idempotent.

        From a signal handler use `wake`: closing waits for the `wait` to end.
        """
        self._closed = True
        self.wake()
        with self._waiting:
            self._ends.close()
            for end in (self._socket, self._own_end, self._other_end):
                end.close()
        self._entry.unlink(missing_ok=True)
        if self._elsewhere is not None:
            shutil.rmtree(self._elsewhere, ignore_errors=True)


def _drain(end: socket.socket) -> None:
    """Take all that waits in a socket: many wake-ups are one."""
    with contextlib.suppress(BlockingIOError):
        while end.recv(64):
            pass
