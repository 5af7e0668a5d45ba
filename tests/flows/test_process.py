"""What Prefect does to the process that uses it: nothing that anybody would notice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.flows.ways import breaking

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
from smr_engine.services.legs import LEASE, legs_of
from smr_engine.services.workspace import Actor

handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("%(message)s"))
logging.getLogger().addHandler(handler)
signs = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
before = [signal.getsignal(sign) for sign in signs]

ws = open_workspace(Path(sys.argv[1]), os.environ)
dispatcher = InlineDispatcher(ws, lambda: sys.argv[2], prefect_answers)
dispatcher.prepare()
dispatcher._booting.join()
case = cases.start(ws, Actor("ana"), "three-at-once", {}).case
with ws.storage.writing() as unit:
    (leg,) = legs_of(unit.claims.effects("test", ws.clock.now(), LEASE, 100))
    unit.keep()
worker = threading.Thread(target=dispatcher.run_leg, args=(leg,))
worker.start()
worker.join()
ws.storage.close()
root = logging.getLogger()
print(json.dumps({
    "signals": [signal.getsignal(sign) for sign in signs] == before,
    "log": root.handlers == [handler] and root.level == logging.WARNING,
    "stubborn threads": [
        t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()
    ],
}), flush=True)
sys.stdin.read()
"""
LEAVING = """
import os, sys, time
from pathlib import Path
from flows.inline import InlineDispatcher
from smr_engine.bootstrap import open_workspace, prefect_answers

ws = open_workspace(Path(sys.argv[1]), os.environ)
dispatcher = InlineDispatcher(ws, lambda: "", prefect_answers)
dispatcher.prepare()
while "prefect" not in sys.modules:
    time.sleep(0.001)
dispatcher.close()
ws.storage.close()
print("flows.client" in sys.modules)
"""
AS_BEFORE = {"signals": True, "log": True, "stubborn threads": []}


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, float]:
    """Let a process end; return its status, its errors and how long it took to leave."""
    begun = time.monotonic()
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors, time.monotonic() - begun


def test_prefect_is_not_imported_before_it_is_needed():
    out, _ = started(COLD).communicate(timeout=60)
    assert out.strip() == "False"


def test_a_process_that_ran_a_leg_is_as_it_was_and_ends_cleanly(office, prefect):
    with started(LEG, str(office.root), prefect.api_url) as process:
        assert json.loads(process.stdout.readline()) == AS_BEFORE
        status, errors, seconds = ended(process)
    assert (status, errors) == (0, "")
    assert seconds < 15  # each event alone could wait eight for a server that is gone


def test_a_process_ends_cleanly_although_its_server_is_gone(office, prefect):
    with (
        breaking(prefect.api_url) as (api_url, cut),
        started(LEG, str(office.root), api_url) as process,
    ):
        assert json.loads(process.stdout.readline()) == AS_BEFORE
        cut()
        status, errors, seconds = ended(process)
    assert (status, errors) == (0, "")
    assert seconds < 30  # each event alone could wait eight for a server that is gone


def test_a_process_that_ends_while_it_imports_prefect_does_not_abort(office):
    with started(LEAVING, str(office.root)) as process:
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.strip()) == (0, "True")
