"""The server: uvicorn with our application, in this thread or beside a conductor."""

from __future__ import annotations

import gc
import socket
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

DRAIN_S = 5
"""How long answers under way may take when the server stops, in seconds."""


class Server(uvicorn.Server):
    """One web server; open pages are told to let go before it waits for its connections."""

    def __init__(self, app: FastAPI, listening: socket.socket, trusted: tuple[str, ...]) -> None:
        """Take the application, the socket it listens on, and the proxies to be believed."""
        self._app = app
        self._listening = listening
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                server_header=False,
                proxy_headers=bool(trusted),
                forwarded_allow_ips=list(trusted),
                timeout_graceful_shutdown=DRAIN_S,
                lifespan="on",
            )
        )

    def serve_here(self) -> None:
        """Serve until a signal or `stop`."""
        gc.freeze()  # what is loaded by now stays, so no answer waits while it is looked through
        self.run([self._listening])

    def serve_beside(self) -> threading.Thread:
        """Serve in a thread of its own; it answers when this returns."""
        thread = threading.Thread(target=self.serve_here, name="web", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Stop: no new connection, open pages let go, answers under way end."""
        self._app.state.pulse.close_pages()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at a signal."""
        self._app.state.pulse.close_pages()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any that is free.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=256)
    # What is accepted inherits it. Else the end of a page waits 40 ms for the start's receipt:
    # asyncio sets it only on sockets that were made with their protocol's number.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
