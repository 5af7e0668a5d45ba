"""What the log tells of cases, items and effects, as the oracle keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

from smr_engine.services.stored import StoredEvent

FIRED = ("TimerFired", "ItemReminded", "ItemWarned", "ItemEscalated", "ClockTold")
STEP_ENDS = ("StepCompleted", "StepSkipped", "StepFailed", "StepCancelled")
AFTER_THE_END = {"NoteWritten", "OutcomeNoted", "ChildEnded", "ChildOpened", "EvidenceAttached"}
"""What may still be written into a case that is over, besides how its last effects went."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Asked:
    """An item as the log tells it."""

    id: str
    case: str
    scope: str
    kind: str
    step: str
    lines: list[dict[str, Any]]
    excluded: set[str]
    asked: list[str]
    digest: str
    bundle: Mapping[str, Any]
    expires_at: datetime | None
    effect: str
    subject: str
    holds: bool
    ratifies: str = ""  # the item that was released
    released: bool = False
    votes: list[StoredEvent] = field(default_factory=list)
    status: str = "open"

    @property
    def answered(self) -> set[str]:
        """Who has decided on it."""
        return {vote.actor for vote in self.votes}

    def is_full(self, lines: Iterable[Mapping[str, Any]]) -> bool:
        """Return whether distinct people fill all of some lines, by trying every seating."""
        assert all(v.facts["decision"] in {"approve", "recuse"} for v in self.votes)
        yes = [v for v in self.votes if v.facts["decision"] == "approve"]
        seats = [line["roles"] for line in lines for _ in range(line["need"])]
        return bool(seats) and any(
            all(set(roles) & set(v.facts["roles"]) for roles, v in zip(seats, seated, strict=True))
            for seated in permutations(yes, len(seats))
        )


@dataclass
class Owed:
    """An effect as the log tells it."""

    id: str
    case: str
    scope: str
    kind: str
    step: str
    reminds: bool
    item: str
    account: str
    digest: str
    payload: Mapping[str, Any]
    status: str = "owed"
    begun: int = 0


@dataclass
class Told:
    """A case as the log tells it."""

    drill: bool = False
    severity: str = ""
    status: str = "open"
    last_at: datetime = LONG_AGO
    steps: dict[str, tuple[int, str]] = field(default_factory=dict)
    waits: list[tuple[str, str]] = field(default_factory=list)  # signals, with their keys


@dataclass
class Staff:
    """Who holds what now, as the simulation has put it into the directory."""

    roles: Mapping[str, Iterable[str]]
    deputies: Mapping[str, Iterable[str]]

    def may_claim(self, person: str, role: str) -> bool:
        """Return whether somebody can have acted in a role: it is theirs, or they are deputies."""
        return role in self.roles[person] or person in self.deputies[role]


def instant(text: str) -> datetime:
    """Return an instant of the log."""
    return datetime.fromisoformat(text)


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
