"""Playbooks as files: the workspace's own first, then those that are shipped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(rb"^playbook:[ \t]*([\"']?)([a-z][a-z0-9-]*)\1[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_SCENARIO = re.compile(rb"^scenario:", re.MULTILINE)


class FolderPlaybooks:
    """Finds playbooks by name in folders (implements `services.ports.PlaybookFiles`).

    Args:
        folders: place (`workspace`, `shipped`) and folder, the one that counts first.

    The name is what the file says after `playbook:`, whatever the file is called; of two that say
    the same in one folder the one that is called so counts. One that says none has its own name.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def names(self) -> Mapping[str, str]:
        """Return every name with its place."""
        return {name: place for name, (place, _) in self._found().items()}

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Return a playbook's bytes and the path to show; None if there is none of that name."""
        found = self._found().get(name)
        if found is None:
            return None
        place, path = found
        shown = path if place == "workspace" else Path("shipped") / path.name
        return path.read_bytes(), str(shown)

    def _found(self) -> dict[str, tuple[str, Path]]:
        found: dict[str, tuple[str, Path]] = {}
        for place, folder in self._folders.items():
            named = ((_name_in(path), path) for path in _files(folder))
            for name, path in sorted(named, key=lambda each: (each[0] != each[1].stem, each[1])):
                found.setdefault(name, (place, path))
        return found


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (p for p in folder.iterdir() if p.suffix in SUFFIXES and p.is_file())


def _name_in(path: Path) -> str:
    try:
        stat = path.stat()
        return _name_as_of(path, stat.st_mtime_ns, stat.st_size)
    except OSError:  # told when that very file is asked for; it keeps no other away
        return path.stem


@lru_cache(maxsize=1_000)
def _name_as_of(path: Path, _changed_ns: int, _size: int) -> str:
    text = path.read_bytes()
    said = None if _SCENARIO.search(text) else _NAME.search(text)
    return said[2].decode() if said else path.stem
