"""The inline dispatcher: flows called in the conductor's warm process.

Prefect is imported here, lazily and once, after its settings stand in the environment.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from flows import house
from smr_engine.services.effects import NotDoneError
from smr_engine.services.ports import DispatchUnavailableError, Leg
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.prefect")

CLIENT_SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_API_REQUEST_TIMEOUT": "10",
    "PREFECT_CLIENT_MAX_RETRIES": "3",
}


class InlineDispatcher:
    """Calls flows in this process; safe to use from several threads.

    Args:
        ws: the workspace its flow runs work on.
        find_server: returns the address of a Prefect server that answers, starting the embedded one
            if need be; may take as long as a first boot. Called in a thread of its own.
        answers: whether the server at an address answers now, in a moment.
    """

    def __init__(
        self,
        ws: Workspace,
        find_server: Callable[[], str],
        answers: Callable[[str], bool],
    ) -> None:
        house.use(ws)
        self._find_server = find_server
        self._answers = answers
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._booting: threading.Thread | None = None
        self._api_url = ""

    def prepare(self) -> None:
        """Begin to find the server and import Prefect, without waiting for either."""
        with self._lock:
            if self._booting is None or not self._booting.is_alive():
                self._booting = threading.Thread(target=self._boot, name="prefect", daemon=True)
                self._booting.start()

    def run_leg(self, leg: Leg) -> None:
        """Perform one case's leg as one flow run. Raises as `ports.Dispatcher.run_leg`."""
        self._call(lambda: _run_leg(leg))

    def run_batch(self, legs: Sequence[Leg]) -> None:
        """Perform the legs of many cases as one flow run. Raises as `run_leg`."""
        owed = [entry for leg in legs for entry in leg.as_json()["owed"]]
        self._call(lambda: _run_batch(owed))

    def _boot(self) -> None:
        try:
            self._api_url = self._find_server()
            os.environ.update(CLIENT_SETTINGS, PREFECT_API_URL=self._api_url)
            import flows.run_batch
            import flows.run_leg  # noqa: F401 - imported here so that the first leg need not wait
        except Exception:  # whatever keeps Prefect away, cases go on without it
            log.exception("Prefect cannot be used")
            return
        self._ready.set()

    def _call(self, start: Callable[[], None]) -> None:
        if not self._ready.is_set() or not self._answers(self._api_url):
            self._ready.clear()
            self.prepare()
            raise DispatchUnavailableError("it is not ready")
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        try:
            with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
                start()
        except NotDoneError as told:
            log.info("not done: %s", told)
        except Exception as problem:
            # Prefect itself failed: what was performed has reported; the rest is still owed.
            raise DispatchUnavailableError(type(problem).__name__) from problem


def _run_leg(leg: Leg) -> None:
    from flows import run_leg

    run_leg.start(leg.as_json(), leg.name, list(leg.tags))


def _run_batch(owed: list[dict[str, Any]]) -> None:
    from flows import run_batch

    run_batch.start(owed)
