"""Watches the connections that a library makes on its own, and refuses those to the inside.

Apprise resolves and connects by itself, in some hundred plugins. Python announces every connection
to its audit hooks (PEP 578) with the address as it goes to the operating system, after the name was
resolved: the one place that all of them pass, and no second answer of a name server gets round it.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smr_engine.adapters.network_guard import NetworkGuard


class Watch:
    """What one thread did while it was watched."""

    def __init__(self, guard: NetworkGuard) -> None:
        self._guard = guard
        self.attempted = False
        self.refused = False

    def connecting(self, address: Any) -> None:
        """Note a connection attempt; raise ConnectionRefusedError if it leads inside."""
        self.attempted = True
        if not isinstance(address, tuple) or not self._guard.may_connect(str(address[0])):
            self.refused = True
            raise ConnectionRefusedError("this host lies inside the network")


_watched = threading.local()


@contextmanager
def only_allowed_connections(guard: NetworkGuard) -> Iterator[Watch]:
    """Let the present thread connect only where the guard allows it, within the block.

    Other threads are not touched, nor are those that the watched code starts.
    """
    _install()
    watch = Watch(guard)
    _watched.watch = watch
    try:
        yield watch
    finally:
        _watched.watch = None


@functools.cache
def _install() -> None:
    """Add the hook, once; Python can not take one off again, so it is idle when nobody watches."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        watch: Watch | None = getattr(_watched, "watch", None)
        if watch is not None:
            watch.connecting(arguments[1])
