"""Whether the house works: conductor, Prefect, database, mail; and how much there is to do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine import policy
from smr_engine.errors import Refusal
from smr_engine.services import directory, doctor
from smr_engine.services.access import Sight
from smr_engine.services.doctor import Probe
from smr_engine.services.stored import EventFilter
from smr_engine.services.views import Finding
from smr_engine.services.workspace import Workspace

PATIENCE_S = 2.0
"""How long somebody who looks waits for another system, in seconds."""
ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class SystemView:
    """How the house is.

    Args:
        conductors: how many are at work.
        worked_at: when one last did something; None: not in the newest part of the log.
        findings: of the doctor, what is wrong first.
        counts: how much there is, by name.
    """

    conductors: int
    worked_at: datetime | None
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]


def look(ws: Workspace, person: str, prefect: Probe) -> SystemView:
    """Return how everything is; another system that does not answer keeps nobody waiting.

    Args:
        ws: the workspace.
        person: who looks: somebody who steers cases.
        prefect: looks at the Prefect server.

    Raises:
        Refusal: `may-not-see-system`.
    """
    with ws.storage.reading() as unit:
        verdict = policy.steers(directory.world(ws, unit), person)
    if not verdict.may:
        message = "The state of the system is for operators and administrators"
        raise Refusal("may-not-see-system", message)
    waiting = _Waiting(prefect)
    found = doctor.examine(ws, waiting.finding, person=person)
    with ws.storage.reading() as unit:
        counts = unit.queries.counts(Sight(ws, unit, person).hidden)
        latest = unit.events.select(EventFilter(actor=ENGINE, newest_first=True), 1)
    return SystemView(
        ws.waker.listeners(),
        latest[0].at if latest else None,
        tuple(sorted(found, key=lambda finding: finding.ok)),
        counts,
    )


class _Waiting:
    """A probe that began at once, in a thread; nobody waits for it for long."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._look, name="probe", daemon=True)
        self._thread.start()

    def finding(self) -> Finding:
        """Return what was found, or that nothing was found in time."""
        self._thread.join(PATIENCE_S)
        if self._found:
            return self._found[0]
        message = f"it could not be looked at within {PATIENCE_S:.0f} s"
        return Finding("prefect", False, message, "smr doctor waits longer")

    def _look(self) -> None:
        self._found.append(self._probe())
