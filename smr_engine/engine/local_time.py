"""Wall clocks and instants: which instants bear a local time, on ordinary days and odd ones.

On the two odd days of a year a local time may never come (the clock jumps over it) or come twice.
One rule serves both: before the change of the day the old offset holds, from it on the new one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]
ONE_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class DayOffsets(NamedTuple):
    """A local day's offset from UTC: `before` up to the instant `change`, `after` from it on."""

    before: timedelta
    after: timedelta
    change: datetime | None  # None on an ordinary day, when `before` is `after`


def local_day(timezone: str, at: datetime) -> date:
    """Return the local date of an aware instant in an IANA time zone."""
    return at.astimezone(ZoneInfo(timezone)).date()


def spans_of(timezone: str, start: datetime, end: datetime) -> tuple[Span, ...]:
    """Return the instants at which a clock on the wall reads at least `start` and less than `end`.

    Args:
        timezone: IANA name.
        start: naive local time.
        end: naive local time, later, at most midnight at the end of the same day.

    Returns:
        Spans in UTC, in order: one, or none when that time never comes; on the day of a change of
        the clock one before it and one after it, which may touch.
    """
    before, after, change = day_offsets(timezone, start.date())
    first = (_utc(start, before), _utc(end, before))
    if change is None:
        return (first,)
    early = (first[0], min(first[1], change))
    late = (max(_utc(start, after), change), _utc(end, after))
    return tuple(span for span in (early, late) if span[0] < span[1])


def instants_of(timezone: str, wall: datetime) -> tuple[datetime, ...]:
    """Return the instants at which a clock on the wall reads `wall` (naive), in order, in UTC.

    One on an ordinary day, two when it comes twice; when it never comes, the instant of the change.
    """
    before, after, change = day_offsets(timezone, wall.date())
    if change is None:
        return (_utc(wall, before),)
    early, late = _utc(wall, before), _utc(wall, after)
    found = ((early,) if early < change else ()) + ((late,) if late >= change else ())
    return found or (change,)


@lru_cache(maxsize=8192)
def day_offsets(timezone: str, day: date) -> DayOffsets:
    """Return the offsets that hold on a local day."""
    zone = ZoneInfo(timezone)
    midnight = datetime.combine(day, time())
    before = _offset(midnight.replace(tzinfo=zone))
    after = _offset((midnight + ONE_DAY).replace(tzinfo=zone, fold=1))
    if before == after:
        return DayOffsets(before, after, None)
    return DayOffsets(before, after, _change(zone, midnight, before, after))


def _change(zone: ZoneInfo, midnight: datetime, before: timedelta, after: timedelta) -> datetime:
    """Search the second at which the offset of a day changes."""
    low = _utc(midnight, max(before, after))  # the old offset holds here ...
    high = _utc(midnight + ONE_DAY, min(before, after))  # ... and the new one here
    while high - low > _SECOND:
        middle = low + _SECOND * ((high - low) // _SECOND // 2)
        if _offset(middle.astimezone(zone)) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta()


def _utc(wall: datetime, offset: timedelta) -> datetime:
    return (wall - offset).replace(tzinfo=UTC)
