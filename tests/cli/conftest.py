"""A sample workspace for each test, and people who type commands in it."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from smr_engine.adapters.wake_socket import WakeListener
from smr_engine.bootstrap import open_workspace
from smr_engine.services.conductor import Conductor
from smr_engine.services.ports import DispatchUnavailableError
from tests.cli.program import Result, smr


@pytest.fixture(autouse=True)
def _a_terminal_of_known_width(monkeypatch):
    """Keep the width of tables from depending on who runs the tests (xdist sets COLUMNS)."""
    monkeypatch.setenv("COLUMNS", "100")


STATEMENT = """
playbook: statement
version: 1.0.0
title: A short statement
owner: smr-lead
case_prefix: STMT
inputs:
  fields:
    title: text
    risk: yes_no
    hurt: {type: integer, optional: true}
    urls: {type: list, of: url, optional: true}
severity: {levels: [high, low], initial: low}
documents:
  words:
    title: The words
    audience: public
    template: "About {{ inputs.title }}: we are looking into it."
steps:
  - id: verify
    kind: task
    title: Verify what happened
    assign: {role: smr-lead}
    due: 10m
    fields: {facts: {type: list, of: text, min: 1}, reach: integer}
    checklist: [Two sources]
  - id: sorry
    kind: decision
    ask: Do we apologise?
    assign: {role: comms-writer}
  - id: write
    kind: draft
    title: Write the words
    document: words
    assign: {role: comms-writer}
    checks: [{must_not_contain: [no comment]}]
  - id: check
    kind: approval
    title: Approve the words
    documents: [words]
    quorum: [{role: comms-director, need: 1}, {role: legal, need: 1}]
    except: [author]
    on_changes_requested: {return_to: write}
    on_rejected: {end: rejected}
  - id: out
    kind: publish
    document: words
    requires: [check]
    account: newsroom
"""


class NoPrefect:
    """What the conductor meets where Prefect is down."""

    def run_leg(self, leg):
        raise DispatchUnavailableError("down")

    run_batch = run_leg


@dataclass(frozen=True)
class Office:
    """The sample company at work: `ana` leads, `tom` writes, `carl` and `lea` approve."""

    folder: Path

    def __call__(self, *words: str, who: str = "", stdin: bytes | None = None) -> Result:
        """Types a command."""
        acting = ("--as", who) if who else ()
        environ = {"SMR_WORKSPACE": str(self.folder), "SMR_AS": None, "NO_COLOR": None}
        return smr(*words, *acting, stdin=stdin, environ=environ)

    def done(self, *words: str, who: str = "", stdin: bytes | None = None) -> Result:
        """Types a command that must succeed."""
        result = self(*words, who=who, stdin=stdin)
        assert result.exit_code == 0, result
        return result

    def json(self, *words: str, who: str = ""):
        """Types a command that must succeed; returns what it says to a program."""
        return self.done(*words, "--json", who=who).json

    def start(self, *words: str) -> str:
        """Opens a case of the short playbook; returns its reference."""
        facts = ("-i", "title=Smoke in hall 3", "-i", "risk=yes")
        return self.json("start", "statement", *facts, *words)["case"]

    def item(self, step: str, case: str = "") -> str:
        """Returns the open item of a step."""
        rows = self.json("inbox", "--all")
        (found,) = [r["item"] for r in rows if r["step"] == step and case in {"", r["case"]}]
        return found

    def work(self) -> None:
        """Performs what is owed, as a conductor does that finds no Prefect."""
        ws = open_workspace(self.folder, {"SMR_PREFECT_GRACE_SECONDS": "0"})
        with closing(ws.storage), closing(WakeListener(ws.state)) as listener:
            Conductor(ws, NoPrefect(), listener, "office").run(until_idle=True)

    def verified(self) -> str:
        """Opens a case in which the facts are verified; returns its reference."""
        case = self.start()
        values = ("-o", "facts=Hall 3 is empty", "-o", "reach=5", "-o", "done_1=yes")
        self.done("complete", self.item("verify"), *values)
        return case

    def written(self) -> str:
        """Opens a case whose words wait for approval; returns its reference."""
        case = self.verified()
        self.done("complete", self.item("sorry"), "-o", "sorry=no", who="tom")
        draft = ("revise", self.item("write"), "--file", "-", "--done")
        self.done(*draft, who="tom", stdin=b"We are looking into it.\n")
        return case


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A workspace that has been opened once, so that its database is there."""
    folder = tmp_path_factory.mktemp("office") / "halden"
    assert smr("init", str(folder), "--sample").exit_code == 0
    (folder / "playbooks" / "statement.yaml").write_text(STATEMENT)
    assert smr("people", "--workspace", str(folder)).exit_code == 0
    return folder


@pytest.fixture
def office(template, tmp_path) -> Office:
    folder = tmp_path / "halden"
    shutil.copytree(template, folder)
    return Office(folder)
