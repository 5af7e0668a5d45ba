"""Measuring requests, and figures in the words of Prometheus."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smr_engine.services.metrics import Figures

TEXT = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS"})
"""What is told apart: anybody makes up methods, and each would be kept for ever."""
LONG_LIVED = frozenset({"/live"})
"""Streams: how long they last says nothing."""


class Meter:
    """The durations of requests to one application, by method, route and status."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._durations = Histogram(
            "smr_request_duration_seconds",
            "How long requests took until their answer was sent.",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=BUCKETS,
        )

    def took(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._durations.labels(method, route, str(status)).observe(seconds)

    def text(self, figures: Figures) -> bytes:
        """Return these figures and the durations so far, as Prometheus reads them."""
        return generate_latest(_told(figures)) + generate_latest(self._registry)


class Timed:
    """Measures each request (a pure ASGI middleware)."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through and note how long it took; by its route, never by its path."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            if route not in LONG_LIVED:
                known = route != "other" and scope["method"] in METHODS
                method = scope["method"] if known else "other"
                self._meter.took(method, route, status, time.perf_counter() - begun)


def _told(figures: Figures) -> CollectorRegistry:
    registry = CollectorRegistry()
    cases = Gauge("smr_cases", "Cases by status.", ("status",), registry=registry)
    for status, count in figures.cases.items():
        cases.labels(status).set(count)
    for name, words, value in (
        ("smr_items_open", "Items that wait for people.", figures.open_items),
        ("smr_effects_owed", "Effects that wait to be performed.", figures.effects_owed),
        ("smr_effects_oldest_owed_seconds", "Age of the oldest effect due.", figures.oldest_owed_s),
        ("smr_timers_overdue", "Timers that are due and have not fired.", figures.timers_overdue),
        ("smr_conductor_lag_seconds", "How late the earliest work is.", figures.conductor_lag_s),
    ):
        Gauge(name, words, registry=registry).set(value)
    return registry
