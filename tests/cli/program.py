"""Runs `smr` in the test's own process: the same tree of commands, without the start-up."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from smr_engine.cli.main import app

RUNNER = CliRunner()
COMMAND = get_command(app)


class Result(NamedTuple):
    """How a run of the program ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What it said to a program."""
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        """What it said to a program that was refused."""
        return json.loads(self.stderr)["error"]


def smr(
    *words: str, stdin: bytes | None = None, environ: Mapping[str, str | None] | None = None
) -> Result:
    """Runs the program; returns its exit status and what it printed where."""
    with RUNNER.isolation(input=stdin, env=environ) as (out, err, _):
        with pytest.raises(SystemExit) as left:
            COMMAND.main(args=list(words), prog_name="smr")
        sys.stdout.flush()
        sys.stderr.flush()
        return Result(left.value.code, out.getvalue().decode(), err.getvalue().decode())
