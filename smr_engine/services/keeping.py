"""Keeping leases: what this process has in hand stays its own for as long as it takes.

Leases are short, so that a lost process is replaced within seconds; whoever is at work renews them.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from smr_engine.services.ports import Clock
from smr_engine.services.stored import Claim
from smr_engine.services.storing import Storage

log = logging.getLogger("smr.conductor")

RENEWALS = 3
"""How often a lease is renewed in its time; when one renewal fails there is time for another."""


class Keeper:
    """Renews the leases of all effects that a process has in hand; safe to share between threads.

    One thread does it for all, and is there only while something is in hand. A lease that was lost
    all the same (the machine stood still, the database was away) is not won back: performing looks
    at its lease before it begins, and a report under a lost one is kept as evidence only.

    Args:
        storage: where the leases are.
        clock: by which they run out.
        lease: how long one lasts.
    """

    def __init__(self, storage: Storage, clock: Clock, lease: timedelta) -> None:
        self._storage = storage
        self._clock = clock
        self._lease = lease
        self._lock = threading.Lock()
        self._held: Counter[Claim] = Counter()
        self._nothing_left = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def keeping(self, claims: Iterable[Claim]) -> Iterator[None]:
        """Keep leases within the block; what is kept already is kept until the last one lets go."""
        held = list(claims)
        self.hold(held)
        try:
            yield
        finally:
            self.let_go(held)

    def hold(self, claims: Iterable[Claim]) -> None:
        """Renew these leases from now on, until `let_go` was called as often as this."""
        with self._lock:
            self._held.update(claims)
            if self._held and self._thread is None:
                self._nothing_left = threading.Event()
                self._thread = threading.Thread(
                    target=self._renew_on, args=(self._nothing_left,), name="leases", daemon=True
                )
                self._thread.start()

    def let_go(self, claims: Iterable[Claim]) -> None:
        """Renew them no more; whoever lets go of the last waits for a renewal under way."""
        with self._lock:
            self._held -= Counter(claims)
            ended, over = self._thread, self._nothing_left
            if self._held or ended is None:
                return
            self._thread = None
        over.set()
        ended.join()

    def _renew_on(self, nothing_left: threading.Event) -> None:
        while not nothing_left.wait(self._lease.total_seconds() / RENEWALS):
            try:
                self._renew()
            except Exception:  # the database may be away for a moment
                log.exception("leases could not be renewed; it is tried again")

    def _renew(self) -> None:
        with self._lock:
            claims = list(self._held)
        with self._storage.writing() as unit:
            unit.claims.renew("effect", claims, self._clock.now() + self._lease)
            unit.keep()
