"""A file's content with the place of everything in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from smr_engine.playbook.problems import Line, Place


@dataclass(slots=True)
class Node:
    """One value of a file: a scalar, a list of nodes or a mapping to nodes, with its place.

    `text_line` is the line on which a text begins; of a block text the line below its sign.
    `written` is a scalar as the author wrote it. `keys` holds the places of a mapping's keys.
    """

    value: Any
    place: Place
    text_line: int = 0
    written: str = ""
    keys: dict[str, Place] = field(default_factory=dict)

    @property
    def line(self) -> Line:
        """The line the value begins on, from 1, with its column."""
        return Line(*self.place)

    @property
    def first_line(self) -> Line:
        """The line on which a text begins; of a block text the line below its sign."""
        below = self.text_line > self.place.line
        return Line(self.text_line) if below else self.line

    def plain(self) -> Any:
        """Return the value as plain JSON data."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(frozen=True, slots=True)
class Located:
    """A file's content as plain data, and the place of everything in it."""

    data: Any
    root: Node

    def node(self, path: Sequence[str | int]) -> Node:
        """Return the node at a path, or the nearest one above it that exists."""
        node = self.root
        for part in path:
            below = _below(node, part)
            if below is None:
                return node
            node = below
        return node

    def place(self, path: Sequence[str | int]) -> Place:
        """Return where the value at a path begins."""
        return self.node(path).place

    def key_place(self, path: Sequence[str | int], key: str) -> Place:
        """Return where a key of the mapping at a path stands."""
        node = self.node(path)
        return node.keys.get(key, node.place)


def _below(node: Node, part: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(part)
    if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
        below: Node = node.value[part]
        return below
    return None
