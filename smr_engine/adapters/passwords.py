"""Argon2id, with the parameters of RFC 9106's second recommendation (64 MiB, three passes)."""

from __future__ import annotations

from functools import cached_property
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pwdlib.hashers.argon2 import Argon2Hasher

MEMORY_KIB = 65_536
AT_ONCE = 4
"""Each takes 64 MiB: a flood of attempts has to queue, not to exhaust the machine."""
NOBODYS = (
    "$argon2id$v=19$m=65536,t=3,p=4$YSBzYWx0IG9mIG5vYm9"
    "keQ$bfRp+KWNsnedzGTTMQWiYBLqS2DBC4rwihNU6TaZk78"
)
"""Of a password that nobody knows: whoever has none is checked for just as long."""


class Argon2Passwords:
    """Hashes passwords (implements `services.ports.Passwords`); loaded when first used.

    Args:
        memory_kib: that each takes; less only where nothing is at stake.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB) -> None:
        self._memory_kib = memory_kib
        self._turn = BoundedSemaphore(AT_ONCE)

    def hash(self, password: str, salt: bytes) -> str:
        """Return a password's hash; see the port."""
        with self._turn:
            return self._hasher.hash(password, salt=salt)

    def verify(self, password: str, hashed: str) -> bool:
        """Return whether it is the password; see the port."""
        with self._turn:
            return self._hasher.verify(password, hashed or NOBODYS) and bool(hashed)

    @cached_property
    def _hasher(self) -> Argon2Hasher:
        from pwdlib.hashers.argon2 import Argon2Hasher

        return Argon2Hasher(memory_cost=self._memory_kib)
