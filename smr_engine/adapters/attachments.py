"""Attachments: files given as evidence, kept in the state folder under their digests."""

from __future__ import annotations

from pathlib import Path

from smr_engine.adapters.workspace_files import write_whole


class FolderAttachments:
    """A folder of files by digest (implements `services.ports.AttachmentStore`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, digest: str, data: bytes) -> None:
        """Keep a file; durable when it returns, idempotent."""
        path = self._folder / digest
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, data, mode=0o600)

    def get(self, digest: str) -> bytes | None:
        """Return a file, None if it is not there."""
        path = self._folder / digest
        return path.read_bytes() if digest.isalnum() and path.is_file() else None
