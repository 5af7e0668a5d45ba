"""Leases on effects and timers, and the instant at which the next can be had.

Whoever claims locks the effect's (timer's) row, passing over those that others have locked, and
then writes the lease; whoever reports locks the same row before reading the lease. So nobody can
claim between a report's check and its commit, and no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy import case as sql_case

from smr_engine.engine.statuses import EffectKind, EffectStatus
from smr_engine.services.stored import Claim, ClaimedEffect, ClaimedTimer
from smr_engine.services.storing import LeaseKind
from smr_engine.storage.instant import Instant
from smr_engine.storage.tables import cases, effects, leases, timers
from smr_engine.storage.transaction import Transaction

_OF_CASE = (cases.c.playbook, cases.c.severity, cases.c.drill)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY = ""
"""The owner of a lease that was given back: it cannot be renewed, and nobody is at work on it."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table whose rows can be leased, and the column that says from when on."""

    name: LeaseKind
    table: Table
    due: ColumnElement[datetime]

    @property
    def leased(self) -> ColumnElement[bool]:
        """Return the condition that joins a row to its lease."""
        return and_(leases.c.kind == self.name, leases.c.id == self.table.c.id)


_EFFECT = _Kind("effect", effects, effects.c.due_at)
_TIMER = _Kind("timer", timers, timers.c.at)
_KINDS: dict[LeaseKind, _Kind] = {"effect": _EFFECT, "timer": _TIMER}

# Written down once: every report of an outcome asks both.
_LOCKED: Final = {
    name: select(kind.table.c.id).where(kind.table.c.id == bindparam("of")).with_for_update()
    for name, kind in _KINDS.items()
}
_LEASE: Final = {
    name: select(leases.c.epoch, leases.c.owner, leases.c.expires_at).where(
        leases.c.kind == name, leases.c.id == bindparam("of")
    )
    for name in _KINDS
}


@dataclass(frozen=True, slots=True)
class _Taker:
    """Who claims, at what instant and until when."""

    owner: str
    now: datetime
    until: datetime


