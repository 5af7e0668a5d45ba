"""One HTTP exchange: guarded, without redirects and proxies, bounded in time and size.

It tells apart what the engine must know: did it certainly not happen, was it refused, or may it
have happened. "May have" starts with the first byte of the request that is given to it.
"""

from __future__ import annotations

import functools
import json
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore

from smr_engine.adapters.network_guard import NetworkGuard, Target
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
)

LONGEST_ANSWER = 1024 * 1024  # bytes; the rest is not read
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 9.2.1: nothing happens
NOT_NOW = frozenset({408, 409, 425, 429, 503})  # not done; the same request may work later
MAYBE_DONE = frozenset({500, 502, 504})  # what stands behind a gateway may have done it


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request; header values may hold secrets, so they are not shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `truncated` when its body was longer than the engine reads."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    truncated: bool = False

    def json(self) -> Any:
        """Return the body as JSON data, or None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def text(self) -> str:
        """Return the body as text; bytes that are no UTF-8 show as replacement characters."""
        return self.body.decode("utf-8", errors="replace")


def perform(
    exchange: Exchange,
    guard: NetworkGuard,
    timeout_s: float,
    accept: frozenset[int] = frozenset(),
) -> Answer:
    """Do one exchange and return the answer if it is a success (2xx).

    Args:
        exchange: what to send.
        guard: which hosts may be reached.
        timeout_s: for all of it together, in seconds (the name server apart).
        accept: further statuses that are answers to the caller.

    Raises:
        EffectRefusedError: the guard or the other side says no (3xx, 4xx, 501).
        EffectUnavailableError: not connected, or "not now" (408, 409, 425, 429, 503); for safe
            methods every failure that may pass.
        EffectAmbiguousError: lost or timed out after sending began, or 500, 502, 504.
    """
    safe = exchange.method in SAFE_METHODS
    answer = _exchanged(exchange, guard, timeout_s)
    status = answer.status
    if 200 <= status < 300 or status in accept:
        return answer
    told = f"{exchange.method} was answered with status {status}"
    if status in NOT_NOW or (safe and status >= 500):
        raise EffectUnavailableError(told)
    if status in MAYBE_DONE or status > 504:
        raise EffectAmbiguousError(told)
    if 300 <= status < 400:
        told += "; redirects are not followed"
    raise EffectRefusedError(told)


def _exchanged(exchange: Exchange, guard: NetworkGuard, timeout_s: float) -> Answer:
    """Send and receive, with the library's errors told in our words (and without its texts)."""
    line = _Line(guard, time.monotonic() + timeout_s)
    try:
        return _send(exchange, guard.target(exchange.url), line)
    except (httpcore.LocalProtocolError, UnicodeError):
        # Not chained: the library quotes the header, which may hold a secret.
        raise EffectRefusedError("A header or the address holds characters it may not") from None
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as problem:
        what = "timed out" if isinstance(problem, httpcore.TimeoutException) else "was lost"
        if line.sent and exchange.method not in SAFE_METHODS:
            raise EffectAmbiguousError(f"The connection {what} after sending") from problem
        raise EffectUnavailableError(f"The connection {what}") from problem


def _send(exchange: Exchange, target: Target, line: _Line) -> Answer:
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )
    with (
        httpcore.ConnectionPool(ssl_context=_tls(), network_backend=line) as pool,
        pool.stream(
            exchange.method, url, headers=_headers(exchange, target), content=exchange.body
        ) as response,
    ):
        body, truncated = _read(response.iter_stream())
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        return Answer(response.status, headers, body, truncated)


def _headers(exchange: Exchange, target: Target) -> list[tuple[str, str]]:
    headers = {
        "Host": target.authority,
        "User-Agent": "smr-engine",
        "Accept": "application/json, */*;q=0.5",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if exchange.body or exchange.method not in SAFE_METHODS:
        headers["Content-Length"] = str(len(exchange.body))
    own = {name.lower() for name in headers}
    return [
        *headers.items(),
        *((n, v) for n, v in exchange.headers.items() if n.lower() not in own),
    ]


def _read(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """Return the body, and whether there was more than the engine reads."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LONGEST_ANSWER:
            return bytes(body[:LONGEST_ANSWER]), True
    return bytes(body), False


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return the one context: reading the list of authorities takes tens of milliseconds."""
    return httpcore.default_ssl_context()


class _Line(httpcore.NetworkBackend):
    """Makes the connection of one exchange: to checked addresses only, within its deadline."""

    def __init__(self, guard: NetworkGuard, deadline: float) -> None:
        self._guard = guard
        self._deadline = deadline
        self._network = httpcore.SyncBackend()
        self.sent = False

    def left(self, error: type[Exception]) -> float:
        """Return the seconds left; raise the error when there are none."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise error
        return seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers; an address gets its share."""
        addresses = self._guard.addresses(host, port)
        for tried, address in enumerate(addresses, start=1):
            share = self.left(httpcore.ConnectTimeout) / (len(addresses) - tried + 1)
            try:
                return _Stream(self._network.connect_tcp(address, port, timeout=share), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if tried == len(addresses):
                    raise
        raise httpcore.ConnectError


class _Stream(httpcore.NetworkStream):
    """A connection that notes when something was sent, and ends with its exchange's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._line.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._line.sent = True
        self._stream.write(buffer, self._line.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._line.left(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._line)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
