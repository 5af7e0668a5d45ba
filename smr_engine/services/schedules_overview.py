"""Schedules as people look at them: what comes, what was missed or failed, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from smr_engine.engine import policy
from smr_engine.engine.world import World
from smr_engine.errors import SmrError
from smr_engine.playbook.model import Playbook
from smr_engine.services import library, schedule_failures, schedules
from smr_engine.services.access import Sight
from smr_engine.services.rule_words import rule_words
from smr_engine.services.schedule_failures import STREAM
from smr_engine.services.stored import EventFilter, ScheduleRow, StoredEvent
from smr_engine.services.workspace import Workspace

COMING = 10
PAST = 5
"""How many missed or failed starts of a schedule are shown."""
MISSED = {
    "latest": "opens the latest of those missed",
    "all": "opens every one that was missed",
    "skip": "leaves out those missed",
}


@dataclass(frozen=True, slots=True)
class Coming:
    """A start that comes."""

    due: datetime
    schedule: str
    playbook: str
    title: str


@dataclass(frozen=True, slots=True)
class Past:
    """A start that was not made in time: `missed`, `failed` so far, or `opened late`, and why."""

    due: datetime
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One schedule.

    Args:
        schedule: its id.
        playbook: what it opens.
        title: the playbook's.
        words: its rule in words.
        rrule: its rule as written.
        at: local time of day.
        timezone: in which that is.
        missed: what becomes of starts that nobody was there to make.
        next_due: None: never again.
        past: what was missed or failed, the newest first.
        by_playbook: whether the playbook brought it.
        why_not: why the reader may not remove it; empty if they may.
    """

    schedule: str
    playbook: str
    title: str
    words: str
    rrule: str
    at: str
    timezone: str
    missed: str
    next_due: datetime | None
    past: tuple[Past, ...]
    by_playbook: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class Overview:
    """All schedules; `ownable` are the playbooks that the reader may schedule, by name."""

    coming: tuple[Coming, ...]
    schedules: tuple[Card, ...]
    ownable: Mapping[str, str]


def overview(ws: Workspace, person: str) -> Overview:
    """Return the schedules of all playbooks whose cases a person may see."""
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        seen = [row for row in unit.schedules.all() if sight.sees_schedules_of(row.playbook)]
        log = unit.events.select(EventFilter(streams=(STREAM,)))
        reasons = schedule_failures.reasons(unit)
    desk = _Desk(ws, sight.reader.world, person, now)
    past = _past(log, reasons)
    return Overview(
        tuple(desk.coming(seen)),
        tuple(desk.card(row, past.get(row.id, [])) for row in seen),
        desk.ownable(),
    )


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who looks, and when."""

    ws: Workspace
    world: World
    person: str
    now: datetime

    def coming(self, rows: Iterable[ScheduleRow]) -> list[Coming]:
        found = [
            Coming(due, row.id, row.playbook, self._title(row.playbook))
            for row in rows
            for due in islice(schedules.dues(row, self.now), COMING)
        ]
        return sorted(found, key=lambda each: (each.due, each.schedule))[:COMING]

    def card(self, row: ScheduleRow, past: list[Past]) -> Card:
        return Card(
            schedule=row.id,
            playbook=row.playbook,
            title=self._title(row.playbook),
            words=rule_words(row.rrule),
            rrule=row.rrule,
            at=row.at,
            timezone=row.timezone,
            missed=MISSED[row.missed],
            next_due=next(schedules.dues(row, self.now), None),
            past=tuple(sorted(past, key=lambda each: each.due, reverse=True)[:PAST]),
            by_playbook=row.source != "added",
            why_not=self._why_not(row.playbook),
        )

    def ownable(self) -> dict[str, str]:
        names = sorted(self.ws.files.names())
        return {name: self._title(name) for name in names if not self._why_not(name)}

    def _why_not(self, name: str) -> str:
        playbook = self._read(name)
        if playbook is None:
            return f"{name} cannot be read, so nobody can say who owns it"
        return policy.owns(self.world, playbook, self.person, self.now).why_not

    def _title(self, name: str) -> str:
        playbook = self._read(name)
        return playbook.title if playbook else name

    def _read(self, name: str) -> Playbook | None:
        try:
            return library.read(self.ws, name)[0]
        except SmrError:
            return None


def _past(
    log: Iterable[StoredEvent], reasons: Mapping[tuple[str, str | None], str]
) -> dict[str, list[Past]]:
    """Return what was missed or failed, by schedule."""
    decided: dict[tuple[str, str], str] = {}
    for event in log:
        if event.kind in {"ScheduleSettled", "ScheduledStartFailed"}:
            key = str(event.facts["schedule"]), str(event.facts["due"])
            decided[key] = str(event.facts.get("decision", "failed"))
    found: dict[str, list[Past]] = {}
    for (schedule, due), decision in decided.items():
        why = reasons.get((schedule, due), "")
        if decision != "opened" or why:
            what = {"opened": "opened late", "skipped": "missed"}.get(decision, "failed")
            why = why or "nobody was at work when it was due"
            found.setdefault(schedule, []).append(Past(datetime.fromisoformat(due), what, why))
    return found
