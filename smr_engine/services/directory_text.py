"""Reads a directory (people, roles, accounts, calendars, ...) from plain data into a `World`.

The data is that of `directory.yaml` or of the database, and has passed the directory's schema and
`directory_check`. Dates may be `date` values or ISO 8601 text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from smr_engine.engine.world import (
    Account,
    Group,
    Outsider,
    Person,
    Policy,
    Role,
    World,
)
from smr_engine.services.calendar_text import (
    DEFAULT_CALENDAR,
    DEFAULT_TIMEZONE,
    HolidaySource,
    read_calendar,
    read_span,
)

Data = Mapping[str, Any]


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
        name: read_calendar(name, entry, holidays, years)
        for name, entry in _named(data, "calendars")
    }
    zones = {name: calendar.timezone for name, calendar in calendars.items()}
    of_roles = {name: entry.get("calendar", "") for name, entry in _named(data, "roles")}
    return World(
        version=version,
        people={
            entry["id"]: _person(entry, _calendar_of(entry, of_roles), zones)
            for entry in _listed(data, "people")
        },
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


def _named(data: Data, key: str) -> Iterable[tuple[str, Data]]:
    return (data.get(key) or {}).items()


def _listed(data: Data, key: str) -> Sequence[Data]:
    return data.get(key) or ()


def _calendar_of(person: Data, of_roles: Mapping[str, str]) -> str:
    """Return a person's own calendar, else the one that their roles name, if those agree."""
    named = {of_roles.get(role, "") for role in person.get("roles", ())} - {""}
    of_role = named.pop() if len(named) == 1 else ""
    return str(person.get("calendar", of_role))


def _person(entry: Data, calendar: str, zones: Mapping[str, str]) -> Person:
    quiet = entry.get("quiet")
    zone = zones.get(calendar) or zones.get(DEFAULT_CALENDAR, DEFAULT_TIMEZONE)
    return Person(
        id=entry["id"],
        name=entry["name"],
        email=entry.get("email", ""),
        roles=tuple(entry.get("roles", ())),
        timezone=entry.get("timezone", zone),
        notify=tuple(entry.get("notify", ())),
        quiet=read_span(quiet) if quiet else None,
        away=tuple((read_date(a["from"]), read_date(a["until"])) for a in entry.get("away", ())),
        access=entry.get("access", "operator"),
        calendar=calendar,
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


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    message = f"a directory holds plain data, not {type(value).__name__}"
    raise TypeError(message)
