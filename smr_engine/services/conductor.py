"""The conductor: the loop that finds due timers and owed effects and hands them to Prefect.

It sleeps until the next due instant or a wake-up. Everything it does is claimed first, so that any
number of conductors may run beside each other and a lost one is replaced when its leases run out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from smr_engine.engine import commands as c
from smr_engine.errors import SmrError
from smr_engine.services import effects, schedules
from smr_engine.services.legs import LEASE, legs_of
from smr_engine.services.ports import Dispatcher, DispatchUnavailableError, Leg
from smr_engine.services.stored import Claim, ClaimedTimer
from smr_engine.services.transact import Order, apply
from smr_engine.services.views import Worked
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.conductor")

BATCH_AT = 8
"""From so many legs at once they go out as one flow run: Prefect's cost is per run, not per leg."""
BATCH_SIZE = 500
EFFECTS_AT_ONCE = 2_000
TIMERS_AT_ONCE = 200
THREADS = 4
POLL_S = 15.0
"""The safety net under the wake-ups, in seconds."""
RETRY_S = 2.0
"""How soon Prefect is asked again after it did not answer, in seconds."""


class Listener(Protocol):
    """Waits for a wake-up."""

    def wait(self, timeout_s: float) -> bool:
        """Return True when woken, False when the time is over."""
        ...


@dataclass
class Tally:
    """What has been done so far."""

    effects: int = 0
    timers: int = 0
    cases: set[str] = field(default_factory=set)

    def view(self) -> Worked:
        """Return it as a view."""
        return Worked(self.effects, self.timers, len(self.cases))


class Conductor:
    """One conductor of one workspace."""

    def __init__(
        self, ws: Workspace, dispatcher: Dispatcher, listener: Listener, name: str
    ) -> None:
        self._ws = ws
        self._dispatcher = dispatcher
        self._listener = listener
        self._name = name
        self._tally = Tally()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="leg")
        self._running: set[Future[None]] = set()
        self._stop = threading.Event()
        self._prefect_away_until: datetime | None = None

    def stop(self) -> None:
        """Ask the loop to finish what is under way and return."""
        self._stop.set()

    def run(self, *, until_idle: bool = False) -> Worked:
        """Work until stopped, or until nothing is due or owed now.

        Legs under way are finished before it returns. A fault (the database away for a moment, a
        defect in one part) is logged and met again later, for a conductor must not die of it;
        `until_idle` raises it instead.
        """
        try:
            while not self._stop.is_set():
                try:
                    if self.once():
                        continue
                    pause = self._pause()
                except Exception:
                    if until_idle:
                        raise
                    log.exception("the conductor goes on after a fault")
                    pause = RETRY_S
                if until_idle and self._idle():
                    break
                self._listener.wait(pause)
        finally:
            self._pool.shutdown(wait=True)
        return self._tally.view()

    def once(self) -> bool:
        """Do what is due and owed now; return whether there was anything."""
        now = self._ws.clock.now()
        self._running = {f for f in self._running if not f.done()}
        fired = self._fire(now)
        opened = schedules.open_due(self._ws, now)
        self._tally.cases.update(opened)
        return bool(self._dispatch(now)) or fired or bool(opened)

    # --- timers ---

    def _fire(self, now: datetime) -> bool:
        with self._ws.storage.writing() as unit:
            claimed = unit.claims.timers(self._name, now, LEASE, TIMERS_AT_ONCE)
            unit.keep()
        for timer in claimed:
            self._fire_one(timer)
        return bool(claimed)

    def _fire_one(self, timer: ClaimedTimer) -> None:
        """Fire a timer; one that is refused stays leased and is tried again when the lease ends."""
        try:
            apply(self._ws, Order(timer.case, c.FireTimer(timer.id), c.ENGINE, timer.id))
        except SmrError as problem:
            log.warning("timer %s: %s", timer.id, problem.code)
            return
        self._tally.timers += 1
        self._tally.cases.add(timer.case)

    # --- effects ---

    def _dispatch(self, now: datetime) -> int:
        away = self._prefect_away_until is not None and now < self._prefect_away_until
        if away or len(self._running) >= THREADS:
            return 0
        with self._ws.storage.writing() as unit:
            claimed = unit.claims.effects(self._name, now, LEASE, EFFECTS_AT_ONCE)
            unit.keep()
        if not claimed:
            return 0
        legs = legs_of(claimed)
        self._tally.effects += len(claimed)
        self._tally.cases.update(leg.case for leg in legs)
        if len(legs) < BATCH_AT:
            for leg in legs:
                self._submit([leg], partial(self._dispatcher.run_leg, leg))
        else:
            for start in range(0, len(legs), BATCH_SIZE):
                batch = legs[start : start + BATCH_SIZE]
                self._submit(batch, partial(self._dispatcher.run_batch, batch))
        return len(claimed)

    def _submit(self, legs: Sequence[Leg], work: Callable[[], None]) -> None:
        future = self._pool.submit(self._guarded, legs, work)
        self._running.add(future)
        future.add_done_callback(self._leg_over)

    def _leg_over(self, future: Future[None]) -> None:
        if future.exception() is not None:
            log.error("a leg met a fault; it is done again later", exc_info=future.exception())
        self._ws.waker.wake()

    def _guarded(self, legs: Sequence[Leg], work: Callable[[], None]) -> None:
        """Run legs through Prefect; without it, after the grace period, do them directly."""
        try:
            work()
        except DispatchUnavailableError as problem:
            if self._prefect_away_until is None:
                log.warning("Prefect does not answer: %s", problem)
            self._without_prefect(legs)
            self._prefect_away_until = self._ws.clock.now() + timedelta(seconds=RETRY_S)
        else:
            self._prefect_away_until = None

    def _without_prefect(self, legs: Iterable[Leg]) -> None:
        now = self._ws.clock.now()
        grace = timedelta(seconds=self._ws.options.grace_s)
        for leg in legs:
            if now - leg.owed_at >= grace:
                for owed in leg.owed:
                    effects.perform(self._ws, Claim(owed.effect, owed.case, owed.epoch))
            else:
                self._release(leg)

    def _release(self, leg: Leg) -> None:
        claims = [Claim(owed.effect, owed.case, owed.epoch) for owed in leg.owed]
        with self._ws.storage.writing() as unit:
            unit.claims.release("effect", claims)
            unit.keep()

    # --- pauses ---

    def _idle(self) -> bool:
        if self._running:
            return False
        now = self._ws.clock.now()
        at = self._next_instant()
        return at is None or at > now

    def _pause(self) -> float:
        """Return how long to sleep, in seconds."""
        at = self._next_instant()
        if at is None:
            return POLL_S
        wait = (at - self._ws.clock.now()).total_seconds()
        return min(max(wait, RETRY_S if wait <= 0 else 0.0), POLL_S)

    def _next_instant(self) -> datetime | None:
        with self._ws.storage.reading() as unit:
            due = unit.due.next_instant()
        instants = [at for at in (due, schedules.next_instant(self._ws)) if at is not None]
        return min(instants, default=None)
