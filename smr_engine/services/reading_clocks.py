"""Clocks as doors show them: those of one case, those of a list, those in an inbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache

from smr_engine.engine import policy
from smr_engine.engine.policy import Verdict
from smr_engine.engine.state import Case
from smr_engine.engine.statuses import CLOSED_CASES, ClockStatus
from smr_engine.playbook.model import Playbook
from smr_engine.services.reading_verdicts import NOBODY, Reader
from smr_engine.services.stored import ClockRow
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import ClockView, ItemRow

Pinned = Callable[[str], Playbook]

OPEN = "open"
"""The status of a clock that still ran when its case closed: it was not met."""
CLOCK = "clock"
"""The kind of an inbox row that is a clock."""


def clocks_of(case: Case, playbook: Playbook, now: datetime) -> list[ClockView]:
    """Return all clocks of a case's playbook; one that has no instant yet is waiting."""
    found = []
    closed = case.header.status in CLOSED_CASES
    for clock in playbook.clocks:
        state = case.header.clocks.get(clock.id)
        if state is None:
            found.append(ClockView(clock.id, clock.title, ClockStatus.WAITING.value))
            continue
        runs = state.status is ClockStatus.RUNNING
        status = OPEN if runs and closed else state.status.value
        overdue = runs and _is_past(state.due_at, now)
        found.append(ClockView(clock.id, state.title, status, state.due_at, state.met_at, overdue))
    return found


def running(
    unit: UnitOfWork, now: datetime, among: Sequence[str] | None = None
) -> dict[str, list[ClockView]]:
    """Return the clocks that run (in some cases), by case, what is due first."""
    found: dict[str, list[ClockView]] = {}
    for row in unit.queries.running_clocks(among):
        found.setdefault(row.case, []).append(_view(row, now))
    return found


def inbox_rows(
    reader: Reader, rows: Iterable[ClockRow], pinned: Pinned, *, everybody: bool
) -> Iterator[ItemRow]:
    """Yield running clocks as rows of an inbox: for those who may say that they are met, or all.

    Args:
        reader: whose inbox.
        rows: the clocks.
        pinned: gives the playbook with a digest.
        everybody: all that the reader may know of.
    """

    @cache
    def standing(digest: str) -> tuple[Verdict, bool]:
        if reader.person is None:
            return NOBODY, True
        world, person, now, playbook = reader.world, reader.person, reader.now, pinned(digest)
        owns = policy.owns(world, playbook, person, now)
        return owns, policy.may_see(world, playbook, person, now).may

    for row in rows:
        verdict, sees = standing(row.digest)
        if sees if everybody else verdict.may:
            yield ItemRow(
                item=f"{row.case}:{row.clock}",
                case=row.case,
                step=row.clock,
                kind=CLOCK,
                title=row.title,
                due=row.due_at,
                overdue=_is_past(row.due_at, reader.now),
                may=verdict.may,
                why_not=verdict.why_not,
                status=row.status.value,
            )


def _view(row: ClockRow, now: datetime) -> ClockView:
    overdue = _is_past(row.due_at, now)
    return ClockView(row.clock, row.title, row.status.value, row.due_at, row.met_at, overdue)


def _is_past(due: datetime | None, now: datetime) -> bool:
    return due is not None and due < now
