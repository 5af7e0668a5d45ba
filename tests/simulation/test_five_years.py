"""Five years in seconds: schedules in three zones and reminders, with an outage of 72 hours.

What is due is computed here from wall clocks, day by day, and compared with the cases that were
opened and the people who were reminded. The years hold every change to and from daylight saving,
among them hours that do not exist, that come twice and that are half an hour long, and a leap day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smr_engine.services import auditing, items, schedules, triggers
from smr_engine.services.stored import EventFilter, StoredEvent
from smr_engine.services.workspace import Actor, Workspace
from tests.simulation import town
from tests.simulation.oracle import Oracle
from tests.simulation.outside import Outside
from tests.simulation.picture import Staff
from tests.support.houses import SetClock, furnish, next_instant, open_house, work

BEGIN = datetime(2026, 1, 10, 3, tzinfo=UTC)
END = datetime(2031, 1, 10, 3, tzinfo=UTC)
OUTAGE = datetime(2028, 3, 25, 20, tzinfo=UTC)  # Europe's clocks change in it
BACK = OUTAGE + timedelta(hours=72)
HOUR = timedelta(hours=1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

ROUTINE = """
playbook: {name}
version: 1.0.0
title: Routine
owner: smr-lead
case_prefix: {prefix}
triggers:
  - {{on: schedule, rrule: "FREQ=WEEKLY;BYDAY={days}", at: "{at}", timezone: {zone}, missed: {missed}}}
steps:
  - {{id: note_it, kind: set, values: {{seen: true}}}}
"""
PATIENCE = """
playbook: patience
version: 1.0.0
title: Patience
owner: smr-lead
case_prefix: PATIENCE
triggers:
  - {on: schedule, rrule: "FREQ=YEARLY;BYMONTH=2,3,10;BYMONTHDAY=24", at: "09:00", timezone: UTC, missed: all}
steps:
  - id: read_it
    kind: task
    assign: {each: {group: frontline}}
    due: 6h
    remind: [50%, at due, every 12h after due]
    expires: 120h
    on_expiry: skip
"""


@dataclass(frozen=True)
class Routine:
    """One schedule, and when it is due by the wall clock of its zone."""

    name: str
    days: str
    at: str
    zone: str
    missed: str

    @property
    def text(self) -> str:
        """The playbook that brings the schedule along."""
        return ROUTINE.format(**vars(self), prefix=self.name.upper())

    def dues(self) -> Iterator[datetime]:
        """Yield when it is due; an hour that does not exist counts as if the clock had not changed."""
        zone, wall = ZoneInfo(self.zone), time.fromisoformat(self.at)
        day = BEGIN.date()
        while day <= END.date():
            due = _first_at(day, wall, zone)
            if WEEKDAYS[day.weekday()] in self.days and BEGIN < due <= END:
                yield due
            day += timedelta(days=1)

    def opens(self) -> dict[datetime, datetime]:
        """Return the instants that open a case, each with when it is opened."""
        missed = [due for due in self.dues() if OUTAGE <= due < BACK]
        assert len(missed) == 2
        late = {"all": missed, "latest": missed[-1:], "skip": []}[self.missed]
        return {due: due for due in self.dues() if due not in missed} | dict.fromkeys(late, BACK)


def _first_at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the first instant at which a clock shows a time, or would show it unchanged."""
    noon_before = datetime.combine(day, time(12), UTC) - timedelta(days=1)
    before = zone.utcoffset(noon_before.astimezone(zone).replace(tzinfo=None))
    assert before is not None
    instant = datetime.combine(day, wall, UTC) - before
    shown = instant.astimezone(zone)
    exists = [
        at
        for at in (instant + timedelta(minutes=m) for m in (-60, -30, 0, 30, 60))
        if at.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, wall)
    ]
    return exists[0] if exists else shown.astimezone(UTC)


ROUTINES = [
    Routine("night", "SU,MO", "02:30", "Europe/Berlin", "all"),
    Routine("party", "SU,MO", "01:30", "America/New_York", "latest"),
    Routine("island", "SU,MO,TU", "02:10", "Australia/Lord_Howe", "skip"),
]


