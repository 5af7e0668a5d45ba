"""Two texts beside each other, line by line, with what is gone and what is new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest


@dataclass(frozen=True, slots=True)
class Line:
    """One line of two texts; None where one of them has none."""

    old: str | None
    new: str | None

    @property
    def same(self) -> bool:
        """Return whether nothing changed in it."""
        return self.old == self.new


def side_by_side(old: str, new: str) -> list[Line]:
    """Return two texts line by line. Pure."""
    return list(_lines(old.splitlines(), new.splitlines()))


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        for before, after in zip_longest(old[first:last], new[begin:end]):
            yield Line(before, after)
