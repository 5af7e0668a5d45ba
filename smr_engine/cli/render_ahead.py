"""What has not happened, for people: previews as tables and Gantt charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from smr_engine.cli.output import LATE, STRONG, Styled, say, table, write
from smr_engine.cli.session import Session
from smr_engine.cli.text import instant, listed, one_line
from smr_engine.services.views_ahead import Preview, PreviewRow

MOST_NAMES = 4
URGENT = {"escalation", "expiry", "fault"}
_UNFIT = re.compile(r"[:;#,]+")  # what ends a name in Mermaid's Gantt charts


def preview(session: Session, view: Preview) -> None:
    """Write what would come as a table, in company time; other local times stand beside names."""
    zone = ZoneInfo(view.timezone)
    severity = f", {view.severity}" if view.severity else ""
    starts = f"{view.playbook}{severity}, if it starts {instant(view.at, zone)} and nobody answers"
    write(Styled(f"{starts}; times in {view.timezone}", STRONG), "")
    table(("When", "What", "Who", "Why"), (_row(session, row, zone) for row in view.rows))
    if not view.whole:
        say("More of the same comes after the last line.")


def made_up(view: Preview) -> None:
    """Say which inputs nobody gave."""
    if view.made_up:
        say(f"Made up, because nobody gave them: {listed(list(view.made_up))}.")


def _row(session: Session, row: PreviewRow, zone: ZoneInfo) -> tuple[str, ...]:
    what = Styled(row.what, LATE) if row.what in URGENT else row.what
    when = f"{row.at.astimezone(zone):%a %Y-%m-%d %H:%M}"
    return when, what, _who(session, row, zone), row.why


def _who(session: Session, row: PreviewRow, zone: ZoneInfo) -> str:
    here = f"{row.at.astimezone(zone):%H:%M}"
    names = []
    for person in row.who[:MOST_NAMES]:
        there = row.local.get(person, "")[11:16]
        elsewhere = f" ({there} there)" if there and there != here else ""
        names.append(f"{session.name_of(person)}{elsewhere}")
    more = len(row.who) - MOST_NAMES
    return listed([*names, f"{more} more"] if more > 0 else names)


# --- as a chart --------------------------------------------------------------------------------


def gantt(session: Session, view: Preview) -> str:
    """Return what would come as a Mermaid Gantt chart: a section for each step, in company time."""
    zone = ZoneInfo(view.timezone)
    lines = [
        "gantt",
        f"    title {_word(view.playbook)}, if nobody answers (times in {view.timezone})",
        "    dateFormat YYYY-MM-DDTHH:mm",
        "    axisFormat %d %b %H:%M",
    ]
    by_step: dict[str, list[PreviewRow]] = {}
    for row in view.rows:
        by_step.setdefault(row.step, []).append(row)
    for found in by_step.values():
        lines.append(f"    section {_word(found[0].title)}")
        lines += _bars(session, found, zone)
    return "\n".join(lines)


def _bars(session: Session, rows: list[PreviewRow], zone: ZoneInfo) -> Iterator[str]:
    """Yield one bar from asking to the due time, and a milestone for all else."""
    due = next((row.at for row in rows if row.what == "due"), None)
    for row in rows:
        at = _local(row.at, zone)
        who = _word(_who(session, row, zone))
        if row.what == "asked" and due is not None and due > row.at:
            yield f"    waits for {who} :active, {at}, {_local(due, zone)}"
        elif row.what != "due":
            urgent = "crit, " if row.what in URGENT else ""
            yield f"    {row.what} {who} :{urgent}milestone, {at}, 0m"


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _word(text: str) -> str:
    return _UNFIT.sub(" ", one_line(text)).strip() or "-"
