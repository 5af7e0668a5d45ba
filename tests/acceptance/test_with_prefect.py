"""The real thing: `smr work` in a process of its own, and Prefect's server that it starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time

import pytest

from smr_engine.services.views import Worked
from tests.acceptance.answers import SMOKE, holding
from tests.support.program import SMR, House, cold
from tests.support.story import play

pytestmark = pytest.mark.xdist_group("prefect")
PATIENCE_S = 120  # a first boot on a loaded machine
LOOK_AGAIN_S = 0.1
UNDER_WAY = frozenset({"owed", "claimed", "sending"})


class Conducted(House):
    """A house in which another process does the work."""

    def work(self) -> Worked:
        """Wait until nothing is owed to anybody."""
        deadline = time.monotonic() + PATIENCE_S
        while any(row["status"] in UNDER_WAY for row in self._effects()):
            assert time.monotonic() < deadline, "the conductor does not come"
            threading.Event().wait(LOOK_AGAIN_S)
        return Worked(0, 0, 0)

    def _effects(self) -> list[dict[str, str]]:
        shown = [self.ask("show", row["case"]) for row in self.ask("cases")]
        return [effect for case in shown for effect in case["effects"]]


def test_a_statement_is_published_by_the_conductor_and_prefect(house):
    conductor = subprocess.Popen(
        [SMR, "--workspace", house.root, "work", "--json"],
        env={**os.environ, "SMR_PREFECT_GRACE_SECONDS": str(PATIENCE_S)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        case = house.start("holding-statement", SMOKE)
        shown = play(Conducted(house.root), case, holding())
        again = cold("--workspace", str(house.root), "work", "--until-idle", "--json")
        assert (again.status, again.data) == (0, {"effects": 0, "timers": 0, "cases": 0})
        looked_at = cold("--workspace", str(house.root), "doctor", "--json")
        assert looked_at.status == 0, looked_at.out
    finally:
        conductor.send_signal(signal.SIGTERM)
        out, err = conductor.communicate(timeout=60)
        stopped = cold("--workspace", str(house.root), "down")
    assert (conductor.returncode, "Traceback" in err) == (0, False)
    did = json.loads(out)
    assert did["cases"] == 1
    assert 0 < did["effects"] <= len(shown["effects"])  # a flow does what follows from what it did
    assert (stopped.status, stopped.out) == (0, "Stopped.\n")
    assert shown["outcome"] == "done"
    assert len(house.pages()) == 1
    told = house.done("timeline", case)
    assert f"Published Holding statement to Halden newsroom: {next(iter(house.pages()))}\n" in told
    assert house.ask("audit", "verify")["ok"]
