"""`make demo`: a real incident, from the first alarm to the audit report."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from story import SMR, Act, Answer, Item, Stage
from takeover import INPUTS, STATEMENT, fill, until_legal, write

FIRST_TRY = STATEMENT.replace("was compromised", "was hacked because somebody was careless")


def main() -> int:
    """Play the story in a workspace of its own, then show what remains of it."""
    workspace = Path(tempfile.mkdtemp(prefix="smr-demo-")) / "halden"
    began = time.monotonic()
    stage = Stage(workspace)
    stage.tell(f"$ smr init {workspace.name} --sample", "A workspace with a sample company.")
    stage.smr("init", str(workspace), "--sample")
    conductor = subprocess.Popen(
        [str(SMR), "--workspace", str(workspace), "work"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        case = play(stage)
        report(stage, case, workspace)
    finally:
        conductor.terminate()
        conductor.wait()
        stage.smr("down", check=False)
        shutil.rmtree(workspace / ".smr" / "prefect", ignore_errors=True)
    print(f"\nThe workspace stays in {workspace} ({time.monotonic() - began:.0f} s).")
    return 0


def play(stage: Stage) -> str:
    """Let the people act until the first statement is out and everybody is told."""
    print(
        "\n9 January 2024, 16:11 Eastern: a false post appears on the account of a regulator.\n"
        "What follows are the public facts of that day, handled by the sample company's people."
    )
    opening = Act(
        "ana",
        *("start", "crisis-response", "--inputs", "-", "--json"),
        text=json.dumps(INPUTS),
        say="Ana opens the crisis playbook. Account lost, regulator involved: severity 1.",
    )
    case = str(json.loads(stage.act(opening))["case"])
    stage.tell(f"-> {case}")
    answers = {
        **until_legal(),
        "draft_holding": partial(_in_turn, _drafts()),
        "approve_holding": partial(_in_turn, _votes()),
        "freeze_posts": lambda item: fill("ida", item, FROZEN, "Scheduled posts stop."),
    }
    stage.play(case, answers, lambda: _is_told(stage, case))
    return case


FROZEN = {
    "done_1": True,
    "done_2": True,
    "done_3": True,
    "paused": "All queues; Yuki resumes them.",
    "terms": "our name, bitcoin, approval",
    "ordinary": 40,
}


def report(stage: Stage, case: str, workspace: Path) -> None:
    """Show what went live, who was told, who approved it, and that the log holds."""
    child = stage.ask("show", case)["children"][0]
    page = next(p for p in (workspace / "newsroom").rglob("*.md"))
    mails = len(list((workspace / "outbox").glob("*.eml")))
    print(f"\nLive in the newsroom ({page.relative_to(workspace)}), and {mails} messages sent:\n")
    print("\n".join(f"    {line}" for line in page.read_text(encoding="utf-8").splitlines()[:24]))
    print(f"\n$ smr audit who {child}\n")
    print(stage.smr("audit", "who", child))
    print("$ smr audit verify\n")
    print(stage.smr("audit", "verify"))


def _in_turn(answers: Iterator[Answer], item: Item) -> Act:
    return next(answers)(item)


def _drafts() -> Iterator[Answer]:
    yield lambda item: write("tom", item, FIRST_TRY, "Tom writes the holding statement.")
    yield lambda item: write("tom", item, STATEMENT, "Tom keeps to what is known.")


def _votes() -> Iterator[Answer]:
    reason = "We do not know that anybody was careless. Say only what is confirmed."
    yield lambda item: Act("carl", "approve", item["item"], say="Carl approves.")
    yield lambda item: Act(
        *("lea", "request-changes", item["item"], "--comment", reason),
        say="Lea, from Legal, asks for a change: Carl's vote no longer counts.",
    )
    yield lambda item: Act("lea", "approve", item["item"], say="All three decide on the new words.")
    yield lambda item: Act("carl", "approve", item["item"])
    yield lambda item: Act("eva", "approve", item["item"])


def _is_told(stage: Stage, case: str) -> bool:
    steps = {step["path"]: step["status"] for step in stage.ask("show", case)["steps"]}
    return steps["respond/speak/tell_line"] == "completed"


if __name__ == "__main__":
    sys.exit(main())
