"""Time arithmetic: when something is due, reminded, repeated, and when a person sleeps.

Instants are aware and come out in UTC. Open time is what a calendar's hours cover on the wall, day
by day: none on closed days, less on half days; an hour that daylight saving removes is not there,
one that comes twice counts twice. A deadline may fall on the instant of closing, never in closed
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from smr_engine.engine import local_time
from smr_engine.engine.local_time import ONE_DAY, Span
from smr_engine.engine.world import Calendar, Person
from smr_engine.errors import SmrError
from smr_engine.playbook.durations import Anchor, Duration, DurationKind, Offset

MAX_LOOK_DAYS = 3660  # ten years: holidays are known for fewer, and a search must end
NOTHING = timedelta()


def add(start: datetime, duration: Duration, calendar: Calendar) -> datetime:
    """Return the instant at which a duration that began at `start` is over, in UTC.

    Elapsed time is exact seconds. Business time runs while the calendar is open: it is monotonic
    and additive, and zero of it leads from closed time to the next opening. Business days keep
    the local time of day of `start`, or of the next opening if that is closed; where the target
    day is not open at that time, the result is the next opening of that day, else its closing.
    Of a time that comes twice on the target day the first is taken.

    Raises:
        SmrError: ``calendar-never-open``; ``too-far-ahead`` (more than ten years of a calendar,
            or past the year 9999).
    """
    try:
        return _moved(start.astimezone(UTC), duration, calendar, 1)
    except OverflowError as error:
        raise _too_far(calendar) from error


def open_seconds(start: datetime, end: datetime, calendar: Calendar) -> int:
    """Return how many whole seconds a calendar is open between two instants, 0 if `end` is earlier.

    It is the inverse of `add`: ``open_seconds(t, add(t, n business seconds)) == n``.

    Raises:
        SmrError: ``calendar-never-open``; ``too-far-ahead`` (more than ten years between them).
    """
    if end <= start:
        return 0
    try:
        open_time = _open_time(start.astimezone(UTC), end.astimezone(UTC), calendar)
    except OverflowError as error:
        raise _too_far(calendar) from error
    return open_time // timedelta(seconds=1)


def offset_at(
    offset: Offset, start: datetime, due: datetime, calendar: Calendar, *, business: bool
) -> datetime:
    """Return the instant an offset names, the first one for `every`.

    Args:
        offset: what the playbook says.
        start: when the item opened.
        due: when it is due.
        calendar: for business durations and, with `business`, for percentages.
        business: percentages run in the calendar's open time; 100 % is `due` in any case, and
            more than that counts on from `due`.

    The result may lie before `start` (``2h before due`` of an item that is due in one).

    Raises:
        SmrError: as `add`.
    """
    try:
        if offset.percent is not None:
            return _at_percent(offset.percent, (start, due), calendar, business=business)
        anchor = start if offset.anchor is Anchor.START else due
        return _moved(anchor.astimezone(UTC), _delta(offset), calendar, offset.sign)
    except OverflowError as error:
        raise _too_far(calendar) from error


def next_repeat(
    offset: Offset, fired_for: datetime, calendar: Calendar, *, after: datetime | None = None
) -> datetime:
    """Return the beat of an `every` offset that follows the one at `fired_for`.

    Args:
        offset: one with `every`.
        fired_for: the nominal instant of the last beat, however late it fired.
        calendar: for business durations.
        after: pass over the beats up to and including this instant (those that were missed).

    Raises:
        SmrError: as `add`.
    """
    step = _delta(offset)
    if after is None:
        return add(fired_for, step, calendar)
    beat = fired_for
    if step.kind is DurationKind.ELAPSED and beat < after:
        length = timedelta(seconds=step.amount)
        beat += (after - beat) // length * length
    beat = add(beat, step, calendar)
    while beat <= after:
        beat = add(beat, step, calendar)
    return beat


def is_quiet(person: Person, at: datetime) -> bool:
    """Return whether an instant lies in a person's quiet hours (their end excluded)."""
    if person.quiet is None:
        return False
    begin, end = person.quiet
    wall = at.astimezone(ZoneInfo(person.timezone)).time()
    return begin <= wall < end if begin < end else wall >= begin or wall < end


def quiet_until(person: Person, at: datetime) -> datetime:
    """Return when the quiet hours that hold at `at` end, in UTC; `at` itself if none do."""
    at = at.astimezone(UTC)
    if person.quiet is None or not is_quiet(person, at):
        return at
    today = local_time.local_day(person.timezone, at)
    ends = (
        instant
        for day in (today, today + ONE_DAY, today + 2 * ONE_DAY)
        for instant in local_time.instants_of(
            person.timezone, datetime.combine(day, person.quiet[1])
        )
    )
    return next(end for end in ends if end > at and not is_quiet(person, end))


