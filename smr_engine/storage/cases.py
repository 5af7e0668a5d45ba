"""Cases: loading what a command touches, and writing what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Select, String, bindparam, select, text

from smr_engine.engine.events import Event
from smr_engine.engine.state import Case, Scope
from smr_engine.errors import NotFound, SmrError
from smr_engine.services.events_codec import encode
from smr_engine.services.projection import Head, difference, stream_of
from smr_engine.services.state_codec import decode_header, decode_scope
from smr_engine.services.stored import Envelope, Saved
from smr_engine.storage.scope_paths import chain_of, with_enclosing
from smr_engine.storage.sealing import NEW, Position, Sealer, Unsealed
from smr_engine.storage.tables import cases, scopes
from smr_engine.storage.transaction import Transaction

_COUNT: Final = text(  # SQLAlchemy compiles an INSERT with ON CONFLICT anew each time
    "INSERT INTO counters (prefix, year, n) VALUES (:prefix, :year, 1)"
    " ON CONFLICT (prefix, year) DO UPDATE SET n = counters.n + 1 RETURNING n"
)

# Written down once: building a statement takes SQLAlchemy longer than SQLite takes to run it.
_CASE: Final = select(cases.c.header, cases.c.root, cases.c.events, cases.c.head).where(
    cases.c.ref == bindparam("ref")
)
_LOCKED_CASE: Final = _CASE.with_for_update()
_SCOPES: Final = select(scopes.c.path, scopes.c.state).where(scopes.c.case_ref == bindparam("ref"))
_SCOPES_AT: Final = _SCOPES.where(scopes.c.path.in_(bindparam("paths", expanding=True)))
_SCOPES_AROUND: Final = _SCOPES.where(
    scopes.c.path.in_(select(chain_of(bindparam("name", type_=String)).c.path))
)


class SqlCases:
    """Cases of one unit of work (implements `services.storing.CaseStore`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def load(
        self, ref: str, *, locate: str = "", paths: Sequence[str] = (), all_scopes: bool = False
    ) -> Case:
        """Load a case; see the port.

        The lock and the scopes are two statements on purpose: PostgreSQL, having waited for the
        lock, shows the newest row of the case but everything joined to it as it was before.
        """
        asked = _LOCKED_CASE if self._transaction.writes else _CASE
        row = self._transaction.connection.execute(asked, {"ref": ref}).one_or_none()
        if row is None:
            raise NotFound(
                "no-such-case", f"There is no case {ref}", hint="smr cases lists them", where=ref
            )
        self._transaction.heads[ref] = Head(row.events, row.head)
        try:
            found = {"": decode_scope(row.root)}
            if all_scopes:
                found |= self._scopes(_SCOPES, {"ref": ref})
            elif locate:
                found |= self._scopes(_SCOPES_AROUND, {"ref": ref, "name": locate})
            if (wanted := with_enclosing(paths)) and not all_scopes:
                found |= self._scopes(_SCOPES_AT, {"ref": ref, "paths": wanted})
            return Case(decode_header(row.header), found)
        except msgspec.MsgspecError as error:
            raise _unreadable(ref, error) from error

    def more(self, case: Case, paths: Sequence[str]) -> Case:
        """Return the case with more scopes; see the port."""
        ref = case.header.ref
        try:
            found = self._scopes(_SCOPES_AT, {"ref": ref, "paths": with_enclosing(paths)})
        except msgspec.MsgspecError as error:
            raise _unreadable(ref, error) from error
        return Case(case.header, {**found, **case.scopes})

    def next_reference(self, prefix: str, year: int) -> str:
        """Return the next reference; see the port."""
        self._transaction.require_writing()
        counted = self._transaction.connection.execute(_COUNT, {"prefix": prefix, "year": year})
        number = counted.scalar_one()
        return f"{prefix}-{year}-{number:04d}"

    def save(
        self,
        before: Case | None,
        after: Case,
        events: Sequence[Event],
        envelope: Envelope,
        key: str = "",
    ) -> Saved:
        """Append events and write what they changed; see the port."""
        transaction, ref = self._transaction, after.header.ref
        transaction.require_writing()
        numbers = transaction.dialect.next_numbers(transaction.connection, len(events))
        head = NEW if before is None else transaction.heads[ref]
        sealer = Sealer(Position(stream_of(ref), head, numbers), envelope, transaction.entropy)
        sealed = sealer.seal([_unsealed(event, ref, envelope.actor) for event in events], key)
        changes = sealed.changes
        state = difference(before, after, sealed.head)
        changes.rows.update(state.rows)
        transaction.write(changes)
        transaction.heads[ref] = sealed.head
        return Saved(tuple(numbers), sealed.head.version, state.owes)

    def _scopes(self, asked: Select[Any], which: Mapping[str, Any]) -> Mapping[str, Scope]:
        rows = self._transaction.connection.execute(asked, which)
        return {row.path: decode_scope(row.state) for row in rows}


def _unsealed(event: Event, ref: str, actor: str) -> Unsealed:
    encoded = encode(event, ref, actor)
    return Unsealed(encoded.kind, encoded.path, encoded.facts, encoded.content)


def _unreadable(ref: str, error: msgspec.MsgspecError) -> SmrError:
    return SmrError(
        "unreadable-state",
        f"The stored state of {ref} cannot be read: {error}",
        hint="smr audit verify says what is wrong; smr db upgrade, if the program is newer",
        where=ref,
    )
