"""`make up`: the sample company in the middle of an exercise that waits for Legal, all running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from story import ROOT, SMR, Act, Answer, Item, Stage
from takeover import INPUTS, STATEMENT, until_legal, write
from typer.testing import CliRunner

from smr_engine.cli.main import app

GUESTS = {"lea": "Lea, Legal: approve", "ana": "Ana, who leads", "tom": "Tom, who wrote it"}


class Rehearsal(Stage):
    """A stage nobody watches: its commands run in this process, so none waits for a program."""

    def __init__(self, workspace: Path) -> None:
        super().__init__(workspace, quiet=True)

    def smr(self, *words: str, text: str = "", check: bool = True) -> str:
        """Run one command and return what it printed."""
        done = CliRunner().invoke(
            app, ["--workspace", str(self.workspace), *words], input=text or None
        )
        if check and done.exit_code != 0:
            sys.exit(f"smr {' '.join(words)}\n{done.output}")
        return done.stdout


def main() -> int:
    """Make the workspace if there is none, bring a drill to Legal, then hand over to `smr up`."""
    workspace = Path(os.environ.get("SMR_WORKSPACE") or ROOT / "workspace")
    stage = Rehearsal(workspace)
    if not (workspace / "smr.yaml").is_file():
        stage.smr("init", str(workspace), "--sample")
        print(f"The sample company is in {workspace}.")
        prepare(stage)
        stage.smr("down")  # or the Prefect that prepared it would outlive `smr up`
    print("\nSign in as one of these (each link works once; choose a password of your own):\n")
    for person, who in GUESTS.items():
        print(f"  {who:22} {stage.ask('--as', 'ana', 'invite', person)['url']}")
    print("\nThe links work as soon as the pages are there, in a few seconds.\n", flush=True)
    os.execv(SMR, [str(SMR), "--workspace", str(workspace), "up"])


def prepare(stage: Stage) -> None:
    """Open a drill and bring it to the point where only Legal is missing; Prefect is not needed."""
    opening = ("--as", "ana", "start", "crisis-response", "--drill", "--inputs", "-", "--json")
    case = json.loads(stage.smr(*opening, text=json.dumps(INPUTS)))["case"]
    print(
        f"Opening the exercise {case} and bringing it to Legal (up to half a minute) ...",
        flush=True,
    )
    conductor = subprocess.Popen(
        [str(SMR), "--workspace", str(stage.workspace), "work"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    answers = {
        **until_legal(),
        "draft_holding": partial(_in_turn, _drafts()),
        "approve_holding": partial(_in_turn, _votes()),
    }
    try:
        stage.play(case, answers, lambda: _only_legal_is_missing(stage))
    finally:
        conductor.terminate()
        conductor.wait()


def _in_turn(answers: Iterator[Answer], item: Item) -> Act:
    return next(answers)(item)


def _drafts() -> Iterator[Answer]:
    yield lambda item: write("tom", item, STATEMENT.replace("compromised", "hacked by criminals"))
    yield lambda item: write("tom", item, STATEMENT)


def _votes() -> Iterator[Answer]:
    reason = "We do not know who it was. Say only what is confirmed."
    yield lambda item: Act("carl", "request-changes", item["item"], "--comment", reason)
    yield lambda item: Act("carl", "approve", item["item"], "--comment", "Clear and calm.")
    yield lambda item: Act("eva", "approve", item["item"])


def _only_legal_is_missing(stage: Stage) -> bool:
    waiting = [item["item"] for item in stage.ask("inbox", "--all") if item["kind"] == "approval"]
    lines = [line for item in waiting for line in stage.ask("item", item)["quorum"]]
    missing = {line["role"] for line in lines if line["have"] < line["need"]}
    return missing == {"legal"}


if __name__ == "__main__":
    sys.exit(main())
