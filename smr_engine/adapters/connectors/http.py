"""`http`: publishes through the web interface of a blog, a content system or a social service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from smr_engine.adapters.connectors.context import AccountSettings, ConnectorContext
from smr_engine.adapters.connectors.json_template import (
    at_pointer,
    filled,
    filled_address,
    places,
)
from smr_engine.adapters.guarded_http import Answer, Exchange, perform
from smr_engine.adapters.http_request import KEY_HEADER, filled_headers, header_value
from smr_engine.engine.world import Account
from smr_engine.services.ports import (
    EffectRefusedError,
    EffectUnavailableError,
    Publication,
    Published,
    Recovery,
)

ADDRESSES = frozenset({"url", "lookup_url", "read_back_url"})
POINTERS = frozenset({"url_pointer", "text_pointer"})
SETTINGS = (
    frozenset({"method", "headers", "body", "idempotency", "idempotency_header"})
    | ADDRESSES
    | POINTERS
)
METHODS = frozenset({"POST", "PUT", "PATCH"})
NAMES = frozenset(
    {"text", "title", "digest", "key", "case", "document", "recipients", "in_reply_to", "replaces"}
)
DEFAULT_BODY = {"title": "{{ title }}", "text": "{{ text }}"}
NOT_THERE = frozenset({404, 410})
LONGEST_URL = 2048  # characters


class HttpConnector:
    """Publishes a document with one request (implements `services.ports.Connector`).

    Settings of the account (places like `{{ text }}` are filled in `body` and the addresses;
    names: text, title, digest, key, case, document, recipients, in_reply_to, replaces):

    - `url`, `method` (POST), `headers` (secrets by `${ENV_NAME}`), `body` (JSON data);
    - `idempotency: true`: the other side honours the key, sent as `idempotency_header`
      (`Idempotency-Key`); recovery is then `key`;
    - `lookup_url`: answers 404 or nothing when the publication is not there; recovery `lookup`;
    - `url_pointer`: JSON Pointer to the address in the answer, else its `Location` header;
    - `read_back_url` (also with `{{ url }}`), `text_pointer`: where the live text is.
    """

    def __init__(self, account: Account, context: ConnectorContext) -> None:
        settings = AccountSettings(account, SETTINGS)
        self._context = context
        self._text = {name: settings.get(name, str, "") for name in ADDRESSES | POINTERS}
        self._method = settings.get("method", str, "POST").upper()
        self._headers = settings.get("headers", dict, {})
        self._body = settings.get("body", dict, DEFAULT_BODY)
        self._key_header = settings.get("idempotency_header", str, KEY_HEADER)
        self.recovery = _recovery(
            key=settings.get("idempotency", bool, False), lookup=bool(self._text["lookup_url"])
        )
        self._check(settings)

    def _check(self, settings: AccountSettings) -> None:
        if self._method not in METHODS:
            raise settings.wrong("method", f"is not one of {', '.join(sorted(METHODS))}")
        for name in POINTERS:
            if self._text[name] and not self._text[name].startswith("/"):
                raise settings.wrong(name, "must be a JSON Pointer like /data/url")
        for name in ADDRESSES:
            self._check_places(settings, name, self._text[name])
        self._check_places(settings, "body", self._body)
        try:
            self._context.guard.target(filled_address(self._text["url"], dict.fromkeys(NAMES, "x")))
        except EffectRefusedError as problem:
            raise settings.wrong("url", f"is no usable address: {problem}") from None

    @staticmethod
    def _check_places(settings: AccountSettings, name: str, template: Any) -> None:
        known = NAMES | {"url"} if name == "read_back_url" else NAMES
        unknown = sorted(set(places(template)) - known)
        if unknown:
            raise settings.wrong(
                name, f"has no {{{{ {unknown[0]} }}}}; there are {', '.join(sorted(known))}"
            )

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        """Send the request; a success (2xx) is a publication.

        Raises:
            EffectRefusedError, EffectUnavailableError, EffectAmbiguousError: as `perform`.
        """
        values = _values(publication)
        url = filled_address(self._text["url"], values)
        headers = {
            "Content-Type": "application/json",
            self._key_header: header_value(publication.key),
            **filled_headers(self._headers, self._context.environ),
        }
        body = json.dumps(filled(self._body, values), ensure_ascii=False)
        request = Exchange(self._method, url, headers, body.encode("utf-8", "replace"))
        answer = perform(request, self._context.guard, timeout_s)
        return Published(self._address(answer, url) or url, {"status": answer.status})

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        """Ask whether the publication is there; None when not, or when there is no `lookup_url`.

        Raises:
            EffectRefusedError, EffectUnavailableError: it could not be asked.
        """
        if not self._text["lookup_url"]:
            return None
        url = filled_address(self._text["lookup_url"], _values(publication))
        answer = self._get(url, timeout_s, NOT_THERE)
        if answer.status in NOT_THERE:
            return None
        if not answer.truncated and answer.json() in (None, [], {}, False):
            return None
        return Published(self._address(answer, url) or url, {"status": answer.status})

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        """Return the live text; None where the settings do not say how to read it.

        Raises:
            EffectRefusedError, EffectUnavailableError: it could not be read.
        """
        template, pointer = self._text["read_back_url"], self._text["text_pointer"]
        if not template and not pointer:
            return None
        values = {**_values(publication), "url": published.url}
        answer = self._get(filled_address(template or "{{ url }}", values), timeout_s)
        if answer.truncated:
            raise EffectUnavailableError("The live text is longer than the engine reads")
        found = at_pointer(answer.json(), pointer) if pointer else answer.text()
        return found if isinstance(found, str) else ""

    def _get(self, url: str, timeout_s: float, accept: frozenset[int] = frozenset()) -> Answer:
        """Read an address; the account's headers go to the account's own host only."""
        own = urlsplit(url)[:2] == urlsplit(self._text["url"])[:2]
        headers = filled_headers(self._headers, self._context.environ) if own else {}
        return perform(Exchange("GET", url, headers), self._context.guard, timeout_s, accept)

    def _address(self, answer: Answer, base: str) -> str:
        """Return the address that the answer names; empty when it names none that is usable."""
        pointer = self._text["url_pointer"]
        named = at_pointer(answer.json(), pointer) if pointer else answer.headers.get("location")
        if not isinstance(named, str) or not named or len(named) > LONGEST_URL:
            return ""
        try:
            url = urljoin(base, named)
            self._context.guard.target(url)
        except (ValueError, EffectRefusedError):
            return ""
        return url


def _recovery(*, key: bool, lookup: bool) -> Recovery:
    if key:
        return Recovery.KEY
    return Recovery.LOOKUP if lookup else Recovery.NONE


def _values(publication: Publication) -> Mapping[str, Any]:
    return {
        "text": publication.text,
        "title": publication.title,
        "digest": publication.digest,
        "key": publication.key,
        "case": publication.case,
        "document": publication.document,
        "recipients": [
            {"id": person.id, "name": person.name, "email": person.email}
            for person in publication.recipients
        ],
        "in_reply_to": publication.in_reply_to,
        "replaces": publication.replaces,
    }
