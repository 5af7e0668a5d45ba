"""Durations and offsets of the playbook language, as values (2-language.md section 3).

Only meaning lives here; turning them into instants needs a calendar and is `engine.deadlines`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

SECOND_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
YEAR_SECONDS = 365 * 86_400
YEARS = range(1000, 9000)
"""Of instants that people give: beyond, a zone or a due time falls off a computer's calendar."""


class DurationKind(StrEnum):
    """How a duration is counted."""

    ELAPSED = "elapsed"  # wall time, in seconds
    BUSINESS_TIME = "business_time"  # open time of a calendar, in seconds
    BUSINESS_DAYS = "business_days"  # open days of a calendar


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: `amount` is seconds, or days for BUSINESS_DAYS."""

    kind: DurationKind
    amount: int

    def __str__(self) -> str:
        """Return the text form that `parse_duration` reads back."""
        if self.kind is DurationKind.BUSINESS_DAYS:
            return f"{self.amount} business day{'s' if self.amount != 1 else ''}"
        if self.kind is DurationKind.BUSINESS_TIME:
            unit, size = ("hour", 3600) if self.amount % 3600 == 0 else ("minute", 60)
            count = self.amount // size
            return f"{count} business {unit}{'s' if count != 1 else ''}"
        for letter, size in reversed(SECOND_UNITS.items()):
            if self.amount % size == 0 and self.amount >= size:
                return f"{self.amount // size}{letter}"
        return f"{self.amount}s"


class Anchor(StrEnum):
    """What an offset counts from."""

    START = "start"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Offset:
    """One instant relative to an item's start or due time.

    Exactly one of `percent` (of the span from start to due; 100 = due) and `delta` is set.
    `sign` is -1 for "before", +1 for "after". `every` repeats it until the item closes.
    """

    percent: int | None = None
    anchor: Anchor = Anchor.DUE
    sign: int = 1
    delta: Duration | None = None
    every: bool = False

    def __str__(self) -> str:
        """Return the text form that `parse_offset` reads back."""
        if self.percent is not None:
            return f"{self.percent}%"
        every = "every " if self.every else ""
        return f"{every}{self.delta} {'after' if self.sign > 0 else 'before'} {self.anchor}"


_SIMPLE = re.compile(r"(?P<n>\d{1,6})\s?(?P<unit>[smhdw])\Z")
_YEARS = re.compile(r"(?P<n>\d{1,3})y\Z")
_BUSINESS = re.compile(r"(?P<n>\d{1,5}) business (?P<unit>minute|hour|day)s?\Z")
_ISO = re.compile(
    r"P(?:(?P<w>\d{1,4})W)?(?:(?P<d>\d{1,4})D)?"
    r"(?:T(?:(?P<h>\d{1,5})H)?(?:(?P<m>\d{1,6})M)?(?:(?P<s>\d{1,7})S)?)?\Z"
)
_OFFSET = re.compile(
    r"(?P<every>every )?(?P<delta>.+) (?P<sign>before|after) (?P<anchor>due|start)\Z"
)
_PERCENT = re.compile(r"(?P<n>\d{1,4})%\Z")


def parse_duration(text: str, *, years: bool = False) -> Duration:
    """Return the duration that `text` names.

    Args:
        text: ``30s``, ``30m``, ``4h``, ``2d``, ``1w``, ISO 8601 ``PT30M``, ``4 business hours``,
            ``1 business day``.
        years: also accept ``7y`` (retention only).

    Raises:
        ValueError: the text is not a duration; the message says what is.
    """
    text = text.strip()
    if found := _SIMPLE.match(text):
        return Duration(DurationKind.ELAPSED, int(found["n"]) * SECOND_UNITS[found["unit"]])
    if found := _BUSINESS.match(text):
        if found["unit"] == "day":
            return Duration(DurationKind.BUSINESS_DAYS, int(found["n"]))
        size = 3600 if found["unit"] == "hour" else 60
        return Duration(DurationKind.BUSINESS_TIME, int(found["n"]) * size)
    if years and (found := _YEARS.match(text)):
        return Duration(DurationKind.ELAPSED, int(found["n"]) * YEAR_SECONDS)
    if (found := _ISO.match(text)) and any(found.groupdict().values()):
        parts = {unit: int(count or 0) for unit, count in found.groupdict().items()}
        seconds = sum(count * SECOND_UNITS[unit] for unit, count in parts.items())
        return Duration(DurationKind.ELAPSED, seconds)
    last = "4 business hours, or 7y" if years else "4 business hours"
    message = f"'{text}' is not a duration: write 30s, 30m, 4h, 2d, 1w, PT30M or {last}"
    raise ValueError(message)


def parse_offset(text: str) -> Offset:
    """Return the offset that `text` names: ``50%``, ``2h before due``, ``every 2h after due``.

    Raises:
        ValueError: the text is not an offset; the message says what is.
    """
    text = text.strip()
    if text == "at due":
        return Offset(percent=100)
    if found := _PERCENT.match(text):
        return Offset(percent=int(found["n"]))
    if found := _OFFSET.match(text):
        sign = -1 if found["sign"] == "before" else 1
        every = found["every"] is not None
        delta = parse_duration(found["delta"])
        sensible = not (every and (sign < 0 or delta.amount == 0)) and not (
            sign < 0 and found["anchor"] == "start"
        )
        if sensible:
            return Offset(anchor=Anchor(found["anchor"]), sign=sign, delta=delta, every=every)
    message = (
        f"'{text}' is not an offset: write 50%, at due, 2h before due, 1d after due, "
        "10m after start or every 2h after due"
    )
    raise ValueError(message)
