"""`make up`: the sample company with a crisis that waits for Legal, and everything running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from story import ROOT, SMR, Stage
from takeover import INPUTS, until_legal


def main() -> int:
    """Make the workspace if there is none, open the crisis, then hand over to `smr up`."""
    workspace = Path(os.environ.get("SMR_WORKSPACE") or ROOT / "workspace")
    stage = Stage(workspace)
    if not (workspace / "smr.yaml").is_file():
        subprocess.run([str(SMR), "init", str(workspace), "--sample"], check=True)
        prepare(stage)
    waiting = [i for i in stage.ask("inbox", "--all") if i["kind"] == "approval"]
    if waiting:
        item, case = waiting[0]["item"], waiting[0]["case"]
        print(f"\n{case} waits for Legal: {waiting[0]['title']}. Try in another terminal:\n")
        at = f"{SMR.relative_to(ROOT)} --workspace {os.path.relpath(workspace)}"
        print(f"  {at} --as lea item {item}")
        print(f"  {at} --as lea approve {item}")
        print(f"  {at} audit who {case}\n", flush=True)
    os.execv(SMR, [str(SMR), "--workspace", str(workspace), "up", *sys.argv[1:]])


def prepare(stage: Stage) -> None:
    """Open a crisis and bring it to the point where Legal is asked; Prefect is not needed."""
    text = json.dumps(INPUTS)
    started = stage.smr(
        "--as", "ana", "start", "crisis-response", "--inputs", "-", "--json", text=text
    )
    case = json.loads(started)["case"]
    answers = until_legal()
    print(f"Opening {case} and bringing it to Legal ...", flush=True)
    conductor = subprocess.Popen(
        [str(SMR), "--workspace", str(stage.workspace), "work"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        stage.quiet = True
        stage.play(case, answers, lambda: _waits_for_legal(stage))
        for item in stage.ask("inbox", "--all"):
            if item["kind"] == "approval":
                stage.smr("--as", "carl", "approve", item["item"])
                stage.smr("--as", "eva", "approve", item["item"])
    finally:
        conductor.terminate()
        conductor.wait()


def _waits_for_legal(stage: Stage) -> bool:
    return any(item["kind"] == "approval" for item in stage.ask("inbox", "--all"))


if __name__ == "__main__":
    sys.exit(main())
