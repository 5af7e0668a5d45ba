"""Feeds: what calendar programs are told of schedules and of what waits for a person.

A feed holds titles and instants, never contents, comments or names of people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import takewhile
from zoneinfo import ZoneInfo

from smr_engine.services import schedules
from smr_engine.services.access import Sight
from smr_engine.services.reading_cases import case_list
from smr_engine.services.reading_inbox import inbox
from smr_engine.services.stored import ScheduleRow
from smr_engine.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar: an instant, or one that comes again by a rule.

    Args:
        uid: the same in each export, and of no other workspace's entry.
        title: what people read.
        at: the (first) instant, in the time zone; a local time that a change of the clock skips
            stays as it is, and means what RFC 5545 says.
        note: what to type.
        rrule: an RFC 5545 rule that begins with `at`; empty for an instant alone.
        timezone: the IANA zone whose local time the rule keeps.
    """

    uid: str
    title: str
    at: datetime
    note: str
    rrule: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Feed:
    """A named calendar of entries, as of an instant."""

    name: str
    made_at: datetime
    entries: list[Entry]


def schedule_feed(ws: Workspace, person: str | None = None) -> Feed:
    """Return the schedules that a person may see (None: all), each with its rule.

    It counts from the schedule's first due instant on.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        rows = [row for row in unit.schedules.all() if sight.sees_schedules_of(row.playbook)]
    entries = [entry for row in rows for entry in _schedule(row)]
    return Feed("SMR schedules", ws.clock.now(), entries)


def inbox_feed(ws: Workspace, person: str | None, *, all_items: bool = False) -> Feed:
    """Return what waits for a person, or for anybody, at its due time; what has none is left out.

    Raises:
        Invalid, NotFound: as `reading.inbox`.
    """
    rows = inbox(ws, person, all_items=all_items)
    drills = {row.case for row in case_list(ws) if row.drill}
    entries = [
        Entry(
            _uid(row.item, row.opened),
            f"{'EXERCISE ' if row.case in drills else ''}{row.title} ({row.case})",
            row.due.astimezone(UTC),
            f"smr item {row.item}",
        )
        for row in rows
        if row.due is not None and row.opened is not None
    ]
    whose = "SMR: what waits" if all_items or not person else f"SMR: what waits for {person}"
    return Feed(whose, ws.clock.now(), entries)


def _schedule(row: ScheduleRow) -> Iterator[Entry]:
    """Yield the entry of a schedule, unless it was never due and never will be."""
    first = next(schedules.dues(row, row.added_at), None)
    if first is not None:
        zone = ZoneInfo(row.timezone)
        yield Entry(
            _uid(row.id, row.added_at),
            f"{row.playbook} opens",
            datetime.combine(first.astimezone(zone).date(), time.fromisoformat(row.at), zone),
            f"smr schedule next --schedule {row.id} 5",
            _rule_from(row, first),
            row.timezone,
        )


def _rule_from(row: ScheduleRow, first: datetime) -> str:
    """Return a rule that begins with one of its instants: what COUNT counts, less those before it.

    INTERVAL needs no care: each instant lies in a year, month, week or day that counts.
    """
    parts = [part.partition("=") for part in row.rrule.upper().split(";")]
    return ";".join(
        f"{key}={int(value) - _before(row, first)}" if key == "COUNT" else f"{key}={value}"
        for key, _, value in parts
    )


def _before(row: ScheduleRow, first: datetime) -> int:
    every: Iterable[datetime] = schedules.dues(row, row.dtstart - schedules.ON_TIME)
    return sum(1 for _ in takewhile(lambda due: due < first, every))


def _uid(name: str, begun: datetime) -> str:
    """Return an id that is the item's or schedule's for ever, and of no other workspace's."""
    digest = hashlib.sha256(begun.astimezone(UTC).isoformat().encode()).hexdigest()
    return f"{name}-{digest[:12]}@smr-engine"
