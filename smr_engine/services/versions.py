"""Playbook versions that cases are pinned to: kept in the database with the bytes of their files.

Apart from the library because reading a case must not load the checker.
"""

from __future__ import annotations

from collections.abc import Mapping

from smr_engine.errors import NotFound
from smr_engine.playbook.build import build_playbook
from smr_engine.playbook.model import Playbook
from smr_engine.playbook.yaml_source import load as load_yaml
from smr_engine.services.stored import Envelope, PlaybookRow
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Workspace

STREAM = "playbooks"


def pinned(ws: Workspace, unit: UnitOfWork, digest: str) -> Playbook:
    """Return the registered version with a digest; it was checked when it was registered.

    Raises:
        NotFound: it was never registered (the database was changed from outside).
    """
    known = ws.caches.playbooks.get(digest)
    if known is not None:
        return known
    row = unit.playbooks.get(digest)
    located = load_yaml(row.source, row.name)[0] if row else None
    if located is None:
        raise NotFound("playbook-missing", f"the pinned playbook {digest[:12]} is not registered")
    found = build_playbook(located.root, digest)
    ws.caches.playbooks[digest] = found
    return found


def register(
    ws: Workspace, unit: UnitOfWork, sources: Mapping[str, tuple[Playbook, bytes]]
) -> None:
    """Keep versions for the cases opened from them; those known already change nothing.

    The caller remembers them (`remember`) once the unit of work is committed.
    """
    for playbook, source in sources.values():
        if playbook.digest not in ws.caches.registered:
            _register(ws, unit, playbook, source)


def remember(ws: Workspace, sources: Mapping[str, tuple[Playbook, bytes]]) -> None:
    """Note that versions are registered for good, so that nobody has to look again."""
    ws.caches.registered.update(playbook.digest for playbook, _ in sources.values())


def _register(ws: Workspace, unit: UnitOfWork, playbook: Playbook, source: bytes) -> None:
    now = ws.clock.now()
    shipped = ws.files.names().get(playbook.name) == "shipped"
    row = PlaybookRow(
        playbook.digest, playbook.name, playbook.version, playbook.title, source, now, shipped
    )
    if unit.playbooks.add(row):
        facts = {
            "playbook": playbook.name,
            "version": playbook.version,
            "digest": playbook.digest,
        }
        envelope = Envelope(now, "engine", door="engine")
        unit.events.append(STREAM, "PlaybookRegistered", facts, {}, envelope)
