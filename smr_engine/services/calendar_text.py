"""Reads calendars from the plain data of a directory: hours, half days, closed days, holidays."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from itertools import pairwise
from typing import Any, Protocol

from smr_engine.engine.world import Calendar, Hours

DEFAULT_CALENDAR = "default"
DEFAULT_TIMEZONE = "UTC"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SPAN = re.compile(rf"({_CLOCK}) ?[-–] ?({_CLOCK}|24:00)")
_EVERY_YEAR = re.compile("[0-9]{2}-[0-9]{2}")
_LEAP_YEAR = 2000

Spans = str | Sequence[str]


class HolidaySource(Protocol):
    """Where public holidays come from."""

    def countries(self) -> frozenset[str]:
        """Return the ISO 3166 codes of all countries whose holidays are known."""
        ...

    def subdivisions(self, country: str) -> frozenset[str]:
        """Return the subdivisions of a country, without the country's code."""
        ...

    def named(self, country: str, subdivision: str, years: range) -> Mapping[date, str]:
        """Return the public holidays of some years with their names.

        An empty subdivision means what holds in the whole country.
        """
        ...


def read_calendar(
    name: str, entry: Mapping[str, Any], holidays: HolidaySource, years: range
) -> Calendar:
    """Return a calendar with its holidays and yearly days expanded for some years.

    Raises:
        ValueError: the entry has a fault that `check_directory` finds.
    """
    public = entry.get("holidays")
    named = (
        holidays.named(public["country"], public.get("subdivision", ""), years) if public else {}
    )
    closed = (day for text in entry.get("closed", ()) for day in read_days(text, years))
    return Calendar(
        name,
        entry.get("timezone", DEFAULT_TIMEZONE),
        read_hours(entry["hours"]),
        frozenset((*closed, *named)),
        dict(_half_days(entry.get("half_days") or {}, years)),
        named,
    )


def _half_days(entry: Mapping[str, Spans], years: range) -> Iterator[tuple[date, Hours]]:
    """Yield half days; those of one year last, for they go before those of every year."""
    for text in sorted(entry, key=len):
        for day in read_days(text, years):
            yield day, read_spans(entry[text])


def read_days(value: date | str, years: range) -> tuple[date, ...]:
    """Return the dates that ``2026-12-24`` means, or ``12-24`` (of every year) in some years.

    Raises:
        ValueError: it means none; the message says what does.
    """
    text = str(value)
    try:
        if not is_of_every_year(text):
            return (date.fromisoformat(text),)
        found = date.fromisoformat(f"{_LEAP_YEAR}-{text}")
    except ValueError:
        message = f"`{text}` is no day: write 2026-12-24, or 12-24 for every year"
        raise ValueError(message) from None
    only_leap = (found.month, found.day) == (2, 29)
    return tuple(found.replace(year=y) for y in years if calendar.isleap(y) or not only_leap)


def is_of_every_year(text: str) -> bool:
    """Return whether a day is written without its year: ``12-24``."""
    return _EVERY_YEAR.fullmatch(text) is not None


def read_span(text: str) -> tuple[time, time]:
    """Return the two times of ``20:00-07:00``; ``24:00`` as an end is `time.max`.

    Raises:
        ValueError: the text is no span; the message says what is.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        message = f"`{text}` is not a span of the day: write 09:00-17:30"
        raise ValueError(message)
    begin, end = found.groups()
    return time.fromisoformat(begin), time.max if end == "24:00" else time.fromisoformat(end)


def read_weekdays(text: str) -> tuple[int, ...]:
    """Return the weekdays (0 = Monday) of ``mon``, ``mon-fri`` or ``sat-sun``; ``fri-mon`` wraps.

    Raises:
        ValueError: the text names no weekdays; the message says what does.
    """
    first, dash, last = (part.strip().lower() for part in text.partition("-"))
    last = last if dash else first
    if first not in WEEKDAYS or last not in WEEKDAYS:
        message = f"`{text}` names no weekdays: write mon, mon-fri or sat-sun"
        raise ValueError(message)
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    length = (end - begin) % 7
    return tuple((begin + n) % 7 for n in range(length + 1))


def read_hours(hours: Mapping[str, Spans]) -> dict[int, Hours]:
    """Return the open spans per weekday, in order.

    Args:
        hours: weekdays to one span (``09:00-17:30``) or a list of spans.

    Raises:
        ValueError: as `read_spans`; or a weekday is named twice.
    """
    found: dict[int, Hours] = {}
    for days, texts in hours.items():
        spans = read_spans(texts)
        for day in read_weekdays(days):
            if day in found:
                message = f"`{WEEKDAYS[day]}` has its hours twice"
                raise ValueError(message)
            found[day] = spans
    return found


def read_spans(texts: Spans) -> Hours:
    """Return the open spans of a day, in order, of one text or several.

    Raises:
        ValueError: a span that ends before it begins, overlaps another, or cannot be read.
    """
    spans = tuple(sorted(map(read_span, _listed(texts))))
    for begin, end in spans:
        if begin >= end:
            message = (
                f"open hours end before they begin ({begin:%H:%M}): "
                "split a night at midnight, 22:00-24:00 and 00:00-06:00 of the day after"
            )
            raise ValueError(message)
    for (_, end), (begin, _) in pairwise(spans):
        if begin < end:
            message = f"open hours overlap at {begin:%H:%M}"
            raise ValueError(message)
    return spans


def _listed(texts: Spans) -> Iterable[str]:
    return [texts] if isinstance(texts, str) else texts
