"""What storage hands out: rows of the listings, stored events and claims, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from smr_engine.engine.statuses import (
    CaseStatus,
    ClockStatus,
    EffectKind,
    EffectStatus,
    ItemKind,
    ItemStatus,
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who did something, when, for whom and how they proved it; the same for a command's events."""

    at: datetime  # aware, UTC
    actor: str  # a person's id, or `engine`, `schedule:ID`, `prefect:NAME`, `case:REF`
    on_behalf_of: str = ""
    roles: tuple[str, ...] = ()  # all roles held at that moment
    assurance: str = ""
    door: str = ""
    os_user: str = ""  # erasable content, never in the leaf


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it lies in the log."""

    seq: int
    stream: str
    version: int  # position in its stream, from 1
    case: str  # "" for the other streams
    at: datetime
    kind: str
    actor: str
    on_behalf_of: str
    roles: tuple[str, ...]
    assurance: str
    door: str
    path: str
    facts: Mapping[str, Any]
    content: Mapping[str, Any]  # of all subjects, merged; what was erased is missing
    os_user: str
    erased: tuple[str, ...]  # subjects whose content was erased
    leaf_hash: str  # hex

    @property
    def data(self) -> dict[str, Any]:
        """Return facts and content together, as `smr audit log` shows them."""
        return {**self.facts, **self.content}


class Newest(NamedTuple):
    """Where and when an event happened."""

    seq: int
    stream: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; empty means all. `until` is exclusive, `after_seq` and `before_seq` too.

    With `newest_first` they are read from the end of the log. Events of cases opened from playbook
    versions with the digests in `without` are left out.
    """

    cases: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    actor: str = ""
    kinds: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after_seq: int = 0
    before_seq: int = 0
    newest_first: bool = False
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a command's events did: their numbers, and whether the conductor has work."""

    seqs: tuple[int, ...]
    version: int  # of the case, after the last of them
    owes: bool  # a timer or an effect became pending or changed its instant


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as listings show it."""

    ref: str
    playbook: str
    version: str  # of the playbook
    digest: str
    title: str
    severity: str | None
    status: CaseStatus
    outcome: str | None
    requester: str
    drill: bool
    parent: str  # reference of the case that opened it; "" for none
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeverityRow:
    """How many cases, or exercises, are open of one playbook version and severity."""

    digest: str
    drill: bool
    severity: str | None
    cases: int


@dataclass(frozen=True, slots=True)
class DecidedFilter:
    """Which cases in which people decided; empty means all. `until` is exclusive.

    Cases opened from playbook versions with the digests in `without` are left out.
    """

    words: str = ""  # in the case's reference or title
    person: str = ""  # who decided, or was acted for
    document: str = ""  # part of the name of a document of the case
    since: datetime | None = None
    until: datetime | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """A case in which people decided: how often, and when last."""

    case: CaseRow
    decisions: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as listings show it."""

    id: str
    case: str
    scope: str
    kind: ItemKind
    step: str
    path: str
    round: int
    title: str
    status: ItemStatus
    opened_at: datetime
    due_at: datetime | None
    offered: tuple[str, ...]
    escalated: tuple[str, ...]
    subject: str
    bundle_digest: str
    holds: bool
    outcome: str
    closed_by: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect as listings show it; `leased_until` is set while somebody performs it."""

    id: str
    case: str
    scope: str
    kind: EffectKind
    name: str
    status: EffectStatus
    leg: int
    after: str
    key: str
    account: str
    digest: str
    owed_at: datetime
    not_before: datetime | None
    attempts: int
    leased_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimerRow:
    """A pending timer."""

    id: str
    case: str
    scope: str
    at: datetime
    purpose: str
    item: str


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A clock of a case, once it has come to its instant; `digest`: of the case's playbook."""

    case: str
    digest: str
    clock: str
    title: str
    status: ClockStatus
    due_at: datetime | None
    met_at: datetime | None


@dataclass(frozen=True, slots=True)
class Measures:
    """What is watched; `oldest_owed_at` is of effects whose time has come, None without any."""

    cases_by_status: Mapping[str, int]
    open_items: int
    effects_owed: int
    oldest_owed_at: datetime | None
    timers_overdue: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on an effect or a timer: whoever holds the newest `epoch` may report for it."""

    id: str
    case: str
    epoch: int


@dataclass(frozen=True, slots=True)
class ClaimedEffect(Claim):
    """An effect somebody may now perform, with what a flow run is named and tagged by."""

    kind: EffectKind
    name: str
    status: EffectStatus  # `owed`, or `sending` when whoever began it was lost
    leg: int
    after: str
    attempts: int
    owed_at: datetime
    retry_attempts: int
    backoff_s: int
    timeout_s: int
    playbook: str  # of the case, like severity and drill
    severity: str
    drill: bool


@dataclass(frozen=True, slots=True)
class ClaimedTimer(Claim):
    """A timer that is due."""

    at: datetime
    purpose: str


@dataclass(frozen=True, slots=True)
class PlaybookRow:
    """A registered playbook version; `source` are the exact bytes of its file."""

    digest: str
    name: str
    version: str
    title: str
    source: bytes
    registered_at: datetime
    shipped: bool


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """One version of the directory; versions count from 1."""

    version: int
    digest: str
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A recurring start of a playbook."""

    id: str
    playbook: str
    rrule: str
    at: str  # HH:MM, local
    timezone: str
    dtstart: datetime
    missed: str  # latest, all, skip
    source: str  # trigger (of the playbook), withdrawn (by the playbook), or added (by hand)
    created_by: str
    added_at: datetime  # instants before it are not made up for
    inputs: Mapping[str, Any] = field(default_factory=dict)
    removed_at: datetime | None = None


FAILED, TOLD = "failed", "told"
"""Decisions that settle nothing: a start failed, and its owner has been told. It is tried again."""


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """What was decided about one due instant of a schedule."""

    schedule: str
    due: datetime
    decision: str  # opened, skipped; failed, told
    case: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a schedule is: its last settled instant, and the starts that failed so far."""

    settled: datetime | None
    failures: tuple[ScheduleRun, ...]
