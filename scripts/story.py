"""A small stage: people of the sample company act through the same commands a user would type."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SMR = ROOT / ".venv" / "bin" / "smr"
PATIENCE_S = 60.0

Item = dict[str, Any]
Answer = Callable[[Item], "Act"]


class Act:
    """What somebody types: the words after `smr --as PERSON`, and a text for standard input."""

    def __init__(self, person: str, *words: str, text: str = "", say: str = "") -> None:
        self.person, self.words, self.text, self.say = person, words, text, say


class Stage:
    """One workspace and the people in it."""

    def __init__(self, workspace: Path, *, quiet: bool = False) -> None:
        self.workspace = workspace
        self.quiet = quiet

    def smr(self, *words: str, text: str = "", check: bool = True) -> str:
        """Run one command and return what it printed."""
        done = subprocess.run(
            [str(SMR), "--workspace", str(self.workspace), *words],
            input=text or None,
            stdin=None if text else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            sys.exit(f"smr {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *words: str) -> Any:
        """Run one command for its JSON."""
        return json.loads(self.smr(*words, "--json"))

    def act(self, act: Act) -> str:
        """Let somebody type a command, and show it."""
        shown = [word if " " not in word else f'"{word}"' for word in act.words]
        self.tell(f"$ smr --as {act.person} {' '.join(shown)}", act.say)
        return self.smr("--as", act.person, *act.words, text=act.text)

    def tell(self, line: str, say: str = "") -> None:
        """Print one line of the story."""
        if self.quiet:
            return
        if say:
            print(textwrap.fill(say, 100, initial_indent="\n  ", subsequent_indent="  "))
        print(f"    {line[:140]}", flush=True)

    def wait_for(self, what: Callable[[], Any]) -> Any:
        """Wait until something is there (the conductor works in another process)."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = what()
            if found:
                return found
            time.sleep(0.3)
        return None

    def play(self, case: str, answers: dict[str, Answer], until: Callable[[], bool]) -> None:
        """Answer whatever comes up in a case and its children, until the end of the scene."""
        while (found := self.wait_for(lambda: until() or self._next(case, answers))) is not True:
            if found is None:
                sys.exit(f"nothing happens any more in {case}; see: smr show {case}")
            self.act(answers[_step(found)](found))

    def _next(self, case: str, answers: dict[str, Answer]) -> Item | None:
        """Return the first open item somebody has an answer to."""
        family = {case, *self.ask("show", case)["children"]}
        for item in self.ask("inbox", "--all"):
            if item["case"] in family and _step(item) in answers:
                return dict(item)
        return None


def _step(item: Item) -> str:
    return str(item["step"]).rsplit("/", 1)[-1]
