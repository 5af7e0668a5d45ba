"""Reads a directory (people, roles, accounts, calendars, ...) from plain data into a `World`.

The data is that of `directory.yaml` or of the database, and has passed the directory's schema and
`directory_check`. Dates may be `date` values or ISO 8601 text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from itertools import pairwise
from typing import Any, Protocol

from smr_engine.engine.world import (
    Account,
    Calendar,
    Group,
    Outsider,
    Person,
    Policy,
    Role,
    World,
)

DEFAULT_CALENDAR = "default"
DEFAULT_TIMEZONE = "UTC"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SPAN = re.compile(rf"({_CLOCK}) ?[-–] ?({_CLOCK}|24:00)")

Data = Mapping[str, Any]
Spans = tuple[tuple[time, time], ...]


class HolidaySource(Protocol):
    """Where public holidays come from."""

    def countries(self) -> frozenset[str]:
        """Return the ISO 3166 codes of all countries whose holidays are known."""
        ...

    def subdivisions(self, country: str) -> frozenset[str]:
        """Return the subdivisions of a country, without the country's code."""
        ...

    def dates(self, country: str, subdivision: str, years: range) -> frozenset[date]:
        """Return the public holidays of some years; an empty subdivision means the country."""
        ...


def read_directory(
    data: Data, holidays: HolidaySource, years: range, *, assurance: str, version: int
) -> World:
    """Return the world that a directory describes.

    Args:
        data: a directory in which `check_directory` finds no fault.
        holidays: where calendars get their public holidays from.
        years: the years to expand them for.
        assurance: the workspace's floor.
        version: the directory's version.

    Raises:
        ValueError, KeyError: the data is not what `data` asks for.
    """
    calendars = {
        name: _calendar(name, entry, holidays, years) for name, entry in _named(data, "calendars")
    }
    default = calendars.get(DEFAULT_CALENDAR)
    timezone = default.timezone if default else DEFAULT_TIMEZONE
    return World(
        version=version,
        people={entry["id"]: _person(entry, timezone) for entry in _listed(data, "people")},
        roles={name: _role(name, entry) for name, entry in _named(data, "roles")},
        groups={name: _group(name, entry) for name, entry in _named(data, "groups")},
        accounts={name: _account(name, entry) for name, entry in _named(data, "accounts")},
        contacts={entry["id"]: _contact(entry) for entry in _listed(data, "contacts")},
        vendors={entry["id"]: _vendor(entry) for entry in _listed(data, "vendors")},
        policies={entry["id"]: _policy(entry) for entry in _listed(data, "policies")},
        calendars=calendars,
        assurance=assurance,
    )


def canonical_directory(data: Data) -> str:
    """Return a directory as JSON with sorted keys and without spaces; dates as ISO 8601 text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_iso)


def directory_digest(data: Data) -> str:
    """Return the SHA-256 of a directory's canonical form in UTF-8, in hex.

    Comments, the order of keys and the spelling of dates in the file do not change it.
    """
    return hashlib.sha256(canonical_directory(data).encode()).hexdigest()


def read_date(value: date | str) -> date:
    """Return a date that is given as one or as ISO 8601 text.

    Raises:
        ValueError: it is neither.
    """
    return value if isinstance(value, date) else date.fromisoformat(value)


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


def read_hours(hours: Mapping[str, str | Sequence[str]]) -> dict[int, Spans]:
    """Return the open spans per weekday, in order.

    Args:
        hours: weekdays to one span (``09:00-17:30``) or a list of spans.

    Raises:
        ValueError: a span that ends before it begins, overlaps another, or cannot be read; a
            weekday that is named twice.
    """
    found: dict[int, Spans] = {}
    for days, texts in hours.items():
        spans = _open_spans([texts] if isinstance(texts, str) else texts)
        for day in read_weekdays(days):
            if day in found:
                message = f"`{WEEKDAYS[day]}` has its hours twice"
                raise ValueError(message)
            found[day] = spans
    return found


def _open_spans(texts: Iterable[str]) -> Spans:
    spans = tuple(sorted(read_span(text) for text in texts))
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


def _named(data: Data, key: str) -> Iterable[tuple[str, Data]]:
    return (data.get(key) or {}).items()


def _listed(data: Data, key: str) -> Sequence[Data]:
    return data.get(key) or ()


def _person(entry: Data, timezone: str) -> Person:
    quiet = entry.get("quiet")
    return Person(
        id=entry["id"],
        name=entry["name"],
        email=entry.get("email", ""),
        roles=tuple(entry.get("roles", ())),
        timezone=entry.get("timezone", timezone),
        notify=tuple(entry.get("notify", ())),
        quiet=read_span(quiet) if quiet else None,
        away=tuple((read_date(a["from"]), read_date(a["until"])) for a in entry.get("away", ())),
        access=entry.get("access", "operator"),
    )


def _role(name: str, entry: Data) -> Role:
    return Role(name, entry.get("title", name), tuple(entry.get("deputies", ())))


def _group(name: str, entry: Data) -> Group:
    members = entry.get("members", ())
    people = tuple(member for member in members if isinstance(member, str))
    roles = tuple(member["role"] for member in members if not isinstance(member, str))
    return Group(name, entry.get("title", name), people, roles)


def _account(name: str, entry: Data) -> Account:
    return Account(
        id=name,
        title=entry.get("title", name),
        platform=entry.get("platform", ""),
        connector=entry["connector"],
        settings=entry.get("settings", {}),
        owner=entry.get("owner", ""),
        backup=entry.get("backup", ""),
    )


def _contact(entry: Data) -> Outsider:
    return Outsider(
        entry["id"], entry["name"], entry.get("email", ""), entry.get("organisation", "")
    )


def _vendor(entry: Data) -> Outsider:
    return Outsider(entry["id"], entry["title"], entry.get("contact", ""), entry["title"])


def _policy(entry: Data) -> Policy:
    effective, next_review = entry.get("effective"), entry.get("next_review")
    return Policy(
        id=entry["id"],
        title=entry["title"],
        version=entry.get("version", ""),
        owner=entry.get("owner", ""),
        effective=read_date(effective) if effective else None,
        next_review=read_date(next_review) if next_review else None,
        document=entry.get("document", ""),
    )


def _calendar(name: str, entry: Data, holidays: HolidaySource, years: range) -> Calendar:
    public = entry.get("holidays")
    closed = frozenset(read_date(day) for day in entry.get("closed", ()))
    if public:
        closed |= holidays.dates(public["country"], public.get("subdivision", ""), years)
    timezone = entry.get("timezone", DEFAULT_TIMEZONE)
    return Calendar(name, timezone, read_hours(entry["hours"]), closed)


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    message = f"a directory holds plain data, not {type(value).__name__}"
    raise TypeError(message)
