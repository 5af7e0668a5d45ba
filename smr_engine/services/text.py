"""Text for people: harmless to print, times in words and in their zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

# C0 and C1 controls (newline and tab apart), marks that turn the direction of text, characters
# that nobody sees, and halves of surrogate pairs: what is approved must be what is read.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def harmless(text: str) -> str:
    r"""Return a text in which every control, direction mark and hidden character is spelled out.

    Line breaks and tabs stay. ``\r\n`` becomes a line break.
    """
    return _HARMFUL.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a harmless text on one line, white space run together."""
    return " ".join(harmless(text).split())


def shortened(text: str, most: int) -> str:
    """Return a harmless text on one line of at most so many characters."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _spelled(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def instant(at: datetime | None, zone: tzinfo) -> str:
    """Return an instant for people, in their zone, with the zone's name: 2026-11-23 14:05 CET."""
    if at is None:
        return ""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def time_of_day(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Return an instant for people who look at it now: 14:05 CET; with its date on another day."""
    here = at.astimezone(zone)
    is_today = here.date() == now.astimezone(zone).date()
    return here.strftime("%H:%M %Z") if is_today else instant(at, zone)


def clock_time(at: datetime, zone: tzinfo) -> str:
    """Return an instant for people to the second and without its zone, for long lists."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def rfc3339(at: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, with `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def due_words(due: datetime | None, now: datetime) -> str:
    """Return how long there is left: `in 12 min`, `overdue 4 min`; nothing without a due time."""
    if due is None:
        return ""
    if due >= now:
        return f"in {span(due - now)}"
    return f"overdue {span(now - due)}"


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units, rounded down: 3 h 20 min."""
    seconds = int(length.total_seconds())
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return _two(seconds // _HOUR, "h", seconds % _HOUR // _MINUTE, "min")
    return _two(seconds // _DAY, "d", seconds % _DAY // _HOUR, "h")


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large} {unit} {small} {smaller}" if small else f"{large} {unit}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: 1 case, 2 cases."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: list[str], last: str = "and") -> str:
    """Return words as a sentence lists them: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
