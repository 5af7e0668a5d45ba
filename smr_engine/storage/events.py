"""The log: appending to streams that are no cases, and reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import ge, gt, lt
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, literal, select

from smr_engine.errors import Invalid
from smr_engine.services.events_codec import OS_USER
from smr_engine.services.projection import CASE_STREAM, Head, stream_of
from smr_engine.services.stored import Envelope, EventFilter, Newest, StoredEvent
from smr_engine.storage.sealing import NEW, Position, Sealer, Unsealed, command_key
from smr_engine.storage.tables import cases, contents, events, streams
from smr_engine.storage.transaction import Transaction


class _LeafFacts(msgspec.Struct):
    """What of a leaf no column repeats."""

    facts: dict[str, Any]
    commitments: dict[str, str]


_LEAF = msgspec.json.Decoder(_LeafFacts)


class SqlEvents:
    """The log in one unit of work (implements `services.storing.EventStore`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def append(
        self,
        stream: str,
        kind: str,
        facts: Mapping[str, Any],
        content: Mapping[str, Mapping[str, Any]],
        envelope: Envelope,
    ) -> int:
        """Append one event to a stream that is no case; see the port."""
        transaction = self._transaction
        transaction.require_writing()
        if stream.startswith(CASE_STREAM):
            raise Invalid("bad-stream", f"{stream} is written by commands on the case only")
        head = self._locked_head(stream)
        numbers = transaction.dialect.next_numbers(transaction.connection, 1)
        unsealed = Unsealed(kind, "", msgspec.to_builtins(facts), msgspec.to_builtins(content))
        sealer = Sealer(Position(stream, head, numbers), envelope, transaction.entropy)
        sealed = sealer.seal([unsealed])
        transaction.write(sealed.changes)
        end = {"events": sealed.head.version, "head": sealed.head.leaf_hash}
        update = streams.update().where(streams.c.stream == stream).values(end)
        transaction.connection.execute(update)
        return numbers[0]

    def by_key(self, key: str) -> StoredEvent | None:
        """Return the first event of the command with an idempotency key; see the port."""
        found = self._read(select(events).where(events.c.command_key == command_key(key)))
        return found[0] if found else None

    def select(self, which: EventFilter, limit: int | None = None) -> Sequence[StoredEvent]:
        """Return events in the order of the log; see the port."""
        order = events.c.seq.desc() if which.newest_first else events.c.seq
        asked = select(events).where(*_conditions(which)).order_by(order)
        found = self._read(asked if limit is None else asked.limit(limit))
        return found[::-1] if which.newest_first else found

    def newest(self, limit: int) -> Sequence[Newest]:
        """Return where and when the newest events were; see the port."""
        asked = select(events.c.seq, events.c.stream, events.c.at)
        newest = asked.order_by(events.c.seq.desc()).limit(limit)
        return [Newest(*row) for row in self._transaction.connection.execute(newest)]

    def _locked_head(self, stream: str) -> Head:
        """Return where a stream ends; nobody else appends to it until this transaction is over."""
        new = {"stream": stream, "events": NEW.version, "head": NEW.leaf_hash}
        self._transaction.insert_new(streams, new)
        asked = select(streams).where(streams.c.stream == stream).with_for_update()
        row = self._transaction.connection.execute(asked).one()
        return Head(row.events, row.head)

    def _read(self, asked: Select[Any]) -> list[StoredEvent]:
        found = asked.subquery("found")
        joined = (
            select(found, contents.c.subject, contents.c.value)
            .outerjoin(contents, contents.c.event_seq == found.c.seq)
            .order_by(found.c.seq, contents.c.subject)
        )
        rows = self._transaction.connection.execute(joined)
        return [_stored(list(group)) for _, group in groupby(rows, key=lambda row: row.seq)]


def _conditions(which: EventFilter) -> Iterator[ColumnElement[bool]]:
    column = events.c
    streams_asked = (*which.streams, *map(stream_of, which.cases))
    among = {"stream": streams_asked, "kind": which.kinds, "item": which.items}
    for name, values in among.items():
        if values:
            yield column[name].in_(values)
    if which.actor:
        yield column.actor == which.actor
    if which.without:
        hidden = select(literal(CASE_STREAM) + cases.c.ref).where(cases.c.digest.in_(which.without))
        yield column.stream.not_in(hidden)
    bounds = (
        (ge, column.at, which.since),
        (lt, column.at, which.until),
        (gt, column.seq, which.after_seq),
        (lt, column.seq, which.before_seq),
    )
    for compare, of, bound in bounds:
        if bound:
            yield compare(of, bound)


def _stored(rows: list[Row[Any]]) -> StoredEvent:
    """Return an event from its row, which is there once per subject of its content."""
    row = rows[0]
    leaf = _LEAF.decode(row.leaf)
    values = {r.subject: msgspec.json.decode(r.value) for r in rows if r.subject is not None}
    content = {name: v for value in values.values() for name, v in value.items()}
    return StoredEvent(
        seq=row.seq,
        stream=row.stream,
        version=row.version,
        case=row.stream.removeprefix(CASE_STREAM) if row.stream.startswith(CASE_STREAM) else "",
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        on_behalf_of=row.on_behalf_of,
        roles=tuple(row.roles.split()),
        assurance=row.assurance,
        door=row.door,
        path=row.path,
        facts=leaf.facts,
        os_user=content.pop(OS_USER, ""),
        content=content,
        erased=tuple(sorted(leaf.commitments.keys() - values.keys())),
        leaf_hash=row.leaf_hash.hex(),
    )
