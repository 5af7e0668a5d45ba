"""The directory: kept in the database, where every change is an event; imported from the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import yaml

from smr_engine.engine import policy
from smr_engine.engine.world import Calendar, World
from smr_engine.services.calendar_text import read_calendar
from smr_engine.services.directory_text import read_directory
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import PersonRow
from smr_engine.services.workspace import Workspace

FILE = "directory.yaml"
YEARS_AHEAD = 6
STREAM = "directory"


def world(ws: Workspace, unit: UnitOfWork) -> World:
    """Return the newest directory, read once a process, version and year (of its holidays)."""
    version, _ = unit.directory.version()
    year = ws.clock.now().year
    known = ws.caches.worlds.get((version, year))
    if known is not None:
        return known
    row = unit.directory.latest()
    if row is None:
        return World(assurance=ws.options.assurance)
    read = read_directory(
        row.data,
        ws.surroundings.holidays,
        range(year - 1, year + YEARS_AHEAD),
        assurance=ws.options.assurance,
        version=row.version,
    )
    found = replace(read, public_url=ws.options.public_url)
    ws.caches.worlds[version, year] = found
    return found


def calendar(ws: Workspace, unit: UnitOfWork, name: str, years: range) -> Calendar:
    """Return a calendar of the newest directory, expanded for some years.

    Raises:
        KeyError: there is none of that name.
    """
    row = unit.directory.latest()
    entries = row.data.get("calendars", {}) if row else {}
    return read_calendar(name, entries[name], ws.surroundings.holidays, years)


def export(ws: Workspace) -> str:
    """Return the newest directory as YAML."""
    with ws.storage.reading() as unit:
        row = unit.directory.latest()
    return yaml.safe_dump(dict(row.data) if row else {}, sort_keys=False, allow_unicode=True)


def people(ws: Workspace) -> list[PersonRow]:
    """Return everybody in the directory."""
    with ws.storage.reading() as unit:
        now = world(ws, unit)
    groups = {name: now.members(name) for name in now.groups}
    return [
        PersonRow(
            person.id,
            person.name,
            person.email,
            sorted(person.roles),
            sorted(name for name, members in groups.items() if person.id in members),
            person.timezone,
            person.calendar,
        )
        for person in sorted(now.people.values(), key=lambda p: p.id)
    ]


def titles(ws: Workspace, roles: Iterable[str]) -> list[str]:
    """Return what roles are called."""
    with ws.storage.reading() as unit:
        now = world(ws, unit)
    return sorted(policy.title_of(now, role) for role in roles)


def accounts(ws: Workspace) -> list[tuple[str, str]]:
    """Return the places the company speaks at, as ids with titles."""
    with ws.storage.reading() as unit:
        now = world(ws, unit)
    return sorted((account.id, account.title or account.id) for account in now.accounts.values())
