"""Preview: what would come, and when, if nobody answered; before anything starts.

The pure engine opens a case in memory and fires its instants, the earliest first, so that whatever
the engine owes at an instant shows here by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from smr_engine.engine import commands as c
from smr_engine.engine.events import ClockStarted, EffectOwed, Event
from smr_engine.engine.state import Item, Timer
from smr_engine.engine.world import World
from smr_engine.errors import Invalid, SmrError
from smr_engine.playbook.durations import YEARS
from smr_engine.services import directory, library, placeholders, willing
from smr_engine.services.preview_cases import PreviewCases
from smr_engine.services.views_ahead import Preview, PreviewRow
from smr_engine.services.willing import Asked
from smr_engine.services.workspace import Workspace

MOST_ROWS = 500
HORIZON = timedelta(days=60)
"""How far a preview looks ahead: a reminder that repeats comes for as long as nobody answers."""
NAMES = {
    "remind": "reminder",
    "escalate": "escalation",
    "warn": "warning",
    "expire": "expiry",
    "wait": "wait ends",
    "publish": "publication",
}
"""What an instant is called, by its purpose; others are called by it."""
AFTERWARDS = {
    "StepFailed": "the step fails",
    "StepSkipped": "the case goes on without it",
    "CaseHeld": "the case is held",
    "ItemOpened": "somebody else is asked",
    "CaseCompleted": "the case ends",
}
"""What else an instant brings about, by the kind of event."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be looked at.

    Args:
        playbook: its name in the library.
        at: when it would start: `2026-12-24T16:30` as the company's clocks show it, or with a
            zone of its own; None: now.
        inputs: what is known; the rest is made up.
        severity: None: as the playbook computes it.
        requester: who would start it; "" for nobody in particular.
        to_the_end: go on to the next steps: each item is answered after all has come for it.
    """

    playbook: str
    at: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    severity: str | None = None
    requester: str = ""
    to_the_end: bool = False


def preview(ws: Workspace, ask: Ask) -> Preview:
    """Return what would come of a case if nobody answered.

    Raises:
        SmrError: the playbook cannot be started, or what was given does not fit.
    """
    found = library.startable(ws, ask.playbook)
    books = {name: playbook for name, (playbook, _) in found.items()}
    main = books[ask.playbook]
    with ws.storage.reading() as unit:
        world = directory.world(ws, unit)
    zone = world.calendar(main.calendar).timezone
    now = instant_at(ask.at, zone) if ask.at else ws.clock.now()
    inputs, made_up = placeholders.filled(main.inputs, ask.inputs, hints(world, ask.requester, now))
    ahead = _Ahead(PreviewCases(books, world, now), answers=ask.to_the_end)
    actor = c.Actor(ask.requester or c.ENGINE.id)
    ahead.note(ahead.cases.open(main.name, actor, inputs, severity=ask.severity))
    whole = ahead.look(now + HORIZON)
    severity = next(iter(ahead.cases.cases.values())).header.severity
    return Preview(main.name, now, zone, severity, ahead.in_order(), tuple(made_up), whole)


def instant_at(text: str, zone: str) -> datetime:
    """Return the instant that a text names, a local time in a zone unless it has its own.

    Raises:
        Invalid: it names none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        message = f"'{text}' is no instant"
        raise Invalid("bad-instant", message, hint="write 2026-12-24T16:30") from None
    if at.year not in YEARS:
        message = f"'{text}' is out of reach: years go from {YEARS[0]} to {YEARS[-1]}"
        raise Invalid("bad-instant", message)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


def hints(world: World, person: str, now: datetime) -> placeholders.Hints:
    """Return what made-up values are made of."""
    somebody = person or next(iter(sorted(world.people)), "")
    return placeholders.Hints(somebody, next(iter(sorted(world.accounts)), ""), now)


