"""One case: where it stands, what happened, what may be done about it as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from smr_engine.errors import SmrError
from smr_engine.services import cases, directory, reading
from smr_engine.services.case_page import case_page
from smr_engine.services.side_by_side import side_by_side
from smr_engine.services.views import Rescored
from smr_engine.web.failures import status_of
from smr_engine.web.forms import Posted, text_of
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

router = APIRouter(prefix="/cases/{ref}")
Revision = Annotated[int | None, Query(ge=1, le=1_000_000)]


@router.get("")
def case(visit: Signed, ref: str) -> HTMLResponse:
    """Show a case to whoever may see it."""
    return _shown(visit, ref)


@router.get("/documents/{name}")
def document(
    visit: Signed,
    ref: str,
    name: str,
    *,
    scope: Annotated[str, Query(max_length=500)] = "",
    old: Revision = None,
    new: Revision = None,
) -> HTMLResponse:
    """Show a document's newest or a chosen revision, or two beside each other."""
    ws, person = visit.ws, visit.person
    after = reading.document(ws, ref, name, scope, revision=new, person=person)
    newest = reading.document(ws, ref, name, scope, person=person)
    before = reading.document(ws, ref, name, scope, revision=old, person=person) if old else None
    return page(
        visit,
        "document.html",
        ref=ref,
        name=name,
        scope=scope,
        after=after,
        before=before,
        lines=side_by_side(before.text, after.text) if before else [],
        newest=newest.revision,
        names={row.id: row.name for row in directory.people(ws)},
    )


@router.post("/note")
def note(visit: Signed, ref: str, form: Posted) -> Response:
    """Write a remark into the history."""
    text = text_of(form, "text")
    return _done(visit, ref, lambda: cases.note(visit.ws, visit.actor, ref, text), text)


@router.post("/severity")
def severity(visit: Signed, ref: str, form: Posted) -> Response:
    """Show what another severity would move, or set it."""
    level, reason = text_of(form, "level"), text_of(form, "reason")
    first_look = text_of(form, "action") != "confirm"
    try:
        moved = cases.rescore(visit.ws, visit.actor, ref, level, reason, dry_run=first_look)
    except SmrError as error:
        return _shown(visit, ref, error=error, typed=reason)
    if first_look:
        return _shown(visit, ref, preview=moved, typed=reason)
    return _back(visit, ref)


@router.post("/clocks/{clock}")
def met(visit: Signed, ref: str, clock: str, form: Posted) -> Response:
    """Say that what a clock asks for was done."""
    text = text_of(form, "note")
    return _done(
        visit, ref, lambda: cases.meet_clock(visit.ws, visit.actor, ref, clock, text), text
    )


@router.post("/signals/{name}")
def signal(visit: Signed, ref: str, name: str, form: Posted) -> Response:
    """Deliver a signal that the case waits for."""
    key = text_of(form, "key")

    def deliver() -> object:
        return cases.signal(visit.ws, visit.actor, ref, name, key=key, payload={})

    return _done(visit, ref, deliver, key)


@router.post("/cancel")
def cancel(visit: Signed, ref: str, form: Posted) -> Response:
    """Stop a case and all its children."""
    reason = text_of(form, "reason")
    return _done(visit, ref, lambda: cases.cancel(visit.ws, visit.actor, ref, reason), reason)


def _done(visit: Visit, ref: str, order: Callable[[], object], typed: str) -> Response:
    """Give an order; then the case, or the case with the reason why not."""
    try:
        order()
    except SmrError as error:
        return _shown(visit, ref, error=error, typed=typed)
    return _back(visit, ref)


def _back(visit: Visit, ref: str) -> RedirectResponse:
    return RedirectResponse(address(visit.request, f"/cases/{ref}"), 303)


def _shown(
    visit: Visit,
    ref: str,
    *,
    error: SmrError | None = None,
    preview: Rescored | None = None,
    typed: str = "",
) -> HTMLResponse:
    return page(
        visit,
        "case.html",
        status_of(error) if error else 200,
        shown=case_page(visit.ws, ref, visit.actor),
        error=error,
        preview=preview,
        typed=typed,
    )
