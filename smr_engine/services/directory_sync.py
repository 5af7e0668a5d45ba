"""Noticing that directory.yaml has changed, without loading what checks it."""

from __future__ import annotations

import hashlib

from smr_engine.services.directory import FILE
from smr_engine.services.workspace import Actor, Workspace


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
    from smr_engine.services.directory_import import import_  # rare, and loads the schema checker

    import_(ws, Actor("engine", "", "file"))
    seen.write_text(now, encoding="ascii")
