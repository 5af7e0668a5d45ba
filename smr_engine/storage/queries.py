"""Listings over the projected columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    RowMapping,
    Select,
    TextClause,
    exists,
    func,
    or_,
    select,
    text,
)

from smr_engine.engine.statuses import (
    LIVE_EFFECTS,
    CaseStatus,
    ClockStatus,
    EffectKind,
    EffectStatus,
    ItemKind,
    ItemStatus,
)
from smr_engine.services.projection import CASE_STREAM
from smr_engine.services.stored import (
    CaseRow,
    ClockRow,
    DecidedFilter,
    DecidedRow,
    EffectRow,
    ItemRow,
    Measures,
    SeverityRow,
    TimerRow,
)
from smr_engine.storage import counting
from smr_engine.storage.tables import (
    DECIDED,
    LIVE,
    OPENED_BY_A_CASE,
    cases,
    clocks,
    effects,
    events,
    item_people,
    items,
    leases,
    timers,
)
from smr_engine.storage.transaction import Transaction

_CASE_COLUMNS = [c for c in cases.c if c.name not in {"header", "root", "events", "head"}]


class SqlQueries:
    """Listings in one unit of work (implements `services.storing.Queries`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def cases(
        self,
        *,
        status: CaseStatus | None = None,
        playbook: str = "",
        without: Collection[str] = (),
        words: str = "",
        after: str = "",
        limit: int | None = None,
        among: Collection[str] | None = None,
    ) -> Sequence[CaseRow]:
        """Return cases, newest first; see the port."""
        asked = select(*_CASE_COLUMNS).order_by(cases.c.opened_at.desc(), cases.c.ref.desc())
        if status is not None:
            asked = asked.where(cases.c.status == str(status))
        if playbook:
            asked = asked.where(cases.c.playbook == playbook)
        if among is not None:
            asked = asked.where(cases.c.ref.in_(among))
        if without:
            asked = asked.where(cases.c.digest.not_in(without))
        if words:
            titled = func.lower(cases.c.title).contains(words.lower(), autoescape=True)
            exactly = cases.c.title.contains(words, autoescape=True)  # whatever the locale knows
            named = cases.c.ref.startswith(words.upper(), autoescape=True)
            asked = asked.where(or_(titled, exactly, named))
        if after:
            last = select(cases.c.opened_at).where(cases.c.ref == after).scalar_subquery()
            same_instant = (cases.c.opened_at == last) & (cases.c.ref < after)
            asked = asked.where(or_(cases.c.opened_at < last, same_instant))
        return [_case_row(row) for row in self._mappings(asked.limit(limit))]

    def severities(self, without: Collection[str] = ()) -> Sequence[SeverityRow]:
        """Return how many cases are open, exercises and severities apart; see the port."""
        grouped = (cases.c.digest, cases.c.drill, cases.c.severity)
        asked = select(*grouped, func.count()).where(text(f"cases.{LIVE}"))
        if without:
            asked = asked.where(cases.c.digest.not_in(without))
        return [SeverityRow(*row) for row in self._rows(asked.group_by(*grouped))]

    def live(self, order: Sequence[SeverityRow], offset: int, limit: int) -> Sequence[CaseRow]:
        """Return some of the cases that are not over, by severity; see the port."""
        found: list[CaseRow] = []
        for group in order:
            if offset >= group.cases:
                offset -= group.cases
                continue
            severity = cases.c.severity
            asked = (
                select(*_CASE_COLUMNS)
                .where(text(f"cases.{LIVE}"), cases.c.digest == group.digest)
                .where(cases.c.drill == group.drill)
                .where(severity.is_(None) if group.severity is None else severity == group.severity)
                .order_by(cases.c.opened_at.desc(), cases.c.ref.desc())
                .offset(offset)
                .limit(limit - len(found))
            )
            found += [_case_row(row) for row in self._mappings(asked)]
            offset = 0
            if len(found) == limit:
                break
        return found

    def case(self, ref: str) -> CaseRow | None:
        """Return one case's row; see the port."""
        found = self._mappings(select(*_CASE_COLUMNS).where(cases.c.ref == ref))
        return _case_row(found[0]) if found else None

    def children(self, ref: str) -> Sequence[str]:
        """Return all cases under a case; see the port."""
        children = select(cases.c.ref).where(text(f"cases.{OPENED_BY_A_CASE}"))
        under = children.where(cases.c.parent == ref).cte("under", recursive=True)
        deeper = children.join(under, cases.c.parent == under.c.ref)
        tree = under.union(deeper)
        asked = select(tree.c.ref).join(cases, cases.c.ref == tree.c.ref)
        return [row.ref for row in self._rows(asked.order_by(cases.c.opened_at, cases.c.ref))]

    def items(
        self,
        *,
        case: str = "",
        status: ItemStatus | None = None,
        ids: Sequence[str] | None = None,
        among: Sequence[str] | None = None,
    ) -> Sequence[ItemRow]:
        """Return items; see the port."""
        asked = _by_due(select(items))
        if case:
            asked = asked.where(items.c.case_ref == case)
        if status is not None:
            asked = asked.where(items.c.status == str(status))
        if ids is not None:
            asked = asked.where(items.c.id.in_(ids))
        if among is not None:
            asked = asked.where(items.c.case_ref.in_(among))
        return [_item_row(row) for row in self._mappings(asked)]

    def inbox(self, person: str, limit: int | None = None) -> Sequence[ItemRow]:
        """Return the open items a person may act on; see the port."""
        mine = select(items).join(item_people, item_people.c.item == items.c.id)
        asked = _by_due(mine.where(item_people.c.person == person)).limit(limit)
        return [_item_row(row) for row in self._mappings(asked)]

    def effects(self, *, case: str = "", live: bool = False) -> Sequence[EffectRow]:
        """Return effects, oldest first; see the port."""
        leased = (leases.c.kind == "effect") & (leases.c.id == effects.c.id)
        asked = select(effects, leases.c.expires_at).outerjoin(leases, leased)
        if case:
            asked = asked.where(effects.c.case_ref == case)
        if live:
            asked = asked.where(effects.c.status.in_(sorted(LIVE_EFFECTS)))
        ordered = asked.order_by(effects.c.owed_at, effects.c.id)
        return [_effect_row(row) for row in self._mappings(ordered)]

    def decided(self, which: DecidedFilter, limit: int) -> Sequence[DecidedRow]:
        """Return cases in which people decided; see the port."""
        last = func.max(events.c.at).label("last_at")
        said = (
            select(events.c.stream, func.count().label("decisions"), last)
            .where(*_decisions(which))
            .group_by(events.c.stream)
            .subquery()
        )
        asked = (
            select(*_CASE_COLUMNS, said.c.decisions, said.c.last_at)
            .join(said, cases.c.ref == func.substr(said.c.stream, len(CASE_STREAM) + 1))
            .order_by(said.c.last_at.desc(), cases.c.ref)
            .limit(limit)
        )
        if which.without:
            asked = asked.where(cases.c.digest.not_in(which.without))
        if which.words:
            named = (
                c.icontains(which.words, autoescape=True) for c in (cases.c.ref, cases.c.title)
            )
            asked = asked.where(or_(*named))
        return [_decided_row(dict(row)) for row in self._mappings(asked)]

    def running_clocks(self, among: Sequence[str] | None = None) -> Sequence[ClockRow]:
        """Return the clocks that run in cases that are not over; see the port."""
        asked = (
            select(clocks, cases.c.digest)
            .join(cases, cases.c.ref == clocks.c.case_ref)
            .where(
                clocks.c.status == str(ClockStatus.RUNNING), cases.c.status.in_(counting.LIVE_CASES)
            )
            .order_by(clocks.c.due_at, clocks.c.case_ref, clocks.c.clock)
        )
        if among is not None:
            asked = asked.where(clocks.c.case_ref.in_(among))
        return [
            ClockRow(
                r.case_ref, r.digest, r.clock, r.title, ClockStatus(r.status), r.due_at, r.met_at
            )
            for r in self._rows(asked)
        ]

    def timers(self, *, case: str = "") -> Sequence[TimerRow]:
        """Return pending timers; see the port."""
        asked = select(timers).order_by(timers.c.at, timers.c.id)
        if case:
            asked = asked.where(timers.c.case_ref == case)
        return [
            TimerRow(r.id, r.case_ref, r.scope, r.at, r.purpose, r.item) for r in self._rows(asked)
        ]

    def counts(self, without: Collection[str] = ()) -> Mapping[str, int]:
        """Return how much there is; see the port."""
        return counting.counts(self._transaction.connection, without)

    def measures(self, now: datetime) -> Measures:
        """Return what is watched; see the port."""
        return counting.measures(self._transaction.connection, now)

    def _rows(self, asked: Select[Any]) -> Sequence[Row[Any]]:
        return self._transaction.connection.execute(asked).all()

    def _mappings(self, asked: Select[Any]) -> Sequence[RowMapping]:
        return self._transaction.connection.execute(asked).mappings().all()


def _by_due(asked: Select[Any]) -> Select[Any]:
    return asked.order_by(items.c.due_at.asc().nulls_last(), items.c.opened_at, items.c.id)


def _decisions(which: DecidedFilter) -> Iterator[ColumnElement[bool] | TextClause]:
    """Yield what events must be like that record what people decided."""
    column = events.c
    yield text(DECIDED)
    if which.person:
        yield or_(column.actor == which.person, column.on_behalf_of == which.person)
    if which.since:
        yield column.at >= which.since
    if which.until:
        yield column.at < which.until
    if which.document:
        revised = events.alias()
        yield (
            exists()
            .where(revised.c.stream == column.stream)
            .where(revised.c.document.icontains(which.document, autoescape=True))
        )


def _decided_row(row: dict[str, Any]) -> DecidedRow:
    decisions, last_at = row.pop("decisions"), row.pop("last_at")
    return DecidedRow(_case_row(row), decisions, last_at)


def _case_row(row: RowMapping | dict[str, Any]) -> CaseRow:
    found: dict[str, Any] = {**row}
    version = found.pop("playbook_version")
    return CaseRow(**{**found, "version": version, "status": CaseStatus(row["status"])})


def _item_row(row: RowMapping) -> ItemRow:
    found: dict[str, Any] = {**row}
    found["case"] = found.pop("case_ref")
    found["kind"], found["status"] = ItemKind(row["kind"]), ItemStatus(row["status"])
    for name in ("offered", "escalated"):
        found[name] = tuple(msgspec.json.decode(found[name]))
    return ItemRow(**found)


def _effect_row(row: RowMapping) -> EffectRow:
    found: dict[str, Any] = {**row}
    for operational in ("due_at", "retry_attempts", "backoff_s", "timeout_s"):
        del found[operational]
    found["case"] = found.pop("case_ref")
    found["kind"], found["status"] = EffectKind(row["kind"]), EffectStatus(row["status"])
    leased_until = found.pop("expires_at")
    return EffectRow(leased_until=leased_until, **found)
