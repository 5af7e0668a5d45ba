"""Cases: loading what a command touches, and writing what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, or_, select, text

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

_COUNT = text(  # SQLAlchemy compiles an INSERT with ON CONFLICT anew each time
    "INSERT INTO counters (prefix, year, n) VALUES (:prefix, :year, 1)"
    " ON CONFLICT (prefix, year) DO UPDATE SET n = counters.n + 1 RETURNING n"
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
        asked = select(cases.c.header, cases.c.root, cases.c.events, cases.c.head)
        asked = asked.where(cases.c.ref == ref)
        if self._transaction.writes:
            asked = asked.with_for_update()
        row = self._transaction.connection.execute(asked).one_or_none()
        if row is None:
            raise NotFound(
                "no-such-case", f"There is no case {ref}", hint="smr cases lists them", where=ref
            )
        self._transaction.heads[ref] = Head(row.events, row.head)
        conditions = _conditions(locate, paths)
        try:
            found = {"": decode_scope(row.root)}
            if all_scopes or conditions:
                found |= self._scopes(ref, [] if all_scopes else conditions)
            return Case(decode_header(row.header), found)
        except msgspec.MsgspecError as error:
            raise _unreadable(ref, error) from error

    def more(self, case: Case, paths: Sequence[str]) -> Case:
        """Return the case with more scopes; see the port."""
        ref = case.header.ref
        try:
            found = self._scopes(ref, _conditions("", paths)) if paths else {}
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

    def _scopes(self, ref: str, conditions: list[ColumnElement[bool]]) -> Mapping[str, Scope]:
        asked = select(scopes.c.path, scopes.c.state).where(scopes.c.case_ref == ref)
        if conditions:
            asked = asked.where(or_(*conditions))
        rows = self._transaction.connection.execute(asked)
        return {row.path: decode_scope(row.state) for row in rows}


def _conditions(locate: str, paths: Sequence[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if locate:
        conditions.append(scopes.c.path.in_(select(chain_of(locate).c.path)))
    if wanted := with_enclosing(paths):
        conditions.append(scopes.c.path.in_(wanted))
    return conditions


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
