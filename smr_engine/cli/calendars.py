"""Calendars: when people work."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.output import write_json
from smr_engine.cli.session import Session

GROUP = Group("calendar", "Working time.")


@GROUP.command(
    "show",
    "smr calendar show",
    "smr calendar show chicago --around 2026-12-24 --weeks 2",
)
def show(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A calendar; left out: yours, else default."),
    ] = None,
    around: Annotated[
        datetime | None,
        typer.Option(
            "--around", metavar="DATE", formats=["%Y-%m-%d"], help="In the middle; default today."
        ),
    ] = None,
    weeks: Annotated[
        int, typer.Option("--weeks", metavar="N", min=1, max=106, help="How many weeks.")
    ] = 3,
) -> None:
    """Show working time around a date, day by day.

    With holidays by name, half days, days closed, and changes of the clock.
    """
    from smr_engine.cli import render_calendar
    from smr_engine.services import calendars

    day = around.date() if around else None
    view = calendars.show(session.ws, name, person=session.person, around=day, weeks=weeks)
    if session.as_json:
        write_json(view)
    else:
        render_calendar.calendar(session, view)
