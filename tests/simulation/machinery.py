"""What stands in for the machine under simulation: its clock, wake-ups, leases kept, and threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.support.houses import MORNING


class MachineClock:
    """The clock of the machine: it goes as the simulation says, also back."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.at = self.latest = now

    def now(self) -> datetime:
        """Return what it shows."""
        return self.at

    def set(self, at: datetime) -> None:
        """Show another instant."""
        self.at = at
        self.latest = max(self.latest, at)


class Wakes:
    """Counts wake-ups; nobody hears them (implements `Waker`)."""

    count = 0

    def wake(self) -> None:
        """Take a wake-up that is lost."""
        self.count += 1

    def listeners(self) -> int:
        """Nobody listens."""
        return 0


class FrozenKeeper:
    """Renews no lease: whoever takes longer than a lease stood still all the time."""

    def hold(self, claims: object) -> None:
        """Keep nothing."""

    def let_go(self, claims: object) -> None:
        """Let go of nothing."""

    @contextmanager
    def keeping(self, claims: object) -> Iterator[None]:
        """Keep nothing within the block."""
        yield
