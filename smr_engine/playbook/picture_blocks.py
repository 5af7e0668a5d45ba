"""The parts of a picture: each knows its size and draws itself at a place.

A list is a column, what may happen side by side are lanes in a frame. Sizes follow from what is
inside, so that nothing can lie over anything else. Coordinates are pixels, y grows downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol
from xml.etree.ElementTree import Element, SubElement

from smr_engine.playbook.picture_text import Font, one_line, wrapped

CARD = 252.0  # width
PAD = 12.0  # between a border and what is inside
GAP = 30.0  # between two blocks of a column: room for an arrow
LANE_GAP = 12.0
WAY_BACK = 13.0  # between two ways back beside a column
CHIP_PAD = 5.0

TITLE = Font("title", 14, 18, 1.14)
DETAIL = Font("detail", 12, 16)
BADGE = Font("badge", 10, 15, 1.2)
CHIP = Font("chip", 12, 15)
MOST_LINES = 6

Words = tuple[Font, tuple[str, ...]]


class Block(Protocol):
    """What has a size and can be drawn."""

    @property
    def width(self) -> float:
        """Return the width, in pixels."""
        ...

    @property
    def height(self) -> float:
        """Return the height, in pixels."""
        ...

    @property
    def goes_on(self) -> bool:
        """Return whether the case may come out of it."""
        ...

    def draw(self, into: Element, x: float, y: float) -> None:
        """Draw it with its upper left corner at a place."""
        ...


@dataclass(frozen=True)
class Card:
    """One step: what kind it is, its title, who does what and until when."""

    style: str
    badge: str
    title: str
    details: tuple[str, ...] = ()
    goes_on: bool = True
    round: bool = False  # the start and the ends
    width: float = CARD

    @cached_property
    def words(self) -> tuple[Words, ...]:
        """Return all lines with their fonts."""
        room = self.width - 2 * PAD
        badge: Words = (BADGE, (self.badge.upper(),) if self.badge else ())
        lines = [(DETAIL, wrapped(each, DETAIL, room, MOST_LINES)) for each in self.details]
        return (badge, (TITLE, wrapped(self.title, TITLE, room, MOST_LINES)), *lines)

    @property
    def height(self) -> float:
        """Return the height, in pixels."""
        return _height(self.words) + 2 * PAD - 4

    def draw(self, into: Element, x: float, y: float) -> None:
        """Draw it."""
        group = _group(into, f"step {self.style}", self.title)
        corner = self.height / 2 if self.round and self.height < 60 else 18 if self.round else 6
        _rect(group, (x, y), (self.width, self.height), corner)
        at = x + self.width / 2 if self.round else x + PAD
        _write(group, self.words, at, y + PAD - 4)


@dataclass(frozen=True)
class Chip:
    """A condition or label: a few words on a small plate."""

    text: str
    width: float = CARD

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Return the text as lines."""
        return wrapped(self.text, CHIP, self.width - 2 * PAD, MOST_LINES) or (" ",)

    @property
    def height(self) -> float:
        """Return the height, in pixels."""
        return len(self.lines) * CHIP.leading + 2 * CHIP_PAD

    def draw(self, into: Element, x: float, y: float) -> None:
        """Draw it."""
        group = _group(into, "plate", self.text)
        _rect(group, (x, y), (self.width, self.height), 11)
        _write(group, ((CHIP, self.lines),), x + self.width / 2, y + CHIP_PAD)


@dataclass(frozen=True)
class Row:
    """One block of a column, with the condition under which it is entered."""

    block: Block
    only_if: str = ""
    after: str = ""  # what to write on the arrow that leaves it

    @cached_property
    def chip(self) -> Chip | None:
        """Return the condition as a plate on top of the block."""
        return Chip(self.only_if) if self.only_if else None

    @property
    def width(self) -> float:
        """Return the width, in pixels."""
        return self.block.width

    @property
    def top(self) -> float:
        """Return how far the block lies below the row's upper edge, in pixels."""
        return self.chip.height if self.chip else 0.0

    @property
    def height(self) -> float:
        """Return the height, in pixels."""
        return self.top + self.block.height

    @property
    def goes_on(self) -> bool:
        """Return whether the case may come out of it."""
        return self.block.goes_on or self.chip is not None

    def draw(self, into: Element, x: float, y: float) -> None:
        """Draw it."""
        if self.chip:
            self.chip.draw(into, x + (self.width - self.chip.width) / 2, y)
        self.block.draw(into, x, y + self.top)


@dataclass(frozen=True)
class Column:
    """A list of steps, one below the other on one axis.

    `back` are ways back, each from a row to an earlier one.
    """

    rows: tuple[Row, ...]
    back: tuple[tuple[int, int], ...] = ()

    @property
    def _margin(self) -> float:
        return WAY_BACK * (len(self.back) + 1) if self.back else 0.0

    @cached_property
    def width(self) -> float:
        """Return the width, in pixels."""
        return max([CARD, *(row.width for row in self.rows)]) + 2 * self._margin

    @cached_property
    def height(self) -> float:
        """Return the height, in pixels."""
        return sum(row.height for row in self.rows) + GAP * max(len(self.rows) - 1, 0)

    @property
    def goes_on(self) -> bool:
        """Return whether the case may come out of it."""
        return all(row.goes_on for row in self.rows)

    def draw(self, into: Element, x: float, y: float) -> None:
        """Draw it."""
        tops = self._tops(y)
        axis = x + self.width / 2
        for row, top, below in zip(self.rows, tops, [*tops[1:], None], strict=True):
            row.draw(into, axis - row.width / 2, top)
            if below is not None and row.goes_on:
                _arrow(into, axis, top + row.height, below, row.after)
        for number, (start, end) in enumerate(self.back, start=1):
            passed = max(row.width for row in self.rows[end : start + 1])
            edge = axis - passed / 2 - WAY_BACK * number
            _way_back(into, edge, self._side(start, axis, tops), self._side(end, axis, tops))

    def _tops(self, y: float) -> list[float]:
        tops = [y]
        for row in self.rows[:-1]:
            tops.append(tops[-1] + row.height + GAP)
        return tops[: len(self.rows)]

    def _side(self, number: int, axis: float, tops: Sequence[float]) -> tuple[float, float]:
        row = self.rows[number]
        return axis - row.width / 2, tops[number] + row.top + row.block.height / 2


