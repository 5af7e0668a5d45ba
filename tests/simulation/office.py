"""One house under simulation: the real services on SQLite, unreliable surroundings, and a story.

Whatever is done goes through `Office.act`, which lets the oracle look at what was committed and
writes a line of the story. Conductors are real, driven by `once()`, and can be lost at any point;
a clock that the simulation sets stands for the machine's, and may be set back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event

from smr_engine.bootstrap import open_workspace
from smr_engine.errors import SmrError
from smr_engine.services import (
    auditing,
    directory_import,
    effects,
    library,
    reminders,
    schedules,
    triggers,
    versions,
)
from smr_engine.services.conductor import Conductor
from smr_engine.services.legs import FAULT_PAUSE, LEASE, claims_of
from smr_engine.services.ports import DispatchUnavailableError, Leg, Message
from smr_engine.services.stored import Claim, EventFilter, StoredEvent
from smr_engine.services.trying import Try
from smr_engine.services.workspace import Actor, Workspace
from tests.simulation import town
from tests.simulation.machinery import FrozenKeeper, MachineClock, Wakes
from tests.simulation.oracle import Oracle
from tests.simulation.outside import Killed, Outside
from tests.simulation.picture import Staff
from tests.simulation.rows import Rows
from tests.support.houses import InTurn, furnish, next_instant

WHOLE_TURN = 60
"""Rounds of a conductor's loop; one that is not idle after so many never will be."""


