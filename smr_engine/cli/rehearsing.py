"""Looking ahead: what would come if nobody answered, and scenarios on a virtual clock."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.output import write_json, write_raw
from smr_engine.cli.session import Session

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
    from smr_engine.cli.files import read_values
    from smr_engine.cli.values import values_from
    from smr_engine.services import cases
    from smr_engine.services.preview import Ask

    given = read_values(inputs) if inputs else {}
    schema = cases.input_schema(session.ws, playbook)
    values = values_from((), schema, given, session.zone)
    asked = Ask(playbook, at, values, severity, session.person or "", to_the_end)
    show_preview(session, asked, form)


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
