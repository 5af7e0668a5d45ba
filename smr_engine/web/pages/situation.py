"""What is open now, the worst first; and every case there is or was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from smr_engine.services import reading
from smr_engine.services.situation import AT_ONCE, cases_of, situation
from smr_engine.web.render import page
from smr_engine.web.visit import Signed

router = APIRouter()
STATUSES = ("open", "held", "completed", "cancelled")
HAPPENED_AT_FIRST = 10
"""Lines of the last hour that stand there; those before them are folded."""

PageNumber = Annotated[int, Query(alias="page", ge=1, le=100_000)]


@router.get("/")
def now(visit: Signed, number: PageNumber = 1) -> HTMLResponse:
    """Show the open cases in a sentence each, and what happened in the last hour."""
    found = situation(visit.ws, visit.person, number)
    about = cases_of(visit.ws, found.happened)
    return page(visit, "situation.html", found=found, cases=about, at_first=HAPPENED_AT_FIRST)


@router.get("/cases")
def cases(
    visit: Signed,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=80)] = "",
) -> HTMLResponse:
    """List cases, the newest first: all, or those that are looked for."""
    rows = reading.case_list(
        visit.ws,
        status=status or None,
        person=visit.person,
        words=q.strip(),
        after=after,
        limit=AT_ONCE + 1,
    )
    return page(
        visit,
        "cases.html",
        rows=rows[:AT_ONCE],
        more=rows[AT_ONCE - 1].case if len(rows) > AT_ONCE else "",
        q=q,
        wanted=status,
        statuses=STATUSES,
    )
