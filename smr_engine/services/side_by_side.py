"""Two texts beside each other, line by line, with the words that are gone and the new ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

MOST_WORDS = 400
"""Lines that are longer are marked whole: comparing words takes the square of them."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Part:
    """Some characters of a line; `differs`: the other text does not have them."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of two texts; None where one of them has none."""

    old: str | None
    new: str | None

    @property
    def same(self) -> bool:
        """Return whether nothing changed in it."""
        return self.old == self.new

    @property
    def parts(self) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """Return what differs in the old line, and in the new one; both whole."""
        return _parts(self.old, self.new)


def side_by_side(old: str, new: str) -> list[Line]:
    """Return two texts line by line. Pure."""
    return list(_lines(old.splitlines(), new.splitlines()))


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        for before, after in zip_longest(old[first:last], new[begin:end]):
            yield Line(before, after)


def _parts(old: str | None, new: str | None) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    if old is None or new is None:
        return _whole(old), _whole(new)
    if old == new:
        return (Part(old),), (Part(new),)
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(before), len(after)) > MOST_WORDS:
        return _whole(old), _whole(new)
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return (
        tuple(_joined(before, ((tag, a, b) for tag, a, b, _, _ in codes))),
        tuple(_joined(after, ((tag, c, d) for tag, _, _, c, d in codes))),
    )


def _whole(line: str | None) -> tuple[Part, ...]:
    return () if line is None else (Part(line, differs=True),)


def _joined(words: Sequence[str], codes: Iterable[tuple[str, int, int]]) -> Iterator[Part]:
    for tag, first, last in codes:
        if first < last:
            yield Part("".join(words[first:last]), differs=tag != "equal")
