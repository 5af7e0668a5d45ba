"""Real servers on loopback for the adapters' tests."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class Blog:
    """A content system: demands an idempotency key, and fails as the test wants it to.

    `plan` holds what to do with the next requests: a status, or one of `drop` (read, then hang up
    without a word), `drop-done` (publish, then hang up), `hang` (publish, answer never), `drip`
    (answer a byte at a time). Without a plan it does its work.
    """

    port: int = 0
    plan: list[int | str] = field(default_factory=list)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    location: str = "/posts/{number}"
    answer: Any = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blog: Blog

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self._work(b"")

    def do_POST(self) -> None:
        self._work(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _work(self, body: bytes) -> None:
        blog = self.blog
        blog.seen.append((self.command, self.path, dict(self.headers.items())))
        todo = blog.plan.pop(0) if blog.plan else "work"
        if todo == "drop":
            return self._hang_up()
        if isinstance(todo, int):
            return self._answer(todo, {"error": "planned"}, {"Location": "http://127.0.0.1:9/"})
        status, data, headers = self._post(body) if self.command == "POST" else self._get()
        if todo == "drop-done":
            return self._hang_up()
        if todo == "hang":
            blog.stop.wait(20)
            return self._hang_up()
        if todo == "drip":
            return self._drip()
        return self._answer(status, data, headers)

    def _post(self, body: bytes) -> tuple[int, Any, dict[str, str]]:
        key = self.headers.get("Idempotency-Key")
        if not key:
            return 400, {"error": "no idempotency key"}, {}
        known = self.blog.posts.setdefault(
            key, {"number": len(self.blog.posts) + 1, "body": json.loads(body) if body else None}
        )
        place = self.blog.location.format(number=known["number"])
        return 201, {"data": {"link": place}}, {"Location": place} if place else {}

    def _get(self) -> tuple[int, Any, dict[str, str]]:
        if self.blog.answer is not None:
            return 200, self.blog.answer, {}
        number = self.path.rpartition("/")[2].rpartition("=")[2]
        for key, post in self.blog.posts.items():
            if number in {str(post["number"]), key}:
                link = self.blog.location.format(number=post["number"])
                return 200, {"link": link, "post": post["body"]}, {}
        return 404, {"error": "not there"}, {}

    def _answer(self, status: int, data: Any, headers: dict[str, str]) -> None:
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.blog.stop.wait(0.05):
            try:
                self.wfile.write(b"a")
                self.wfile.flush()
            except OSError:
                return

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, *_: object) -> None:
        return  # a client that hung up is part of the tests


@contextmanager
def running_blog(tls: Any = None) -> Iterator[Blog]:
    blog = Blog()
    handler = type("Handler", (_Handler,), {"blog": blog})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    blog.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield blog
    finally:
        blog.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Canary:
    """Listens on loopback and counts who connects: nobody should."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def connections(self) -> int:
        count = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._socket.close()


@dataclass
class Mailroom:
    """What an SMTP server got; `refuse` maps a command to the answer it gives instead."""

    port: int = 0
    letters: list[Any] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    hang_up_after_data: bool = False

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        envelope.mail_from = address
        return self.refuse.get("MAIL", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        self.letters.append(envelope)
        if self.hang_up_after_data:
            server.transport.abort()
        return "250 OK"

    def authenticator(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right horse", handled=False)


@contextmanager
def running_mailroom(*, login: bool = False) -> Iterator[Mailroom]:
    mailroom = Mailroom(port=free_port())
    controller = Controller(
        mailroom,
        hostname="127.0.0.1",
        port=mailroom.port,
        authenticator=mailroom.authenticator if login else None,
        auth_require_tls=False,
        auth_required=login,
    )
    controller.start()
    try:
        yield mailroom
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
