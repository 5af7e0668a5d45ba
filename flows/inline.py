"""The inline dispatcher: flows called in the conductor's warm process.

Prefect is imported in a thread of its own, once its settings stand in the environment.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from flows import environment, house
from smr_engine.adapters.prefect_server import touch_server
from smr_engine.errors import SmrError
from smr_engine.services.ports import DispatchUnavailableError, Leg
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.prefect")

BOOT_AGAIN = timedelta(seconds=30)
"""How long a Prefect that could not be had is left alone."""
INSIDE_S = 30.0
"""How long the import of Prefect may keep a process that is to end, in seconds."""


class Server(Protocol):
    """What is needed of `flows.client.PrefectServer`, which cannot be imported here."""

    def connected(self) -> AbstractContextManager[Any]:
        """Let flows called inside run on the server."""
        ...


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
        self._ws = ws
        self._find_server = find_server
        self._answers = answers
        self._lock = threading.Lock()
        self._booting: threading.Thread | None = None
        self._not_before: datetime | None = None
        self._server: tuple[str, Server] | None = None
        self._inside = threading.Lock()  # held while the thread that boots is in Prefect's code

    def prepare(self) -> None:
        """Begin to find the server and import Prefect, without waiting for either."""
        with self._lock:
            under_way = self._booting is not None and self._booting.is_alive()
            too_soon = self._not_before is not None and self._ws.clock.now() < self._not_before
            if not under_way and not too_soon:
                self._booting = threading.Thread(target=self._boot, name="prefect", daemon=True)
                self._booting.start()

    def close(self) -> None:
        """Keep the thread that boots out of Prefect from now on; call it once, before leaving.

        A process that leaves while a thread is in Prefect's compiled code aborts: Python ends the
        thread there, which is fatal in Rust ("exception not rethrown").
        """
        self._inside.acquire(timeout=INSIDE_S)  # and never released

    def run_leg(self, leg: Leg) -> None:
        """Perform one case's leg as one flow run. Raises as `ports.Dispatcher.run_leg`."""
        self._call(lambda: _run_leg(leg))

    def run_batch(self, legs: Sequence[Leg]) -> None:
        """Perform the legs of many cases as one flow run. Raises as `run_leg`."""
        owed = [entry for leg in legs for entry in leg.as_json()["owed"]]
        self._call(lambda: _run_batch(owed))

    def _boot(self) -> None:
        try:
            environment.prepare(self._ws.state)
            with self._inside:
                # Both are imported now, so that the first leg need not wait for Prefect.
                from flows import run_batch, run_leg  # noqa: F401
                from flows.client import PrefectServer
            api_url = self._find_server()
            with self._inside:
                self._server = (api_url, PrefectServer(api_url))
            self._not_before = None
        except SmrError as problem:
            log.warning("Prefect cannot be used: %s", problem)
            self._not_before = self._ws.clock.now() + BOOT_AGAIN
        except Exception:  # whatever keeps Prefect away, cases go on without it
            log.exception("Prefect cannot be used")
            self._not_before = self._ws.clock.now() + BOOT_AGAIN

    def _call(self, start: Callable[[], None]) -> None:
        found = self._server
        if found is None or not self._answers(found[0]):
            self._server = None
            self.prepare()
            raise DispatchUnavailableError("it is not ready")
        touch_server(self._ws.state)
        from prefect.exceptions import PrefectSignal

        try:
            with found[1].connected():
                start()
        except (Exception, PrefectSignal) as problem:
            # Prefect itself failed: what was performed has reported; the rest is still owed.
            raise DispatchUnavailableError(type(problem).__name__) from problem


def _run_leg(leg: Leg) -> None:
    from flows import run_leg

    run_leg.start(leg.as_json(), leg.name, list(leg.tags))


def _run_batch(owed: list[dict[str, Any]]) -> None:
    from flows import run_batch

    run_batch.start(owed)
