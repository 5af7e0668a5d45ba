"""Who signs in, for administrators: invitations, and codes of who has lost their phone."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from smr_engine.services import accounts, second_factor
from smr_engine.services.accounts import Invited
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

router = APIRouter(prefix="/account/people")


@router.get("")
def people(visit: Signed) -> HTMLResponse:
    """Show how everybody signs in."""
    return _page(visit)


@router.post("/{person}/invite")
def invite(visit: Signed, person: str) -> HTMLResponse:
    """Make an invitation; its link is shown on this page, once."""
    return _page(visit, accounts.invite(visit.ws, visit.actor, person))


@router.post("/{person}/remove-codes")
def remove_codes(visit: Signed, person: str) -> Response:
    """Remove somebody's one-time codes; their sessions end."""
    second_factor.remove_of(visit.ws, visit.actor, person)
    return RedirectResponse(address(visit.request, "/account/people"), 303)


def _page(visit: Visit, invited: Invited | None = None) -> HTMLResponse:
    rows = accounts.standings(visit.ws, visit.actor)
    here = visit.ws.options.public_url or str(visit.request.base_url)
    link = f"{here.rstrip('/')}{invited.path}" if invited else ""
    return page(visit, "people.html", rows=rows, invited=invited, link=link)
