"""Schedules: cases that open by themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.files import STDOUT
from smr_engine.cli.ics import OutOption, write_feed
from smr_engine.cli.output import say, write_json, write_raw
from smr_engine.cli.session import Session
from smr_engine.services.text import instant

GROUP = Group("schedule", "Cases that open by themselves.")


class Missed(StrEnum):
    """Which cases open when instants went by while nothing was running."""

    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"


@GROUP.command("list", "smr schedule list")
def list_(session: Session) -> None:
    """List the schedules with their next instants."""
    from smr_engine.cli import render_library
    from smr_engine.services import schedules

    rows = schedules.list_(session.ws, session.reader)
    if session.as_json:
        write_json(rows)
    else:
        render_library.schedules(session, rows)


@GROUP.command(
    "add",
    "smr schedule add policy-review --rrule 'FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO' --at 09:00 "
    "--timezone Europe/Berlin --inputs review.yaml",
)
def add(
    session: Session,
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="See: smr playbooks")],
    rrule: Annotated[str, typer.Option("--rrule", metavar="R", help="A rule of RFC 5545.")],
    at: Annotated[str, typer.Option("--at", metavar="HH:MM", help="Local time.")],
    timezone: Annotated[str, typer.Option("--timezone", metavar="Z", help="Like Europe/Berlin.")],
    inputs: Annotated[
        str | None,
        typer.Option("--inputs", metavar="FILE", help="Inputs as JSON or YAML; - reads stdin."),
    ] = None,
    missed: Annotated[
        Missed, typer.Option("--missed", help="What opens after a time without a conductor.")
    ] = Missed.LATEST,
) -> None:
    """Open a case of a playbook again and again."""
    from smr_engine.cli.files import read_inputs
    from smr_engine.services import schedules

    row = schedules.add(
        session.ws,
        session.actor,
        playbook,
        schedules.Rule(rrule, at, timezone, missed.value),
        read_inputs(inputs, playbook) if inputs else {},
    )
    if session.as_json:
        write_json(row)
    else:
        due = instant(row.next_due, session.zone) or "never"
        write_raw(f"Added {row.schedule}: {row.playbook}, next {due}.")
    if row.problem:
        say(f"As things are it would open no case: {row.problem}.")


@GROUP.command("remove", "smr schedule remove policy-review-1a2b3c")
def remove(
    session: Session,
    schedule: Annotated[str, typer.Argument(metavar="ID", help="See: smr schedule list")],
) -> None:
    """Remove a schedule; one that a playbook brought stays removed."""
    from smr_engine.services import schedules

    schedules.remove(session.ws, session.actor, schedule)
    if session.as_json:
        write_json({"schedule": schedule})
    else:
        write_raw(f"Removed {schedule}.")


@GROUP.command("next", "smr schedule next 5")
def next_(
    session: Session,
    count: Annotated[int, typer.Argument(metavar="N", min=1, max=1000, help="How many.")],
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="ID", help="Only this one.")
    ] = None,
) -> None:
    """Show what opens next, and when."""
    from smr_engine.cli import render_library
    from smr_engine.services import schedules

    rows = schedules.next_(session.ws, count, schedule, session.reader)
    if session.as_json:
        write_json(rows)
    else:
        render_library.dues(session, rows)


@GROUP.command(
    "export", "smr schedule export --ics --out smr.ics", "smr schedule export --ics > smr.ics"
)
def export(
    session: Session,
    _: Annotated[bool, typer.Option("--ics", help="As iCalendar, which is the only form.")] = True,
    out: OutOption = STDOUT,
) -> None:
    """Export the schedules for a calendar program."""
    from smr_engine.services import feeds

    write_feed(session, feeds.schedule_feed(session.ws, session.reader), out)
