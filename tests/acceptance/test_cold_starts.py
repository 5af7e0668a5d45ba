"""Commands that need no Prefect never load it, and start quickly."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.support.program import SMR, House, copy_of

QUICK = """
--version|--help|start --help|validate {root}/directory.yaml|playbooks|playbook show crisis-response
playbook graph policy-review|playbook diff crisis-response holding-statement|people
calendar show|schedule export --ics|inbox --ics --as ana
directory check|directory export|schedule list|schedule next 3|db upgrade|preview crisis-response|down
start holding-statement -i title=Smoke -i type=safety|cases|show {case}|timeline {case}
inbox --all|inbox --as lea|item {case}.1|note {case} Hello
complete {case}.1 -o confirmed=Smoke -o captures=here -o done_1=yes -o done_2=yes -o done_3=yes
audit log|audit who {case}|audit verify|signal {case} none|cancel {case} --reason Over
"""
LINES = [line for row in QUICK.strip().split("\n") for line in row.split("|")]
TRY_ALL = """
import json, sys
from tests.support.program import smr
found = {}
for line in json.load(sys.stdin):
    said = smr(*line.split())
    heavy = {name.partition('.')[0] for name in sys.modules}
    found[line] = [said.status, sorted(heavy & {'prefect', 'fastapi', 'uvicorn', 'flows'})]
print(json.dumps(found))
"""
SEVERAL = 2
"""The quickest of so many runs counts; the machine does other things as well."""


def test_no_command_that_needs_no_prefect_loads_it(untouched: House, tmp_path):
    house = copy_of(untouched, tmp_path / "halden")
    year = datetime.now(ZoneInfo("Europe/Berlin")).year
    lines = [line.format(case=f"HOLD-{year}-0001", root=house.root) for line in LINES]
    done = subprocess.run(
        [sys.executable, "-c", TRY_ALL],
        input=json.dumps(lines),
        env={
            **os.environ,
            "SMR_WORKSPACE": str(house.root),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {line: heavy for line, (_, heavy) in found.items() if heavy} == {}
    refused = [line for line, (status, _) in found.items() if status]
    assert [line.split()[0] for line in refused] == ["signal"]


def cpu_s(*command: str | Path, environ: dict[str, str]) -> float:
    """Return the processor time that a process takes, in seconds: the least of several runs."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env={**os.environ, **environ}, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(SEVERAL))


def test_a_cold_inbox_takes_a_few_times_what_loading_sqlalchemy_takes(untouched: House, tmp_path):
    """A ratio holds on any machine; SQLAlchemy alone takes an eighth of a second on a quick one."""
    house = copy_of(untouched, tmp_path / "halden")
    environ = {
        "SMR_WORKSPACE": str(house.root),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode"),
    }
    sqlalchemy: Sequence[str] = (sys.executable, "-c", "import sqlalchemy")
    whole = cpu_s(SMR, "inbox", environ=environ)
    assert whole < 6 * cpu_s(*sqlalchemy, environ=environ)
