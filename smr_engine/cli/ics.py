"""Feeds for calendar programs, to standard output or into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smr_engine.cli.files import STDOUT, write_file
from smr_engine.cli.output import say, write_json
from smr_engine.cli.session import Session
from smr_engine.services.text import counted

if TYPE_CHECKING:
    from smr_engine.services.feeds import Feed

OutOption = Annotated[
    str, typer.Option("--out", metavar="F", help="The .ics file; - writes to standard output.")
]


def write_feed(session: Session, feed: Feed, out: str) -> None:
    """Write a feed as iCalendar; in JSON as one text."""
    from smr_engine.adapters.ical import calendar_file

    content = calendar_file(feed)
    if session.as_json and out == STDOUT:
        write_json({"ics": content.decode()})
        return
    write_file(content, out)
    if out != STDOUT:
        say(f"Wrote {counted(len(feed.entries), 'entry', 'entries')} to {out}.")
