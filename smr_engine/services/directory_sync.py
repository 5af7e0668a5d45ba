"""Noticing that directory.yaml has changed, without loading what checks it."""

from __future__ import annotations

import hashlib

from smr_engine.services.directory import FILE
from smr_engine.services.storing import Conflict
from smr_engine.services.workspace import Actor, Workspace


def sync(ws: Workspace) -> None:
    """Take over the workspace's directory.yaml if it or the database is not as at the last look.

    Durable when it returns. The database may be another one than last time: a new one that the
    settings name, or one that was restored from a backup. A file with errors changes nothing and
    is refused.

    Raises:
        Invalid: the file has errors.
    """
    path = ws.root / FILE
    if not ws.options.import_directory or not path.is_file():
        return
    seen = ws.state / "directory.sha256"
    file = hashlib.sha256(path.read_bytes()).hexdigest()
    if seen.is_file() and seen.read_text(encoding="ascii") == _both(ws, file):
        return
    from smr_engine.services.directory_import import import_  # rare, and loads the schema checker

    actor = Actor("engine", "", "file")
    try:
        import_(ws, actor)
    except Conflict:  # several processes opened it at once, and another one has imported the file
        import_(ws, actor)
    seen.write_text(_both(ws, file), encoding="ascii")


def _both(ws: Workspace, file: str) -> str:
    """Return what the file is, and what the database has of it."""
    with ws.storage.reading() as unit:
        version, digest = unit.directory.version()
    return f"{file} {version} {digest}"
