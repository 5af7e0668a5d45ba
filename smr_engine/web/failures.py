"""What a refusal looks like from outside: a page for people, a problem document for programs."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smr_engine.errors import Invalid, NotFound, Refusal, SmrError
from smr_engine.services.text import harmless
from smr_engine.web.render import address, page, plain_page
from smr_engine.web.visit import SignInNeededError, Visit, path_of, visit

LOG = logging.getLogger("smr.web")


class NotSignedIn(SmrError):
    """A program does not say who it is, or not so that it could be believed."""


class NotAllowed(SmrError):
    """What a program may never do in this way, whoever it acts for."""


STATUS = ((NotFound, 404), (Invalid, 422), (Refusal, 409), (NotSignedIn, 401), (NotAllowed, 403))
"""One table for all doors of HTTP; what is none of these is a fault of ours or of a neighbour."""
CODES = {"newer-revision": 412}
"""Refusals for which HTTP has a status of its own."""
NO_SUCH_PAGE = NotFound("no-such-page", "There is no such page")
MAY_NOT = "may-not-"
"""How the codes of all refusals begin that are about who asks: 403."""


def status_of(error: SmrError) -> int:
    """Return the HTTP status of a refusal."""
    if error.code in CODES:
        return CODES[error.code]
    if error.code.startswith(MAY_NOT):
        return 403
    return next((status for kind, status in STATUS if isinstance(error, kind)), 503)


def is_api(request: Request) -> bool:
    """Return whether a program asks."""
    return path_of(request).startswith("/api/")


def add_handlers(app: FastAPI) -> None:
    """Tell every failure in one place."""
    app.add_exception_handler(SmrError, _refused)
    app.add_exception_handler(SignInNeededError, _sign_in)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def problem(status: int, code: str, detail: str, hint: str = "", where: str = "") -> JSONResponse:
    """Return a problem document (RFC 9457) with our stable code."""
    body: dict[str, str | int] = {"type": f"urn:smr:problem:{code}", "status": status}
    body |= {"title": HTTPStatus(status).phrase, "code": code, "detail": detail}
    body |= {name: text for name, text in (("hint", hint), ("where", where)) if text}
    return JSONResponse(body, status, media_type="application/problem+json")


def told(request: Request, status: int, error: SmrError, visitor: Visit | None = None) -> Response:
    """Return a refusal in the form that the asker reads; who is signed in keeps the navigation."""
    if is_api(request):
        return problem(status, error.code, error.message, error.hint, error.where)
    if visitor is not None:
        return page(visitor, "error.html", status, error=error)
    return plain_page(request, "error.html", status, error=error)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SmrError)  # noqa: S101 - registered for it
    return told(request, status_of(error), error, _visitor(request))


def _sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeededError)  # noqa: S101 - registered for it
    back = f"?next={error.to}" if error.to not in {"", "/"} else ""
    to = address(request, f"/sign-in{back}")
    if "hx-request" in request.headers:  # htmx would put the sign-in form into the page
        return Response(status_code=204, headers={"hx-redirect": to})
    return RedirectResponse(to, 303)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if error.status_code == HTTPStatus.NOT_FOUND:
        return told(request, 404, NO_SUCH_PAGE, _visitor(request))
    answer = told(
        request, error.status_code, SmrError("http", str(error.detail)), _visitor(request)
    )
    answer.headers.update(error.headers or {})
    return answer


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    first = error.errors()[0]
    where = harmless(".".join(str(part) for part in first["loc"]))
    invalid = Invalid("invalid-request", str(first["msg"]), where=where)
    return told(request, 422, invalid, _visitor(request))


def _visitor(request: Request) -> Visit | None:
    """Return the visit of whoever is signed in; None where nobody is, or that cannot be told."""
    try:
        return None if is_api(request) else visit(request)
    except (SignInNeededError, SmrError):
        return None


class Faults:
    """Answers what nobody expected (a pure ASGI middleware).

    The framework would do so outside of all middleware: without the gate's headers and its prefix.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through; answer a fault, unless an answer has begun."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await _fault(Request(scope), error)(scope, receive, send)


def _fault(request: Request, error: Exception) -> Response:
    LOG.error("%s %r failed", request.method, request.scope["path"], exc_info=error)
    kind = type(error).__name__
    sentence = f"The server met a fault that it did not expect ({kind}); it is in its log"
    return told(request, 500, SmrError("unexpected", sentence, hint="smr doctor"))
