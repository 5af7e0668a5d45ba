"""Files that the engine writes into a workspace: whole or not at all, and never outside of it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import unicodedata
from pathlib import Path

from smr_engine.errors import SmrError

LONGEST_SLUG = 60


def inside(workspace: Path, relative: str) -> Path:
    """Return the absolute path of a workspace-relative one, symbolic links followed.

    Raises:
        SmrError: `path-outside-workspace` when it is absolute, or leads out of the workspace.
    """
    root = workspace.resolve()
    if "\x00" not in relative and not Path(relative).is_absolute():
        path = (root / relative).resolve()
        if path != root and path.is_relative_to(root):
            return path
    raise SmrError(
        "path-outside-workspace",
        f"The path {relative!r} does not lie inside the workspace",
        hint="write a path relative to the workspace's folder, without `..`",
    )


def slug(text: str, otherwise: str = "untitled") -> str:
    """Return a file name made of a text: lower-case ASCII letters, digits and hyphens only."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:LONGEST_SLUG].strip("-") or otherwise


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file atomically and durably: readers see the old content or all of the new.

    Args:
        path: where; its folder is made when missing.
        content: the bytes.
        mode: the file's permissions.

    Raises:
        OSError: the disk is full, the folder is not writable, and so on; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
