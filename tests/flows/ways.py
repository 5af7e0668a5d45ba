"""Ways to a Prefect server on which something happens to the requests."""

from __future__ import annotations

import contextlib
import http.client
import selectors
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def now_and_then_busy(api_url: str) -> Iterator[tuple[str, list[int]]]:
    """A way to the server on which every second request but health checks meets a 503."""
    behind = urlsplit(api_url)
    answers: list[int] = []

    class Busy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.endswith("/health") and answers[-1:] != [503]:
                return self._answer(503, b"{}", {})
            line = http.client.HTTPConnection(behind.hostname, behind.port, timeout=20)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "accept-encoding"}
            line.request(self.command, self.path, body, headers)
            response = line.getresponse()
            content = response.read()
            line.close()
            return self._answer(response.status, content, {"Content-Type": "application/json"})

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            if not self.path.endswith("/health"):
                answers.append(status)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _pass_on  # noqa: N815 (the server's names)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api", answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Passing(socketserver.BaseRequestHandler):
    """Passes bytes on in both directions until one end is closed."""

    server: _Way

    def handle(self) -> None:
        here, there = self.request, socket.create_connection(self.server.behind)
        self.server.lines += [here, there]
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as both:
            both.register(here, selectors.EVENT_READ, there)
            both.register(there, selectors.EVENT_READ, here)
            while True:
                for key, _ in both.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)


class _Way(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = behind
        self.lines: list[socket.socket] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def cut(self) -> None:
        """Break every line; from now on nobody answers here."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        for line in self.lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self.server_close()
        for line in self.lines:
            line.close()


@contextmanager
def breaking(api_url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """A way to the server that passes everything on until it is broken."""
    behind = urlsplit(api_url)
    way = _Way((behind.hostname or "", behind.port or 0))
    try:
        yield f"http://127.0.0.1:{way.server_address[1]}{behind.path}", way.cut
    finally:
        way.cut()
