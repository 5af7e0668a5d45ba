"""The program as a user meets it: command lines in, exit status and text out.

Most lines run in this process, through the very tree of commands that `smr` has, because a cold
start costs a second; `cold` runs the installed program. Nothing is replaced: each line opens the
workspace anew, as a process would.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from smr_engine.adapters.clock import SystemClock
from smr_engine.bootstrap import open_workspace
from smr_engine.cli.main import app
from smr_engine.services import triggers
from smr_engine.services.ports import Clock
from smr_engine.services.views import Worked
from tests.support.houses import next_instant, work

RUNNER = CliRunner()
COMMAND = get_command(app)
SMR = Path(sys.executable).parent / "smr"


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it wrote, read as JSON."""
        return json.loads(self.out)


def smr(*words: str, text: str | bytes = "") -> Said:
    """Run one command line in this process; an unexpected fault fails the test with its traceback.

    Args:
        words: after `smr`.
        text: standard input.
    """
    given = text.encode() if isinstance(text, str) else text
    with RUNNER.isolation(input=given) as (out, err, _):
        status: Any = 0
        try:
            COMMAND.main(args=["--debug", *words], prog_name="smr")
        except SystemExit as left:
            status = left.code
        sys.stdout.flush()
        sys.stderr.flush()
        said = Said(status, out.getvalue().decode(), err.getvalue().decode())
    assert "Traceback" not in said.out + said.err, said.err
    return said


def cold(
    *words: str,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    text: str = "",
    python: Sequence[str] = (),
) -> Said:
    """Run the installed program in a process of its own.

    Args:
        words: after `smr`.
        cwd: its folder.
        environ: variables set beside those of this process.
        text: standard input.
        python: options of the interpreter; without them `smr` itself is run.
    """
    start = [sys.executable, *python, str(SMR)] if python else [str(SMR)]
    done = subprocess.run(
        [*start, *words],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass
class House:
    """A workspace and the program run in it."""

    root: Path
    clock: Clock = field(default_factory=SystemClock)
    _triggers_known: bool = False

    def smr(self, *words: str, who: str = "", text: str | bytes = "") -> Said:
        """Run a command in this workspace, as somebody if a name is given."""
        acting = ["--as", who] if who else []
        return smr("--workspace", str(self.root), *acting, *words, text=text)

    def done(self, *words: str, who: str = "", text: str | bytes = "") -> str:
        """Run a command that must succeed; return what it wrote."""
        said = self.smr(*words, who=who, text=text)
        assert said.status == 0, f"smr {' '.join(words)}\n{said.err}{said.out}"
        return said.out

    def ask(self, *words: str, who: str = "", text: str | bytes = "") -> Any:
        """Run a command that must succeed for its JSON."""
        return json.loads(self.done(*words, "--json", who=who, text=text))

    def start(self, playbook: str, inputs: Mapping[str, Any], *words: str, who: str = "ana") -> str:
        """Open a case; return its reference."""
        given = json.dumps(inputs)
        opened = self.ask("start", playbook, "--inputs", "-", *words, who=who, text=given)
        return str(opened["case"])

    def items(self, *cases: str, step: str = "", kind: str = "") -> list[dict[str, Any]]:
        """Return what is open in some cases (of all without any), oldest first."""
        return [
            row
            for row in self.ask("inbox", "--all")
            if (not cases or row["case"] in cases)
            and step in {"", row["step"]}
            and kind in {"", row["kind"]}
        ]

    def item(self, case: str, step: str) -> str:
        """Return the id of the one open item of a step."""
        (found,) = self.items(case, step=step)
        return str(found["item"])

    def work(self) -> Worked:
        """Do what `smr work --until-idle` does, without Prefect."""
        ws = open_workspace(self.root, {}, clock=self.clock)
        try:
            if not self._triggers_known:  # takes half a second
                triggers.sync(ws)
                self._triggers_known = True
            return work(ws)
        finally:
            ws.storage.close()  # type: ignore[attr-defined]

    def wait_until_due(self, patience: timedelta) -> None:
        """Wait for the next instant at which something is due (it has to come soon)."""
        ws = open_workspace(self.root, {}, clock=self.clock)
        at = next_instant(ws)
        ws.storage.close()  # type: ignore[attr-defined]
        assert at is not None, "nothing will ever happen here"
        left = at - datetime.now(UTC)
        assert left < patience, f"the next thing is due at {at}"
        threading.Event().wait(max(left.total_seconds(), 0))

    def playbook(self, name: str, text: str) -> None:
        """Put a playbook into the workspace."""
        (self.root / "playbooks" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def database(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table."""
        with sqlite3.connect(self.root / ".smr" / "smr.db") as connection:
            names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            tables = [name for (name,) in connection.execute(names)]
            rows = {t: connection.execute(f'SELECT * FROM "{t}"').fetchall() for t in tables}
        connection.close()
        return rows

    def mails(self) -> list[EmailMessage]:
        """Return the mails in the outbox, by their names."""
        files = sorted((self.root / "outbox").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=default) for file in files]

    def mailed(self, subject: str) -> list[str]:
        """Return the addresses that mails with these words in their subject went to, sorted."""
        found = [mail for mail in self.mails() if subject in mail["Subject"]]
        return sorted(address.addr_spec for mail in found for address in mail["To"].addresses)

    def pages(self) -> dict[str, str]:
        """Return the pages of the newsroom by their addresses, without their front matter."""
        files = sorted((self.root / "newsroom").rglob("*.md"))
        texts = {str(file.relative_to(self.root)): file.read_bytes().decode() for file in files}
        return {place: text.split("\n---\n\n", 1)[1] for place, text in texts.items()}


def sample(root: Path) -> House:
    """Make a workspace with the sample company."""
    said = smr("init", str(root), "--sample")
    assert said.status == 0, said.err
    house = House(root)
    house.done("people")  # makes the database and takes the directory over
    return house


def copy_of(house: House, root: Path) -> House:
    """Return a copy of a workspace that nobody works in."""
    shutil.copytree(house.root, root)
    return House(root)
