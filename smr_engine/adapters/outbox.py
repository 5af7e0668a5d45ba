"""The outbox: mail as `.eml` files in the workspace, where no mail server is configured."""

from __future__ import annotations

import hashlib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from smr_engine.adapters.mail import Letter, compose
from smr_engine.adapters.workspace_files import inside, slug, write_whole
from smr_engine.services.ports import EffectUnavailableError

FOLDER = "outbox"


class Outbox:
    """Keeps letters as files, one per key.

    Args:
        workspace: the workspace's folder; files go into `outbox/` in it.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def put(self, letter: Letter, label: str) -> str:
        """Write a letter; durable on return, idempotent: a key has one file.

        Args:
            letter: the letter.
            label: what the file's name says besides the key, the same on every try.

        Returns:
            The file's path, relative to the workspace.

        Raises:
            EffectRefusedError: the letter has no usable recipient.
            EffectUnavailableError: the file cannot be written.
        """
        name = self.name(letter.key, label)
        content = compose(letter).as_bytes()
        try:
            write_whole(inside(self._workspace, name), content, mode=0o600)
        except OSError as problem:
            raise EffectUnavailableError("The outbox cannot be written") from problem
        return name

    def name(self, key: str, label: str) -> str:
        """Return the path a letter with this key has, relative to the workspace."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{FOLDER}/{slug(label, 'mail')}-{digest[:16]}.eml"

    def holds(self, name: str) -> bool:
        """Return whether there is such a letter."""
        return inside(self._workspace, name).is_file()

    def text(self, name: str) -> str | None:
        """Return a letter's text with Unix line ends, or None if there is no such letter."""
        path = inside(self._workspace, name)
        if not path.is_file():
            return None
        message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.SMTP)
        text = message.get_body(("plain",))
        return str(text.get_content()).replace("\r\n", "\n") if text else ""
