"""The storage ports: what the services ask of a database, whichever it is.

A unit of work is one transaction. It is rolled back unless `keep` is called; everything it did is
durable when `keep` returns and not before. `writing()` holds the writer's place from the start on
SQLite (a queue in front of the database) and locks the case that is loaded on PostgreSQL;
`reading()` sees one consistent snapshot, never waits for writers and refuses to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar

from smr_engine.engine.events import Event
from smr_engine.engine.state import Case
from smr_engine.errors import SmrError
from smr_engine.services.stored import (
    Claim,
    ClaimedEffect,
    ClaimedTimer,
    Envelope,
    EventFilter,
    Newest,
    Saved,
    StoredEvent,
)
from smr_engine.services.storing_accounts import Accounts
from smr_engine.services.storing_lists import Directory, Playbooks, Proof, Queries, Schedules

__all__ = ["CaseStore", "Claims", "Conflict", "Envelope", "KeyTaken", "Storage", "UnitOfWork"]

LeaseKind = Literal["effect", "timer"]


class KeyTaken(SmrError):
    """The idempotency key belongs to a command that was committed meanwhile: look it up again."""


class Conflict(SmrError):
    """A unique key of the database says this has happened already (a second vote, a lost race)."""


class CaseStore(Protocol):
    """Cases: their state, scope by scope."""

    def load(
        self, ref: str, *, locate: str = "", paths: Sequence[str] = (), all_scopes: bool = False
    ) -> Case:
        """Load a case: header, root, and the scopes asked for with all that enclose them.

        Locks the case until the end of a writing unit of work. A second load in the same unit of
        work gives the state as saved by it.

        Args:
            ref: the case's reference.
            locate: an item, effect or timer; its scope is loaded. An unknown one adds no scope.
            paths: scopes to load; one that does not exist adds none.
            all_scopes: load every scope.

        Raises:
            NotFound: `no-such-case`.
        """
        ...

    def more(self, case: Case, paths: Sequence[str]) -> Case:
        """Return the case with more scopes (and those enclosing them); it must be loaded already.

        Scopes that the case holds already are kept as they are.
        """
        ...

    def next_reference(self, prefix: str, year: int) -> str:
        """Return the next reference, like `CRISIS-2026-0007`; counted per prefix and year.

        Taken back when the unit of work is. On PostgreSQL starts under one prefix queue from here
        to their commit, so call it late.
        """
        ...

    def save(
        self,
        before: Case | None,
        after: Case,
        events: Sequence[Event],
        envelope: Envelope,
        key: str = "",
    ) -> Saved:
        """Append a command's events and write what they changed.

        Args:
            before: as loaded (by the same unit of work), None for a new case.
            after: `before` with the events folded in.
            events: at least one.
            envelope: of all of them.
            key: idempotency key of the command; "" for none.

        Raises:
            Invalid: `invalid-value`: a number, text or name that canonical JSON refuses.
            KeyTaken: `key-taken`.
            Conflict: `conflict`.
        """
        ...


class EventStore(Protocol):
    """The log: append-only."""

    def append(
        self,
        stream: str,
        kind: str,
        facts: Mapping[str, Any],
        content: Mapping[str, Mapping[str, Any]],
        envelope: Envelope,
    ) -> int:
        """Append one event to a stream that is no case (`directory`, `playbooks`, `schedules`).

        Args:
            stream: its name; streams `case:...` are refused.
            kind: past tense, like `DirectoryImported`.
            facts: JSON data for the leaf: ids, digests, kinds, times; nothing personal.
            content: erasable JSON data by subject (`person:ana`, `case:REF`, `directory`).
            envelope: who and when.

        Returns:
            The event's number in the log.

        Raises:
            Invalid: `invalid-value`.
        """
        ...

    def by_key(self, key: str) -> StoredEvent | None:
        """Return the first event of the command that was committed under an idempotency key."""
        ...

    def newest(self, limit: int) -> Sequence[Newest]:
        """Return where and when the newest events were, the newest first."""
        ...

    def select(self, which: EventFilter, limit: int | None = None) -> Sequence[StoredEvent]:
        """Return events in the order of the log."""
        ...


class Claims(Protocol):
    """Leases: who performs what. Operational, outside the events; epochs fence the losers."""

    def effects(
        self, owner: str, now: datetime, lease: timedelta, limit: int, case: str = ""
    ) -> Sequence[ClaimedEffect]:
        """Claim effects that are owed and due, or whose performer was lost (`sending`).

        Publications come first, then the oldest. Never waits; nobody else gets the same effect
        before `now + lease`.
        """
        ...

    def timers(
        self, owner: str, now: datetime, lease: timedelta, limit: int, case: str = ""
    ) -> Sequence[ClaimedTimer]:
        """Claim timers that are due, the earliest first. Never waits."""
        ...

    def claim(self, effect: str, owner: str, now: datetime, lease: timedelta) -> Claim | None:
        """Claim one effect by its id (a flow run that was handed ids); None if it is not free."""
        ...

    def renew(self, kind: LeaseKind, claims: Sequence[Claim], until: datetime) -> Sequence[str]:
        """Extend leases that are still held and were not given back; return the ids of those."""
        ...

    def take_over(
        self, kind: LeaseKind, claims: Sequence[Claim], owner: str, until: datetime
    ) -> Sequence[Claim]:
        """Hand leases that are still held and were not given back to an owner until an instant.

        Returns:
            The leases under their new epochs: whoever knows only the old ones has nothing left.
        """
        ...

    def release(
        self, kind: LeaseKind, claims: Sequence[Claim], free_at: datetime | None = None
    ) -> None:
        """Give leases back that are still held; the next claim gets a higher epoch.

        Anybody may claim them again at `free_at`, at once if it is left out.
        """
        ...

    def in_time(self, kind: LeaseKind, claim: Claim, now: datetime) -> bool:
        """Return whether the lease is held, was not given back and has not run out."""
        ...

    def held(self, kind: LeaseKind, claim: Claim) -> bool:
        """Return whether nobody else has claimed it since; true until the unit of work ends."""
        ...


class Due(Protocol):
    """When the conductor has to be awake."""

    def next_instant(self) -> datetime | None:
        """Return the earliest instant at which a timer or an effect may be claimed; None: never."""
        ...

    def in_hand(self, now: datetime) -> bool:
        """Return whether something that is due is leased to somebody who is at work on it."""
        ...


class UnitOfWork(Protocol):
    """One transaction and the stores that work in it."""

    @property
    def cases(self) -> CaseStore:
        """Cases."""
        ...

    @property
    def events(self) -> EventStore:
        """The log."""
        ...

    @property
    def claims(self) -> Claims:
        """Leases."""
        ...

    @property
    def due(self) -> Due:
        """The next instant."""
        ...

    @property
    def playbooks(self) -> Playbooks:
        """Playbook versions."""
        ...

    @property
    def directory(self) -> Directory:
        """Directory versions."""
        ...

    @property
    def schedules(self) -> Schedules:
        """Schedules."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Accounts, sessions and tokens."""
        ...

    @property
    def queries(self) -> Queries:
        """Listings."""
        ...

    @property
    def proof(self) -> Proof:
        """Raw rows."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what happens inside when it raises; the unit of work goes on."""
        ...

    def keep(self) -> None:
        """Make everything durable; nothing may follow in this unit of work."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Roll back what was not committed."""
        ...


T = TypeVar("T")


class Storage(Protocol):
    """A database; safe to share between threads."""

    def together(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a piece of work in a writing unit of work; durable when it returns.

        Where only one may write at a time, work of several threads shares a commit, each in a
        savepoint of its own. It must not wait for another thread, nor keep the unit of work.

        Raises:
            Exception: what the work raised: nothing of it has happened.
        """
        ...

    def writing(self) -> UnitOfWork:
        """Return a unit of work that may write."""
        ...

    def reading(self) -> UnitOfWork:
        """Return a unit of work over one snapshot."""
        ...

    def close(self) -> None:
        """Give all connections back."""
        ...
