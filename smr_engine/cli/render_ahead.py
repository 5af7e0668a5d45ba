"""What has not happened, for people: previews as tables and charts, scenarios and coverage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from smr_engine.cli.output import (
    GOOD,
    LATE,
    STRONG,
    Styled,
    heading,
    say,
    table,
    write,
    write_raw,
)
from smr_engine.cli.session import Session
from smr_engine.services.text import counted, instant, listed, one_line, span
from smr_engine.services.views_ahead import (
    Coverage,
    Preview,
    PreviewRow,
    ScenarioResult,
    Tested,
)

MOST_NAMES = 4
URGENT = {"escalation", "expiry", "fault"}
_SEVERAL = {"expiry": "expiries"}
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


# --- scenarios ---------------------------------------------------------------------------------


def tested(view: Tested) -> None:
    """Write how scenarios went, and what of their playbooks none of them takes."""
    for result in view.scenarios:
        _result(result)
    heading("Coverage")
    kinds = [*dict.fromkeys(row.kind for each in view.coverage for row in each.kinds)]
    rows = (_coverage_row(each, kinds) for each in view.coverage)
    table(
        ("Playbook", "Taken", *(_SEVERAL.get(kind, f"{kind}s") for kind in kinds)), rows, fixed=(0,)
    )
    for each in view.coverage:
        _missed(each)
    failed = sum(not result.ok for result in view.scenarios)
    of = counted(len(view.scenarios), "scenario")
    say(f"{failed} of {of} failed." if failed else f"{of}, all as expected.")


def _result(result: ScenarioResult) -> None:
    word = Styled("PASS", GOOD) if result.ok else Styled("FAIL", LATE)
    took = span(result.ended - result.started) if result.ended and result.started else ""
    ended = result.outcome or result.status
    write(
        Styled(f"{word}  {result.scenario} ({result.playbook}): {ended} after {took}", word.style)
    )
    for failure in result.failures:
        write_raw(f"      {result.file}:{failure.line}: expected {failure.expected}")
        write_raw(f"      but {failure.instead}")


def _coverage_row(view: Coverage, kinds: list[str]) -> tuple[str, ...]:
    by_kind = {row.kind: f"{row.taken}/{row.of}" for row in view.kinds}
    return view.playbook, f"{view.percent:g} %", *(by_kind.get(kind, "") for kind in kinds)


def _missed(view: Coverage) -> None:
    if not view.missed:
        return
    heading(f"{view.playbook}: no scenario takes")
    for (line, step), found in groupby(view.missed, key=lambda each: (each.line, each.step)):
        which = listed([each.which or "the step" for each in found])
        write_raw(f"  line {line}, {step}: {which}")
