"""The tables. The log is `events` and `contents`; the rest is projected from it or operational.

Projected, and compared by `smr audit verify`: cases, scopes, items, item_people, timers, clocks,
effects, streams. Operational, outside the events: leases, counters, sign_in_attempts, sessions.
Registers, each change of which is also an event: playbooks, directory, schedules, schedule_runs,
accounts, api_tokens.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from smr_engine.storage.instant import Instant

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)
Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite's row number has to be an INTEGER


LIVE = "status IN ('open', 'held')"
"""Cases that are not over; written out, for no index serves a condition with parameters."""
OPENED_BY_A_CASE = "parent <> ''"
"""Cases under others; written out for the same reason."""


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text(), nullable=False, **options)


def _optional(name: str) -> Column[Any]:
    return Column(name, Text(), nullable=True)


def _case_ref(**options: Any) -> Column[str]:
    return Column("case_ref", Text, ForeignKey("cases.ref"), nullable=False, **options)


event_numbers = Sequence("events_seq", metadata=metadata)  # PostgreSQL; SQLite counts without gaps

DECIDED = "kind IN ('DecisionRecorded', 'GlassBroken')"
"""What asks for these events says so in these words, or no database uses their index."""
_DECISION = ("stream", "at", "actor", "on_behalf_of", "kind")  # all that is asked of them

events = Table(
    "events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    _text("stream"),
    Column("version", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    _text("kind"),
    _text("actor"),
    _text("on_behalf_of"),
    _text("roles"),
    _text("assurance"),
    _text("door"),
    _text("path"),
    _optional("item"),
    _optional("document"),
    _optional("command_key"),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    UniqueConstraint("stream", "version"),
    _partial("uq_events_command_key", "command_key", where="command_key IS NOT NULL", unique=True),
    _partial("uq_events_decision", "item", "actor", where="kind = 'DecisionRecorded'", unique=True),
    _partial("ix_events_decided", *_DECISION, where=DECIDED),
    Index("ix_events_actor", "actor", "seq"),
)

contents = Table(
    "contents",
    metadata,
    Column("event_seq", Number, ForeignKey("events.seq"), primary_key=True, autoincrement=False),
    _text("subject", primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
)

streams = Table(  # the ends of all streams that are no cases
    "streams",
    metadata,
    _text("stream", primary_key=True),
    Column("events", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    _text("ref", primary_key=True),
    _text("playbook"),
    _text("playbook_version"),
    _text("digest"),
    _text("title"),
    _optional("severity"),
    _text("status"),
    _optional("outcome"),
    _text("requester"),
    Column("drill", Boolean, nullable=False),
    _text("parent"),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("events", Integer, nullable=False),  # in its stream
    Column("head", LargeBinary, nullable=False),  # leaf hash of the last
    _text("header"),
    _text("root"),
    Index("ix_cases_opened_at", "opened_at", "ref"),
    _partial("ix_cases_live", "digest", "drill", "severity", "opened_at", "ref", where=LIVE),
    _partial("ix_cases_parent", "parent", where=OPENED_BY_A_CASE),
)

scopes = Table(
    "scopes",
    metadata,
    _case_ref(primary_key=True),
    _text("path", primary_key=True),
    _text("state"),
)

items = Table(
    "items",
    metadata,
    _text("id", primary_key=True),
    _case_ref(index=True),
    _text("scope"),
    _text("kind"),
    _text("step"),
    _text("path"),
    Column("round", Integer, nullable=False),
    _text("title"),
    _text("status"),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    _text("offered"),
    _text("escalated"),
    _text("subject"),
    _text("bundle_digest"),
    Column("holds", Boolean, nullable=False),
    _text("outcome"),
    _text("closed_by"),
    Column("expires_at", Instant),
    _partial("ix_items_open", "due_at", where="status = 'open'"),
)

item_people = Table(  # whose inbox an open item lies in
    "item_people",
    metadata,
    _text("person", primary_key=True),
    Column("item", Text, ForeignKey("items.id"), primary_key=True),
    sqlite_with_rowid=False,
)

timers = Table(
    "timers",
    metadata,
    _text("id", primary_key=True),
    _case_ref(index=True),
    _text("scope"),
    Column("at", Instant, nullable=False, index=True),
    _text("purpose"),
    _text("item"),
)

clocks = Table(  # of cases; those that have come to their instant
    "clocks",
    metadata,
    _case_ref(primary_key=True),
    _text("clock", primary_key=True),
    _text("title"),
    _text("status"),
    Column("due_at", Instant),
    Column("met_at", Instant),
    _partial("ix_clocks_running", "due_at", where="status = 'running'"),
)

effects = Table(
    "effects",
    metadata,
    _text("id", primary_key=True),
    _case_ref(index=True),
    _text("scope"),
    _text("kind"),
    _text("name"),
    _text("status"),
    Column("leg", Integer, nullable=False),
    _text("after"),
    _text("key", unique=True),
    _text("account"),
    _text("digest"),
    Column("owed_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("due_at", Instant),  # when it may be claimed; null: never again
    Column("attempts", Integer, nullable=False),
    Column("retry_attempts", Integer, nullable=False),
    Column("backoff_s", Integer, nullable=False),
    Column("timeout_s", Integer, nullable=False),
    _partial("ix_effects_due", "due_at", where="due_at IS NOT NULL"),
)

leases = Table(
    "leases",
    metadata,
    _text("kind", primary_key=True),
    _text("id", primary_key=True),
    _text("owner"),
    Column("epoch", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

counters = Table(
    "counters",
    metadata,
    _text("prefix", primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, nullable=False),
)

playbooks = Table(
    "playbooks",
    metadata,
    _text("digest", primary_key=True),
    _text("name"),
    _text("version"),
    _text("title"),
    Column("source", LargeBinary, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("shipped", Boolean, nullable=False),
)

directory = Table(
    "directory",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("digest"),
    _text("data"),
    Column("at", Instant, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    _text("id", primary_key=True),
    _text("playbook"),
    _text("rrule"),
    _text("at"),
    _text("timezone"),
    Column("dtstart", Instant, nullable=False),
    _text("missed"),
    _text("source"),
    _text("created_by"),
    Column("added_at", Instant, nullable=False),
    _text("inputs"),
    Column("removed_at", Instant),
)

schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("schedule", Text, ForeignKey("schedules.id"), primary_key=True),
    Column("due", Instant, primary_key=True),
    _text("decision"),
    _text("case_ref"),
)

accounts = Table(
    "accounts",
    metadata,
    _text("person", primary_key=True),
    _text("password"),
    Column("invitation", LargeBinary, unique=True),
    Column("invitation_until", Instant),
    Column("totp", LargeBinary),
    Column("totp_pending", LargeBinary),
    Column("totp_step", Integer, nullable=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    _text("key", primary_key=True),
    _text("person"),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("locked_until", Instant),
    _partial("ix_sign_in_attempts_strangers", "last_at", where="person = ''"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    _text("person", index=True),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("proved_at", Instant),
    Column("pending", Boolean, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _text("id", primary_key=True),
    _text("person"),
    _text("scopes"),
    Column("hash", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
    _text("made_by"),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
