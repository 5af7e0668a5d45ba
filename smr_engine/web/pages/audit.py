"""Who approved what, the log behind it, and whether it verifies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from smr_engine.errors import Invalid
from smr_engine.services import auditing_search, directory, spreadsheet
from smr_engine.services.auditing_answers import Answers, answers
from smr_engine.services.stored import EventFilter
from smr_engine.services.text import rfc3339
from smr_engine.services.verifying import Verifying
from smr_engine.web import item_words
from smr_engine.web.render import address, page
from smr_engine.web.visit import Signed, Visit

COLUMNS = (
    *("case", "document", "revision", "digest", "person", "role", "on_behalf_of", "decision"),
    *("comment", "at", "assurance", "valid", "void_reason", "published_at", "published_url"),
)
DECIDED = {**item_words.DECISIONS, "break_glass": "released it before its approval"}

router = APIRouter(prefix="/audit")


@dataclass(frozen=True, slots=True)
class _Period:
    """Days as they were typed, and the instants they mean to the reader."""

    first: str
    last: str
    since: datetime | None
    until: datetime | None


@router.get("")
def search(
    visit: Signed,
    *,
    words: str = "",
    who: str = "",
    document: str = "",
    first: str = "",
    last: str = "",
) -> HTMLResponse:
    """Let people choose a case: the latest decisions first, or what a search finds."""
    period = _period(first, last, visit.zone)
    found = auditing_search.search(
        visit.ws,
        visit.person,
        words=words,
        who=who,
        document=document,
        since=period.since,
        until=period.until,
    )
    return page(
        visit,
        "audit.html",
        found=found,
        words=words,
        who=who,
        document=document,
        period=period,
        people=directory.people(visit.ws),
        asked=any((words, who, document, first, last)),
        at_most=auditing_search.AT_MOST,
    )


@router.get("/log")
def log(
    visit: Signed,
    *,
    case: str = "",
    actor: str = "",
    kind: str = "",
    first: str = "",
    last: str = "",
    before: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> HTMLResponse:
    """Show every event, the newest first."""
    period = _period(first, last, visit.zone)
    which = EventFilter(
        cases=(case,) if case else (),
        actor=actor,
        kinds=(kind,) if kind else (),
        since=period.since,
        until=period.until,
    )
    shown = auditing_search.leaf_through(visit.ws, visit.person, which, before)
    rows = [(row, json.dumps(row.data, ensure_ascii=False, indent=1)) for row in shown.events]
    names = {person.id: person.name for person in directory.people(visit.ws)}
    typed = {"case": case, "actor": actor, "kind": kind, "first": first, "last": last}
    return page(visit, "audit_log.html", rows=rows, older=shown.older, typed=typed, names=names)


@router.get("/verify")
def verification(visit: Signed) -> HTMLResponse:
    """Show how far verification is, or what it found."""
    return page(visit, "audit_verify.html", progress=_verifying(visit).seen_by(visit.person))


@router.post("/verify")
def verify(visit: Signed) -> Response:
    """Begin to verify, unless that is under way."""
    _verifying(visit).start(visit.person)
    return RedirectResponse(address(visit.request, "/audit/verify"), 303)


@router.get("/{ref}")
def case(visit: Signed, ref: str) -> HTMLResponse:
    """Show who approved which response in a case and those under it."""
    return page(
        visit,
        "audit_case.html",
        shown=answers(visit.ws, ref, visit.person),
        DECIDED=DECIDED,
    )


@router.get("/{ref}/decisions.csv")
def table(visit: Signed, ref: str) -> Response:
    """Give the same as a table for spreadsheets."""
    shown = answers(visit.ws, ref, visit.person)
    headers = {"content-disposition": f'attachment; filename="{shown.case.ref}-decisions.csv"'}
    return Response("".join(_lines(shown)), headers=headers, media_type="text/csv; charset=utf-8")


def _lines(shown: Answers) -> Iterator[str]:
    yield spreadsheet.line(COLUMNS)
    for row in shown.rows:
        values = (getattr(row, name) for name in COLUMNS)
        yield spreadsheet.line(_plain(value) for value in values)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _verifying(visit: Visit) -> Verifying:
    found: Verifying = visit.request.app.state.verifying
    return found


def _period(first: str, last: str, zone: tzinfo) -> _Period:
    """Return the time from the beginning of one day to the end of another, in a zone.

    Raises:
        Invalid: `bad-date`.
    """
    after = _midnight(last, zone, timedelta(days=1))
    return _Period(first, last, _midnight(first, zone, timedelta()), after)


def _midnight(day: str, zone: tzinfo, more: timedelta) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + more, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"'{day}' is no date"
        raise Invalid("bad-date", message, hint="write it like 2026-11-23") from None
