"""Starting: the gallery of playbooks, what each asks and does, and the form that opens a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from smr_engine.errors import Invalid, SmrError
from smr_engine.services import directory, gallery, library
from smr_engine.services.cases import Opening
from smr_engine.services.gallery import Choice
from smr_engine.services.preview import Ask, preview
from smr_engine.services.starting import form_key, start_once
from smr_engine.services.text import listed
from smr_engine.services.views_ahead import Preview, PreviewRow
from smr_engine.web import case_words, form_fields, forms
from smr_engine.web.failures import status_of
from smr_engine.web.forms import Posted, Typed, text_of
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

MOST_NAMES = 4
PREVIEWS = ("preview", TO_THE_END := "preview-all")
"""Buttons that open nothing: what comes until somebody answers, and until the case ends."""
_PICTURE_CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A picture brings its own style; it is a document of its own, in which no script runs."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class _Filled:
    """What stands in the start form; `key` lets it open one case only, however often it is sent."""

    key: str
    typed: Typed
    severity: str = ""
    drill: bool = False

    def opening(self) -> Opening:
        """Return it as what a case is opened with."""
        return Opening(severity=self.severity or None, drill=self.drill, key=self.key)


@router.get("/playbooks")
def playbooks(visit: Signed) -> HTMLResponse:
    """Show what there is to start."""
    return page(visit, "playbooks.html", cards=gallery.gallery(visit.ws, visit.person))


@router.get("/playbooks/{name}")
def playbook(visit: Signed, name: str) -> HTMLResponse:
    """Show one playbook, with an empty form."""
    choice = gallery.choice(visit.ws, visit.person, name)
    typed = forms.filled_in(choice.inputs, {}, visit.zone)
    return _page(visit, choice, _Filled(form_key(visit.ws), typed))


@router.get("/playbooks/{name}/picture.svg")
def picture(visit: Signed, name: str) -> Response:
    """Show what a playbook does, as a picture."""
    headers = {"content-security-policy": _PICTURE_CSP}
    return Response(library.drawn(visit.ws, name), headers=headers, media_type="image/svg+xml")


@router.post("/playbooks/{name}")
def start(visit: Signed, name: str, form: Posted) -> Response:
    """Open a case, or show what would come of it; what was typed stays either way."""
    choice = gallery.choice(visit.ws, visit.person, name)
    filled = _filled(choice, form)
    if forms.wants_row(form):
        return _page(visit, choice, filled)
    values = forms.values_from(choice.inputs, filled.typed, visit.zone)
    try:
        if (wanted := text_of(form, "do")) in PREVIEWS:
            given = {key: value for key, value in values.items() if value != []}  # else made up
            ask = Ask(
                name, None, given, filled.severity or None, visit.person, wanted == TO_THE_END
            )
            return _page(visit, choice, filled, ahead=preview(visit.ws, ask), ask=ask)
        opened = start_once(visit.ws, visit.actor, name, values, filled.opening())
    except SmrError as error:
        return _page(visit, choice, filled, error=error)
    return RedirectResponse(address(visit.request, f"/cases/{opened.case}"), 303)


def _filled(choice: Choice, form: FormData) -> _Filled:
    typed = forms.typed_in(choice.inputs, form)
    return _Filled(
        text_of(form, "key"), typed, text_of(form, "severity"), bool(text_of(form, "drill"))
    )


def _page(
    visit: Visit,
    choice: Choice,
    filled: _Filled,
    *,
    ahead: Preview | None = None,
    ask: Ask | None = None,
    error: SmrError | None = None,
) -> HTMLResponse:
    people = [(person.id, person.name) for person in directory.people(visit.ws)]
    offers = form_fields.Offers(people, directory.accounts(visit.ws))
    faults = error.fields if isinstance(error, Invalid) else {}
    shown = form_fields.fields(choice.inputs, filled.typed, offers, faults)
    rows = [(row, _who(row, dict(people), visit.zone)) for row in ahead.rows] if ahead else []
    return page(
        visit,
        "playbook.html",
        status_of(error) if error else 200,
        choice=choice,
        STEPS=case_words.STEPS,
        filled=filled,
        shown=shown,
        ahead=ahead,
        to_the_end=ask is not None and ask.to_the_end,
        made_up=[choice.titles.get(field, field) for field in ahead.made_up] if ahead else [],
        rows=rows,
        error=error,
        at_fault=form_fields.at_fault(shown),
        stray=form_fields.stray_faults(shown, error) if isinstance(error, Invalid) else [],
    )


def _who(row: PreviewRow, names: Mapping[str, str], zone: tzinfo) -> str:
    """Return whom something would concern; their own time where the reader's differs."""
    here = f"{row.at.astimezone(zone):%H:%M}"
    found = []
    for person in row.who[:MOST_NAMES]:
        there = row.local.get(person, "")[11:16]
        elsewhere = f" ({there} there)" if there and there != here else ""
        found.append(f"{names.get(person, person)}{elsewhere}")
    more = len(row.who) - MOST_NAMES
    return listed([*found, f"{more} more"] if more > 0 else found)