class _Ahead:
    """Looks ahead, instant by instant, and writes down what comes."""

    def __init__(self, cases: PreviewCases, *, answers: bool) -> None:
        self.cases = cases
        self._answers = answers
        self._rows: dict[tuple[datetime, str, str, str], PreviewRow] = {}
        self._put_off: list[tuple[PreviewRow, Item | None]] = []  # for after quiet hours
        self._looked_until = cases.now
        self._stuck: set[str] = set()  # timers and items that nothing can be done about
        self._fired: set[tuple[str, str, int, int | None]] = set()

    def in_order(self) -> tuple[PreviewRow, ...]:
        """Return what comes; what somebody hears of later stands at that instant."""
        return tuple(sorted(self._rows.values(), key=lambda row: row.at))

    def look(self, until: datetime) -> bool:
        """Let all instants come; return whether nothing more would come after the last row."""
        self._answer()
        while (found := self._next()) is not None:
            at, ref, timer = found
            if at > until or len(self._rows) + len(self._put_off) >= MOST_ROWS:
                self._due(until)
                return False
            self._due(at)
            self._fire(ref, timer)
            self._answer()
        self._due(until)
        return True

    def note(self, events: Iterable[Event]) -> None:
        """Write down who is asked for what."""
        events = list(events)
        later = _later(events)
        for event in events:
            if event.kind() == "ItemOpened" and (item := self._item(event)) is not None:
                due = f", due {self._local(item.due_at)}" if item.due_at else ", without a due time"
                self._row("asked", item.path, _asked(item), f"{item.title}{due}", item, later=later)
            elif isinstance(event, ClockStarted):
                why = f"{event.title}, due {self._local(event.due_at)}"
                self._row("clock starts", event.clock, (), why, None)

    def _next(self) -> tuple[datetime, str, Timer] | None:
        left = (each for each in self.cases.timers() if each[2].id not in self._stuck)
        return min(left, key=lambda each: (each[0], each[2].id), default=None)

    def _fire(self, ref: str, timer: Timer) -> None:
        item = self.cases.item(ref, timer.item)
        self._fired.add(_rule(timer))
        try:
            events = self.cases.fire(ref, timer)
        except SmrError as problem:
            self._stuck.add(timer.id)
            self._row("fault", timer.path, (), str(problem), item)
            return
        told = tuple(dict.fromkeys(p for event in events for p in _told(event)))
        people = told or (_asked(item) if item else ())
        why = self._why(item, events) if not timer.clock else f"{timer.clock} is not met"
        later = _later(events) if told else {}
        self._row(
            self._called(timer, events), timer.path or timer.clock, people, why, item, later=later
        )
        self.note(events)

    def _answer(self) -> None:
        """Let somebody answer each item for which all has come that comes once."""
        while self._answers and len(self._rows) < MOST_ROWS:
            coming = {t.item for _, _, t in self.cases.timers() if not self._has_come(t)}
            found = (a for a in self.cases.open_items() if a.item.id not in {*coming, *self._stuck})
            asked = next(found, None)
            if asked is None:
                return
            self._answer_one(asked)

    def _answer_one(self, asked: Asked) -> None:
        item, ref = asked.item, asked.case.header.ref
        person = willing.who(asked)
        events: list[Event] = []
        try:
            for command in willing.commands(asked, person, {}) if person else ():
                events += self.cases.do(ref, command, person or "")
        except SmrError as problem:
            self._row("fault", item.path, (), str(problem), item)
        if person and events:
            self._row("answered", item.path, (person,), item.title, item)
            self.note(events)
        else:
            self._stuck.add(item.id)

    def _has_come(self, timer: Timer) -> bool:
        return _rule(timer) in self._fired

    def _called(self, timer: Timer, events: list[Event]) -> str:
        """Return what an instant is; an item whose time is up expires at any of its instants."""
        over = any(
            e.kind() == "ItemClosed" and getattr(e, "item", "") == timer.item for e in events
        )
        if over:
            return NAMES["expire"]
        return ("clock " if timer.clock else "") + NAMES.get(timer.purpose, timer.purpose)

    def _why(self, item: Item | None, events: list[Event]) -> str:
        kinds = {event.kind(): None for event in events}
        then = [words for kind, words in AFTERWARDS.items() if kind in kinds]
        due = f", due {self._local(item.due_at)}" if item and item.due_at else ""
        what = [f"'{item.title}' is not answered{due}"] if item else []
        return "; ".join([*what, *then])

    def _due(self, until: datetime) -> None:
        """Write down what becomes due, and what people hear of, up to an instant."""
        self._hear(until)
        coming = [
            (asked.item.due_at, asked.item.path, asked.item) for asked in self.cases.open_items()
        ]
        found = [each for each in coming if self._comes(each[0], until)]
        clocks = [each for each in self.cases.clocks() if self._comes(each[1].due_at, until)]
        self._looked_until = max(until, self._looked_until)
        for at, path, item in sorted(found, key=lambda each: (str(each[0]), each[1])):
            self.cases.now = max(self.cases.now, at or until)
            self._row("due", path, _asked(item), item.title, item)
        for name, clock in clocks:
            self.cases.now = max(self.cases.now, clock.due_at or until)
            self._row("clock is due", name, (), clock.title, None)

    def _hear(self, until: datetime) -> None:
        """Write down what people hear after their quiet hours, unless it is over by then."""
        heard = [each for each in self._put_off if each[0].at <= until]
        self._put_off = [each for each in self._put_off if each not in heard]
        open_now = {asked.item.id for asked in self.cases.open_items()}
        for row, item in heard:
            if item is None or item.id in open_now:
                self._put(row)

    def _comes(self, at: datetime | None, until: datetime) -> bool:
        return at is not None and self._looked_until < at <= until

    def _row(
        self,
        what: str,
        path: str,
        who: tuple[str, ...],
        why: str,
        item: Item | None,
        *,
        later: Mapping[str, datetime] = MappingProxyType({}),
    ) -> None:
        """Write something down; those in their quiet hours hear of it later."""
        now = self.cases.now
        title = item.title if item else path.rsplit("/", 1)[-1].replace("_", " ")
        for at in dict.fromkeys(later.get(person, now) for person in who) or (now,):
            people = tuple(person for person in who if later.get(person, now) == at)
            if at == now:
                self._put(PreviewRow(at, what, path, people, why, title))
            else:
                words = f"{why}; after quiet hours"
                self._put_off.append((PreviewRow(at, what, path, people, words, title), item))

    def _put(self, row: PreviewRow) -> None:
        """Put a row down; what comes to several people of one step at once is one row."""
        key = (row.at, row.what, row.step, row.why)
        before = self._rows.get(key, row)
        who = tuple(dict.fromkeys((*before.who, *row.who)))
        local = {p: row.at.astimezone(self._zone(p)).isoformat("T", "minutes") for p in who}
        self._rows[key] = replace(row, who=who, local=local)

    def _zone(self, person: str) -> ZoneInfo:
        known = self.cases.world.people.get(person)
        return ZoneInfo(known.timezone if known else "UTC")

    def _local(self, at: datetime) -> str:
        zone = ZoneInfo(self.cases.world.calendar(None).timezone)
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"

    def _item(self, event: Event) -> Item | None:
        name = str(getattr(event, "item", ""))
        return self.cases.item(name.rpartition(".")[0], name)


def _asked(item: Item) -> tuple[str, ...]:
    if item.subject and not item.subject.startswith("person:"):
        return (*item.offered, *item.escalated) or (item.subject,)
    return (*item.offered, *item.escalated)


def _told(event: Event) -> Iterator[str]:
    """Yield whom an event reached: reminded, warned, escalated to."""
    yield from getattr(event, "people", ())


def _later(events: Iterable[Event]) -> dict[str, datetime]:
    """Return when those hear of what has happened who are in their quiet hours."""
    return {
        to["id"]: event.not_before
        for event in events
        if isinstance(event, EffectOwed) and event.not_before is not None
        for to in event.payload["to"]
    }


def _rule(timer: Timer) -> tuple[str, str, int, int | None]:
    """Return what set a timer: lines of a quorum have rules of their own."""
    return timer.item, timer.purpose, timer.rule, timer.line
