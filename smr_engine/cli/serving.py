"""The pages: alone (`smr web`), or beside a conductor (`smr up`)."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.output import say
from smr_engine.cli.session import Session
from smr_engine.errors import SmrError

if TYPE_CHECKING:
    from smr_engine.web.serving import Server

GROUP = Group("", "Pages")

Port = Annotated[
    int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Instead of web.port.")
]


@GROUP.command("web", "smr web", "smr web --port 8221")
def web(session: Session, port: Port = None) -> None:
    """Serve the pages and the JSON API, without a conductor.

    Several of them may serve one workspace on PostgreSQL.
    """
    server, address = _server(session, port)
    say(f"Pages at {address}. Ctrl-C stops.")
    server.serve_here()


@contextmanager
def pages(session: Session, port: int | None, *, browser: bool) -> Iterator[str]:
    """Serve the pages beside what this process does else; give their address.

    Messages that this process sends lead there, unless the settings name another address.
    """
    server, address = _server(session, port)
    thread = server.serve_beside()
    try:
        if browser:
            webbrowser.open(address)
        yield address
    finally:
        server.stop()
        thread.join()


def _server(session: Session, port: int | None) -> tuple[Server, str]:
    """Return a server that listens already, and the address to open."""
    from smr_engine.web.app import create_app
    from smr_engine.web.serving import Server, listen

    settings = session.settings
    host = settings.web.host
    try:
        listening = listen(host, settings.web.port if port is None else port)
    except OSError as error:
        wanted = settings.web.port if port is None else port
        message = f"Nothing can be served at {host} port {wanted}: {error.strerror}."
        raise SmrError(
            "port-taken",
            message,
            hint="name another one: --port N, or SMR_WEB_PORT=N for every command",
        ) from error
    taken = listening.getsockname()[1]
    local = f"http://{f'[{host}]' if ':' in host else host}:{taken}"
    session.reached_at(settings.public_url or local)
    app = create_app(session.ws, settings.public_url)
    return Server(app, listening, settings.web.trusted_proxies), settings.public_url or local