@dataclass(frozen=True)
class Lane:
    """One way through a frame."""

    label: str
    column: Column

    @property
    def width(self) -> float:
        """Return the width, in pixels."""
        return self.column.width + 2 * PAD

    @cached_property
    def chip(self) -> Chip:
        """Return its label."""
        return Chip(self.label, self.column.width)

    @property
    def height(self) -> float:
        """Return the height, in pixels."""
        inside = GAP + self.column.height if self.column.rows else 0.0
        return self.chip.height + inside + 2 * PAD

    def draw(self, into: Element, x: float, y: float, height: float) -> None:
        """Draw it as high as its neighbours."""
        group = _group(into, "lane", self.label)
        _rect(group, (x, y), (self.width, height), 8)
        self.chip.draw(group, x + PAD, y + PAD)
        if self.column.rows:
            below = y + PAD + self.chip.height
            _arrow(group, x + self.width / 2, below, below + GAP)
            self.column.draw(group, x + PAD, below + GAP)


@dataclass(frozen=True)
class Frame:
    """A block of the language: a title over one column, or over lanes side by side."""

    style: str
    title: str
    details: tuple[str, ...] = ()
    column: Column | None = None
    lanes: tuple[Lane, ...] = ()
    footer: str = ""
    goes_on: bool = True

    @cached_property
    def inside(self) -> tuple[float, float]:
        """Return the width and height of what is inside, in pixels."""
        if self.column is not None:
            return self.column.width, self.column.height
        width = sum(lane.width for lane in self.lanes) + LANE_GAP * (len(self.lanes) - 1)
        return max(width, CARD), max([0.0, *(lane.height for lane in self.lanes)])

    @cached_property
    def head(self) -> tuple[Words, ...]:
        """Return the title and what is said below it."""
        lines = [(DETAIL, self._lines(DETAIL, each)) for each in self.details]
        return ((TITLE, self._lines(TITLE, self.title)), *lines)

    @cached_property
    def foot(self) -> tuple[Words, ...]:
        """Return what is said below everything."""
        return ((DETAIL, self._lines(DETAIL, self.footer)),) if self.footer else ()

    def _lines(self, font: Font, text: str) -> tuple[str, ...]:
        return wrapped(text, font, self.inside[0], MOST_LINES)

    @property
    def width(self) -> float:
        """Return the width, in pixels."""
        return self.inside[0] + 2 * PAD

    @property
    def height(self) -> float:
        """Return the height, in pixels."""
        foot = _height(self.foot) + PAD if self.foot else 0.0
        return _height(self.head) + self.inside[1] + foot + 3 * PAD

    def draw(self, into: Element, x: float, y: float) -> None:
        """Draw it."""
        group = _group(into, f"frame {self.style}", self.title)
        _rect(group, (x, y), (self.width, self.height), 10)
        _write(group, self.head, x + PAD, y + PAD)
        left, top = x + PAD, y + _height(self.head) + 2 * PAD
        if self.column is not None:
            self.column.draw(group, left, top)
        for lane in self.lanes:
            lane.draw(group, left, top, self.inside[1])
            left += lane.width + LANE_GAP
        _write(group, self.foot, x + PAD, top + self.inside[1] + PAD)


# --- strokes -----------------------------------------------------------------------------------


def _group(into: Element, kind: str, title: str) -> Element:
    """Return a group that tells its whole title to whoever points at it or cannot see it."""
    group = SubElement(into, "g", {"class": kind})
    SubElement(group, "title").text = one_line(title)
    return group


def _rect(
    into: Element, place: tuple[float, float], size: tuple[float, float], corner: float
) -> None:
    said = zip(("x", "y", "width", "height", "rx"), (*place, *size, corner), strict=True)
    SubElement(into, "rect", {name: _n(value) for name, value in said})


def _write(into: Element, words: Sequence[Words], x: float, y: float) -> None:
    for font, lines in words:
        for line in lines:
            y += font.leading
            place = {"class": font.name, "x": _n(x), "y": _n(y - font.leading * 0.25)}
            SubElement(into, "text", place).text = line


def _height(words: Sequence[Words]) -> float:
    return sum(font.leading * len(lines) for font, lines in words)


def _arrow(into: Element, x: float, above: float, below: float, label: str = "") -> None:
    line = f"M{_n(x)} {_n(above)}V{_n(below - 2)}"
    SubElement(into, "path", {"class": "way", "d": line, "marker-end": "url(#smr-tip)"})
    if label:
        place = {"class": "label", "x": _n(x + 8), "y": _n((above + below) / 2 + 4)}
        SubElement(into, "text", place).text = one_line(label)


def _way_back(
    into: Element, edge: float, start: tuple[float, float], end: tuple[float, float]
) -> None:
    (x1, y1), (x2, y2) = start, end
    line = f"M{_n(x1)} {_n(y1)}H{_n(edge)}V{_n(y2)}H{_n(x2 - 2)}"
    SubElement(into, "path", {"class": "back", "d": line, "marker-end": "url(#smr-tip)"})


def _n(value: float) -> str:
    """Return a number as short as it may be written."""
    return f"{value:.1f}".removesuffix(".0")
