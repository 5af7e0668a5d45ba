"""How much there is: counts over the projected columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, literal, select

from smr_engine.engine.statuses import CaseStatus, ItemStatus
from smr_engine.services.projection import CASE_STREAM
from smr_engine.services.stored import Measures
from smr_engine.storage.tables import cases, effects, events, items, timers

LIVE_CASES = (CaseStatus.OPEN, CaseStatus.HELD)


def counts(connection: Connection, without: Collection[str]) -> Mapping[str, int]:
    """Return how much there is; see `services.storing_lists.Queries`."""
    seen = _Seen(without)
    counted = {
        "events": seen.of(events, literal(CASE_STREAM) + cases.c.ref, events.c.stream),
        "cases": seen.of(cases, cases.c.ref, cases.c.ref),
        "open_cases": seen.of(cases, cases.c.ref, cases.c.ref).where(
            cases.c.status.in_(LIVE_CASES)
        ),
        "open_items": seen.of(items, cases.c.ref, items.c.case_ref).where(
            items.c.status == ItemStatus.OPEN
        ),
        "timers": seen.of(timers, cases.c.ref, timers.c.case_ref),
        "effects_owed": seen.of(effects, cases.c.ref, effects.c.case_ref).where(
            effects.c.due_at.is_not(None)
        ),
    }
    asked = select(*(c.scalar_subquery().label(name) for name, c in counted.items()))
    return dict(connection.execute(asked).mappings().one())


class _Seen:
    """Counts rows, less those of cases opened from some playbook versions."""

    def __init__(self, without: Collection[str]) -> None:
        self._without = without

    def of(
        self, table: Table, name: ColumnElement[str], column: ColumnElement[str]
    ) -> Select[tuple[int]]:
        counted = select(func.count()).select_from(table)
        if not self._without:
            return counted
        if table is cases:
            return counted.where(cases.c.digest.not_in(self._without))
        return counted.where(column.not_in(select(name).where(cases.c.digest.in_(self._without))))


def measures(connection: Connection, now: datetime) -> Measures:
    """Return what is watched; see `services.storing_lists.Queries`."""
    by_status = select(cases.c.status, func.count()).group_by(cases.c.status)
    late = effects.c.due_at <= now
    counted: dict[str, Select[Any]] = {
        "open_items": select(func.count()).where(items.c.status == ItemStatus.OPEN),
        "effects_owed": select(func.count()).where(effects.c.due_at.is_not(None)),
        "oldest_owed_at": select(func.min(effects.c.owed_at)).where(late),
        "timers_overdue": select(func.count()).where(timers.c.at <= now),
    }
    asked = select(*(c.scalar_subquery().label(name) for name, c in counted.items()))
    found = connection.execute(asked).mappings().one()
    cases_by_status = {row[0]: row[1] for row in connection.execute(by_status)}
    return Measures(cases_by_status=cases_by_status, **found)
