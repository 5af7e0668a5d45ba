"""The library: playbooks of the workspace and those shipped, checked before use."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smr_engine.engine.world import World
from smr_engine.errors import Invalid, NotFound
from smr_engine.playbook.check import CheckContext, check_playbook
from smr_engine.playbook.diagram import mermaid
from smr_engine.playbook.model import Playbook, PlaybookStep, walk
from smr_engine.playbook.parse import parse_playbook
from smr_engine.playbook.problems import Problem
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.playbook.yaml_source import load as load_yaml
from smr_engine.services import directory
from smr_engine.services.facts import directory_facts
from smr_engine.services.outline import outline
from smr_engine.services.views import PlaybookRow as Row
from smr_engine.services.workspace import Shelf, Workspace


def read(ws: Shelf, name: str) -> tuple[Playbook, bytes]:
    """Return a playbook of the library by name, with its file's bytes.

    Raises:
        NotFound: there is none of that name.
        Invalid: its form has errors; all are named.
    """
    found = ws.files.read(name)
    if found is None:
        near = did_you_mean(name, ws.files.names())
        raise NotFound(
            "unknown-playbook", f"there is no playbook '{name}'", hint=near or "see: smr playbooks"
        )
    source, file = found
    known = ws.caches.playbooks.get(hashlib.sha256(source).hexdigest())
    if known is not None:
        return known, source
    playbook, problems = parse_playbook(source, file, ws.schemas("playbook"))
    if playbook is None:
        raise _invalid(name, problems)
    return ws.caches.playbooks.setdefault(playbook.digest, playbook), source


def load(ws: Workspace, name: str) -> Playbook:
    """Return a playbook that may be started.

    Raises:
        NotFound, Invalid: as `read`; Invalid also where its meaning has errors.
    """
    return _checked(ws, name)[0]


def startable(ws: Workspace, name: str) -> dict[str, tuple[Playbook, bytes]]:
    """Return a playbook that may be started now, first, and all that it opens, by name.

    Raises:
        NotFound, Invalid: as `load`, for any of them.
    """
    found: dict[str, tuple[Playbook, bytes]] = {}
    wanted = [name]
    while wanted:
        here = wanted.pop(0)
        if here in found:
            continue
        playbook, source = _checked(ws, here)
        found[here] = (playbook, source)
        wanted += [s.playbook for s in walk(playbook.steps) if isinstance(s, PlaybookStep)]
    return found


def _checked(ws: Workspace, name: str) -> tuple[Playbook, bytes]:
    playbook, source = read(ws, name)
    with ws.storage.reading() as unit:
        world = directory.world(ws, unit)
    errors = [p for p in problems_of(ws, playbook, world, name) if p.severity == "error"]
    if errors:
        raise _invalid(name, errors)
    return playbook, source


def problems_of(ws: Shelf, playbook: Playbook, world: World, file: str) -> list[Problem]:
    """Return what is wrong with the meaning of a playbook, against the directory and library."""
    key = (playbook.digest, world.version)
    known = ws.caches.checked.get(key)
    if known is None:
        context = CheckContext(
            directory=directory_facts(world), playbooks=_others(ws, playbook), file=file
        )
        known = ws.caches.checked[key] = check_playbook(playbook, context)
    return known


def playbooks(ws: Shelf) -> list[Row]:
    """Return all playbooks of the library that can be read."""
    found = (_row(ws, name, place) for name, place in sorted(ws.files.names().items()))
    return [row for row in found if row is not None]


def _row(ws: Shelf, name: str, place: str) -> Row | None:
    """Return what a list shows of a playbook, without checking it; None if it is no playbook."""
    source, file = ws.files.read(name) or (b"", name)
    located = load_yaml(source, file)[0]
    data = located.data if located else None
    if not isinstance(data, Mapping) or "playbook" not in data:
        return None
    said = {key: str(data.get(key, "")) for key in ("version", "title", "summary")}
    digest = hashlib.sha256(source).hexdigest()
    return Row(name, said["version"], digest, said["title"], said["summary"], place)


def show(ws: Shelf, name: str) -> dict[str, Any]:
    """Return a playbook as its file says it, with its digest and its inputs as a JSON Schema.

    Raises:
        NotFound, Invalid: as `read`.
    """
    playbook, source = read(ws, name)
    located = load_yaml(source, name)[0]
    said = located.data if located else None
    known = {"digest": playbook.digest, "inputs": dict(playbook.inputs)}
    return {**(said if isinstance(said, Mapping) else {}), **known}


def outlined(ws: Shelf, name: str) -> dict[str, Any]:
    """Return a playbook in short, for people: what it asks, who owns it, its steps as a tree."""
    return outline(read(ws, name)[0])


def graph(ws: Shelf, name: str) -> str:
    """Return a playbook as a Mermaid flowchart."""
    return mermaid(read(ws, name)[0])


def drawn(ws: Shelf, name: str) -> str:
    """Return a playbook as a picture (SVG)."""
    from smr_engine.playbook.picture import picture  # only one command draws

    return picture(read(ws, name)[0])


def diff(ws: Workspace, first: str, second: str) -> str:
    """Return the difference of two playbooks, each a name of the library, a digest or a file."""
    before, after = (
        _source(ws, which).decode(errors="replace").splitlines(keepends=True)
        for which in (first, second)
    )
    return "".join(difflib.unified_diff(before, after, first, second))


def _source(ws: Workspace, which: str) -> bytes:
    path = Path(which)
    if path.is_file():
        return path.read_bytes()
    with ws.storage.reading() as unit:
        by_digest = [r for r in unit.playbooks.all() if r.digest.startswith(which)]
    if len(by_digest) == 1 and len(which) >= 8:
        return by_digest[0].source
    return read(ws, which)[1]


def _others(ws: Shelf, playbook: Playbook) -> dict[str, Playbook]:
    """Return the playbooks it opens, and those they open, as far as they can be read."""
    found: dict[str, Playbook] = {playbook.name: playbook}
    wanted = [s.playbook for s in walk(playbook.steps) if isinstance(s, PlaybookStep)]
    while wanted:
        name = wanted.pop()
        file = ws.files.read(name)
        if name in found or file is None:
            continue
        other, _ = parse_playbook(*file, ws.schemas("playbook"))
        if other is not None:
            found[name] = other
            wanted += [s.playbook for s in walk(other.steps) if isinstance(s, PlaybookStep)]
    return found


def _invalid(name: str, problems: list[Problem]) -> Invalid:
    errors = [str(p) for p in problems if p.severity == "error"]
    more = f"\n... and {len(errors) - 20} more" if len(errors) > 20 else ""
    return Invalid(
        "playbook-invalid",
        f"{name} has errors and cannot be started:\n" + "\n".join(errors[:20]) + more,
        hint=f"smr validate {name}",
    )
