"""Validating files: playbooks, scenarios, the directory, the settings; every problem at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from smr_engine.engine.world import World
from smr_engine.errors import NotFound
from smr_engine.playbook.parse import parse_playbook
from smr_engine.playbook.problems import Problem
from smr_engine.playbook.salvage import salvage
from smr_engine.playbook.yaml_source import load as load_yaml
from smr_engine.services import directory, directory_import, library, scenarios
from smr_engine.services.scenario import is_scenario
from smr_engine.services.workspace import Shelf, Workspace

TESTS = "tests"
"""In folders of this name only scenarios are looked at: others may be wrong on purpose."""


def validate(ws: Shelf, paths: Iterable[Path]) -> list[Problem]:
    """Return every problem of the files given: playbooks, scenarios, directory.yaml and smr.yaml.

    Args:
        ws: the workspace, or what is shipped.
        paths: files, folders, or names of playbooks of the library.

    Raises:
        NotFound: a path does not exist.
    """
    world = _world(ws)
    found: list[Problem] = []
    for path in paths:
        listed = None if path.exists() else ws.files.read(str(path))
        if listed is not None:
            found += _validate_playbook(ws, *listed, world)
            continue
        for file in _files(path):
            found += _validate_file(ws, file, world)
    return sorted(found)


def _validate_file(ws: Shelf, path: Path, world: World) -> list[Problem]:
    if path.name == directory.FILE:
        return directory_import.examine(ws, path)[0]
    text = path.read_bytes()
    if path.name == "smr.yaml":
        return ws.validate_settings(text, str(path))
    if _holds_scenario(path):
        return scenarios.problems_of(ws, text, str(path))
    return _validate_playbook(ws, text, str(path), world)


def _validate_playbook(ws: Shelf, text: bytes, file: str, world: World) -> list[Problem]:
    playbook, problems = parse_playbook(text, file, ws.schemas("playbook"))
    if playbook is not None:
        return [*problems, *library.problems_of(ws, playbook, world, file)]
    rest = salvage(text, file, ws.schemas("playbook"))
    if rest is None:
        return problems
    meant = library.problems_of(ws, rest.playbook, world, file)
    return [*problems, *(problem for problem in meant if not rest.caused(problem))]


def _world(ws: Shelf) -> World:
    """Return the directory to check against; an empty one where there is no workspace."""
    if not isinstance(ws, Workspace):
        return World()
    with ws.storage.reading() as unit:
        return directory.world(ws, unit)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [p for p in sorted(path.rglob("*.y*ml")) if ".smr" not in p.parts]
        return [p for p in inside if not _in_tests(p, path) or _holds_scenario(p)]
    if path.is_file():
        return [path]
    raise NotFound(
        "no-such-file",
        f"{path} is no file, no folder and no playbook",
        hint="name a file, a folder, or a playbook of: smr playbooks",
    )


def _in_tests(path: Path, folder: Path) -> bool:
    return TESTS in path.relative_to(folder).parts[:-1]


def _holds_scenario(path: Path) -> bool:
    located = load_yaml(path.read_bytes(), path.name)[0]
    return located is not None and is_scenario(located.data)
