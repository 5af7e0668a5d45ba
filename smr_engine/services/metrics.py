"""Figures for those who watch that it works: how much there is, and how late it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine.statuses import CaseStatus
from smr_engine.services.access import Sight, require_auditing
from smr_engine.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is, restricted cases included: counts, and ages in seconds.

    Args:
        cases: how many, by status.
        open_items: what waits for people.
        effects_owed: what waits to be performed.
        oldest_owed_s: for how long the oldest effect whose time has come has been owed.
        timers_overdue: how many timers are due and have not fired.
        conductor_lag_s: how late the earliest timer or effect is that nobody has in hand.
    """

    cases: Mapping[str, int]
    open_items: int
    effects_owed: int
    oldest_owed_s: float
    timers_overdue: int
    conductor_lag_s: float


def figures(ws: Workspace, person: str | None) -> Figures:
    """Return the figures as of now, to auditors and administrators; None is the machine itself.

    Raises:
        Refusal: `may-not-audit`.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        require_auditing(Sight(ws, unit, person))
        found = unit.queries.measures(now)
        earliest = unit.due.next_instant()
    return Figures(
        cases={status.value: found.cases_by_status.get(status.value, 0) for status in CaseStatus},
        open_items=found.open_items,
        effects_owed=found.effects_owed,
        oldest_owed_s=_age(found.oldest_owed_at, now),
        timers_overdue=found.timers_overdue,
        conductor_lag_s=_age(earliest, now),
    )


def require_database(ws: Workspace) -> None:
    """Ask the database something; raises what it says if it does not answer."""
    with ws.storage.reading() as unit:
        unit.directory.version()


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
