"""Real conductors with a real Prefect, killed with `kill -9` while cases run.

Two of `smr work` run beside each other on one workspace. By turns the older one is killed while its
flows run and the younger one while it starts, each at a moment that is drawn; a new one follows.
People go on acting meanwhile.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from smr_engine.adapters.clock import SystemClock
from smr_engine.adapters.prefect_server import ensure_server, stop_server
from smr_engine.bootstrap import open_workspace
from smr_engine.engine.statuses import CLOSED_CASES
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Workspace
from tests.crash.sink import accounts_at, running_sink
from tests.crash.story import PLAYBOOKS, People
from tests.crash.truths import end_of, wrong_with
from tests.support.houses import DIRECTORY, SETTINGS, furnish

OLDEST, YOUNGEST = 0, -1
ACTS_PER_PAIR = 6
"""Between two kills of the oldest; a story has 12, so the work lasts until the last kill."""
MANY = 1_000
WARM_S = 0.25
"""The oldest, its flows running, is killed within so many seconds after something was owed."""
COLD_S = 1.5
"""The youngest is killed within so many seconds of its start."""
BOOT_S = 180.0
PATIENCE_S = 60.0
BESIDE_EACH_OTHER = 2
# The lease is made shorter: nobody wants to wait for the dead. All else is the program as it is.
SMR_WORK = """
import sys
from datetime import timedelta
from smr_engine.services import legs
legs.LEASE = timedelta(seconds=4)
from smr_engine.cli.main import run
sys.argv = ["smr", "--workspace", sys.argv[1], "work"]
run()
"""


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = tmp_path_factory.mktemp("prefect") / ".smr"
    try:
        yield ensure_server(state, os.environ, timeout_s=BOOT_S)
    finally:
        stop_server(state)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Path]:
    """A house whose stories take seconds: what waits for minutes waits for seconds."""
    texts = {name: shortened(text) for name, text in PLAYBOOKS.items()}
    with running_sink(tmp_path) as sink:
        directory = DIRECTORY + accounts_at(sink, "house")
        yield furnish(tmp_path / "house", directory=directory, playbooks=texts, settings=SETTINGS)


def shortened(text: str) -> str:
    """The text with shorter times, also for effects to be given up for lost."""
    text = text.replace("30m", "1s").replace("1h", "2s")
    kinds = ("task", "draft", "approval", "publish", "notify")
    retry = "".join(f"\n  {kind}: {{retry: {{timeout: 2s, backoff: 1s}}}}" for kind in kinds)
    return text.replace("\nsteps:", f"\ndefaults:{retry}\nsteps:")


class Shift:
    """The conductors at work, the oldest first."""

    def __init__(self, house: Path, prefect: str) -> None:
        self._house = house
        self._environ = {**os.environ, "SMR_PREFECT_API_URL": prefect}
        self._log = (house / "work.log").open("ab")
        self._working: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        """Start another one."""
        command = [sys.executable, "-c", SMR_WORK, str(self._house)]
        self._working.append(
            subprocess.Popen(command, env=self._environ, stdout=self._log, stderr=self._log)
        )

    def kill(self, which: int) -> None:
        """Kill one with SIGKILL; it must have been alive."""
        process = self._working.pop(which)
        process.kill()
        assert process.wait() == -signal.SIGKILL

    def go_home(self) -> list[int]:
        """Ask all to finish what is under way; return how they left."""
        for process in self._working:
            process.terminate()
        left = [process.wait(timeout=30) for process in self._working]
        self._working.clear()
        return left

    def close(self) -> None:
        """Leave no process behind, whatever happened."""
        for process in self._working:
            process.kill()
            process.wait()
        self._log.close()


@contextmanager
def shift(house: Path, prefect: str) -> Iterator[Shift]:
    at_work = Shift(house, prefect)
    try:
        yield at_work
    finally:
        at_work.close()


@pytest.mark.parametrize(("cases", "kills"), [(2, 8), pytest.param(5, 20, marks=pytest.mark.soak)])
def test_cases_finish_although_their_conductors_are_killed_again_and_again(
    house: Path, prefect: str, cases: int, kills: int
) -> None:
    dice = random.Random(20)
    ws = open_workspace(house, {}, clock=SystemClock())
    people = People(ws, house)
    people.start(cases)
    with shift(house, prefect) as at_work:
        for _ in range(BESIDE_EACH_OTHER):
            at_work.begin()
        caught = 0
        for number in range(kills):
            if number % 2:
                live_on(ws, people, dice.uniform(0.0, COLD_S))
                at_work.kill(YOUNGEST)
            else:
                warm = partial(at_it, ws, performed(ws))
                live_on(ws, people, PATIENCE_S, ACTS_PER_PAIR, warm)
                live_on(ws, people, dice.uniform(0.0, WARM_S))
                at_work.kill(OLDEST)
            caught += owed(ws) > 0
            at_work.begin()
        assert caught >= kills / 4
        live_on(ws, people, PATIENCE_S, MANY, lambda: over(ws))
        assert at_work.go_home() == [0] * BESIDE_EACH_OTHER
    assert wrong_with(ws, end_of(ws, house), cases) == []
    ws.storage.close()


def live_on(
    ws: Workspace,
    people: People,
    seconds: float,
    acts: int = 0,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Let people act so often at most, for some seconds or until it is enough."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline and not enough():
        if acts and people.act():
            acts -= 1
        else:
            pause.wait(0.05)


def at_it(ws: Workspace, before: int) -> bool:
    """Whether a conductor is warm (an effect was performed since) and has something to do."""
    return performed(ws) > before and owed(ws) > 0


def performed(ws: Workspace) -> int:
    """How many effects have been performed."""
    with ws.storage.reading() as unit:
        return len(unit.events.select(EventFilter(kinds=("EffectDone",))))


def owed(ws: Workspace) -> int:
    with ws.storage.reading() as unit:
        return len(unit.queries.effects(live=True))


def over(ws: Workspace) -> bool:
    with ws.storage.reading() as unit:
        closed = all(row.status in CLOSED_CASES for row in unit.queries.cases())
    return closed and not owed(ws)
