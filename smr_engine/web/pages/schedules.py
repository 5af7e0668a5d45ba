"""Schedules: which cases open by themselves, what was missed, adding and removing."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from smr_engine.errors import SmrError
from smr_engine.services import schedules
from smr_engine.services.schedules_overview import MISSED, overview
from smr_engine.services.values_text import values_of
from smr_engine.web.failures import status_of
from smr_engine.web.forms import Posted, text_of
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

RULES = (
    ("FREQ=WEEKLY;BYDAY=MO", "every Monday"),
    ("FREQ=MONTHLY;BYDAY=1MO", "the first Monday of every month"),
    ("FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", "the first Monday of every quarter"),
    ("FREQ=MONTHLY;INTERVAL=6;BYDAY=1MO", "the first Monday of every half-year"),
    ("FREQ=YEARLY;BYMONTH=1;BYDAY=1MO", "the first Monday of every year"),
)
"""Rules that need no typing; the first of a month, quarter or year is what reviews ask for."""
FIELDS = ("playbook", "rule", "rrule", "at", "timezone", "missed", "inputs")

router = APIRouter()


@router.get("/schedules")
def schedules_(visit: Signed) -> HTMLResponse:
    """Show what opens by itself, and what was missed."""
    return _page(visit)


@router.post("/schedules")
def add(visit: Signed, form: Posted) -> Response:
    """Add a schedule."""
    typed = {name: text_of(form, name) for name in FIELDS}
    rule = schedules.Rule(
        typed["rule"] or typed["rrule"].strip(), typed["at"], typed["timezone"], typed["missed"]
    )
    try:
        inputs = values_of(typed["inputs"], "What it is opened with")
        schedules.add(visit.ws, visit.actor, typed["playbook"], rule, inputs)
    except SmrError as error:
        return _page(visit, typed, error)
    return RedirectResponse(address(visit.request, "/schedules"), 303)


@router.post("/schedules/{schedule}/remove")
def remove(visit: Signed, schedule: str) -> Response:
    """Remove a schedule; one that a playbook brought stays removed."""
    try:
        schedules.remove(visit.ws, visit.actor, schedule)
    except SmrError as error:
        return _page(visit, error=error)
    return RedirectResponse(address(visit.request, "/schedules"), 303)


def _page(
    visit: Visit, typed: dict[str, str] | None = None, error: SmrError | None = None
) -> HTMLResponse:
    first = {"at": "09:00", "timezone": visit.visitor.timezone, "missed": "latest"}
    return page(
        visit,
        "schedules.html",
        status_of(error) if error else 200,
        shown=overview(visit.ws, visit.person),
        typed=typed or {**dict.fromkeys(FIELDS, ""), **first},
        error=error,
        adding=typed is not None,
        rules=RULES,
        missed=MISSED,
    )
