"""Following a stream's chain: every leaf against its hash, its predecessor and its position.

What it proves: that nobody changed the log and forgot to recompute it. Whoever can write the
database can recompute a whole chain; only a checkpoint held elsewhere reveals that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smr_engine.audit.leaf import GENESIS, Leaf, MalformedLeafError, leaf_hash, parse


@dataclass(frozen=True, slots=True)
class Link:
    """An event row as far as the chain goes; values are as found, of whatever type."""

    seq: Any
    stream: Any
    version: Any
    data: Any
    stored_hash: Any


@dataclass(frozen=True, slots=True)
class Checked:
    """What one link gave: the leaf, unless its bytes are none, and everything wrong with it."""

    leaf: Leaf | None
    problems: tuple[str, ...]


class ChainReader:
    """Reads the links of one stream in the order of their versions."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.version = 0  # of the last link read
        self.head = bytes.fromhex(GENESIS)  # its leaf hash, recomputed
        self._seq = 0

    def read(self, link: Link) -> Checked:
        """Check the next link; problems do not stop the reading of those after it."""
        data = link.data if isinstance(link.data, bytes) else b""
        problems = self._position(link)
        found = leaf_hash(data)
        if link.stored_hash != found:
            problems.append("the leaf does not have the hash that was stored with it")
        leaf, complaints = self._leaf(data, link)
        self.head = found
        return Checked(leaf, (*problems, *complaints))

    def _position(self, link: Link) -> list[str]:
        problems: list[str] = []
        if link.version != self.version + 1:
            problems.append(f"position {link.version} follows {self.version} in {self.stream}")
        if not isinstance(link.seq, int) or link.seq <= self._seq:
            problems.append(f"number {link.seq} does not come after {self._seq}")
        self.version = link.version if isinstance(link.version, int) else self.version + 1
        self._seq = link.seq if isinstance(link.seq, int) else self._seq
        return problems

    def _leaf(self, data: bytes, link: Link) -> tuple[Leaf | None, list[str]]:
        try:
            leaf = parse(data)
        except MalformedLeafError as error:
            return None, [str(error)]
        return leaf, self._claims(leaf, link)

    def _claims(self, leaf: Leaf, link: Link) -> list[str]:
        """Compare what the leaf says of its place with where it was found."""
        problems: list[str] = []
        if leaf.prev != self.head.hex():
            problems.append("the leaf does not continue the one before it")
        for name in ("seq", "stream", "version"):
            said, found = getattr(leaf, name), getattr(link, name)
            if said != found:
                problems.append(f"{name} is {found}, but the leaf says {said}")
        return problems
