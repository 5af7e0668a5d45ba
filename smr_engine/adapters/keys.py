"""The key of what is kept encrypted: a file beside the database, or a secret for many machines."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from smr_engine.errors import SmrError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class FernetVault:
    """Encrypts with Fernet (implements `services.ports.Vault`); loaded when first used.

    Args:
        path: of the key's file, made on first use, for its owner only.
        secret: what the key is derived from instead, at least 32 signs; empty for the file.
    """

    def __init__(self, path: Path, secret: str = "") -> None:
        self._path = path
        self._secret = secret

    def seal(self, plain: bytes) -> bytes:
        """Return it encrypted; see the port."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed; see the port."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise SmrError(
                "wrong-key",
                "What is kept encrypted was encrypted under another key",
                hint=f"bring back {self._path.name}, or the SMR_SECRET_KEY of the other machines",
            ) from error

    @cached_property
    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        if self._secret:
            derived = hashlib.sha256(b"smr totp key\0" + self._secret.encode()).digest()
            return Fernet(base64.urlsafe_b64encode(derived))
        if not self._path.is_file():
            _make(self._path, Fernet.generate_key())
        return Fernet(self._path.read_bytes())


def _make(path: Path, key: bytes) -> None:
    """Write a key file whole; the first of several processes wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
