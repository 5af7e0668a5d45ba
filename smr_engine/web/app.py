"""The application: routers, middleware, static files. Joined with a workspace, nothing global."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from smr_engine import __version__
from smr_engine.services.verifying import Verifying
from smr_engine.services.workspace import Workspace
from smr_engine.web import api, live
from smr_engine.web.api.measuring import Meter, Timed
from smr_engine.web.failures import Faults, add_handlers
from smr_engine.web.live import Pulse
from smr_engine.web.pages import PAGES, signing
from smr_engine.web.security import Gate, own_form

STATIC = Path(__file__).parent / "static"


def create_app(ws: Workspace, public_url: str = "") -> FastAPI:
    """Return the application of one workspace; it starts nothing before it is served.

    Args:
        ws: the workspace.
        public_url: the address that people know, if a proxy stands before us; its path is the
            prefix of all our addresses, whether the proxy takes it off or not.
    """
    app = FastAPI(
        title="SMR engine",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # it would lead to whatever host the request names
        lifespan=_life,
    )
    app.state.ws = ws
    app.state.pulse = Pulse(ws)
    app.state.meter = Meter()
    app.state.public_url = public_url
    app.state.verifying = Verifying(ws)
    # The last is the outermost: the gate hands on a scope of its own, and the route is noted there.
    app.add_middleware(Faults)
    app.add_middleware(Timed, meter=app.state.meter)
    app.add_middleware(Gate, public_url=public_url)
    add_handlers(app)
    app.include_router(live.router)
    app.include_router(api.router)
    app.include_router(signing.door, include_in_schema=False)
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
        app.state.verifying.stop()
