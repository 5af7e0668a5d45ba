"""What waits for me, and what I did."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from smr_engine.services import directory, reading
from smr_engine.services.situation import cases_of, done_by
from smr_engine.web import item_words
from smr_engine.web.render import page
from smr_engine.web.visit import Signed

router = APIRouter()
AT_ONCE = 50
"""Cards on the page: those behind them come up as these are answered."""
VERBS = {
    "task": "Do it",
    "draft": "Write",
    "decision": "Decide",
    "approval": "Read and decide",
    "publish": "Post it",
    "acknowledgement": "Read it",
    "repair": "Settle it",
    "clock": "Say that it is done",
}
"""The one next action of each kind of item."""


@router.get("/inbox")
def inbox(visit: Signed) -> HTMLResponse:
    """Show what waits for the visitor: what is due first, then the oldest."""
    done = done_by(visit.ws, visit.person)
    rows = reading.inbox(visit.ws, visit.person, visit.visitor.assurance, most=AT_ONCE + 1)
    return page(
        visit,
        "inbox.html",
        rows=rows[:AT_ONCE],
        cases=cases_of(visit.ws, [*rows[:AT_ONCE], *done]),
        more=len(rows) > AT_ONCE,
        verbs=VERBS,
        kinds=item_words.KINDS,
        names={row.id: row.name for row in directory.people(visit.ws)},
        done=done,
    )
