"""What keeps other sites, other frames and oversized bodies out: headers, origins, form tokens.

ASVS 5.0: 3.4 (headers, CSP), 3.5 (cross-site requests), 4.3 (sizes).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

from anyio import Semaphore
from anyio.lowlevel import RunVar
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smr_engine.errors import Refusal
from smr_engine.services.accounts_attempts import is_known
from smr_engine.web.visit import BROWSER_COOKIE, Signed, cookie_of, workspace_of

MIB = 1024 * 1024
MAX_BODY = 2 * MIB
MAX_UPLOAD = 26 * MIB
"""An attachment of 25 MiB with what is around it."""
_TAKES_UPLOADS = re.compile(r"(/api/v1)?/items/[^/]+/attach")
_LENGTH = re.compile(r"[0-9]{1,18}")
STRANGERS_AT_ONCE = 4
"""So many passwords are looked at together; all others wait without holding a thread."""
KNOWN_AT_ONCE = 2
"""So many more from browsers in which somebody has signed in before."""
_TURNS: RunVar[tuple[Semaphore, Semaphore]] = RunVar("turns")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_HSTS = "max-age=31536000"


class Gate:
    """Refuses what no page of ours sends, and puts the headers on all that goes out.

    A pure ASGI middleware: nothing is buffered, so streams pass.
    """

    def __init__(self, app: ASGIApp, public_url: str = "") -> None:
        """Take the application, and the address that people know it by, if a proxy hides it."""
        self._app = app
        known = urlsplit(public_url)
        self._known_as, self._prefix = known.netloc, known.path.rstrip("/")
        self._scheme = known.scheme

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._as_known(scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _put_headers(MutableHeaders(scope=message), scope)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)

    def _as_known(self, scope: Scope) -> Scope:
        """Return a request as people sent it: below the prefix, also where the proxy took it off.

        And by HTTPS if they know it so, whatever the proxy says: cookies are secure then.
        """
        prefix, path = self._prefix, scope["path"]
        whole = path if path == prefix or path.startswith(f"{prefix}/") else f"{prefix}{path}"
        scheme = self._scheme or scope["scheme"]
        return {**scope, "root_path": prefix, "path": whole, "scheme": scheme}

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Return the answer to a request that no handler needs to see."""
        if scope["method"] in SAFE:
            return None
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")  # without one there is no content
        if "transfer-encoding" in headers or not _LENGTH.fullmatch(length):
            words, close = "Say how long the content is.", {"connection": "close"}
            return PlainTextResponse(words, 411, close)  # what follows could be read as a request
        if int(length) > self._most(scope):
            return PlainTextResponse("This is larger than what is accepted here.", 413)
        if _names_a_charset(headers):
            return PlainTextResponse("Send forms in UTF-8, and do not name a charset.", 415)
        if not self._is_ours(headers):
            return PlainTextResponse("This came from another site, so nothing was done.", 403)
        return None

    def _most(self, scope: Scope) -> int:
        path = scope["path"].removeprefix(self._prefix)
        return MAX_UPLOAD if _TAKES_UPLOADS.fullmatch(path) else MAX_BODY

    def _is_ours(self, headers: Headers) -> bool:
        """Return whether a request comes from our own pages, or from a program, no browser."""
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return False
        origin = headers.get("origin")
        ours = {headers.get("host", ""), self._known_as} - {""}  # an opaque origin has no name
        return origin is None or _netloc(origin) in ours


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _names_a_charset(headers: Headers) -> bool:
    """Return whether a form chooses how its texts are decoded: some codecs take minutes for a MiB.

    There is no such parameter (RFC 7578, 5.1.2), but the framework obeys it.
    """
    kind = headers.get("content-type", "").lower()
    return kind.lstrip().startswith("multipart/") and "charset" in kind


def _put_headers(headers: MutableHeaders, scope: Scope) -> None:
    if "/static/" in scope["path"]:
        headers.setdefault("cache-control", "no-cache")  # asks each time whether it is the same
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("strict-transport-security", _HSTS)


async def in_turn(request: Request) -> AsyncIterator[None]:
    """Wait until few enough sign in (a dependency of a route that anybody may ask).

    A password takes long, on purpose, and all answers share forty threads: a flood of guesses would
    keep whoever is at work from any page. Known browsers do not stand behind it either.
    """
    browser = cookie_of(request, BROWSER_COOKIE)
    known = bool(browser) and await run_in_threadpool(is_known, workspace_of(request), browser)
    try:
        turns = _TURNS.get()
    except LookupError:
        _TURNS.set(turns := (Semaphore(STRANGERS_AT_ONCE), Semaphore(KNOWN_AT_ONCE)))
    async with turns[known]:
        yield


async def own_form(request: Request, signed: Signed) -> AsyncIterator[None]:
    """Refuse a form that was not made for this session (a dependency of every page's router).

    A stranger's is not read. Files that were sent with it are closed once the answer is out.

    Raises:
        Refusal: `foreign-form`.
    """
    try:
        if request.method not in SAFE:
            form = await request.form(max_files=5, max_fields=2_000)
            _require_own(form, signed.visitor.csrf)
        yield
    finally:
        await request.close()


def _require_own(form: FormData, mine: str) -> None:
    sent = form.get("csrf", "")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), mine.encode()):
        hint = "open the page again and repeat what you did"
        raise Refusal("foreign-form", "This form is out of date, so nothing was done", hint=hint)