class SqlClaims:
    """Leases in one unit of work (implements `services.storing.Claims`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def effects(
        self, owner: str, now: datetime, lease: timedelta, limit: int, case: str = ""
    ) -> Sequence[ClaimedEffect]:
        """Claim effects that are due; see the port."""
        asked = _EFFECTS_OF_CASE if case else _EFFECTS
        taken = self._take(_EFFECT, asked, _Taker(owner, now, now + lease), of=case, limit=limit)
        return [_claimed_effect(row, epoch) for row, epoch in taken]

    def timers(
        self, owner: str, now: datetime, lease: timedelta, limit: int, case: str = ""
    ) -> Sequence[ClaimedTimer]:
        """Claim timers that are due; see the port."""
        asked = _TIMERS_OF_CASE if case else _TIMERS
        taken = self._take(_TIMER, asked, _Taker(owner, now, now + lease), of=case, limit=limit)
        return [ClaimedTimer(r.id, r.case_ref, epoch, r.at, r.purpose) for r, epoch in taken]

    def claim(self, effect: str, owner: str, now: datetime, lease: timedelta) -> Claim | None:
        """Claim one effect; see the port."""
        taken = self._take(_EFFECT, _ONE_EFFECT, _Taker(owner, now, now + lease), of=effect)
        return next((Claim(row.id, row.case_ref, epoch) for row, epoch in taken), None)

    def renew(self, kind: LeaseKind, claims: Sequence[Claim], until: datetime) -> Sequence[str]:
        """Extend leases that are still held; see the port."""
        changed = self._change(kind, claims, {"expires_at": until})
        return [row.id for row in changed]

    def take_over(
        self, kind: LeaseKind, claims: Sequence[Claim], owner: str, until: datetime
    ) -> Sequence[Claim]:
        """Hand leases to another owner; see the port."""
        values = {"owner": owner, "epoch": leases.c.epoch + 1, "expires_at": until}
        epochs = {row.id: row.epoch for row in self._change(kind, claims, values)}
        return [Claim(c.id, c.case, epochs[c.id]) for c in claims if c.id in epochs]

    def release(
        self, kind: LeaseKind, claims: Sequence[Claim], free_at: datetime | None = None
    ) -> None:
        """Give leases back; see the port. The rows stay, so that epochs never start again."""
        self._change(kind, claims, {"expires_at": free_at or _LONG_AGO, "owner": NOBODY})

    def in_time(self, kind: LeaseKind, claim: Claim, now: datetime) -> bool:
        """Return whether nobody else may claim it; see the port."""
        row = self._transaction.connection.execute(_LEASE[kind], {"of": claim.id}).one_or_none()
        if row is None or row.epoch != claim.epoch or row.owner == NOBODY:
            return False
        return bool(row.expires_at > now)

    def held(self, kind: LeaseKind, claim: Claim) -> bool:
        """Return whether the lease is still held; see the port."""
        self._transaction.require_writing()
        connection, of = self._transaction.connection, {"of": claim.id}
        connection.execute(_LOCKED[kind], of)
        return bool(connection.execute(_LEASE[kind], of).scalar() == claim.epoch)

    def _take(
        self, kind: _Kind, asked: Select[Any], taker: _Taker, *, of: str, limit: int = 1
    ) -> list[tuple[Row[Any], int]]:
        """Lease the rows asked for; return those that were got, with their epochs.

        A lease that somebody wrote since the rows were read is not taken over: the condition of
        the upsert is checked on its newest state.
        """
        self._transaction.require_writing()
        connection = self._transaction.connection
        which = {"now": taker.now, "of": of, "limit": limit}
        rows = list(connection.execute(asked, which))
        if not rows:
            return []
        statement = self._transaction.dialect.insert(leases)
        upsert = statement.on_conflict_do_update(
            index_elements=["kind", "id"],
            set_={
                "owner": statement.excluded.owner,
                "epoch": leases.c.epoch + 1,
                "expires_at": statement.excluded.expires_at,
            },
            where=leases.c.expires_at <= taker.now,
        ).returning(leases.c.id, leases.c.epoch)
        lease = {"kind": kind.name, "owner": taker.owner, "epoch": 1, "expires_at": taker.until}
        got = connection.execute(upsert, [{**lease, "id": i} for i in sorted(r.id for r in rows)])
        epochs = {row.id: row.epoch for row in got}
        return [(row, epochs[row.id]) for row in rows if row.id in epochs]

    def _change(
        self, kind: LeaseKind, claims: Sequence[Claim], values: Mapping[str, Any]
    ) -> list[Row[Any]]:
        self._transaction.require_writing()
        if not claims:
            return []
        mine = tuple_(leases.c.id, leases.c.epoch).in_(sorted((c.id, c.epoch) for c in claims))
        statement = (
            leases.update()
            .where(leases.c.kind == kind, mine, leases.c.owner != NOBODY)
            .values(values)
            .returning(leases.c.id, leases.c.epoch)
        )
        return list(self._transaction.connection.execute(statement))


class SqlDue:
    """When the conductor has to be awake (implements `services.storing.Due`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def next_instant(self) -> datetime | None:
        """Return the earliest instant at which something may be claimed; see the port."""
        return self._transaction.connection.execute(_NEXT_INSTANT).scalar()

    def in_hand(self, now: datetime) -> bool:
        """Return whether somebody is at work on something that is due; see the port."""
        return bool(self._transaction.connection.execute(_IN_HAND, {"now": now}).scalar())


def _first(kind: _Kind) -> Select[Any]:
    """The earliest row without a lease: read off an index, over the few leased ones."""
    return (
        select(kind.due.label("instant"))
        .outerjoin(leases, kind.leased)
        .where(kind.due.is_not(None), leases.c.id.is_(None))
        .order_by(kind.due)
        .limit(1)
    )


def _first_leased(kind: _Kind) -> Select[Any]:
    """The earliest end of a lease, or the instant itself if it is later (given back, put off)."""
    until = sql_case((leases.c.expires_at > kind.due, leases.c.expires_at), else_=kind.due)
    return (
        select(until.label("instant"))
        .join_from(leases, kind.table, kind.leased)
        .where(kind.due.is_not(None))
        .order_by(until)
        .limit(1)
    )


def _next_instant() -> Select[Any]:
    parts = [part for kind in _KINDS.values() for part in (_first(kind), _first_leased(kind))]
    instants = union_all(*(select(part.subquery().c.instant) for part in parts)).subquery()
    return select(func.min(instants.c.instant))


def _in_hand() -> Select[Any]:
    now = bindparam("now", type_=Instant)
    at_work = and_(leases.c.owner != NOBODY, leases.c.expires_at > now)
    parts = [
        select(leases.c.id).join(kind.table, kind.leased).where(kind.due <= now, at_work).exists()
        for kind in _KINDS.values()
    ]
    return select(or_(*parts))


_NEXT_INSTANT: Final = _next_instant()
_IN_HAND: Final = _in_hand()


def _free(kind: _Kind, *more: ColumnElement[bool]) -> Select[Any]:
    """What can be had `now`, in the order it is due, passing over what others have locked."""
    now = bindparam("now", type_=kind.due.type)
    return (
        select(kind.table)
        .outerjoin(leases, kind.leased)
        .where(kind.due <= now, or_(leases.c.id.is_(None), leases.c.expires_at <= now), *more)
        .order_by(kind.due, kind.table.c.id)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True, of=kind.table)
    )


def _free_effects(*more: ColumnElement[bool]) -> Select[Any]:
    """Effects that can be had `now`, publications first."""
    rank = sql_case((effects.c.kind == EffectKind.PUBLICATION, 0), else_=1)
    order = (rank, effects.c.due_at, effects.c.id)
    asked = _free(_EFFECT, *more).order_by(None).order_by(*order)
    return asked.join(cases, cases.c.ref == effects.c.case_ref).add_columns(*_OF_CASE)


# Written down once: building a statement takes SQLAlchemy longer than SQLite takes to run it.
_EFFECTS: Final = _free_effects()
_EFFECTS_OF_CASE: Final = _free_effects(effects.c.case_ref == bindparam("of"))
_ONE_EFFECT: Final = _free_effects(effects.c.id == bindparam("of"))
_TIMERS: Final = _free(_TIMER)
_TIMERS_OF_CASE: Final = _free(_TIMER, timers.c.case_ref == bindparam("of"))


def _claimed_effect(row: Row[Any], epoch: int) -> ClaimedEffect:
    return ClaimedEffect(
        id=row.id,
        case=row.case_ref,
        epoch=epoch,
        kind=EffectKind(row.kind),
        name=row.name,
        status=EffectStatus(row.status),
        leg=row.leg,
        after=row.after,
        attempts=row.attempts,
        owed_at=row.owed_at,
        retry_attempts=row.retry_attempts,
        backoff_s=row.backoff_s,
        timeout_s=row.timeout_s,
        playbook=row.playbook,
        severity=row.severity or "",
        drill=row.drill,
    )