class Office:
    """A house with people, conductors and an outside world; one at a time in a process."""

    def __init__(self) -> None:
        shared = fresh_house()
        self.clock = MachineClock()
        self.wakes = Wakes()
        self.outside = Outside(self.clock, self._meanwhile, self._witness, self._overhear)
        self.ws = replace(
            shared,
            clock=self.clock,
            waker=self.wakes,
            keeper=FrozenKeeper(),
            notifier=self.outside,
            connector_for=self.outside.connector_for,
            callers=dict.fromkeys(shared.callers, self.outside),
        )
        self.away: dict[str, tuple[str, str]] = {}
        self.roles = {name: list(held) for name, held in town.HOLDERS.items()}
        self.oracle = Oracle(Staff(self.roles, town.ROLES))
        self.rows = Rows(self.ws.state / "smr.db")
        self.conductors: dict[str, Conductor] = {}
        self.plans: list[str] = []
        self.late: list[tuple[Claim, Try | None, dict[str, Any]]] = []
        self.story: list[str] = []
        self.tell: Callable[[str], None] = self.story.append
        self._seq = 0
        self._nested = False
        self._log = _Faults()
        self.look()

    def close(self) -> None:
        """Close the house; it can be looked at afterwards."""
        self._log.close()
        self.rows.close()
        self.ws.storage.close()

    # --- acting and looking ---

    def act(self, words: str, do: Callable[[], object]) -> bool:
        """Do something; whether it was accepted. Accepted means an event, refused means none."""
        try:
            do()
        except SmrError as no:
            self.tell(f"{self._now} {words}: refused, {no.message}")
            assert not self.look(), f"{words} was refused and changed something"
            return False
        self.tell(f"{self._now} {words}")
        assert self.look(), f"{words} was accepted and nothing happened"
        return True

    def look(self) -> int:
        """Let the oracle see what is new; return how many events that were."""
        for news in (found := self._news()):
            self._seq = news.seq
            self.oracle.follow([news])
        self.oracle.check_posts(self.outside.posts, self.outside.frozen)
        self._log.check()
        return len(found)

    def _news(self) -> Sequence[StoredEvent]:
        return () if self.rows.newest() == self._seq else self._since(self._seq)

    def _since(self, seq: int) -> Sequence[StoredEvent]:
        with self.ws.storage.reading() as unit:
            return unit.events.select(EventFilter(after_seq=seq))

    def check(self) -> None:
        """Assert what must hold in every state."""
        self.look()
        self.rows.check(self.oracle, self.clock.now())

    @property
    def _now(self) -> str:
        return f"{self.clock.now():%a %d %b %H:%M:%S}"

    # --- time ---

    def to_next(self) -> None:
        """Let time pass to the next instant at which anything is due."""
        coming = [next_instant(self.ws), schedules.next_instant(self.ws)]
        at = min(at for at in coming if at is not None)
        self.clock.set(max(at, self.clock.now()))
        self.tell(f"{self._now} time has passed")

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, or set the machine's clock back."""
        self.clock.set(self.clock.now() + span)
        self.tell(f"{self._now} the clock went {span}")

    # --- conductors ---

    def conduct(self, name: str, turns: int = WHOLE_TURN) -> bool:
        """Let a conductor work until it is idle; return whether it was, and lived to say so."""
        conductor = self.conductors.get(name)
        if conductor is None:
            conductor = Conductor(self.ws, _Flows(self), _Nobody(), name, pool=InTurn())
            self.conductors[name] = conductor
        try:
            for _ in range(turns):
                if not conductor.once():
                    return True
        except Killed as killed:
            self.tell(f"{self._now} conductor {name} is killed: {killed}")
            self.conductors.pop(name, None)
        finally:
            self.look()
        return False

    def come_back(self, pick: int) -> None:
        """Let somebody who stood still with an effect in hand go on."""
        if not self.late:
            return
        claim, tried, owed = self.late.pop(pick % len(self.late))
        stale = self.rows.epoch(claim.id) != claim.epoch
        self.tell(f"{self._now} whoever had {claim.id} goes on")
        begun = self._seq
        try:
            if tried is None:
                effects.perform_owed(self.ws, owed, last=True, tries=1, run="late")
            else:
                effects.report(self.ws, claim, tried, run="late")
        except Killed:
            pass
        self.look()
        kinds = {event.kind for event in self._since(begun)} if stale else set()
        assert kinds <= {"OutcomeNoted"}, f"whoever had lost {claim.id} caused {kinds}"

    def settle(self) -> None:
        """Mend everything and let a new conductor do all that is due: then nothing is."""
        self.outside.mend()
        self.plans.clear()
        self.conductors.clear()
        self.clock.set(self.clock.latest + LEASE + 2 * FAULT_PAUSE)
        self.tell(f"{self._now} everything works, a new conductor does what is due")
        assert self.conduct("settler"), "the conductor is never idle"
        self.check()
        overdue = self.rows.overdue(self.clock.now())
        assert not overdue, overdue
        late = [x.due for x in schedules.late(self.ws, self.clock.now(), again=True)]
        assert not late, f"not settled: {late}"

    def verify(self) -> None:
        """Assert that the audit log verifies, and folds to what the tables say."""
        view = auditing.verify(self.ws)
        assert view.ok, view.problems

    def _witness(self, message: Message) -> None:
        """Look at a letter as it arrives, with all that has happened until then."""
        self.look()
        self.oracle.check_letter(message)

    def _overhear(self, key: str) -> None:
        """Look at a call as it arrives."""
        self.look()
        self.oracle.check_call(key)

    def _meanwhile(self) -> None:
        """Somebody stands still for longer than a lease, and another conductor takes over."""
        if self._nested:
            return
        self._nested = True
        self.clock.set(self.clock.now() + LEASE + timedelta(seconds=1))
        self.tell(f"{self._now} it stands still; meanwhile another takes over")
        self.conduct("other")
        self._nested = False

    # --- the directory ---

    def take_over_directory(self, words: str) -> None:
        """Make what `away` and `roles` say the directory."""
        data = town.directory(self.away, self.roles)
        (self.ws.root / "directory.yaml").write_text(json.dumps(data), encoding="utf-8")
        directory_import.import_(self.ws, Actor("ana"))
        self.tell(f"{self._now} {words}")
        self.look()


