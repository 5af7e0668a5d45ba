"""The conductor: the loop that finds due timers and owed effects and hands them to Prefect.

It sleeps until the next due instant or a wake-up. Everything it does is claimed first, so that any
number of conductors may run beside each other and a lost one is replaced when its leases run out;
what it has in hand it keeps.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from smr_engine.engine import commands as c
from smr_engine.errors import SmrError
from smr_engine.services import effects, legs, reminders, schedules
from smr_engine.services.ports import Dispatcher, DispatchUnavailableError, Leg
from smr_engine.services.schedules import Late
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
START_AGAIN = timedelta(minutes=1)
"""How soon a scheduled start that failed is tried again; in between somebody may have mended it."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Listener(Protocol):
    """Waits for a wake-up."""

    def wait(self, timeout_s: float) -> bool:
        """Return True when woken, False when the time is over."""
        ...

    def close(self) -> None:
        """Stop listening. Idempotent."""
        ...


@dataclass
class Tally:
    """What has been done so far."""

    effects: int = 0
    timers: int = 0
    cases: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, effects: int) -> None:
        """Count effects that are taken; fewer than none were put back, and are taken again."""
        with self._lock:  # they are put back where they were to be performed, in a thread
            self.effects += effects

    def view(self) -> Worked:
        """Return it as a view."""
        return Worked(self.effects, self.timers, len(self.cases))


@dataclass(frozen=True, slots=True)
class Coming:
    """When the next timer or effect may be claimed, and the next schedule is due; None: never."""

    owed: datetime | None = None
    scheduled: datetime | None = None

    @property
    def first(self) -> datetime | None:
        """Return the earlier of the two."""
        return min((at for at in (self.owed, self.scheduled) if at is not None), default=None)