def local_day(who: Person | str, at: datetime) -> date:
    """Return the local date of an instant for a person, or in a time zone (IANA name)."""
    return local_time.local_day(who if isinstance(who, str) else who.timezone, at)


# --- calendars as spans ------------------------------------------------------------------------


def open_spans(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """Return when a calendar is open on one local day, in UTC, in order."""
    return tuple(
        span
        for opens, closes in calendar.hours_on(day)
        for span in local_time.spans_of(
            calendar.timezone, datetime.combine(day, opens), _closing(day, closes)
        )
    )


def _closing(day: date, closes: time) -> datetime:
    midnight = closes == time.max  # `time` cannot say 24:00
    return datetime.combine(day + ONE_DAY if midnight else day, time() if midnight else closes)


def _open_days(calendar: Calendar, at: datetime, sign: int) -> Iterator[tuple[date, list[Span]]]:
    """Yield the open days from the local day of `at` on (or back), with their spans that way.

    It begins a day early: the closing instant of a day may be midnight, or lie behind a change
    of the clock, and then belongs to the local day after.
    """
    if not any(calendar.hours.values()):
        raise _never_open(calendar)
    first = local_time.local_day(calendar.timezone, at) - sign * ONE_DAY
    for distance in range(MAX_LOOK_DAYS + 1):
        day = first + sign * distance * ONE_DAY
        if spans := open_spans(calendar, day):
            yield day, list(spans[::sign])


def _open_time(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    total = NOTHING
    for _, spans in _open_days(calendar, start, 1):
        total += sum((max(min(b, end) - max(a, start), NOTHING) for a, b in spans), NOTHING)
        if spans[-1][1] >= end:
            return total
    raise _too_far(calendar)


# --- moving ------------------------------------------------------------------------------------


def _moved(at: datetime, by: Duration, calendar: Calendar, sign: int) -> datetime:
    """Move an instant on or back by a duration of any kind."""
    if by.kind is DurationKind.ELAPSED:
        return at + sign * timedelta(seconds=by.amount)
    if by.kind is DurationKind.BUSINESS_DAYS:
        return _moved_days(at, by.amount, calendar, sign)
    return _moved_time(at, timedelta(seconds=by.amount), calendar, sign)


def _moved_time(at: datetime, left: timedelta, calendar: Calendar, sign: int) -> datetime:
    """Walk open time on or back until none is left."""
    for _, spans in _open_days(calendar, at, sign):
        for opens, closes in spans:
            here = max(at, opens) if sign > 0 else min(at, closes)
            room = closes - here if sign > 0 else here - opens
            if left <= room:
                return here + sign * left
            left -= max(room, NOTHING)
    raise _too_far(calendar)


def _moved_days(at: datetime, count: int, calendar: Calendar, sign: int) -> datetime:
    """Count open days on or back, at the same local time of day."""
    base = _moved_time(at, NOTHING, calendar, sign)
    into_day: timedelta | None = None  # the local time of day, once the day of `base` is reached
    for day, spans in _open_days(calendar, at, sign):
        midnight = datetime.combine(day, time())
        if into_day is None:
            if not any(opens <= base <= closes for opens, closes in spans):
                continue
            into_day = base.astimezone(calendar.zone).replace(tzinfo=None) - midnight
            left = count
        if left == 0:
            instants = local_time.instants_of(calendar.timezone, midnight + into_day)
            return base if count == 0 else _clamped(instants[0], sorted(spans))
        left -= 1
    raise _too_far(calendar)


def _clamped(at: datetime, spans: list[Span]) -> datetime:
    """Return an instant if it is open, else the next opening of the day, else its closing."""
    return next((max(at, opens) for opens, closes in spans if at <= closes), spans[-1][1])


def _at_percent(percent: int, between: Span, calendar: Calendar, *, business: bool) -> datetime:
    start, due = (instant.astimezone(UTC) for instant in between)
    if percent == 100:
        return due
    base, share = (start, percent) if percent < 100 else (due, percent - 100)
    if due <= start:
        return base
    if business:
        part = _open_time(start, due, calendar) * share / 100
        return _moved_time(base, part, calendar, 1)
    return base + (due - start) * share / 100


def _delta(offset: Offset) -> Duration:
    if offset.delta is None:
        message = f"{offset!r} is neither a percentage nor a distance"
        raise ValueError(message)
    return offset.delta


def _never_open(calendar: Calendar) -> SmrError:
    return SmrError(
        "calendar-never-open",
        f"Calendar `{calendar.name}` is never open, so that business time never passes.",
        hint="give it hours in directory.yaml, such as mon-fri: '09:00-17:30'",
        where=f"calendar {calendar.name}",
    )


def _too_far(calendar: Calendar) -> SmrError:
    return SmrError(
        "too-far-ahead",
        "The time asked for is too far away: ten years of a calendar are the limit.",
        hint="use a shorter duration or an earlier date",
        where=f"calendar {calendar.name}",
    )
