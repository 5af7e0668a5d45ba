"""The program `smr`: all its commands, and its one way in and out."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from smr_engine import __version__
from smr_engine.cli import (
    accounts,
    auditing,
    calendars,
    cases,
    decisions,
    directory,
    items,
    later,
    library,
    rehearsing,
    running,
    schedules,
    serving,
)
from smr_engine.cli.commands import Group
from smr_engine.cli.failures import INTERRUPTED, USAGE

ABOUT = """Declarative response playbooks for social media relations.

\b
Example:
  smr init halden --sample && cd halden
  smr start holding-statement -i title='Smoke in hall 3' -i type=safety
  smr inbox --all
"""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"smr {__version__}")
        raise typer.Exit


def _root(
    _: None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Print the version."),
    ] = False,
) -> None:
    """Carry the options of the program itself."""


PROGRAM = Group("", ABOUT, completion=True, options=_root)
for _group in (
    running.GROUP,
    serving.GROUP,
    library.GROUP,
    cases.GROUP,
    items.GROUP,
    decisions.GROUP,
    schedules.GROUP,
    calendars.GROUP,
    rehearsing.GROUP,
    auditing.GROUP,
    directory.GROUP,
    accounts.GROUP,
    later.GROUP,
):
    PROGRAM.add(_group)
app = PROGRAM.typer


def run() -> NoReturn:
    """Run the program on the command line's words; ends the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a narrow encoding must not fail a command
            stream.reconfigure(errors="backslashreplace")
    if any("\udc80" <= sign <= "\udcff" for word in sys.argv for sign in word):
        typer.echo("Error: what was typed is not text in this terminal's encoding.", err=True)
        sys.exit(USAGE)
    try:
        app(prog_name="smr")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)
