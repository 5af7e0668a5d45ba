"""Pages out of templates: escaped, harmless, times in the reader's zone, below a proxy's prefix."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from smr_engine import __version__
from smr_engine.services.text import (
    counted,
    due_words,
    harmless,
    instant,
    listed,
    rfc3339,
    span,
    time_of_day,
)
from smr_engine.web.visit import Visit, path_of

HERE = Path(__file__).parent
STATIC = HERE / "static"


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page for somebody who is signed in.

    Args:
        visit: whose.
        template: a file of `templates/`.
        status: of the response.
        values: what the template shows.
    """
    known = {"visit": visit, "me": visit.visitor, "now": visit.now, "zone": visit.zone}
    return _rendered(visit.request, template, status, {**known, **values})


def plain_page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page for anybody: signing in, and errors."""
    return _rendered(request, template, status, {"visit": None, "me": None, **values})


def address(request: Request, path: str) -> str:
    """Return the address of one of our paths, below the prefix that a proxy serves us under."""
    return f"{request.scope.get('root_path', '')}{path}"


def _rendered(request: Request, template: str, status: int, values: dict[str, Any]) -> HTMLResponse:
    def url(path: str) -> str:
        return address(request, path)

    text = TEMPLATES.get_template(template).render(
        **values, url=url, here=path_of(request), query=request.url.query
    )
    return HTMLResponse(text, status)


def _harmless(value: Any) -> Any:
    """Spell out control, direction and hidden characters in every text but our own markup."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _exact(text: str) -> Markup:
    """Return a text for a form's control, as it is: what is sent back unchanged stays the same."""
    return escape(text.encode(errors="replace").decode())


def _moment(at: datetime | None, zone: tzinfo, now: datetime | None = None) -> Markup:
    """Return an instant as a `time` element; where `now` is given, without the date of today."""
    if at is None:
        return Markup("")
    words = time_of_day(at, now, zone) if now else instant(at, zone)
    return Markup('<time datetime="{}">{}</time>').format(rfc3339(at), words)


def _ago(at: datetime, now: datetime) -> str:
    return span(max(now - at, timedelta()))


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        moment=_moment,
        ago=_ago,
        due=due_words,
        exact=_exact,
        listed=listed,
        counted=counted,
        rfc3339=rfc3339,
    )
    made.globals.update(version=__version__)
    return made


TEMPLATES = _templates()
