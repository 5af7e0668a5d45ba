"""Feeds as iCalendar (RFC 5545), with the time zones that their rules need."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vRecur

from smr_engine import __version__
from smr_engine.engine.local_time import day_offsets
from smr_engine.services.feeds import Entry, Feed

YEARS_OF_ZONES = 12
"""How far changes of the clock are written out; programs that know the zone's name go on."""


def calendar_file(feed: Feed) -> bytes:
    """Return a feed as the bytes of an ``.ics`` file; all of it but DTSTAMP depends on the feed."""
    made = Calendar()
    made.add("prodid", f"-//SMR engine//smr {__version__}//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.calendar_name = feed.name
    for zone, first in sorted(_zones(feed).items()):
        made.add_component(_timezone(zone, first))
    for entry in feed.entries:
        made.add_component(_event(entry, feed.made_at))
    return bytes(made.to_ical())


def _event(entry: Entry, made_at: datetime) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", made_at.astimezone(UTC))
    event.add("dtstart", entry.at)
    if entry.rrule:
        event.add("rrule", vRecur.from_ical(entry.rrule))
    event.add("summary", _plain(entry.title))
    event.add("description", entry.note)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")  # something to know of; nobody is busy because of it
    return event


def _plain(text: str) -> str:
    """Return a text on one line without controls and hidden characters, which iCalendar forbids."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _zones(feed: Feed) -> dict[str, date]:
    """Return the zones that entries keep to, each with the first day that it is needed for."""
    found: dict[str, date] = {}
    for entry in feed.entries:
        if entry.timezone != "UTC":
            day = date(entry.at.year, 1, 1)
            found[entry.timezone] = min(day, found.get(entry.timezone, day))
    return found


def _timezone(name: str, first: date) -> Timezone:
    """Return a zone's offsets: that of the first day, and each change after it.

    The library's own way writes changes forward an hour late.
    """
    made = Timezone()
    made.add("tzid", name)
    before = day_offsets(name, first).before
    begin = datetime.combine(first, time(), UTC) - before
    onsets = {(before, before): [begin]}
    for n in range(YEARS_OF_ZONES * 366):
        offsets = day_offsets(name, first + timedelta(days=n))
        if offsets.change is not None:
            onsets.setdefault(offsets[:2], []).append(offsets.change)
    for (old, new), instants in onsets.items():
        made.add_component(_observance(name, old, new, instants))
    return made


def _observance(
    name: str, old: timedelta, new: timedelta, instants: list[datetime]
) -> TimezoneStandard | TimezoneDaylight:
    """Return one of a zone's offsets with its onsets, which stand in the local time before them."""
    onset, *later = [(at + old).replace(tzinfo=None) for at in instants]
    here = instants[0].astimezone(ZoneInfo(name))
    made = TimezoneDaylight() if here.dst() else TimezoneStandard()
    made.add("dtstart", onset)
    if later:
        made.add("rdate", later)
    made.add("tzoffsetfrom", old)
    made.add("tzoffsetto", new)
    made.add("tzname", here.tzname())
    return made
