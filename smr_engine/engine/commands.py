"""What may be asked of a case, imperative, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from smr_engine.engine.statuses import DecisionKind

ASSURANCES = ("asserted", "session", "mfa", "passkey")
"""How somebody proved who they are, weakest first."""
TOKEN_DOOR = "api-token"  # noqa: S105 - a door, no secret
"""Through which programs come, with a token of the person they act for."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person's id, or `engine`, `schedule:ID`, `prefect:NAME`, `case:REF`."""

    id: str
    assurance: str = "asserted"
    door: str = "cli"
    os_user: str = ""

    @property
    def is_person(self) -> bool:
        """Return whether this names somebody of the directory (not a part of the system)."""
        return self.id != "engine" and ":" not in self.id


ENGINE = Actor("engine", "", "engine")


@dataclass(frozen=True, slots=True)
class Command:
    """Something asked of a case."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A document's text given to a child case, and who had a hand in it."""

    document: str
    text: str
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenCase(Command):
    """Open a case; `pins` are the digests of all sub-playbooks."""

    ref: str
    inputs: Mapping[str, Any]
    pins: Mapping[str, str] = field(default_factory=dict)
    severity: str | None = None
    drill: bool = False
    parent: str = ""
    schedule: str = ""
    due: datetime | None = None
    documents: tuple[HandedOver, ...] = ()


@dataclass(frozen=True, slots=True)
class CompleteItem(Command):
    """Complete a task, a decision, a manual publication or an acknowledgement."""

    item: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviseDocument(Command):
    """Save a revision of a draft item's document; `done` also completes the draft.

    `on` is the digest of the revision that it was written upon; empty: whichever is the newest.
    """

    item: str
    text: str
    done: bool = False
    override: str = ""
    on: str = ""


@dataclass(frozen=True, slots=True)
class Decide(Command):
    """One person's decision on an approval item; `seen` is the digest of what they read."""

    item: str
    decision: DecisionKind
    comment: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class BreakGlass(Command):
    """Release an approval's present content before its quorum is there; `seen` as in `Decide`."""

    item: str
    reason: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Reassign(Command):
    """Hand an item over to one person."""

    item: str
    to: str


@dataclass(frozen=True, slots=True)
class Attach(Command):
    """Attach evidence to an item."""

    item: str
    digest: str
    name: str
    size: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class WriteNote(Command):
    """Write a remark into the case's history."""

    text: str


@dataclass(frozen=True, slots=True)
class Signal(Command):
    """Deliver a signal to the waits that listen for it: by key, or for any."""

    name: str
    key: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeetClock(Command):
    """Say that what a clock asks for was done."""

    clock: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rescore(Command):
    """Give the case another severity."""

    level: str
    reason: str


@dataclass(frozen=True, slots=True)
class CancelCase(Command):
    """Stop the case; nothing that was published is retracted."""

    reason: str


class RepairAnswer(StrEnum):
    """How a repair item is answered."""

    RETRY = "retry"
    SKIP = "skip"
    CANCEL = "cancel"
    SENT = "sent"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Repair(Command):
    """Answer a repair item; `url` says where a publication was found (SENT)."""

    item: str
    answer: RepairAnswer
    reason: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class FireTimer(Command):
    """An instant has come; a stale timer is a no-op."""

    timer: str


@dataclass(frozen=True, slots=True)
class BeginPublication(Command):
    """Check the approval again under the case lock; then it may go out."""

    effect: str


class Outcome(StrEnum):
    """How one try of an effect went."""

    DONE = "done"
    REFUSED = "refused"  # will never work
    UNAVAILABLE = "unavailable"  # did not happen, may work later
    UNKNOWN = "unknown"  # may or may not have happened
    PENDING = "pending"  # goes on elsewhere; ask again at a later time


@dataclass(frozen=True, slots=True)
class ReportEffect(Command):
    """How a try went; `stale` when the lease it ran under was lost (evidence only).

    `tries` is how often it was tried since the last report.
    """

    effect: str
    outcome: Outcome
    result: Any = None
    reason: str = ""
    stale: bool = False
    tries: int = 1


@dataclass(frozen=True, slots=True)
class NoteChild(Command):
    """An effect opens a child case: noted in the transaction that opens it, or neither happens."""

    effect: str
    child: str


@dataclass(frozen=True, slots=True)
class EndChild(Command):
    """A child case tells how it ended."""

    child: str
    outcome: str
    results: Mapping[str, Any] = field(default_factory=dict)
