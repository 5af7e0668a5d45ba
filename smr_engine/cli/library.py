"""The library: checking files, listing and showing playbooks."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.failures import REFUSED
from smr_engine.cli.output import say, write_json, write_raw
from smr_engine.cli.session import Session
from smr_engine.services.text import counted

GROUP = Group("", "The library")
PLAYBOOK = Group("playbook", "Look at one playbook.")
GROUP.add(PLAYBOOK)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A playbook; see: smr playbooks")]


class GraphFormat(StrEnum):
    """How a playbook is drawn."""

    MERMAID = "mermaid"
    SVG = "svg"


@GROUP.command("validate", "smr validate playbooks/", "smr validate directory.yaml smr.yaml --json")
def validate(
    session: Session,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files, folders, or names of playbooks.")
    ],
) -> int:
    """Check playbooks, scenarios, directory and settings.

    Prints all problems at once; warnings alone exit 0.
    """
    from smr_engine.cli import render_library
    from smr_engine.services import validation

    found = validation.validate(session.shelf, paths)
    errors = sum(problem.severity == "error" for problem in found)
    if session.as_json:
        write_json(found)
    else:
        render_library.problems(found)
        warnings = counted(len(found) - errors, "warning")
        say(f"{counted(errors, 'error')}, {warnings}." if found else "No problems.")
    return REFUSED if errors else 0


@GROUP.command("playbooks", "smr playbooks")
def playbooks(session: Session) -> None:
    """List the playbooks, your own and those shipped."""
    from smr_engine.cli import render_library
    from smr_engine.services import library

    rows = library.playbooks(session.shelf)
    if session.as_json:
        write_json(rows)
    else:
        render_library.playbooks(rows)


@PLAYBOOK.command("show", "smr playbook show crisis-response")
def show(session: Session, name: Name) -> None:
    """Show what a playbook asks at the start, and its steps."""
    from smr_engine.cli import render_library
    from smr_engine.services import library

    if session.as_json:
        write_json(library.show(session.shelf, name))
    else:
        render_library.playbook(library.outlined(session.shelf, name))


@PLAYBOOK.command(
    "graph",
    "smr playbook graph crisis-response --format svg > crisis.svg",
    "smr playbook graph crisis-response > crisis.mmd",
)
def graph(
    session: Session,
    name: Name,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="Text for Mermaid, or a picture.")
    ] = GraphFormat.MERMAID,
) -> None:
    """Draw a playbook: as a Mermaid flowchart or an SVG picture.

    Mermaid is for Markdown pages that render it; any browser and office program shows the picture.
    """
    from smr_engine.services import library

    draw = library.drawn if form is GraphFormat.SVG else library.graph
    drawing = draw(session.shelf, name)
    if session.as_json:
        write_json({"playbook": name, form.value: drawing})
    else:
        write_raw(drawing)


@PLAYBOOK.command("diff", "smr playbook diff crisis-response playbooks/crisis-response.yaml")
def diff(
    session: Session,
    first: Annotated[str, typer.Argument(metavar="A", help="A name, a digest or a file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
) -> None:
    """Show what differs between two playbooks, or two versions of one."""
    from smr_engine.services import library

    found = library.diff(session.ws, first, second)
    if session.as_json:
        write_json({"a": first, "b": second, "diff": found})
    elif found:
        write_raw(found)
    else:
        say("They are the same.")