@dataclass(frozen=True)
class Years:
    """What five years have left behind."""

    ws: Workspace
    log: Sequence[StoredEvent]
    outside: Outside

    def of(self, kind: str, prefix: str = "") -> list[StoredEvent]:
        """Return the events of a kind, of cases with a prefix."""
        return [e for e in self.log if e.kind == kind and e.case.startswith(prefix)]


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Years]:
    playbooks = {routine.name: routine.text for routine in ROUTINES} | {"patience": PATIENCE}
    folder: Path = tmp_path_factory.mktemp("years") / "house"
    clock = SetClock(BEGIN)
    directory = json.dumps(town.directory({}))
    real = open_house(furnish(folder, directory=directory, playbooks=playbooks), clock)
    outside = Outside(clock)
    ws = replace(real, notifier=outside)
    triggers.sync(ws)
    while (now := _next(ws)) <= END:
        clock.move_to(BACK if OUTAGE <= now < BACK else now)
        work(ws)
        _ben_reads_at_once(ws)
    with ws.storage.reading() as unit:
        log = unit.events.select(EventFilter())
    yield Years(ws, log, outside)
    ws.storage.close()


def _next(ws: Workspace) -> datetime:
    coming = [next_instant(ws), schedules.next_instant(ws)]
    return min(at for at in coming if at is not None)


def _ben_reads_at_once(ws: Workspace) -> None:
    with ws.storage.reading() as unit:
        waiting = [row.id for row in unit.queries.items(status="open") if row.offered == ("ben",)]
    for item in waiting:
        items.complete(ws, Actor("ben"), item, {})


@pytest.mark.parametrize("routine", ROUTINES, ids=lambda routine: routine.zone)
def test_every_due_instant_of_five_years_opens_one_case_on_time_or_as_its_policy_says(
    years: Years, routine: Routine
) -> None:
    opened = years.of("CaseOpened", routine.name.upper())
    found = [(datetime.fromisoformat(e.facts["due"]), e.at) for e in opened]
    assert len(found) > 500
    assert sorted(found) == sorted(routine.opens().items())


def test_each_person_is_reminded_at_each_instant_once_and_of_the_outage_once(years: Years) -> None:
    opened = years.of("ItemOpened", "PATIENCE")
    assert {e.at.date() for e in opened} >= {date(2028, 2, 24), date(2028, 3, 24)}
    assert len(opened) == 5 * 3 * 3
    for item in opened:
        said = [*years.of("ItemReminded"), *years.of("ItemWarned")]
        mine = [e for e in said if e.facts["item"] == item.facts["item"]]
        told = [e for e in mine if e.facts["people"]]  # else somebody was told just before
        [person] = item.facts["offered"]
        assert all(e.facts["people"] == [person] for e in told)
        assert sorted(e.at for e in told) == ([] if person == "ben" else _reminders(item.at))


def _reminders(opened: datetime) -> list[datetime]:
    """Return when somebody who never answers hears of an item again.

    The warning before it expires falls on a reminder, so that it takes its place.
    """
    due, expires = opened + 6 * HOUR, opened + 120 * HOUR
    instants = [opened + 3 * HOUR, due]
    while (following := instants[-1] + 12 * HOUR) < expires:
        instants.append(following)
    seen = [at for at in instants if not OUTAGE <= at < BACK]
    return sorted([*seen, BACK] if len(seen) < len(instants) else seen)


def test_nobody_gets_more_letters_than_the_log_tells_of(years: Years) -> None:
    keys = [letter.key for letter in years.outside.letters]
    assert len(keys) == len(set(keys)) == len(years.of("EffectOwed"))


def test_nothing_fired_early_or_twice_and_the_log_verifies(years: Years) -> None:
    Oracle(Staff(town.HOLDERS, town.ROLES)).follow(years.log)
    view = auditing.verify(years.ws)
    assert view.ok, view.problems
