"""The clock of the machine."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The present instant as the operating system tells it (implements `services.ports.Clock`)."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC. It may step back when the system clock is set."""
        return datetime.now(UTC)
