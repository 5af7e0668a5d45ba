"""The application: routers, middleware, static files. Joined with a workspace, nothing global."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from smr_engine import __version__
from smr_engine.services.workspace import Workspace
from smr_engine.web import live
from smr_engine.web.failures import add_handlers
from smr_engine.web.live import Pulse
from smr_engine.web.pages import PAGES
from smr_engine.web.security import Gate, own_form

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Site:
    """How the pages are reached.

    Args:
        public_url: the address that people know, if a proxy stands before us.
        prefix: the path under which a proxy serves us, like `/smr`; empty for none.
    """

    public_url: str = ""
    prefix: str = ""


def create_app(ws: Workspace, site: Site = Site()) -> FastAPI:
    """Return the application of one workspace; it starts nothing before it is served."""
    app = FastAPI(
        title="SMR engine",
        version=__version__,
        root_path=site.prefix,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_life,
    )
    app.state.ws = ws
    app.state.pulse = Pulse(ws)
    app.add_middleware(Gate, public_url=site.public_url)
    add_handlers(app)
    app.include_router(live.router)
    for router in PAGES:
        app.include_router(router, dependencies=[Depends(own_form)], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    app.state.pulse.start()
    try:
        yield
    finally:
        app.state.pulse.stop()