class Conductor:
    """One conductor of one workspace; it closes its listener when it ends.

    Args:
        ws: the workspace.
        dispatcher: runs what is owed.
        listener: waits for wake-ups.
        name: of this conductor, on its leases.
        pool: runs legs beside the loop; left out: threads.
    """

    def __init__(
        self,
        ws: Workspace,
        dispatcher: Dispatcher,
        listener: Listener,
        name: str,
        *,
        pool: Executor | None = None,
    ) -> None:
        self._ws = ws
        self._dispatcher = dispatcher
        self._listener = listener
        self._name = name
        self._tally = Tally()
        self._pool = pool or ThreadPoolExecutor(THREADS, thread_name_prefix="leg")
        self._running: set[Future[None]] = set()
        self._opening: Future[None] | None = None
        self._starts_again_at = LONG_AGO
        self._coming = Coming()
        self._stop = threading.Event()
        self._prefect_away_until: datetime | None = None
        self._prefect_missed_since: datetime | None = None
        self._told_of_absence = False

    def stop(self) -> None:
        """Ask the loop to finish what is under way and return."""
        self._stop.set()

    def run(self, *, until_idle: bool = False) -> Worked:
        """Work until stopped, or until nothing is due or owed now and nobody is at work on it.

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
            self._listener.close()
        return self._tally.view()

    def once(self) -> bool:
        """Do what is due and owed now; return whether there was anything."""
        now = self._ws.clock.now()
        self._running = {f for f in self._running if not f.done()}
        self._coming = self._look()
        owed = _has_come(self._coming.owed, now)
        fired = owed and self._fire(now)
        dispatched = owed and self._dispatch(now)
        return self._open(now) or fired or dispatched

    def _look(self) -> Coming:
        """Look what comes next: much cheaper than claiming, and most wake-ups find nothing."""
        with self._ws.storage.reading() as unit:
            owed = unit.due.next_instant()
        return Coming(owed, schedules.next_instant(self._ws))

    # --- timers ---

    def _fire(self, now: datetime) -> bool:
        with self._ws.storage.writing() as unit:
            claimed = unit.claims.timers(self._name, now, legs.LEASE, TIMERS_AT_ONCE)
            unit.keep()
        for timer in claimed:
            self._fire_one(timer)
        return bool(claimed)

    def _fire_one(self, timer: ClaimedTimer) -> None:
        """Fire a timer; one that cannot be fired is tried later and keeps no other waiting."""
        try:
            apply(self._ws, Order(timer.case, c.FireTimer(timer.id), c.ENGINE, timer.id))
        except SmrError as problem:
            log.warning("timer %s: %s", timer.id, problem.code)
        except Exception:
            log.exception("timer %s met a fault; it is fired later", timer.id)
        else:
            self._tally.timers += 1
            self._tally.cases.add(timer.case)
            return
        legs.put_off(self._ws, "timer", [timer])

    # --- schedules ---

    def _open(self, now: datetime) -> bool:
        """Open what is scheduled, beside the loop: many missed instants keep no effect waiting."""
        if self._opening is not None and not self._opening.done():
            return False
        again = now >= self._starts_again_at
        if not again and not _has_come(self._coming.scheduled, now):
            return False
        late = schedules.late(self._ws, now, again=again)
        if again:
            self._starts_again_at = now + START_AGAIN
        if late:
            self._opening = self._submit([], partial(self._open_late, late))
        return bool(late)

    def _open_late(self, late: Sequence[Late]) -> None:
        for each in late:
            case = schedules.settle(self._ws, each)
            self._tally.cases.update([case] if case else [])

    # --- effects ---

    def _dispatch(self, now: datetime) -> bool:
        away = self._prefect_away_until is not None and now < self._prefect_away_until
        if away or len(self._running) >= THREADS:
            return False
        with self._ws.storage.writing() as unit:
            claimed = unit.claims.effects(self._name, now, legs.LEASE, EFFECTS_AT_ONCE)
            unit.keep()
        owed, together = legs.apart(claimed)
        self._tally.take(len(claimed))
        self._tally.cases.update(claim.case for claim in claimed)
        if len(owed) < BATCH_AT:
            for leg in owed:
                self._perform([leg], partial(self._dispatcher.run_leg, leg))
        else:
            self._perform_together(owed)
        self._perform_together(together)
        return bool(claimed)

    def _perform_together(self, owed: Sequence[Leg]) -> None:
        for start in range(0, len(owed), BATCH_SIZE):
            batch = owed[start : start + BATCH_SIZE]
            self._perform(batch, partial(self._dispatcher.run_batch, batch))

    def _perform(self, owed: Sequence[Leg], work: Callable[[], None]) -> None:
        """Let legs be performed in their turn; until that is over they are kept."""
        self._submit(legs.claims_of(owed), partial(self._guarded, owed, work))

    def _submit(self, claims: Sequence[Claim], work: Callable[[], None]) -> Future[None]:
        self._ws.keeper.hold(claims)
        future = self._pool.submit(work)
        self._running.add(future)
        future.add_done_callback(partial(self._over, claims))
        return future

    def _over(self, claims: Sequence[Claim], future: Future[None]) -> None:
        self._ws.keeper.let_go(claims)
        fault = future.exception()
        if fault is not None:
            log.error("work under way met a fault; it is done again later", exc_info=fault)
        self._ws.waker.wake()

    def _guarded(self, owed: Sequence[Leg], work: Callable[[], None]) -> None:
        """Run legs through Prefect; without it, after the grace period, do them directly."""
        try:
            work()
        except DispatchUnavailableError as problem:
            now = self._ws.clock.now()
            if self._prefect_missed_since is None:
                log.info("waiting for Prefect: %s", problem)  # as a rule it is only booting
                self._prefect_missed_since = now
            self._without_prefect(owed, self._prefect_missed_since)
            self._prefect_away_until = now + timedelta(seconds=RETRY_S)
        else:
            self._prefect_missed_since = self._prefect_away_until = None
            self._told_of_absence = False

    def _without_prefect(self, owed: Sequence[Leg], missed_since: datetime) -> None:
        """Perform legs once the grace period is over.

        It begins when Prefect is first missed: what was owed while nobody worked is no reason to
        pass by a Prefect that is only booting.
        """
        now = self._ws.clock.now()
        grace = timedelta(seconds=self._ws.options.grace_s)
        over = [leg for leg in owed if now - max(leg.owed_at, missed_since) >= grace]
        put_back = legs.claims_of(leg for leg in owed if leg not in over)
        legs.release(self._ws, put_back)
        self._tally.take(-len(put_back))
        if over and not self._told_of_absence:
            log.warning("Prefect does not answer: messages go out without it")
            self._told_of_absence = True
        for leg in over:
            if not leg.reminds:
                self._regained([leg], self._perform_bare)
        self._regained([leg for leg in over if leg.reminds], self._remind)

    def _regained(self, owed: Sequence[Leg], work: Callable[[Sequence[Claim]], object]) -> None:
        """Claim legs anew, so that nobody else performs them, and let them be performed here."""
        mine = legs.regain(self._ws, legs.claims_of(owed), self._name) if owed else []
        with self._ws.keeper.keeping(mine):
            work(mine)

    def _remind(self, claims: Sequence[Claim]) -> None:
        reminders.perform(self._ws, claims)

    def _perform_bare(self, claims: Sequence[Claim]) -> None:
        """Perform effects without a flow run; one that meets a fault keeps no other waiting."""
        for claim in claims:
            try:
                effects.perform(self._ws, claim)
            except Exception:
                log.exception("%s met a fault; it is tried again later", claim.id)
                legs.put_off(self._ws, "effect", [claim])

    # --- pauses ---

    def _idle(self) -> bool:
        if self._running:
            return False
        now = self._ws.clock.now()
        with self._ws.storage.reading() as unit:
            if unit.due.in_hand(now):
                return False  # another conductor is at it, or was when it was lost
        at = self._look().first
        return at is None or at > now

    def _pause(self) -> float:
        """Return how long to sleep, in seconds; what came since the last look wakes."""
        at = self._coming.first
        if at is None:
            return POLL_S
        wait = (at - self._ws.clock.now()).total_seconds()
        return min(max(wait, RETRY_S if wait <= 0 else 0.0), POLL_S)


def _has_come(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
