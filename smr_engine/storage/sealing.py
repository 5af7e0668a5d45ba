"""From events to rows of the log: salts, commitments, leaves, hashes, chain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smr_engine.audit.canonical import canonical
from smr_engine.audit.leaf import GENESIS, Leaf, commitment, leaf_hash, seal, timestamp
from smr_engine.services.events_codec import OS_USER, person_or_case
from smr_engine.services.ports import Entropy
from smr_engine.services.projection import CASE_STREAM, Changes, Head, Row, event_row
from smr_engine.services.stored import Envelope

NEW = Head(0, bytes.fromhex(GENESIS))
"""The head of a stream without events."""


@dataclass(frozen=True, slots=True)
class Unsealed:
    """An event before it is written; `content` goes by subject."""

    kind: str
    path: str
    facts: Mapping[str, Any]
    content: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the log events go: behind a stream's head, under these numbers."""

    stream: str
    head: Head
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The rows of sealed events, and the new end of their stream."""

    changes: Changes
    head: Head


class Sealer:
    """Seals the events of one command; the operating system's user goes with the first of them."""

    def __init__(self, position: Position, envelope: Envelope, entropy: Entropy) -> None:
        self._position = position
        self._envelope = envelope
        self._entropy = entropy
        self._at = timestamp(envelope.at)
        self._roles = tuple(sorted(envelope.roles))

    def seal(self, unsealed: Sequence[Unsealed], key: str = "") -> Sealed:
        """Return the rows of events and contents.

        Raises:
            Invalid: `invalid-value`.
        """
        head = self._position.head
        events: list[Row] = []
        contents: list[Row] = []
        event_key = command_key(key) if key else ""
        for number, event in enumerate(unsealed):
            seq = self._position.numbers[number]
            parts = self._contents(seq, event.content if number else self._signed(event.content))
            leaf = self._leaf(event, seq, head, parts, "" if number else event_key)
            data = seal(leaf)
            head = Head(leaf.version, leaf_hash(data))
            events.append({**event_row(leaf), "leaf": data, "leaf_hash": head.leaf_hash})
            contents.extend(parts)
        changes = Changes()
        changes.add("events", "insert", events)
        changes.add("contents", "insert", contents)
        return Sealed(changes, head)

    def _signed(self, content: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        """Return the content with the operating system's user, who is a person's content too."""
        if not self._envelope.os_user:
            return content
        ref = self._position.stream.removeprefix(CASE_STREAM)
        subject = person_or_case(ref, self._envelope.actor)
        return {**content, subject: {**content.get(subject, {}), OS_USER: self._envelope.os_user}}

    def _contents(self, seq: int, content: Mapping[str, Mapping[str, Any]]) -> list[Row]:
        return [
            {
                "event_seq": seq,
                "subject": subject,
                "salt": self._entropy.salt(),
                "value": canonical(dict(value)),
            }
            for subject, value in content.items()
        ]

    def _leaf(
        self, event: Unsealed, seq: int, head: Head, contents: Sequence[Row], key: str
    ) -> Leaf:
        envelope = self._envelope
        return Leaf(
            seq=seq,
            stream=self._position.stream,
            version=head.version + 1,
            prev=head.leaf_hash.hex(),
            at=self._at,
            actor=envelope.actor,
            on_behalf_of=envelope.on_behalf_of,
            roles=self._roles,
            assurance=envelope.assurance,
            door=envelope.door,
            kind=event.kind,
            path=event.path,
            key=key,
            facts=event.facts,
            commitments={c["subject"]: commitment(c["salt"], c["value"]) for c in contents},
        )


def command_key(key: str) -> str:
    """Return how the log keeps an idempotency key: its hash, for keys may say too much."""
    return hashlib.sha256(key.encode()).hexdigest()
