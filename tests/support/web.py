"""The pages as people meet them: signed in, with forms of their own, over the real application.

Most tests ask the application in this process (`visit_as`); what needs sockets, streams or a browser
is served (`served`). Nothing is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from smr_engine.services import accounts
from smr_engine.services.workspace import Actor, Workspace
from smr_engine.web.app import create_app
from smr_engine.web.serving import Server, listen
from smr_engine.web.visit import COOKIE, cookie_name

PASSWORD = "a long enough pass phrase"
KEEPER = Actor("ana", "asserted", "cli", "test")  # administrator of the sample company


@dataclass
class Guest:
    """Somebody's browser, without the browser: cookies kept, forms sent with their hidden fields."""

    client: httpx.Client
    person: str

    def get(self, path: str, status: int = 200, **options: Any) -> httpx.Response:
        """Open a page; its status is part of what is expected."""
        answer = self.client.get(path, **options)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer

    def csrf(self) -> str:
        """Return the token that every form of this session carries."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/inbox").text)
        assert found, "no form on the page"
        return found[1]

    def post(
        self, path: str, data: Mapping[str, Any] | None = None, status: int = 303, **options: Any
    ) -> httpx.Response:
        """Send a form as the page would."""
        sent = {"csrf": self.csrf(), **(data or {})}
        answer = self.client.post(path, data=sent, **options)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer


def application(ws: Workspace, public_url: str = "") -> FastAPI:
    """Return the application of a workspace, not served."""
    return create_app(ws, public_url)


def session_of(ws: Workspace, person: str) -> str:
    """Sign somebody in, as by an invitation; return the cookie's value."""
    invited = accounts.invite(ws, KEEPER, person)
    return accounts.accept(ws, invited.token, PASSWORD).token


def visit_as(app: FastAPI, person: str | None) -> Guest:
    """Return somebody who is signed in (None: a stranger), in this process."""
    client = TestClient(app, base_url="http://testserver", follow_redirects=False)
    if person:
        known = urlsplit(app.state.public_url)
        name = cookie_name(COOKIE, known.scheme, known.path)
        client.cookies.set(name, session_of(app.state.ws, person), domain="testserver.local")
    return Guest(client, person or "")


@contextmanager
def served(ws: Workspace, public_url: str = "") -> Iterator[str]:
    """Serve the pages of a workspace on a free port; give their address."""
    listening = listen("127.0.0.1", 0)
    server = Server(create_app(ws, public_url), listening, ())
    thread = server.serve_beside()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop()
        thread.join()
        listening.close()
