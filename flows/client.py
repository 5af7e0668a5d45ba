"""How this process talks to a Prefect server."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.context import SettingsContext, SyncClientContext, get_settings_context
from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY

TRIES = 3
"""How often a request is sent at once to a server that is busy, before Prefect's client pauses."""
SOON_S = "0.2"
"""How long Prefect's client pauses then, in seconds; its own way is 2, 4, 8."""

_turn = threading.Lock()
_no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without certificates: it is never used


class PrefectServer:
    """One Prefect server, as flow runs of this process use it; safe to share between threads.

    Args:
        api_url: address of its API.
    """

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url
        present = get_settings_context()
        self._profile = present.profile
        # Made once: it costs 15 ms, and a run needs it at once.
        self._settings = present.settings.copy_with_update(
            updates={
                PREFECT_API_URL: api_url,
                # A heartbeat costs a sync flow a second at its end; our leases find lost workers.
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
            }
        )

    @contextmanager
    def connected(self) -> Iterator[SyncPrefectClient]:
        """Let flows called inside run on this server; yields its client.

        Raises:
            RuntimeError: the server does not answer.
        """
        # By default a lost server is tried ten times for each event, also as the process exits.
        EventsWorker.set_client_override(
            PrefectEventsClient, api_url=self._api_url, reconnection_attempts=1
        )
        settings = SettingsContext(profile=self._profile, settings=self._settings)
        with settings, SyncClientContext(self._http()) as context:
            yield context.client

    def _http(self) -> dict[str, Any] | None:
        if not self._api_url.startswith("http://"):
            return None  # Prefect's own way with certificates and proxies
        return {"transport": _InTurn(verify=_no_tls), "verify": _no_tls}


class _InTurn(httpx.HTTPTransport):
    """Sends one request at a time in this process, and again where the server was busy.

    On SQLite two at once make the server answer 503, whereupon Prefect's client pauses for seconds.
    Nothing is lost by queueing: the server works on one at a time.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _turn:
            for _ in range(TRIES):
                response = super().handle_request(request)
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return response
                response.read()
        response.headers.setdefault("Retry-After", SOON_S)
        return response
