"""How wide text is, about, and where its lines break: nobody is asked which fonts a reader has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_NARROW = frozenset("iljtfrI.,:;'!|()[]{}/` ")
_BROAD = frozenset("mwMW@%…→—")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_NO_XML = frozenset("\ufffe\uffff")


@dataclass(frozen=True, slots=True)
class Font:
    """A size in pixels, the distance of lines, and how much broader than usual it runs."""

    name: str
    size: float
    leading: float
    stretch: float = 1.0


def one_line(text: str) -> str:
    """Return a text on one line, without what XML or a reader's eye cannot take."""
    plain = " ".join(text.split())
    return "".join(c for c in plain if unicodedata.category(c) not in _UNSEEN and c not in _NO_XML)


def width_of(text: str, font: Font) -> float:
    """Return about how wide a line is, in pixels; rather too much than too little."""
    return sum(map(_em, text)) * font.size * font.stretch


def wrapped(text: str, font: Font, width: float, most: int) -> tuple[str, ...]:
    """Return a text as lines of at most a width; what is more than `most` lines becomes `…`."""
    lines = [""]
    for piece in (
        piece for word in one_line(text).split(" ") for piece in _pieces(word, font, width)
    ):
        joined = f"{lines[-1]} {piece}".lstrip()
        if width_of(joined, font) <= width:
            lines[-1] = joined
        elif len(lines) == most:
            lines[-1] = _cut(lines[-1], font, width)
            break
        else:
            lines.append(piece)
    return tuple(filter(None, lines))


def _pieces(word: str, font: Font, width: float) -> Iterator[str]:
    """Return a word, cut where it is longer than a line."""
    piece = ""
    for letter in word:
        if piece and width_of(piece + letter, font) > width:
            yield piece
            piece = ""
        piece += letter
    yield piece


def _cut(line: str, font: Font, width: float) -> str:
    while line and width_of(f"{line}…", font) > width:
        line = line[:-1]
    return f"{line.rstrip()}…"


def _em(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in {"W", "F"}:
        return 1.05
    if letter in _NARROW:
        return 0.36
    if letter in _BROAD:
        return 0.95
    return 0.7 if letter.isupper() else 0.58
