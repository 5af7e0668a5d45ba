"""The audit trail for people and spreadsheets: who approved what, the log, the verification."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Any

from smr_engine.cli.output import (
    FAINT,
    GOOD,
    LATE,
    STRONG,
    Styled,
    heading,
    jsonable,
    say,
    table,
    terminal_width,
    write,
    write_raw,
)
from smr_engine.cli.session import Session
from smr_engine.services import spreadsheet
from smr_engine.services.names import Names
from smr_engine.services.text import clock_time, counted, instant, one_line, shortened
from smr_engine.services.views import EventRow, VerifyView, WhoRow

LOG_COLUMNS = (
    *("seq", "at", "case", "kind", "actor", "on_behalf_of", "role", "assurance", "data"),
    "leaf_hash",
)
_WIDEST_DATA = 100
_WIDE = 130  # columns that have room for all of an event


# --- who ---------------------------------------------------------------------------------------


def who(session: Session, case: str, rows: list[WhoRow], names: Names) -> None:
    """Write who approved which response: one block per approval, void decisions marked as such."""
    if not rows:
        write(f"Nobody has decided on a document of {case} yet.")
        return
    write(Styled(f"Who approved which response in {case}", STRONG))
    for decisions in _asked_together(rows):
        row = decisions[0]
        of_child = f" of {row.case}" if row.case not in {"", case} else ""
        title = names.document(row.case, row.document) + (f" of {row.scope}" if row.scope else "")
        text = f"{title}, version {row.revision}"
        heading(f"{text}{of_child}, SHA-256 {row.digest[:12]}")
        write(_published(session, decisions))
        columns = ("Who", "Role", "Decision", "When", "Counts")
        table(columns, (_who_row(session, row, names) for row in decisions))


def _asked_together(rows: Iterable[WhoRow]) -> list[list[WhoRow]]:
    """Return the decisions that one approval asked for, a list per document and round of asking."""
    found: dict[tuple[str, str, str], list[WhoRow]] = {}
    for row in rows:
        found.setdefault((row.case, row.item, row.document), []).append(row)
    return list(found.values())


def _published(session: Session, decisions: Iterable[WhoRow]) -> str:
    for row in decisions:
        if row.published_at is not None:
            place = f" at {row.published_url}" if row.published_url else ""
            return f"Published {instant(row.published_at, session.zone)}{place}"
    return Styled("Not published.", FAINT)


def _who_row(session: Session, row: WhoRow, names: Names) -> tuple[str, ...]:
    acted_for = f" for {session.name_of(row.on_behalf_of)}" if row.on_behalf_of else ""
    decision = row.decision.replace("_", " ")
    if row.comment:
        decision += f": “{one_line(row.comment)}”"
    remark = f"yes, but {row.void_reason}" if row.valid else f"no: {row.void_reason}"
    counts = Styled(remark, LATE) if row.void_reason else Styled("yes", GOOD)
    return (
        f"{session.name_of(row.person)}{acted_for} ({row.assurance})",
        ", ".join(map(names.role, row.role.split(", "))),
        decision,
        instant(row.at, session.zone),
        counts,
    )


# --- the log -----------------------------------------------------------------------------------


def log_lines(zone: tzinfo, events: Iterable[EventRow]) -> None:
    """Write events as they come: number, time, case, kind, actor, data in short.

    One a line; on a terminal too narrow for that, who and what stand below.
    """
    width = terminal_width()
    none = True
    for event in events:
        none = False
        for line in _log_lines(zone, event, width):
            write_raw(line)
    if none:
        say("There are no such events.")


def _log_lines(zone: tzinfo, event: EventRow, width: int | None) -> Iterator[str]:
    role = f" as {event.role}" if event.role else ""
    acted_for = f" for {event.on_behalf_of}" if event.on_behalf_of else ""
    about = event.case or event.stream
    head = f"{event.seq:>6}  {clock_time(event.at, zone)}  {about:<18}  {event.kind:<20}"
    what = f"{one_line(event.actor)}{acted_for}{role}  {shortened(_in_short(event), _WIDEST_DATA)}"
    if width is None:
        yield f"{head}  {what}"
    elif width >= _WIDE:
        yield _cut(f"{head}  {what}", width)
    else:
        yield _cut(head.rstrip(), width)
        yield _cut(f"{'':6}  {what}", width)


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def _in_short(event: EventRow) -> str:
    return json.dumps(jsonable(event.data), ensure_ascii=False)


def log_csv(events: Iterable[EventRow]) -> None:
    """Write events as they come, as CSV that no spreadsheet takes for formulas."""
    sys.stdout.write(spreadsheet.line(LOG_COLUMNS))
    for event in events:
        plain = jsonable(event)
        plain["data"] = json.dumps(plain["data"])
        sys.stdout.write(spreadsheet.line(plain[name] for name in LOG_COLUMNS))


# --- verification ------------------------------------------------------------------------------


def verified(view: VerifyView) -> None:
    """Write whether the audit log verifies, and every problem."""
    looked_at = f"{counted(view.events, 'event')} of {counted(view.cases, 'case')}"
    if view.erased:
        looked_at += f", {view.erased} with erased content"
    if view.ok:
        write(Styled(f"The audit log verifies: {looked_at}.", GOOD))
        return
    write(Styled(f"The audit log does NOT verify ({looked_at}):", LATE))
    for problem in view.problems:
        write_raw(f"  {_problem(problem)}")


def _problem(problem: Mapping[str, Any]) -> str:
    """Return where a problem is, and what it is."""
    place = f"event {problem['seq']}" if "seq" in problem else f"row {problem.get('row')}"
    return one_line(f"{place}: {problem.get('what')}")
