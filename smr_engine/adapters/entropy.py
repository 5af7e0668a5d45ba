"""The randomness of the machine."""

from __future__ import annotations

import secrets

SALT_BYTES = 32


class SystemEntropy:
    """Salts from the operating system's generator (implements `services.ports.Entropy`)."""

    def salt(self) -> bytes:
        """Return 32 unpredictable bytes, fit for hiding commitments of short contents."""
        return secrets.token_bytes(SALT_BYTES)
