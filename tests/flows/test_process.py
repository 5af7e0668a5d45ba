"""What Prefect does to the process that uses it: nothing that anybody would notice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("prefect")

COLD = """
import sys
import flows.inline, flows.deployments, flows.environment
print("prefect" in sys.modules)
"""
LEG = """
import json, logging, os, signal, sys, threading
from pathlib import Path
from flows.inline import InlineDispatcher
from smr_engine.bootstrap import open_workspace, prefect_answers
from smr_engine.services import cases
from smr_engine.services.conductor import LEASE
from smr_engine.services.legs import legs_of
from smr_engine.services.workspace import Actor

handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("ours %(name)s: %(message)s"))
logging.getLogger().addHandler(handler)
signs = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
before = [signal.getsignal(sign) for sign in signs]
seen = []

class Watching:
    def __init__(self, connector): self._connector = connector
    def __getattr__(self, name): return getattr(self._connector, name)

ws = open_workspace(Path(sys.argv[1]), os.environ)
dispatcher = InlineDispatcher(ws, lambda: sys.argv[2], prefect_answers)
dispatcher.prepare()
dispatcher._booting.join()
case = cases.start(ws, Actor("ana"), "three-at-once", {}).case
with ws.storage.writing() as unit:
    legs = legs_of(unit.claims.effects("test", ws.clock.now(), LEASE, 100))
    unit.keep()
def during():
    from prefect.runtime import flow_run
    seen.append([signal.getsignal(sign) for sign in signs] == before)
worker = threading.Thread(target=dispatcher.run_leg, args=(legs[0],))
worker.start()
worker.join()
if sys.argv[3:]:
    os.kill(int(sys.argv[3]), signal.SIGKILL)
    os.kill(int(sys.argv[4]), signal.SIGKILL)
root = logging.getLogger()
print(json.dumps({
    "signals": [signal.getsignal(sign) for sign in signs] == before,
    "handlers": root.handlers == [handler],
    "level": root.level == logging.WARNING,
    "stubborn threads": [
        t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()
    ],
}))
ws.storage.close()
"""


def run(script: str, *arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done, time.monotonic() - begun


def test_prefect_is_not_imported_before_it_is_needed():
    done, _ = run(COLD)
    assert done.stdout.strip() == "False"


def test_a_process_that_ran_a_leg_is_as_it_was_and_ends_cleanly(office, prefect):
    done, _ = run(LEG, str(office.root), prefect.api_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "signals": True,
        "handlers": True,
        "level": True,
        "stubborn threads": [],
    }
