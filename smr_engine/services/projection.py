"""The rows that a case and its events give: the same functions for writing and for verifying.

A row maps column names to None, bool, int, str, bytes or an aware datetime. The state of a case is
kept whole in three kinds of text (header, root, other scopes); items, effects and timers have rows
of their own besides, for listings and for the conductor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from smr_engine.audit.leaf import Leaf
from smr_engine.engine.state import Case, CaseHeader, ClockState, Effect, Item, Scope, Timer
from smr_engine.engine.statuses import EffectStatus, ItemStatus
from smr_engine.services.state_codec import encode_state

Row = dict[str, Any]
Operation = Literal["insert", "update", "delete"]
_Part = TypeVar("_Part", Item, Effect, Timer)

CASE_STREAM = "case:"
CLAIMABLE = frozenset({EffectStatus.OWED, EffectStatus.SENDING})


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream ends: version and leaf hash of its last event."""

    version: int
    leaf_hash: bytes


@dataclass(slots=True)
class Changes:
    """Rows to insert and update (by their keys), and keys of rows to delete, per table."""

    rows: dict[tuple[str, Operation], list[Row]] = field(default_factory=dict)

    def add(self, table: str, operation: Operation, rows: Iterable[Row]) -> None:
        """Add rows; none is no change."""
        found = list(rows)
        if found:
            self.rows.setdefault((table, operation), []).extend(found)

    def of(self, table: str, *operations: Operation) -> Iterator[Row]:
        """Yield a table's rows of these operations."""
        for operation in operations:
            yield from self.rows.get((table, operation), ())

    @property
    def owes(self) -> bool:
        """Whether a timer is set, or an effect may (again) be claimed from some instant on."""
        effects = self.of("effects", "insert", "update")
        return any(True for _ in self.of("timers", "insert", "update")) or any(
            row["due_at"] is not None for row in effects
        )


def stream_of(ref: str) -> str:
    """Return the name of a case's stream."""
    return f"{CASE_STREAM}{ref}"


def event_row(leaf: Leaf) -> Row:
    """Return the columns of an event that repeat what its leaf says."""
    return {
        "seq": leaf.seq,
        "stream": leaf.stream,
        "version": leaf.version,
        "at": datetime.fromisoformat(leaf.at),
        "kind": leaf.kind,
        "actor": leaf.actor,
        "on_behalf_of": leaf.on_behalf_of,
        "roles": " ".join(leaf.roles),
        "assurance": leaf.assurance,
        "door": leaf.door,
        "path": leaf.path,
        "item": leaf.facts.get("item") or None,
        "document": leaf.facts.get("document") or None,
        "command_key": leaf.key or None,
    }


def rows_of(case: Case, head: Head) -> dict[str, list[Row]]:
    """Return every row of a wholly loaded case, by table."""
    changes = difference(None, case, head)
    tables = ("cases", "scopes", "items", "item_people", "timers", "clocks", "effects")
    return {table: list(changes.of(table, "insert")) for table in tables}


def difference(before: Case | None, after: Case, head: Head) -> Changes:
    """Return what has to be written when a case has changed.

    Args:
        before: the case as stored, as far as it was loaded; None for a new one.
        after: the case with new events folded in.
        head: the end of its stream, new events included.
    """
    changes = Changes()
    old = before.scopes if before else {}
    changes.add("cases", "update" if before else "insert", [_case_row(before, after, head)])
    _add_clocks(changes, after.header.ref, before.header.clocks if before else {}, after.header)
    for path, scope in after.scopes.items():
        if scope is not old.get(path):
            _add_scope(changes, after.header.ref, old.get(path), scope)
    return changes


def _case_row(before: Case | None, after: Case, head: Head) -> Row:
    header = after.header
    row: Row = {
        "ref": header.ref,
        "playbook": header.playbook,
        "playbook_version": header.version,
        "digest": header.digest,
        "title": header.title,
        "severity": header.severity,
        "status": str(header.status),
        "outcome": header.outcome,
        "requester": header.requester,
        "drill": header.drill,
        "parent": header.parent,
        "opened_at": header.opened_at,
        "closed_at": header.closed_at,
        "events": head.version,
        "head": head.leaf_hash,
        "header": encode_state(header),
    }
    root = after.scopes[""]
    if before is None or root is not before.scopes[""]:
        row["root"] = encode_state(root)
    return row


def _add_clocks(
    changes: Changes, ref: str, old: Mapping[str, ClockState], header: CaseHeader
) -> None:
    """Add the clocks that are new or changed; a clock that has started is never gone."""
    for name, state in header.clocks.items():
        if state != old.get(name):
            row = {
                "case_ref": ref,
                "clock": name,
                "title": state.title,
                "status": str(state.status),
                "due_at": state.due_at,
                "met_at": state.met_at,
            }
            changes.add("clocks", "update" if name in old else "insert", [row])


