"""What waits for me."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from smr_engine.services import reading
from smr_engine.web.render import page
from smr_engine.web.visit import Signed

router = APIRouter()


@router.get("/inbox")
def inbox(visit: Signed) -> HTMLResponse:
    """Show what waits for the visitor: what is due first, then the oldest."""
    return page(visit, "inbox.html", rows=reading.inbox(visit.ws, visit.person))
