"""People: who there is, who you are, and your due dates for a calendar program."""

from __future__ import annotations

from fastapi import APIRouter, Response

from smr_engine.adapters.ical import calendar_file
from smr_engine.services import directory, feeds
from smr_engine.services.tokens import Bearer
from smr_engine.services.views import PersonRow
from smr_engine.web.api.callers import Reading
from smr_engine.web.api.shapes import AT_ONCE, V1, After, Limit, Me, Page, page_of

CALENDAR = "text/calendar"
router = APIRouter(prefix=V1, tags=["people"])


@router.get("/people")
def list_people(caller: Reading, after: After = "", limit: Limit = AT_ONCE) -> Page[PersonRow]:
    """List who is in the directory."""
    return page_of(directory.people(caller.ws), lambda row: row.id, after, limit)


@router.get("/me")
def me(caller: Reading) -> Me:
    """Say who the request counts for."""
    who = caller.who
    return Me(
        person=who.person,
        name=who.name,
        access=who.access,
        roles=list(who.roles),
        timezone=who.timezone,
        assurance=who.assurance,
        scopes=sorted(who.scopes) if isinstance(who, Bearer) else None,
    )


@router.get(
    "/calendar.ics",
    response_class=Response,
    responses={200: {"content": {CALENDAR: {"schema": {"type": "string"}}}}},
)
def calendar(caller: Reading) -> Response:
    """Return when what waits for you is due: titles and instants, nothing else."""
    content = calendar_file(feeds.inbox_feed(caller.ws, caller.person))
    return Response(content, media_type=CALENDAR)
