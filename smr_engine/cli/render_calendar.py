"""Calendars for people: a line a day, the reason where it is not an ordinary one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from smr_engine.cli.output import FAINT, STRONG, Styled, table, write
from smr_engine.cli.session import Session
from smr_engine.services.calendars import CalendarDay, CalendarView
from smr_engine.services.text import listed, span

MOST_NAMES = 12
KINDS = {"half_day": "half day", "closed": "closed", "holiday": "holiday"}


def calendar(session: Session, view: CalendarView) -> None:
    """Write the weeks of a calendar, who works by it, and which others there are."""
    write(Styled(f"{view.calendar} ({view.timezone})", STRONG))
    if view.people:
        names = [session.name_of(person) for person in view.people[:MOST_NAMES]]
        more = len(view.people) - len(names)
        write(f"Works by it: {listed([*names, *([f'{more} more'] if more else [])])}")
    write("")
    table(("Day", "Hours", "Open", "What"), _rows(view), fixed=(0,))
    if view.others:
        write("", Styled(f"Other calendars: {listed(view.others)}", FAINT))


def _rows(view: CalendarView) -> Iterator[tuple[str, str, str, str]]:
    for day in view.days:
        if day.weekday == "mon" and day is not view.days[0]:
            yield ("", "", "", "")
        yield _row(day, here=day.date == view.around)


def _row(day: CalendarDay, *, here: bool) -> tuple[str, str, str, str]:
    mark = ">" if here else " "
    cells = (
        f"{mark} {day.weekday.capitalize()} {day.date}",
        ", ".join(day.hours),
        span(timedelta(seconds=day.open_s)) if day.open_s else "",
        "; ".join(_reasons(day)),
    )
    if here:
        return (Styled(cells[0], STRONG), *cells[1:])
    return cells


def _reasons(day: CalendarDay) -> Iterator[str]:
    if day.kind in KINDS:
        yield f"{KINDS[day.kind]}: {day.name}" if day.name else KINDS[day.kind]
    change = day.clock_change
    if change is not None:
        way = "forward" if change.before < change.after else "back"
        yield f"clocks go {way}, {change.before} to {change.after}"
