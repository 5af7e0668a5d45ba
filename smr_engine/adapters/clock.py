"""The clock of the machine."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The present instant as the operating system tells it (implements `services.ports.Clock`)."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC. It may step back when the system clock is set."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved: rehearsals (implements `services.ports.Clock`).

    Args:
        now: the instant it shows at first, aware.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant that was set last, aware, UTC."""
        return self._now

    def move_to(self, now: datetime) -> None:
        """Show another instant; it never goes back."""
        self._now = max(now.astimezone(UTC), self._now)
