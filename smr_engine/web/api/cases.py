"""Cases: opening, looking at them, remarks, signals, steering."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field

from smr_engine.services import cases, reading
from smr_engine.services.views import (
    CaseRow,
    CaseView,
    DocumentView,
    EventRow,
    Rescored,
    Started,
)
from smr_engine.web.api.callers import InPerson, Noting, Reading, Signalling, Starting
from smr_engine.web.api.shapes import (
    AT_ONCE,
    V1,
    After,
    Body,
    CaseRef,
    Key,
    Limit,
    Met,
    Name,
    NewCase,
    Note,
    Noted,
    Page,
    Reason,
    Severity,
    Signal,
    Word,
    page_of,
)
from smr_engine.web.render import address

router = APIRouter(prefix=f"{V1}/cases", tags=["cases"])
Number = Annotated[int | None, Field(ge=1, le=1_000_000)]


class Which(Body):
    """Which revision of a document, in which scope; `since`: and what changed from that one on."""

    scope: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_\[\]/-]*$")] = ""
    revision: Number = None
    since: Number = None


@router.get("")
def list_cases(
    caller: Reading,
    status: Word = "",
    playbook: Word = "",
    after: After = "",
    limit: Limit = AT_ONCE,
) -> Page[CaseRow]:
    """List cases, newest first."""
    rows = reading.case_list(
        caller.ws,
        status=status or None,
        playbook=playbook or None,
        person=caller.person,
        after=after,
        limit=limit + 1,
    )
    more = len(rows) > limit
    return Page(rows=rows[:limit], next=rows[limit - 1].case if more else None)


@router.post("", status_code=201)
def open_case(
    caller: Starting, request: Request, response: Response, body: NewCase, key: Key = ""
) -> Started:
    """Open a case; under an Idempotency-Key once."""
    again = f"api:{caller.person}:{key}" if key else ""
    opening = cases.Opening(severity=body.severity, drill=body.drill, key=again, exact=True)
    started = cases.start(caller.ws, caller.actor, body.playbook, body.inputs, opening)
    response.headers["location"] = address(request, f"{V1}/cases/{started.case}")
    return started


@router.get("/{ref}")
def show_case(caller: Reading, ref: CaseRef) -> CaseView:
    """Show a case: steps, open items, documents, effects, clocks."""
    return reading.case_view(caller.ws, ref, caller.person)


@router.get("/{ref}/timeline")
def show_timeline(
    caller: Reading, ref: CaseRef, after: After = "", limit: Limit = AT_ONCE
) -> Page[EventRow]:
    """Return the history of a case and of those under it, oldest first."""
    events = reading.timeline(caller.ws, ref, caller.person)
    return page_of(events, lambda event: str(event.seq), after, limit)


@router.post("/{ref}/notes", status_code=201)
def write_note(caller: Noting, ref: CaseRef, body: Note) -> Noted:
    """Write a remark into the history."""
    cases.note(caller.ws, caller.actor, ref, body.text)
    return Noted(case=ref)


@router.post("/{ref}/signals")
def deliver_signal(caller: Signalling, ref: CaseRef, body: Signal) -> CaseView:
    """Deliver a signal to the steps that wait for it."""
    ws, actor = caller.ws, caller.actor
    return cases.signal(ws, actor, ref, body.name, key=body.key, payload=body.payload)


@router.post("/{ref}/severity")
def score_again(caller: InPerson, ref: CaseRef, body: Severity) -> Rescored:
    """Give a case another severity, or say what would move."""
    ws, actor = caller.ws, caller.actor
    return cases.rescore(ws, actor, ref, body.level, body.reason, dry_run=body.dry_run)


@router.post("/{ref}/clocks/{clock}/met")
def meet_clock(caller: InPerson, ref: CaseRef, clock: Name, body: Met) -> CaseView:
    """Say that what a clock asks for was done."""
    return cases.meet_clock(caller.ws, caller.actor, ref, clock, body.note)


@router.post("/{ref}/cancel")
def cancel_case(caller: InPerson, ref: CaseRef, body: Reason) -> CaseView:
    """Stop a case and those under it."""
    return cases.cancel(caller.ws, caller.actor, ref, body.reason)


@router.get(
    "/{ref}/documents/{name}",
    response_model=DocumentView,
    responses={304: {"description": "You have it already."}},
)
def show_document(
    caller: Reading,
    response: Response,
    *,
    ref: CaseRef,
    name: Name,
    asked: Annotated[Which, Query()],
    have: Annotated[str, Header(alias="If-None-Match", max_length=200)] = "",
) -> DocumentView | Response:
    """Return a revision of a document; `since` adds what changed from that revision on.

    Its ETag is the digest that a revision is written upon (If-Match).
    """
    ws, person = caller.ws, caller.person
    scope, since = asked.scope, asked.since
    view = reading.document(ws, ref, name, scope, revision=asked.revision, person=person)
    tag = f'"{view.digest}"'
    if have == tag and since is None:
        return Response(status_code=304, headers={"etag": tag})
    if since is not None:
        both = (since, view.revision)
        view = reading.document(ws, ref, name, scope, diff=both, person=person)
    response.headers["etag"] = tag
    return view
