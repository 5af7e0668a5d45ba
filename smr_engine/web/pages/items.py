"""One item: what is asked, all that it takes to answer, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from smr_engine.errors import Invalid, SmrError
from smr_engine.services import directory, item_acts, items, reading
from smr_engine.services.item_acts import Acts
from smr_engine.services.transact import case_of
from smr_engine.services.views import ItemView
from smr_engine.web import form_fields, forms, item_words
from smr_engine.web.failures import status_of
from smr_engine.web.form_fields import Offers
from smr_engine.web.forms import Posted, text_of
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

router = APIRouter(prefix="/items/{item}")
CODE_PROVES = frozenset({"mfa"})
"""What a one-time code proves; where more is demanded, the page only says so."""
_NOTHING_READ = "nothing"


@dataclass(frozen=True, slots=True)
class Said:
    """What was sent and is not done: shown again with the reason."""

    error: SmrError | None = None
    form: FormData = field(default_factory=FormData)
    failed: list[str] | None = None  # checks of a draft, if they were asked for

    def text(self, name: str) -> str:
        """Return what was typed."""
        return text_of(self.form, name)


@router.get("")
def item(visit: Signed, item: str) -> HTMLResponse:
    """Show an item to whoever may see it."""
    return _shown(visit, item_of(visit, item), Said())


@router.post("/complete")
def complete(visit: Signed, item: str, form: Posted) -> Response:
    """Complete a task, a decision, a manual publication, or only give a list another row."""
    said = Said(form=form)
    view = item_of(visit, item)
    if forms.wants_row(form):
        return _shown(visit, view, said)
    values = forms.values_from(view.form, forms.typed_in(view.form, form), visit.zone)
    if view.questions:
        values = _on_the_path(view, values)
    return done(visit, said, lambda: items.complete(visit.ws, visit.actor, item, values), item)


@router.post("/acknowledge")
def acknowledge(visit: Signed, item: str, form: Posted) -> Response:
    """Say that it was read."""
    said = Said(form=form)
    return done(visit, said, lambda: items.acknowledge(visit.ws, visit.actor, item), item)


@router.post("/revise")
def revise(visit: Signed, item: str, form: Posted) -> Response:
    """Save a draft, finish it too, or only check a text."""
    said = Said(form=form)
    text, action = said.text("text"), said.text("action")
    if action == "check":
        view = item_of(visit, item)
        return _shown(visit, view, replace(said, failed=item_acts.failed(view, text)))

    def save() -> object:
        return items.revise(
            visit.ws,
            visit.actor,
            item,
            text,
            done=action == "done",
            override=said.text("override").strip(),
            on=said.text("on"),
        )

    return done(visit, said, save, item)


@router.post("/decide")
def decide(visit: Signed, item: str, form: Posted) -> Response:
    """Take one decision on exactly the content that the page showed; the case says what follows."""
    said = Said(form=form)
    decision, seen = said.text("decision"), said.text("seen") or _NOTHING_READ

    def vote() -> object:
        _require_button(item_words.DECISIONS, decision)
        ws, actor, why = visit.ws, visit.actor, said.text("comment")
        key = f"page {decision}"  # whoever presses a button twice has decided once
        return items.decide(ws, actor, item, decision, why, seen=seen, key=key)

    return done(visit, said, vote, item, to_case=True)


@router.post("/break-glass")
def break_glass(visit: Signed, item: str, form: Posted) -> Response:
    """Release exactly the content that the page showed before its approval."""
    said = Said(form=form)
    reason, seen = said.text("reason"), said.text("seen") or _NOTHING_READ

    def release() -> object:
        return items.break_glass(visit.ws, visit.actor, item, reason, seen=seen)

    return done(visit, said, release, item)


@router.post("/repair")
def repair(visit: Signed, item: str, form: Posted) -> Response:
    """Say how the case goes on, or whether a publication went out."""
    said = Said(form=form)
    answer, reason, url = said.text("answer"), said.text("reason"), said.text("url")

    def settle() -> object:
        _require_button(item_words.REPAIRS, answer)
        return items.repair(visit.ws, visit.actor, item, answer, reason, url=url)

    return done(visit, said, settle, item)


@router.post("/reassign")
def reassign(visit: Signed, item: str, form: Posted) -> Response:
    """Hand an item over to one person."""
    said = Said(form=form)
    person = said.text("person")
    return done(visit, said, lambda: items.reassign(visit.ws, visit.actor, item, person), item)


def _require_button(known: Collection[str], pressed: str) -> None:
    if pressed not in known:
        raise Invalid("unknown-answer", "Press one of the buttons")


# --- what comes back ---------------------------------------------------------------------------


def done(
    visit: Visit, said: Said, act: Callable[[], object], item: str, *, to_case: bool = False
) -> Response:
    """Do something, then lead on; a refusal shows the page again with what was typed.

    Args:
        visit: of whom.
        said: what they sent.
        act: what they asked for.
        item: which it is about.
        to_case: what follows stands on the page of the case, not on that of the item.
    """
    try:
        act()
    except SmrError as error:
        view = item_of(visit, item)
        if view.lacks_proof in CODE_PROVES:
            return RedirectResponse(address(visit.request, _to_code(view)), 303)
        return _shown(visit, view, replace(said, error=error))
    to = f"/cases/{case_of(item)}" if to_case else f"/items/{item}"
    return RedirectResponse(address(visit.request, to), 303)


def item_of(visit: Visit, item: str) -> ItemView:
    """Return an item as the visitor sees it. Raises as `reading.item_view`."""
    return reading.item_view(visit.ws, item, visit.person, visit.visitor.assurance)


def _to_code(view: ItemView) -> str:
    return f"/step-up?next=/items/{view.item}"


def _shown(visit: Visit, view: ItemView, said: Said) -> HTMLResponse:
    acts = item_acts.possible(visit.ws, visit.actor, view)
    error = said.error
    faults = error.fields if isinstance(error, Invalid) else {}
    if any(name.startswith("/") for name in said.form):  # else another form of the page was sent
        typed = forms.typed_in(view.form, said.form)
    else:
        typed = forms.filled_in(view.form, {}, visit.zone)
    offers = _offers(visit, view, acts)
    shown = form_fields.fields(view.form, typed, offers, faults)
    at_fault = form_fields.at_fault(shown)
    return page(
        visit,
        "item.html",
        status_of(error) if error else 200,
        view=view,
        acts=acts,
        said=said,
        error=error,
        shown=shown,
        at_fault=at_fault,
        stray=form_fields.stray_faults(shown, error) if isinstance(error, Invalid) else [],
        people=offers.people,
        DECIDED=item_words.DECISIONS,
        REPAIRS=item_words.REPAIRS,
        words=item_words.about(view, visit.person, visit.zone),
        to_code=_to_code(view) if view.lacks_proof in CODE_PROVES else "",
    )


def _offers(visit: Visit, view: ItemView, acts: Acts) -> Offers:
    """Return what forms on the page let people choose from."""
    if not (acts.reassign or view.form.get("properties")):
        return Offers()
    people = [(person.id, person.name) for person in directory.people(visit.ws)]
    files = [each["name"] for each in view.attachments if each["name"]]
    return Offers(people, directory.accounts(visit.ws), files)


def _on_the_path(view: ItemView, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers on the path from the first question on.

    Without JavaScript all questions are there to be answered, also those that do not arise.
    """
    left = {question.id: question for question in view.questions}
    asked = left.pop(view.questions[0].id, None)
    found: dict[str, Any] = {}
    while asked is not None and asked.id in values:
        found[asked.id] = values[asked.id]
        leads_to = asked.if_yes if values[asked.id] == "yes" else asked.if_no
        asked = left.pop(leads_to, None)
    return found