def _add_scope(changes: Changes, ref: str, old: Scope | None, new: Scope) -> None:
    if new.path:
        state = {"case_ref": ref, "path": new.path, "state": encode_state(new)}
        changes.add("scopes", "update" if old else "insert", [state])
    place = _Place(ref, new.path)
    _add_parts(changes, "items", (old.items if old else {}, new.items), place.item)
    _add_parts(changes, "effects", (old.effects if old else {}, new.effects), place.effect)
    _add_parts(changes, "timers", (old.timers if old else {}, new.timers), place.timer)
    _add_people(changes, old.items if old else {}, new.items)
    _drop_leases(changes, old, new)


def _add_parts(
    changes: Changes,
    table: str,
    parts: tuple[Mapping[str, _Part], Mapping[str, _Part]],
    row: Callable[[_Part], Row],
) -> None:
    """Add the rows of the parts that are new, changed or gone."""
    old, new = parts
    moved = [(old.get(name), part) for name, part in new.items() if part is not old.get(name)]
    changes.add(table, "insert", [row(part) for was, part in moved if was is None])
    both = [(row(was), row(part)) for was, part in moved if was is not None]
    changes.add(table, "update", [now for was, now in both if was != now])
    changes.add(table, "delete", [{"id": name} for name in old if name not in new])


def _add_people(changes: Changes, old: Mapping[str, Item], new: Mapping[str, Item]) -> None:
    """Add whose inbox an open item lies in."""
    for name in {**old, **new}:
        was, now = old.get(name), new.get(name)
        if was is not now:
            before, after = _people(was), _people(now)
            gone = [p for p in before if p not in after]
            come = [p for p in after if p not in before]
            changes.add("item_people", "delete", [{"item": name, "person": p} for p in gone])
            changes.add("item_people", "insert", [{"item": name, "person": p} for p in come])


def _people(item: Item | None) -> tuple[str, ...]:
    if item is None or item.status is not ItemStatus.OPEN:
        return ()
    return tuple(dict.fromkeys((*item.offered, *item.escalated)))


def _drop_leases(changes: Changes, old: Scope | None, new: Scope) -> None:
    """Drop the leases of what can no longer be claimed: whoever holds one has lost it."""
    if old is None:
        return
    timers = [t for t in old.timers if t not in new.timers]
    changes.add("leases", "delete", [{"kind": "timer", "id": t} for t in timers])
    effects = [e for e in old.effects.values() if e.status in CLAIMABLE]
    over = [e.id for e in effects if not _is_claimable(new.effects.get(e.id))]
    changes.add("leases", "delete", [{"kind": "effect", "id": e} for e in over])


def _is_claimable(effect: Effect | None) -> bool:
    return effect is not None and effect.status in CLAIMABLE


@dataclass(frozen=True, slots=True)
class _Place:
    """Makes the rows of what lies in one scope of a case."""

    ref: str
    scope: str

    def item(self, item: Item) -> Row:
        return {
            "id": item.id,
            "case_ref": self.ref,
            "scope": self.scope,
            "kind": str(item.kind),
            "step": item.step,
            "path": item.path,
            "round": item.round,
            "title": item.title,
            "status": str(item.status),
            "opened_at": item.opened_at,
            "due_at": item.due_at,
            "offered": _names(item.offered),
            "escalated": _names(item.escalated),
            "subject": item.subject,
            "bundle_digest": item.bundle_digest,
            "holds": item.holds,
            "outcome": item.outcome,
            "closed_by": item.closed_by,
            "expires_at": item.expires_at,
        }

    def effect(self, effect: Effect) -> Row:
        due_at = max(effect.owed_at, effect.not_before or effect.owed_at)
        return {
            "id": effect.id,
            "case_ref": self.ref,
            "scope": self.scope,
            "kind": str(effect.kind),
            "name": effect.name,
            "status": str(effect.status),
            "leg": effect.leg,
            "after": effect.after,
            "key": effect.key,
            "account": effect.account,
            "digest": effect.digest,
            "owed_at": effect.owed_at,
            "not_before": effect.not_before,
            "due_at": due_at if _is_claimable(effect) else None,
            "attempts": effect.attempts,
            "retry_attempts": effect.retry_attempts,
            "backoff_s": effect.backoff_s,
            "timeout_s": effect.timeout_s,
        }

    def timer(self, timer: Timer) -> Row:
        return {
            "id": timer.id,
            "case_ref": self.ref,
            "scope": self.scope,
            "at": timer.at,
            "purpose": timer.purpose,
            "item": timer.item,
        }


def _names(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()
