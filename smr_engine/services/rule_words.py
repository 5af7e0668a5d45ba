"""Recurrence rules in words, as far as playbooks use them; others are shown as they are written."""

from __future__ import annotations

from collections.abc import Mapping

from smr_engine.services.text import counted, listed

UNITS = {"YEARLY": "year", "MONTHLY": "month", "WEEKLY": "week", "DAILY": "day"}
DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
NUMBERS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
KNOWN = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "COUNT"})


def rule_words(rrule: str) -> str:
    """Return a rule (RFC 5545) in words, like `every 3 months, on the first Monday`."""
    said = dict(part.split("=", 1) for part in rrule.upper().split(";") if "=" in part)
    unit = UNITS.get(said.get("FREQ", ""))
    if unit is None or said.keys() - KNOWN:
        return rrule
    try:
        return ", ".join(part for part in _parts(said, unit) if part)
    except (ValueError, KeyError, IndexError):
        return rrule


def _parts(said: Mapping[str, str], unit: str) -> list[str]:
    every = int(said.get("INTERVAL", "1"))
    times = int(said.get("COUNT", "0"))
    return [
        f"every {unit}" if every == 1 else f"every {every} {unit}s",
        _on("on", [_weekday(day) for day in _split(said, "BYDAY")]),
        _on("on", [_day_of_month(int(day)) for day in _split(said, "BYMONTHDAY")]),
        _on("in", [MONTHS[int(month) - 1] for month in _split(said, "BYMONTH")]),
        counted(times, "time") + " in all" if times else "",
    ]


def _split(said: Mapping[str, str], key: str) -> list[str]:
    return [each for each in said.get(key, "").split(",") if each]


def _on(word: str, names: list[str]) -> str:
    return f"{word} {listed(names)}" if names else ""


def _weekday(written: str) -> str:
    """Return `MO` as Monday, `1MO` as the first Monday, `-1FR` as the last Friday."""
    number, name = written[:-2], DAYS[written[-2:]]
    return f"the {_ordinal(int(number))} {name}" if number else name


def _ordinal(number: int) -> str:
    if number > 0:
        return NUMBERS[number]
    return "last" if number == -1 else f"{NUMBERS[-number]} last"


def _day_of_month(day: int) -> str:
    if day < 0:
        return f"the {_ordinal(day)} day of the month"
    return f"day {day} of the month"
