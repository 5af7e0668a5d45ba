"""Rows as they are, whoever wrote them, for `smr audit verify`.

Nothing here decodes a value, so that a row somebody has changed is shown as it is instead of making
the reading fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    RowMapping,
    Select,
    Table,
    bindparam,
    exists,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from smr_engine.services.projection import CASE_STREAM
from smr_engine.storage.tables import (
    cases,
    clocks,
    contents,
    effects,
    events,
    item_people,
    items,
    scopes,
    streams,
    timers,
)
from smr_engine.storage.transaction import Transaction

_AT_ONCE = 500
_OF_CASES = (scopes, items, effects, timers, clocks)
_CONTENT = ("subject", "salt", "value")


class SqlProof:
    """Raw rows in one unit of work (implements `services.storing.Proof`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Yield every event row with its contents; see the port."""
        raw_contents = [_raw(contents.c[name]).label(f"content_{name}") for name in _CONTENT]
        asked = (
            select(*_columns(events), *raw_contents)
            .outerjoin(contents, contents.c.event_seq == events.c.seq)
            .order_by(events.c.stream, events.c.version, events.c.seq)
        )
        rows = self._connection.execute(asked, execution_options={"yield_per": _AT_ONCE})
        for _, group in groupby(rows.mappings(), key=lambda row: row["seq"]):
            yield _with_contents(list(group))

    def strays(self) -> Iterator[str]:
        """Yield names of rows that belong nowhere; see the port."""
        for name, asked in _STRAYS.items():
            for row in self._connection.execute(asked):
                yield f"{name} {' '.join(map(str, row))}"

    def end_of(self, stream: str) -> Mapping[str, Any] | None:
        """Return what the tables beside the log say of a stream's end; see the port."""
        table, key, name = streams, streams.c.stream, stream
        if stream.startswith(CASE_STREAM):
            table, key, name = cases, cases.c.ref, stream.removeprefix(CASE_STREAM)
        asked = select(_raw(table.c.events), _raw(table.c.head)).where(key == name)
        row = self._connection.execute(asked).mappings().one_or_none()
        return dict(row) if row else None

    def rows(self, ref: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return a case's projected rows by table; see the port."""
        return {
            name: [dict(row) for row in self._connection.execute(asked, {"ref": ref}).mappings()]
            for name, asked in _OF_ONE_CASE.items()
        }


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(column, NullType()).label(getattr(column, "name", None))


def _columns(table: Table) -> list[ColumnElement[Any]]:
    return [_raw(column) for column in table.c]


def _with_contents(rows: list[RowMapping]) -> dict[str, Any]:
    """Return one event from its row, which is there once per subject of its content."""
    event = {name: value for name, value in rows[0].items() if name in events.c}
    found = [{name: row[f"content_{name}"] for name in _CONTENT} for row in rows]
    event["contents"] = [content for content in found if content["subject"] is not None]
    return event


def _without(table: Table, parent: Column[Any], own: Column[Any]) -> Select[Any]:
    """Return a query for the keys of rows whose parent is not there."""
    return select(*table.primary_key).where(~exists().where(parent == own))


_OF_ONE_CASE: Final[Mapping[str, Select[Any]]] = {
    **{t.name: select(*_columns(t)).where(t.c.case_ref == bindparam("ref")) for t in _OF_CASES},
    "cases": select(*_columns(cases)).where(cases.c.ref == bindparam("ref")),
    "item_people": select(*_columns(item_people))
    .join(items, items.c.id == item_people.c.item)
    .where(items.c.case_ref == bindparam("ref")),
}
_STRAYS: Final[Mapping[str, Select[Any]]] = {
    "contents": _without(contents, events.c.seq, contents.c.event_seq),
    **{t.name: _without(t, cases.c.ref, t.c.case_ref) for t in _OF_CASES},
    "item_people": _without(item_people, items.c.id, item_people.c.item),
    "streams": _without(streams, events.c.stream, streams.c.stream),
    "cases": select(cases.c.ref).where(
        ~exists().where(events.c.stream == literal(CASE_STREAM) + cases.c.ref)
    ),
}