class _Flows:
    """What performs legs, as Prefect's flows do, or as they do not (implements `Dispatcher`)."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def run_leg(self, leg: Leg) -> None:
        """Perform a leg, unless something else is planned for it."""
        office = self._office
        plan = office.plans.pop(0) if office.plans else ""
        if plan == "killed":
            raise Killed(leg.case)
        if plan == "away":
            message = "it is not there"
            raise DispatchUnavailableError(message)
        left = list(leg.as_json()["owed"])
        while left:
            owed = left.pop(0)
            if plan:
                office.late.append(self._stand_still(owed, after=plan == "late after"))
                continue
            for n in range(1, owed["tries"] + 1):
                last = n == owed["tries"]
                done = effects.perform_owed(office.ws, owed, last=last, tries=n, run="run")
                if done is not effects.TRY_AGAIN:
                    break
            left += [more for leg in done.following for more in leg.as_json()["owed"]]

    def run_batch(self, legs: list[Leg]) -> None:
        """Perform the legs of many cases; reminders are told together, where nothing is planned."""
        plans = self._office.plans
        whole = [leg for leg in legs if leg.reminds and not plans]
        reminders.perform(self._office.ws, claims_of(whole), run="run")
        for leg in legs:
            if leg not in whole:
                self.run_leg(leg)

    def _stand_still(
        self, owed: dict[str, Any], *, after: bool
    ) -> tuple[Claim, Try | None, dict[str, Any]]:
        """Leave an effect in somebody's hand, before it was tried or before that was reported."""
        claim = Claim(owed["effect"], owed["case"], owed["epoch"])
        return claim, effects.attempt(self._office.ws, claim) if after else None, owed


class _Nobody:
    """A listener for conductors that are driven from outside."""

    def wait(self, timeout_s: float) -> bool:
        """Never be asked."""
        raise AssertionError

    def close(self) -> None:
        """Close nothing."""


class _Faults(logging.Handler):
    """Keeps what conductors report as a fault: it would be swallowed for robustness' sake."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._found: list[str] = []
        logging.getLogger("smr").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a fault, and a timer that could not fire."""
        if record.levelno >= logging.ERROR or record.msg.startswith("timer"):
            self._found.append(self.format(record))

    def check(self) -> None:
        """Assert that there was none."""
        assert not self._found, self._found

    def close(self) -> None:
        """Stop listening."""
        logging.getLogger("smr").removeHandler(self)
        super().close()


def fresh_house() -> Workspace:
    """Return the one house of this process as if nothing had ever happened in it.

    It stays open, for what a process has read and compiled would take longer than most examples.
    """
    ws, nothing_happened = prepared()
    ws.storage.close()
    for leftover in ws.state.glob("smr.db-*"):
        leftover.unlink()
    (ws.state / "smr.db").write_bytes(nothing_happened)
    for world in [key for key in ws.caches.worlds if key[0] > 1]:
        del ws.caches.worlds[world]  # of another example's later directories
    for check in [key for key in ws.caches.checked if key[1] > 1]:
        del ws.caches.checked[check]
    return ws


@cache
def prepared() -> tuple[Workspace, bytes]:
    """Return a house in which nothing has happened, and its database."""
    folder = TemporaryDirectory(prefix="smr-simulation-")
    _KEPT.append(folder)
    root = furnish(
        Path(folder.name) / "house",
        directory=json.dumps(town.directory({})),
        playbooks=town.PLAYBOOKS,
        settings="as: ana\n",
    )
    ws = open_workspace(root, {}, clock=MachineClock())
    for name in town.PLAYBOOKS:
        sources = library.startable(ws, name)
        with ws.storage.writing() as unit:
            versions.register(ws, unit, sources)
            unit.keep()
        versions.remember(ws, sources)
    triggers.sync(ws)
    ws.storage.close()
    event.listen(ws.storage.engine, "connect", _no_power_cuts)
    return ws, (ws.state / "smr.db").read_bytes()


def _no_power_cuts(connection: Any, _record: object) -> None:
    """Processes are lost here, the machine's power is not: waiting for the disk shows nothing."""
    connection.execute("PRAGMA synchronous=OFF")


_KEPT: list[TemporaryDirectory[str]] = []
"""Folders that go when the process ends."""
