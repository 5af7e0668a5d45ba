"""Whether the house works, for those who keep it."""

from __future__ import annotations

import os

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from smr_engine import __version__
from smr_engine.bootstrap import prefect_finding
from smr_engine.services import system
from smr_engine.web.render import page
from smr_engine.web.visit import Signed

router = APIRouter()


@router.get("/system")
def system_(visit: Signed) -> HTMLResponse:
    """Show conductor, Prefect, database and mail: healthy, or how to mend them."""
    shown = system.look(visit.ws, visit.person, lambda: prefect_finding(visit.ws, os.environ))
    return page(visit, "system.html", shown=shown, version=__version__)
