"""The leaf: the exact bytes of one event, as they are hashed, chained and kept for good.

Format, version 1 (final; a change needs a new number in `v`). A leaf is the canonical JSON
(RFC 8785) of one object with these keys, all of them, except `key`:

========== =================================================================================
v          1
seq        number of the event in the log, from 1
stream     `case:REF`, or `directory`, `playbooks`, `schedules`, ...
version    position in its stream, from 1
prev       hex leaf hash of the stream's event before it; 64 zeros for the first
at         when: RFC 3339, UTC, microseconds, `Z`
actor      opaque id of who did it; on_behalf_of: of whom they acted for, or ""
roles      all roles the actor held at that moment, sorted
assurance  how the actor proved who they are; door: through which they came
kind       of the event; path: of the step or scope it happened to, or ""
key        hex SHA-256 of the command's idempotency key, on its first event; left out for none
facts      ids, digests, kinds, statuses, times; nothing personal; empty optional ones left out
commitments  by subject: hex SHA-256(salt || canonical JSON of the content); content and the
             32-byte salt lie in an erasable table
========== =================================================================================

The leaf hash is SHA-256(0x00 || bytes), as in RFC 9162, so that leaves can be put into a Merkle
tree as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from smr_engine.audit.canonical import canonical
from smr_engine.errors import Invalid

FORMAT = 1
GENESIS = "0" * 64


class MalformedLeafError(ValueError):
    """These bytes are no leaf of a known format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One event as the log commits to it; the fields are those of the format."""

    seq: int
    stream: str
    version: int
    prev: str
    at: str
    actor: str
    on_behalf_of: str
    roles: tuple[str, ...]
    assurance: str
    door: str
    kind: str
    path: str
    key: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    commitments: Mapping[str, str] = field(default_factory=dict)


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    seq: int
    stream: str
    version: int
    prev: str
    at: str
    actor: str
    on_behalf_of: str
    roles: tuple[str, ...]
    assurance: str
    door: str
    kind: str
    path: str
    facts: dict[str, Any]
    commitments: dict[str, str]
    key: str = ""


_FIELDS = tuple(name for name in Leaf.__slots__ if name != "key")
_DECODER = msgspec.json.Decoder(_Wire)


def timestamp(at: datetime) -> str:
    """Return an aware instant as leaves write it: RFC 3339, UTC, always six decimals, `Z`.

    Raises:
        ValueError: `at` is naive.
    """
    if at.tzinfo is None:
        message = "an instant without a time zone"
        raise ValueError(message)
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seal(leaf: Leaf) -> bytes:
    """Return the leaf's bytes.

    Raises:
        Invalid: `invalid-value`: a fact that canonical JSON refuses.
    """
    wire = {name: getattr(leaf, name) for name in _FIELDS}
    wire["v"] = FORMAT
    if leaf.key:
        wire["key"] = leaf.key
    return canonical(wire)


def parse(data: bytes) -> Leaf:
    """Return what the bytes of a leaf say.

    Raises:
        MalformedLeafError: no JSON, keys missing or unknown, another format, or not canonical.
    """
    try:
        wire = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"not a leaf: {error}"
        raise MalformedLeafError(message) from error
    if wire.v != FORMAT:
        message = f"format {wire.v} is not known"
        raise MalformedLeafError(message)
    leaf = Leaf(key=wire.key, **{name: getattr(wire, name) for name in _FIELDS})
    if not _is_sealed(leaf, data):
        message = "not in the form in which leaves are written"
        raise MalformedLeafError(message)
    return leaf


def _is_sealed(leaf: Leaf, data: bytes) -> bool:
    try:
        return seal(leaf) == data and timestamp(datetime.fromisoformat(leaf.at)) == leaf.at
    except (Invalid, ValueError):
        return False


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf's bytes (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\0" + data).digest()


def commitment(salt: bytes, content: bytes) -> str:
    """Return the hex commitment to a subject's content (canonical bytes) under its salt."""
    return hashlib.sha256(salt + content).hexdigest()
