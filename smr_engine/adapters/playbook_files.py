"""Playbooks as files: the workspace's own first, then those that are shipped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SUFFIXES = (".yaml", ".yml")
_LONGEST_NAME = 200  # bytes; a file system that is asked for more answers with a fault


class FolderPlaybooks:
    """Finds playbooks by name in folders (implements `services.ports.PlaybookFiles`).

    Args:
        folders: place (`workspace`, `shipped`) and folder, the one that counts first.

    A playbook's file is named after it: `crisis-response.yaml`.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def names(self) -> Mapping[str, str]:
        """Return every name with its place."""
        found: dict[str, str] = {}
        for place, folder in self._folders.items():
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path.suffix in SUFFIXES and path.is_file():
                    found.setdefault(path.stem, place)
        return found

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Return a playbook's bytes and the path to show; None if there is none of that name."""
        if Path(name).name != name or len(name.encode()) > _LONGEST_NAME:  # a name is no path
            return None
        for place, folder in self._folders.items():
            for suffix in SUFFIXES:
                path = folder / f"{name}{suffix}"
                if path.is_file():
                    shown = path if place == "workspace" else Path("shipped") / path.name
                    return path.read_bytes(), str(shown)
        return None
