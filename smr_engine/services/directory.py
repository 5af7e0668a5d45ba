"""The directory: kept in the database, where every change is an event; imported from the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from smr_engine.engine.world import World
from smr_engine.errors import Invalid
from smr_engine.playbook.problems import Problem, Problems
from smr_engine.playbook.schema_check import schema_problems
from smr_engine.playbook.yaml_source import load
from smr_engine.services.directory_check import check_directory
from smr_engine.services.directory_text import directory_digest, read_directory
from smr_engine.services.stored import DirectoryRow, Envelope
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import PersonRow
from smr_engine.services.workspace import Actor, Shelf, Workspace

FILE = "directory.yaml"
YEARS_AHEAD = 6
STREAM = "directory"


def world(ws: Workspace, unit: UnitOfWork) -> World:
    """Return the newest directory, read once a process and version."""
    version, _ = unit.directory.version()
    known = ws.caches.worlds.get(version)
    if known is not None:
        return known
    row = unit.directory.latest()
    if row is None:
        return World(assurance=ws.options.assurance)
    year = ws.clock.now().year
    found = read_directory(
        row.data,
        ws.surroundings.holidays,
        range(year - 1, year + YEARS_AHEAD),
        assurance=ws.options.assurance,
        version=row.version,
    )
    ws.caches.worlds[version] = found
    return found


def sync(ws: Workspace) -> None:
    """Take over the workspace's directory.yaml if its bytes have changed since the last look.

    Durable when it returns. A file with errors changes nothing and is refused.

    Raises:
        Invalid: the file has errors.
    """
    path = ws.root / FILE
    if not ws.options.import_directory or not path.is_file():
        return
    seen = ws.state / "directory.sha256"
    now = hashlib.sha256(path.read_bytes()).hexdigest()
    if seen.is_file() and seen.read_text(encoding="ascii") == now:
        return
    import_(ws, Actor("engine", "", "file"))
    seen.write_text(now, encoding="ascii")


def import_(ws: Workspace, actor: Actor) -> str:
    """Make the file the newest version of the directory; return its digest.

    Idempotent: the same content again changes nothing.

    Raises:
        Invalid: the file has errors; all are named.
    """
    path = ws.root / FILE
    problems, data = examine(ws, path)
    errors = [str(p) for p in problems if p.severity == "error"]
    if errors or data is None:
        raise Invalid("directory-invalid", "\n".join(errors[:20]), hint="smr directory check")
    digest = directory_digest(data)
    with ws.storage.writing() as unit:
        version, known = unit.directory.version()
        if known == digest:
            return digest
        now = ws.clock.now()
        unit.directory.add(DirectoryRow(version + 1, digest, data, now))
        facts = {"version": version + 1, "digest": digest}
        envelope = Envelope(now, actor.id, door=actor.door, os_user=actor.os_user)
        unit.events.append(STREAM, "DirectoryImported", facts, {STREAM: dict(data)}, envelope)
        unit.commit()
    return digest


def check(ws: Workspace) -> list[Problem]:
    """Return every problem of the workspace's directory file."""
    return examine(ws, ws.root / FILE)[0]


def examine(ws: Shelf, path: Path) -> tuple[list[Problem], Mapping[str, Any] | None]:
    """Return the problems of a directory file, and its data if it can be read at all."""
    text = path.read_bytes() if path.is_file() else b""
    located, found = load(text, path.name)
    problems = Problems(path.name)
    problems.extend(found)
    if located is None:
        return problems.sorted(), None
    problems.extend(schema_problems(located, ws.schemas("directory"), path.name))
    data: Mapping[str, Any] = located.data
    if not problems.has_errors:
        for fault in check_directory(data, ws.surroundings):
            problems.error(fault.code, fault.message, located.place(fault.path), fault.hint)
    return problems.sorted(), data


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
        )
        for person in sorted(now.people.values(), key=lambda p: p.id)
    ]
