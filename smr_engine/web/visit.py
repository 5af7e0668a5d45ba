"""Who is asking: the session behind a request, as handlers get it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from smr_engine.services import sessions
from smr_engine.services.sessions import Visitor
from smr_engine.services.workspace import Actor, Workspace

COOKIE = "smr_session"
"""What the session's cookie is called where nothing is encrypted: on the machine itself."""


BROWSER_COOKIE = "smr_browser"
"""Holds the token by which a browser is known as somebody's; it lets nobody in."""


class SignInNeededError(Exception):
    """Nobody is signed in; `to` is where to go on afterwards."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in."""

    ws: Workspace
    request: Request
    visitor: Visitor
    token: str
    now: datetime

    @property
    def person(self) -> str:
        """Return the visitor's id."""
        return self.visitor.person

    @property
    def browser(self) -> str:
        """Return the token by which the browser is known, empty if it has none."""
        return cookie_of(self.request, BROWSER_COOKIE)

    @property
    def actor(self) -> Actor:
        """Return the visitor as somebody who acts."""
        return sessions.actor_of(self.visitor)

    @property
    def zone(self) -> tzinfo:
        """Return the zone in which the visitor reads times."""
        return ZoneInfo(self.visitor.timezone)


def path_of(request: Request) -> str:
    """Return the path that was asked for, without the prefix of a proxy that leaves it on."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", "")) or "/"


def cookie_name(name: str, scheme: str, prefix: str) -> str:
    """Return what one of our cookies is called: over HTTPS so that only this host can set it.

    Else a neighbour below the same domain could plant its own session (RFC 6265bis, 4.1.3). Below a
    prefix the path is not the root, which `__Host-` demands.
    """
    if scheme != "https":
        return name
    return f"__Secure-{name}" if prefix else f"__Host-{name}"


def cookie_of(request: Request, name: str) -> str:
    """Return the value of one of our cookies; empty without one."""
    scope = request.scope
    called = cookie_name(name, scope["scheme"], scope.get("root_path", ""))
    return request.cookies.get(called, "")


def workspace_of(request: Request) -> Workspace:
    """Return the workspace that this application serves."""
    found: Workspace = request.app.state.ws
    return found


def visit(request: Request) -> Visit:
    """Return the visit of whoever is signed in.

    Raises:
        SignInNeededError: nobody is.
    """
    ws = workspace_of(request)
    token = cookie_of(request, COOKIE)
    visitor = sessions.recognise(ws, token, used=not _by_itself(request)) if token else None
    if visitor is None:
        raise SignInNeededError(_back_to(request))
    return Visit(ws, request, visitor, token, ws.clock.now())


def _by_itself(request: Request) -> bool:
    """Return whether an open page asks, with nobody before it perhaps: all our htmx does so."""
    return "hx-request" in request.headers or "text/event-stream" in request.headers.get(
        "accept", ""
    )


def _back_to(request: Request) -> str:
    """Return the local address of a page to come back to; after a form, where it was sent from."""
    if request.method != "GET":
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(f"{path_of(request)}{query}", safe="/")


Signed = Annotated[Visit, Depends(visit)]
"""A handler's parameter: the visit of somebody who is signed in."""
