"""Instants in the database: always UTC, to the microsecond, in an order that indexes can use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from smr_engine.audit.leaf import timestamp


class Instant(types.TypeDecorator[datetime]):
    """An aware datetime: `timestamptz` on PostgreSQL, RFC 3339 text of fixed width on SQLite."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """Return the column's type in a dialect."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what the driver is given."""
        if value is None or dialect.name == "postgresql":
            return value
        return timestamp(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the aware instant, in UTC."""
        if value is None:
            return None
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(
            UTC
        )
