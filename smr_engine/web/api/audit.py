"""The audit trail: the log, who approved which response, verification."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, AwareDatetime, Field

from smr_engine.services import auditing
from smr_engine.services.stored import EventFilter
from smr_engine.services.verifying import Progress, Verifying
from smr_engine.services.views import EventRow, WhoRow
from smr_engine.web.api.callers import InPerson, Reading
from smr_engine.web.api.shapes import AT_ONCE, V1, Body, Filter, Page, Verification, Word

router = APIRouter(prefix=f"{V1}/audit", tags=["audit"])
Case = Annotated[str, Query(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("this instant lies before the year 1 or after 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Events(Body):
    """Which events; what is left out does not narrow the choice. `until` is exclusive."""

    case: Annotated[str, Field(max_length=80, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    actor: Filter = ""
    kind: Filter = ""
    since: Moment | None = None
    until: Moment | None = None
    after: Annotated[int, Field(ge=0, le=2**53, description="`next` of the page before.")] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = AT_ONCE


@router.get("/events")
def list_events(caller: Reading, asked: Annotated[Events, Query()]) -> Page[EventRow]:
    """Return the log, oldest first: of a case, or (for auditors and administrators) of all."""
    which = EventFilter(
        cases=(asked.case,) if asked.case else (),
        actor=asked.actor,
        kinds=(asked.kind,) if asked.kind else (),
        since=asked.since,
        until=asked.until,
        after_seq=asked.after,
    )
    rows, following = auditing.page(caller.ws, caller.person, which, asked.limit)
    return Page(rows=rows, next=str(following) if following else None)


@router.get("/who")
def who_approved(caller: Reading, case: Case, document: Word = "") -> Page[WhoRow]:
    """Return who approved which response in a case, and what counts."""
    return Page(rows=auditing.who(caller.ws, case, document or None, caller.person))


@router.get("/verify")
def show_verification(caller: Reading, request: Request) -> Verification:
    """Return how far the verification is that runs, or what the last one found."""
    return _shown(_verifying(request).seen_by(caller.person))


@router.post("/verify", status_code=202)
def verify(caller: InPerson, request: Request) -> Verification:
    """Begin to verify the whole log; poll for what it finds."""
    return _shown(_verifying(request).start(caller.person))


def _verifying(request: Request) -> Verifying:
    found: Verifying = request.app.state.verifying
    return found


def _shown(progress: Progress) -> Verification:
    view = progress.view
    return Verification(
        running=progress.running,
        begun_at=progress.begun_at,
        ended_at=progress.ended_at,
        done=progress.done,
        of=progress.of,
        ok=view.ok if view else None,
        events=view.events if view else None,
        cases=view.cases if view else None,
        problems=view.problems if view else [],
        fault=progress.fault,
    )
