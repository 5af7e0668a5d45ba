"""One case: where it stands, what it waits for, what happened, and how people steer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from smr_engine.errors import Invalid, SmrError
from smr_engine.services import case_acts, cases, directory, reading
from smr_engine.services.case_page import case_page
from smr_engine.services.side_by_side import side_by_side
from smr_engine.services.values_text import values_of
from smr_engine.services.views import Rescored
from smr_engine.web import case_words, item_words
from smr_engine.web.failures import status_of
from smr_engine.web.forms import Posted, text_of
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

router = APIRouter(prefix="/cases/{ref}")

Revision = Annotated[int | None, Query(ge=1, le=1_000_000)]
HISTORY_AT_FIRST = 15


@dataclass(frozen=True, slots=True)
class Said:
    """What was sent and is not done: shown again with the reason, or with what would follow."""

    about: str = ""  # the form that was sent
    form: FormData = field(default_factory=FormData)
    error: SmrError | None = None
    would: Rescored | None = None

    def text(self, about: str, name: str) -> str:
        """Return what was typed into a field of a form."""
        return text_of(self.form, name) if about == self.about else ""


@router.get("")
def case(visit: Signed, ref: str) -> HTMLResponse:
    """Show a case to whoever may see it."""
    return _shown(visit, ref, Said())


@router.post("/note")
def note(visit: Signed, ref: str, form: Posted) -> Response:
    """Write a remark into its history."""
    said = Said("note", form)
    return _done(visit, ref, said, lambda: _note(visit, ref, said.text("note", "text")))


@router.post("/severity")
def severity(visit: Signed, ref: str, form: Posted) -> Response:
    """Show what another severity would move, or give it."""
    said = Said("severity", form)
    level, reason = said.text("severity", "level"), said.text("severity", "reason")
    if said.text("severity", "action") == "confirm":
        return _done(
            visit, ref, said, lambda: cases.rescore(visit.ws, visit.actor, ref, level, reason)
        )
    try:
        would = cases.rescore(visit.ws, visit.actor, ref, level, reason, dry_run=True)
    except SmrError as error:
        return _shown(visit, ref, replace(said, error=error))
    return _shown(visit, ref, replace(said, would=would))


@router.post("/clocks/{clock}")
def clock(visit: Signed, ref: str, clock: str, form: Posted) -> Response:
    """Say that what a clock asks for was done."""
    said = Said(f"clock-{clock}", form)
    words = said.text(said.about, "note")
    return _done(
        visit, ref, said, lambda: cases.meet_clock(visit.ws, visit.actor, ref, clock, words)
    )


@router.post("/signals/{name}")
def signal(visit: Signed, ref: str, name: str, form: Posted) -> Response:
    """Deliver a signal that the case waits for."""
    said = Said(f"signal-{name}", form)
    key, values = said.text(said.about, "key"), said.text(said.about, "values")

    def deliver() -> object:
        payload = values_of(values, "What comes with it")
        return cases.signal(visit.ws, visit.actor, ref, name, key=key, payload=payload)

    return _done(visit, ref, said, deliver)


@router.post("/cancel")
def cancel(visit: Signed, ref: str, form: Posted) -> Response:
    """Stop a case and those under it."""
    said = Said("cancel", form)
    reason = said.text("cancel", "reason")
    return _done(visit, ref, said, lambda: cases.cancel(visit.ws, visit.actor, ref, reason))


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
    """Show a document's newest or a chosen version, or two beside each other."""
    ws, person = visit.ws, visit.person
    after = reading.document(ws, ref, name, scope, revision=new, person=person)
    newest = reading.document(ws, ref, name, scope, person=person)
    before = reading.document(ws, ref, name, scope, revision=old, person=person) if old else None
    view = reading.case_view(ws, ref, person)
    return page(
        visit,
        "document.html",
        view=view,
        title=next((d.title for d in view.documents if d.document == name and d.title), name),
        name=name,
        scope=scope,
        after=after,
        before=before,
        lines=side_by_side(before.text, after.text) if before else [],
        newest=newest.revision,
        names={row.id: row.name for row in directory.people(ws)},
    )


def _note(visit: Visit, ref: str, text: str) -> None:
    if not text.strip():
        raise Invalid("no-text", "Write something first")
    cases.note(visit.ws, visit.actor, ref, text)


def _done(visit: Visit, ref: str, said: Said, act: Callable[[], object]) -> Response:
    """Do something, then lead to the case; a refusal shows it again with what was typed."""
    try:
        act()
    except SmrError as error:
        return _shown(visit, ref, replace(said, error=error))
    return RedirectResponse(address(visit.request, f"/cases/{ref}"), 303)


def _shown(visit: Visit, ref: str, said: Said) -> HTMLResponse:
    shown = case_page(visit.ws, ref, visit.actor)
    moved = said.would.moved if said.would else ()
    return page(
        visit,
        "case.html",
        status_of(said.error) if said.error else 200,
        shown=shown,
        view=shown.view,
        acts=case_acts.possible(visit.ws, visit.actor, ref),
        said=said,
        error=said.error,
        moves=case_words.moves(shown.view, moved, visit.zone),
        published=case_words.published,
        at_first=HISTORY_AT_FIRST,
        DECIDED=item_words.DECISIONS,
        KINDS=item_words.KINDS,
        STEPS=case_words.STEPS,
        STATES=case_words.STATES,
    )
