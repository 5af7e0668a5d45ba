"""A blocking lock between processes, in front of SQLite's writers and the embedded server.

SQLite lets writers retry on a timer, which grows a tail of a second; here they queue. Threads of
one process queue on a `threading.Lock` (which knows time-outs), so that at most one of them waits
in the kernel's queue of `flock`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smr_engine.errors import SmrError


class LockTimeoutError(SmrError):
    """The lock was not free within the time given."""


class FileLock:
    """A lock on a file, shared by the threads of this process and by other processes.

    Args:
        path: the lock's file; made when missing, never removed. Its folder must exist.

    Not re-entrant. The operating system frees it when the holder dies. Safe to use after a fork.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._pid = os.getpid()

    @contextmanager
    def hold(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock within the block.

        Args:
            timeout_s: how long to wait for it, in seconds.

        Raises:
            LockTimeoutError: somebody else kept it for that long.
            OSError: the lock's file cannot be opened.
        """
        deadline = time.monotonic() + timeout_s
        threads = self._lock_of_threads()
        if not threads.acquire(timeout=max(timeout_s, 0)):
            raise self._timed_out(timeout_s)
        try:
            descriptor = self._locked_file(deadline, timeout_s)
            try:
                yield
            finally:
                self._let_go(descriptor)
        finally:
            threads.release()

    def _lock_of_threads(self) -> threading.Lock:
        """Return the threads' lock; a forked child starts with a free one of its own."""
        if self._pid != os.getpid():
            self._pid, self._threads = os.getpid(), threading.Lock()
        return self._threads

    def _locked_file(self, deadline: float, timeout_s: float) -> int:
        """Return a locked descriptor of the file that stands at the path (it may be replaced)."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not _flock(descriptor, deadline):
                raise self._timed_out(timeout_s)
            if self._is_current(descriptor):
                return descriptor
            os.close(descriptor)

    def _let_go(self, descriptor: int) -> None:
        """Unlock and close; a child forked in between only closes, the lock is its parent's."""
        if self._pid == os.getpid():
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked copy must not keep it locked
        os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _timed_out(self, timeout_s: float) -> LockTimeoutError:
        return LockTimeoutError(
            "lock-timeout",
            f"Another smr process has been writing for more than {timeout_s:g} seconds",
            hint="try again; if it goes on, see `smr doctor`",
            where=self._path.name,
        )


def _flock(descriptor: int, deadline: float) -> bool:
    """Lock the descriptor; after a miss it is closed (at once, or when the kernel lets go)."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Wait(descriptor).until(deadline)
    return True


class _Wait:
    """One blocking `flock` on a helper thread, because `flock` itself knows no time-out."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._hand_over = threading.Lock()
        self._ended = threading.Event()
        self._given_up = False
        self._problem: OSError | None = None

    def until(self, deadline: float) -> bool:
        """Return whether the lock was got by the deadline (of the monotonic clock)."""
        threading.Thread(target=self._block, name="smr-file-lock", daemon=True).start()
        self._ended.wait(max(deadline - time.monotonic(), 0))
        with self._hand_over:
            self._given_up = not self._ended.is_set()
        if self._problem is not None:
            os.close(self._descriptor)
            raise self._problem
        return not self._given_up

    def _block(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as problem:
            self._problem = problem
        with self._hand_over:
            if self._given_up:
                os.close(self._descriptor)  # closing it lets go of the lock too
            self._ended.set()
