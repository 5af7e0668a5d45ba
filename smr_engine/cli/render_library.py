"""Playbooks, schedules, people and findings for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from smr_engine.cli.forms import fields_of
from smr_engine.cli.output import (
    GOOD,
    LATE,
    STRONG,
    Styled,
    facts,
    heading,
    table,
    write,
    write_raw,
)
from smr_engine.cli.session import Session
from smr_engine.playbook.problems import Problem
from smr_engine.services.text import instant, one_line
from smr_engine.services.views import (
    DueRow,
    Finding,
    PersonRow,
    PlaybookRow,
    ScheduleRow,
)


def playbooks(rows: list[PlaybookRow]) -> None:
    """Write the library."""
    columns = ("Playbook", "Version", "Title", "From")
    table(columns, ((r.playbook, r.version, r.title, r.place) for r in rows), fixed=(0, 1))


def playbook(shown: Mapping[str, Any]) -> None:
    """Write a playbook: what it asks at the start, and its steps."""
    write(Styled(f"{shown['playbook']} {shown['version']}: {shown['title']}", STRONG))
    write(*([str(shown["summary"])] if shown.get("summary") else ()))
    facts(
        (
            ("Owner", str(shown.get("owner") or "")),
            ("Severity", ", ".join(shown.get("severity") or ())),
            ("SHA-256", str(shown.get("digest") or "")),
        )
    )
    fields = fields_of(shown.get("inputs"))
    if fields:
        heading("What it asks at the start")
        rows = ((f.name, f.title, f.words + ("" if f.required else ", optional")) for f in fields)
        table(("Field", "What", "How"), rows, fixed=(0,))
    heading("Steps")
    for line in _steps(shown.get("steps") or (), 1):
        write_raw(line)


def _steps(steps: Any, depth: int) -> Iterator[str]:
    """Yield the steps as an indented outline; each inner list below its step."""
    indent = "  " * depth
    for step in steps:
        about = f" ({'; '.join(step['details'])})" if step["details"] else ""
        when = f", when {step['when']}" if step["when"] else ""
        yield one_line_indented(indent, f"{step['kind']}: {step['title']}{about}{when}")
        for inner in step["lists"]:
            if inner["name"]:
                yield one_line_indented(indent, f"  {inner['name']}:")
            yield from _steps(inner["steps"], depth + 2)


def one_line_indented(indent: str, text: str) -> str:
    """Return a text on one line behind an indent."""
    lead = len(text) - len(text.lstrip())
    return indent + " " * lead + one_line(text)


def problems(found: list[Problem]) -> None:
    """Write findings in the form that editors understand, file:line:column first."""
    for problem in found:
        write_raw(str(problem))


def schedules(session: Session, rows: list[ScheduleRow]) -> None:
    """Write the schedules."""
    if not rows:
        write("There are no schedules.")
        return
    columns = ("Schedule", "Playbook", "Rule", "At", "Missed", "Next")
    cells = (
        (
            row.schedule,
            row.playbook,
            row.rrule,
            f"{row.at} {row.timezone}",
            row.missed,
            instant(row.next_due, session.zone),
        )
        for row in rows
    )
    table(columns, cells, fixed=(0,))
    for row in rows:
        if row.problem:
            write(f"{row.schedule} could not be opened: {row.problem}")


def dues(session: Session, rows: list[DueRow]) -> None:
    """Write coming instants of schedules."""
    if not rows:
        write("Nothing is scheduled.")
        return
    cells = ((instant(row.due, session.zone), row.playbook, row.schedule) for row in rows)
    table(("Due", "Playbook", "Schedule"), cells, fixed=(0, 2))


def people(rows: list[PersonRow]) -> None:
    """Write who is in the directory."""
    if not rows:
        write("The directory is empty.")
        return
    cells = (
        (row.id, row.name, ", ".join(row.roles), ", ".join(row.groups), row.email) for row in rows
    )
    table(("Id", "Name", "Roles", "Groups", "Email"), cells, fixed=(0,))


def findings(found: list[Finding]) -> None:
    """Write what was examined, what is wrong, and how to mend it."""
    for finding in found:
        mark = Styled("ok   ", GOOD) if finding.ok else Styled("WRONG", LATE)
        write(f"{mark}  {finding.what}: {finding.message}")
        if finding.hint and not finding.ok:
            write(f"       Next: {finding.hint}")
