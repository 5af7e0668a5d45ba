"""Dates, times and durations in expressions: RFC 3339 text in, text for people or RFC 3339 out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from smr_engine.playbook.durations import Duration, DurationKind, parse_duration
from smr_engine.playbook.expression_operators import (
    instant_or_none,
)
from smr_engine.playbook.expression_values import (
    ExpressionError,
    Frame,
    kind_of,
    to_text,
)

Result = TypeVar("Result")

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")

# Names of months and days are English whatever the machine's locale: the text is approved word
# for word, so it must not depend on where it was rendered.
_CODES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04d}",
    "m": lambda at: f"{at.month:02d}",
    "d": lambda at: f"{at.day:02d}",
    "e": lambda at: str(at.day),
    "H": lambda at: f"{at.hour:02d}",
    "M": lambda at: f"{at.minute:02d}",
    "S": lambda at: f"{at.second:02d}",
    "B": lambda at: _MONTHS[at.month - 1],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "Z": lambda at: at.tzname() or "",
    "%": lambda _at: "%",
}


def zone_of(name: Any) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        ExpressionError: there is no such zone.
    """
    try:
        if isinstance(name, str) and len(name) <= 40 and _ZONE.match(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass  # told below, in the same words as a name that cannot be a zone at all
    message = f"'{to_text(name)[:40]}' is not a time zone"
    raise ExpressionError(message, hint="write a name like Europe/Berlin")


def to_instant(value: Any) -> datetime:
    """Return the instant that an RFC 3339 text names.

    Raises:
        ExpressionError: the value names none.
    """
    found = instant_or_none(value) if isinstance(value, str) else None
    if found is not None:
        return found
    shown = f"'{value[:40]}'" if isinstance(value, str) else kind_of(value)
    message = f"{shown} is not an instant"
    raise ExpressionError(message, hint="write a time like 2026-11-23T09:00:00Z")


def format_instant(at: datetime) -> str:
    """Return an instant as RFC 3339 text in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def in_words(value: Any, pattern: str, zone: Any) -> str | None:
    """Return an instant or a date formatted by a pattern like ``%e %B %Y``; null stays null.

    Raises:
        ExpressionError: no instant, no zone, or a code that is not in the list.
    """
    if value is None:
        return None
    if isinstance(value, str) and (day := _day_or_none(value)):
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    else:
        at = _guarded(lambda: to_instant(value).astimezone(zone_of(zone)))
    return re.sub(r"%(.?)", lambda found: _code(found[1], at), pattern)


def _code(letter: str, at: datetime) -> str:
    if letter in _CODES:
        return _CODES[letter](at)
    message = f"'%{letter}' is not a format code"
    raise ExpressionError(message, hint="use " + " ".join(f"%{code}" for code in _CODES))


def as_date(_frame: Frame, value: Any, zone: Any = "UTC") -> str | None:
    """An instant or date as `23 November 2026`, in a zone: `date('Europe/Berlin')`."""
    return in_words(value, "%e %B %Y", zone)


def as_datetime(_frame: Frame, value: Any, zone: Any = "UTC") -> str | None:
    """An instant as `23 November 2026, 14:05 CET`, in a zone: `datetime('Europe/Berlin')`."""
    return in_words(value, "%e %B %Y, %H:%M %Z", zone)


def as_time(_frame: Frame, value: Any, zone: Any = "UTC") -> str | None:
    """An instant as `14:05 CET`, in a zone: `time('Europe/Berlin')`."""
    return in_words(value, "%H:%M %Z", zone)


def as_pattern(_frame: Frame, value: Any, pattern: Any, zone: Any = "UTC") -> str | None:
    """An instant or date by codes: `datetime_format('%d.%m.%Y %H:%M', 'Europe/Berlin')`."""
    return in_words(value, to_text(pattern)[:200], zone)


def plus(_frame: Frame, instant: Any, duration: Any) -> str | None:
    """An instant or date moved on: `plus(case.opened_at, '72h')`."""
    return _shift(instant, duration, 1)


def minus(_frame: Frame, instant: Any, duration: Any) -> str | None:
    """An instant or date moved back: `minus(inputs.launch, '7d')`."""
    return _shift(instant, duration, -1)


def _shift(value: Any, duration: Any, sign: int) -> str | None:
    """Return an instant (or, for whole days, a date) moved by an elapsed duration."""
    if value is None:
        return None
    span = sign * _span(duration)
    if isinstance(value, str) and (day := _day_or_none(value)) and not span % timedelta(days=1):
        start = day
        return _guarded(lambda: start + span).isoformat()
    return _guarded(lambda: format_instant(to_instant(value) + span))


def seconds_between(_frame: Frame, start: Any, end: Any) -> int | float | None:
    """The seconds from one instant to another: `seconds_between(case.opened_at, due)`."""
    if start is None or end is None:
        return None
    seconds = (to_instant(end) - to_instant(start)).total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def duration_in_words(_frame: Frame, value: Any) -> str | None:
    """Seconds or a duration like `PT100M` in words: `1 hour 40 minutes`."""
    if value is None:
        return None
    if isinstance(value, str) and "business" in value:
        return str(_parsed(value))
    seconds = int(_span(value).total_seconds())
    words = []
    left = abs(seconds)
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'s' if count != 1 else ''}")
    return ("minus " if seconds < 0 else "") + (" ".join(words[:2]) or "0 seconds")


def _span(duration: Any) -> timedelta:
    if type(duration) is int or type(duration) is float:
        return _guarded(lambda: timedelta(seconds=duration))
    if not isinstance(duration, str):
        message = f"{kind_of(duration)} is not a duration"
        raise ExpressionError(message, hint="write 30m, 4h or 7d")
    parsed = _parsed(duration)
    if parsed.kind is not DurationKind.ELAPSED:
        message = "business time needs a calendar, which expressions do not have"
        raise ExpressionError(message, hint="give the step a due in business time instead")
    return timedelta(seconds=parsed.amount)


def _parsed(text: str) -> Duration:
    try:
        return parse_duration(text[:60])
    except ValueError as fault:
        raise ExpressionError(str(fault)) from None


def _day_or_none(text: str) -> date | None:
    if not _DATE.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _guarded(compute: Callable[[], Result]) -> Result:
    try:
        return compute()
    except OverflowError:
        message = "the time is beyond the years 1 to 9999"
        raise ExpressionError(message) from None
