"""Taking over directory.yaml: checked as a whole, then kept as the next version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smr_engine.errors import Invalid
from smr_engine.playbook.problems import Problem, Problems
from smr_engine.playbook.schema_check import schema_problems
from smr_engine.playbook.yaml_source import load
from smr_engine.services.directory import FILE, STREAM
from smr_engine.services.directory_check import check_directory
from smr_engine.services.directory_text import directory_digest
from smr_engine.services.stored import DirectoryRow, Envelope
from smr_engine.services.workspace import Actor, Shelf, Workspace


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
        unit.keep()
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
