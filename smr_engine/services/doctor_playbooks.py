"""Whether the playbooks can be started; a shipped one that nobody uses is no fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smr_engine.engine.world import World
from smr_engine.errors import SmrError
from smr_engine.playbook.model import PlaybookStep, walk
from smr_engine.services import library
from smr_engine.services.views import Finding
from smr_engine.services.workspace import Workspace

LACKING = {"unknown-role": "roles", "unknown-group": "groups", "unknown-account": "accounts"}
"""Errors that something more in the directory would mend."""


def examine(ws: Workspace, world: World) -> Iterator[Finding]:
    """Return what keeps playbooks from being started, and once what the unused ones would need."""
    names = sorted(ws.files.names())
    used = in_use(ws)
    idle = []
    for name in names:
        try:
            library.load(ws, name)
        except SmrError as error:
            if name in used:
                first = error.message.splitlines()[0].rstrip(":")
                yield Finding("playbooks", False, first, f"smr validate {name}")
            else:
                idle.append(name)
    ready = [name for name in names if name not in idle]
    yield Finding("playbooks", bool(names), f"looked at: {', '.join(ready) or 'none in use'}")
    if idle:
        needs = "; ".join(_needs(ws, world, idle)) or "smr validate NAME says what they need"
        message = (
            f"shipped, not in use: {', '.join(idle)}. To start them the directory needs {needs}"
        )
        yield Finding("playbooks", True, message)


def _needs(ws: Workspace, world: World, names: Iterable[str]) -> Iterator[str]:
    """Yield what the directory lacks for some playbooks, a kind of thing at a time."""
    read = [library.read(ws, name)[0] for name in names]
    problems = [p for each in read for p in library.problems_of(ws, each, world, each.name)]
    for code, things in LACKING.items():
        lacking = {p.message.split("`")[1] for p in problems if p.code == code}
        if lacking:
            yield f"the {things} {', '.join(sorted(lacking))}"


def in_use(ws: Workspace) -> frozenset[str]:
    """Return the workspace's own playbooks, those with cases or starts, and their children."""
    places = ws.files.names()
    with ws.storage.reading() as unit:
        begun = {name for name in places if unit.queries.cases(playbook=name, limit=1)}
        begun |= {row.playbook for row in unit.schedules.all()}
    begun |= {
        *ws.options.prefect_start,
        *(n for n, place in places.items() if place == "workspace"),
    }
    found: set[str] = set()
    while begun:
        name = begun.pop()
        found.add(name)
        begun |= _opened_by(ws, name) - found
    return frozenset(found)


def _opened_by(ws: Workspace, name: str) -> set[str]:
    try:
        playbook, _ = library.read(ws, name)
    except SmrError:  # it is named for that itself
        return set()
    return {s.playbook for s in walk(playbook.steps) if isinstance(s, PlaybookStep)}
