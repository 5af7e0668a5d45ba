"""The `http.request` of `call` steps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from smr_engine.adapters.environment_secrets import fill_in
from smr_engine.adapters.guarded_http import SAFE_METHODS, Answer, Exchange, perform
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.services.ports import EffectRefusedError

METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
ARGUMENTS = frozenset({"method", "url", "headers", "json"})
KEY_HEADER = "Idempotency-Key"
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 5.6.2: a header's name
LONGEST_TEXT = 64 * 1024  # characters of an answer that go into the case's record


class HttpRequestCaller:
    """Calls an address of the web (implements `services.ports.Caller`).

    Args:
        guard: which hosts may be reached.
        environ: where `${NAME}` in header values is looked up.
    """

    def __init__(self, guard: NetworkGuard, environ: Mapping[str, str]) -> None:
        self._guard = guard
        self._environ = environ

    def call(self, key: str, arguments: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any]:
        """Do one request; return `{status, body}`, the body as JSON data where it is JSON.

        Args:
            key: sent as `Idempotency-Key`, the same on every try.
            arguments: `url` (required), `method` (default GET, POST with `json`), `headers`
                (secrets by `${ENV_NAME}`), `json` (the body).
            timeout_s: for the whole exchange, in seconds.

        Raises:
            EffectRefusedError, EffectUnavailableError, EffectAmbiguousError: as `perform`.
        """
        answer = perform(self._exchange(key, arguments), self._guard, timeout_s)
        return {"status": answer.status, "body": _data(answer)}

    def _exchange(self, key: str, arguments: Mapping[str, Any]) -> Exchange:
        unknown = sorted(set(arguments) - ARGUMENTS)
        if unknown:
            raise EffectRefusedError(f"http.request does not know the argument {unknown[0]!r}")
        has_body = arguments.get("json") is not None
        method = str(arguments.get("method") or ("POST" if has_body else "GET")).upper()
        if method not in METHODS:
            raise EffectRefusedError(f"http.request does not know the method {method[:20]!r}")
        body = json.dumps(arguments["json"]).encode() if has_body else b""
        headers = {KEY_HEADER: header_value(key)}
        if has_body:
            headers["Content-Type"] = "application/json"
        headers |= filled_headers(arguments.get("headers") or {}, self._environ)
        return Exchange(method, str(arguments.get("url") or ""), headers, body)


def filled_headers(headers: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their secrets filled in.

    Raises:
        EffectRefusedError: a name is none, a variable is not set, or a value holds line breaks;
            the value itself is not shown.
    """
    filled = {}
    for name, value in headers.items():
        full = fill_in(str(value), environ)
        if not TOKEN.fullmatch(name) or not full.isprintable() or not full.isascii():
            raise EffectRefusedError(f"The header {name[:40]!r} holds characters it may not")
        filled[name] = full
    return filled


def header_value(text: str) -> str:
    """Return a text as a header can carry it: what is not printable ASCII is left as `?`."""
    return "".join(letter if " " < letter <= "~" else "?" for letter in text)


def _data(answer: Answer) -> Any:
    data = None if answer.truncated else answer.json()
    return answer.text()[:LONGEST_TEXT] if data is None and answer.body else data
