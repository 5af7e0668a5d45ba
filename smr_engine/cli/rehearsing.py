"""Looking ahead: what would come if nobody answered, and scenarios on a virtual clock."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.failures import REFUSED
from smr_engine.cli.output import write_json, write_raw
from smr_engine.cli.session import Session
from smr_engine.errors import NotFound

if TYPE_CHECKING:
    from smr_engine.services.preview import Ask

GROUP = Group("", "Rehearsals")


class PreviewFormat(StrEnum):
    """How a preview is shown."""

    TABLE = "table"
    GANTT = "gantt"


@GROUP.command(
    "preview",
    "smr preview crisis-response --at 2026-12-24T16:30 --severity sev2",
    "smr preview holding-statement --at 2026-12-24T16:30 --format gantt > night.mmd",
)
def preview(
    session: Session,
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="See: smr playbooks")],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="T", help="When it starts, in company time; left out: now."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("-i", "--input", metavar="K=V", help="One input, as for smr start."),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option("--inputs", metavar="FILE", help="Inputs; what is missing is made up."),
    ] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="L", help="One of the playbook's levels.")
    ] = None,
    form: Annotated[
        PreviewFormat, typer.Option("--format", help="A table, or a Mermaid Gantt chart.")
    ] = PreviewFormat.TABLE,
    to_the_end: Annotated[
        bool,
        typer.Option(
            "--to-the-end", help="See the later steps too: each item is answered at the last."
        ),
    ] = False,
) -> None:
    """Show what would come, and when, if nobody answered.

    Every reminder, escalation, expiry, wait and clock, before anything starts.
    """
    from smr_engine.cli.files import read_inputs
    from smr_engine.cli.values import values_from
    from smr_engine.services import cases
    from smr_engine.services.preview import Ask

    file_values = read_inputs(inputs, playbook) if inputs else {}
    schema = cases.input_schema(session.ws, playbook)
    values = values_from(given or (), schema, file_values, session.zone)
    asked = Ask(playbook, at, values, severity, session.person or "", to_the_end)
    show_preview(session, asked, form)


@GROUP.command("test", "smr test", "smr test playbooks/tests/night.yaml --json")
def run_scenarios(
    session: Session,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Scenarios or folders; left out: those of the workspace, else the shipped ones.",
        ),
    ] = None,
) -> int:
    """Run the scenarios of playbooks, with their coverage.

    Exits 1 if anything did not hold.
    """
    from smr_engine.bootstrap import rehearsal_house
    from smr_engine.cli import render_ahead
    from smr_engine.services import scenarios

    found = scenarios.test(session.shelf, rehearsal_house, paths or [_scenarios(session)])
    if session.as_json:
        write_json(found)
    else:
        render_ahead.tested(found)
    return 0 if found.ok else REFUSED


def _scenarios(session: Session) -> Path:
    """Return where scenarios are when nobody says it."""
    from smr_engine.adapters.shipped import shipped_path

    with suppress(NotFound):
        own = session.folder / "playbooks" / "tests"
        if own.is_dir():
            return own
    return shipped_path("playbooks") / "tests"


@GROUP.command("simulate", "smr simulate crisis-response --scenario playbooks/tests/night.yaml")
def simulate(
    session: Session,
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="See: smr playbooks")],
    scenario: Annotated[
        Path, typer.Option("--scenario", metavar="F", help="A scenario of this playbook.")
    ],
) -> int:
    """Play a scenario and tell it as a story.

    On a virtual clock: who did what, what was sent and published, in company time. Exits 1 if
    anything did not hold.
    """
    from smr_engine.bootstrap import rehearsal_house
    from smr_engine.cli import render_story
    from smr_engine.services import scenarios

    story = scenarios.simulate(session.shelf, rehearsal_house, scenario, playbook)
    if session.as_json:
        write_json(render_story.as_data(story))
    else:
        render_story.story(story)
    return 0 if story.result.ok else REFUSED


def show_preview(session: Session, asked: Ask, form: PreviewFormat = PreviewFormat.TABLE) -> None:
    """Show what would come of a case if nobody answered."""
    from smr_engine.cli import render_ahead
    from smr_engine.services import preview as ahead

    found = ahead.preview(session.ws, asked)
    if session.as_json:
        write_json(list(found.rows))
    elif form is PreviewFormat.GANTT:
        write_raw(render_ahead.gantt(session, found))
    else:
        render_ahead.preview(session, found)
    render_ahead.made_up(found)
