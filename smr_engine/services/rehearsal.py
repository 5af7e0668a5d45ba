"""Rehearsals: a scenario played on a virtual clock, with the real services and a real database.

Nobody waits: the conductor does what is due, people do what the scenario says at that instant, and
the clock moves to the next instant at which anybody or anything has something to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smr_engine.engine import commands as c
from smr_engine.engine import deadlines, policy
from smr_engine.engine.state import Case
from smr_engine.engine.statuses import ItemStatus
from smr_engine.engine.world import World
from smr_engine.errors import SmrError
from smr_engine.playbook.durations import Duration
from smr_engine.playbook.model import Playbook
from smr_engine.services import cases, placeholders, rehearsal_acts, willing
from smr_engine.services.preview import hints, instant_at
from smr_engine.services.rehearsal_work import InTurn
from smr_engine.services.scenario import ASKED_FOR, Act, Scenario
from smr_engine.services.staging import House, Posted, Sent
from smr_engine.services.stored import EventFilter, StoredEvent
from smr_engine.services.transact import Order, apply
from smr_engine.services.willing import Asked
from smr_engine.services.workspace import Actor

MOST_TURNS = 20_000
"""After so many turns a rehearsal is ended; a whole crisis takes some hundreds."""


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario with all that it refers to.

    Args:
        scenario: as read, without problems.
        books: its playbook and those that it opens, by name.
        world: the directory.
    """

    scenario: Scenario
    books: Mapping[str, Playbook]
    world: World

    @property
    def main(self) -> Playbook:
        """The playbook that is rehearsed."""
        return self.books[self.scenario.playbook]

    @property
    def zone(self) -> str:
        """The company's time zone, as the playbook's calendar has it."""
        return self.world.calendar(self.main.calendar).timezone

    @property
    def start(self) -> datetime:
        """The instant at which the case opens."""
        return instant_at(self.scenario.starts, self.zone)

    def after(self, start: datetime, span: Duration) -> datetime:
        """Return the instant at which a span is over; business time is the company's."""
        return deadlines.add(start, span, self.world.calendar(self.main.calendar))


@dataclass(frozen=True, slots=True)
class Slip:
    """Something that people could not do as the scenario says, at a line of it."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Played:
    """How a rehearsal went.

    Args:
        script: what was played.
        case: the reference of the case, "" if it did not open.
        cases: it and all that it opened, as they are at the end.
        events: of all of them, in order.
        sent: messages that were caught.
        posted: publications.
        slips: what could not be done as said.
        ended: the instant of the last look.
    """

    script: Script
    case: str
    cases: Mapping[str, Case]
    events: tuple[StoredEvent, ...]
    sent: tuple[Sent, ...]
    posted: tuple[Posted, ...]
    slips: tuple[Slip, ...]
    ended: datetime


@dataclass(frozen=True, slots=True)
class _Task:
    """One person's part in one sentence."""

    number: int
    act: Act
    person: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """Something that somebody will do at an instant; `item` "" for what nobody asks for."""

    at: datetime
    task: _Task | None  # None: one of the others
    item: str = ""


@dataclass
class Rehearsal:
    """One scenario being played in a house of its own."""

    house: House
    script: Script
    case: str = ""
    slips: list[Slip] = field(default_factory=list)
    _free: list[_Task] = field(default_factory=list)  # in the order of the file
    _planned: dict[tuple[str, str], _Plan] = field(default_factory=dict)  # by person and item
    _acted: set[tuple[str, str]] = field(default_factory=set)
    _given_up: set[str] = field(default_factory=set)
    _used: set[int] = field(default_factory=set)

    def play(self) -> Played:
        """Play the scenario to its end: nothing is left to do, or its time is over."""
        if self._open():
            self._go_on()
            self._note_unused()
        return self._played()

    def _go_on(self) -> None:
        turn = InTurn(self.house.ws)
        until = self.script.after(self.script.start, self.script.scenario.until)
        for _ in range(MOST_TURNS):
            turn.work()
            if self._do_one():
                continue
            at = self._next_instant()
            if at is None or at > until:
                return
            self.house.clock.move_to(at)
        words = f"after {MOST_TURNS} turns it was still going on; a shorter `until` ends it"
        self.slips.append(Slip(self.script.scenario.said.line, words))

    # --- the case ---

    def _open(self) -> bool:
        script, scenario = self.script, self.script.scenario
        acting = policy.people_acting_in(script.world, [script.main.owner], script.start)
        person = scenario.by or next(iter(acting), "")
        made_of = hints(script.world, person, script.start)
        inputs, _ = placeholders.filled(script.main.inputs, scenario.inputs, made_of)
        opening = cases.Opening(severity=scenario.severity, drill=scenario.drill)
        try:
            opened = cases.start(self.house.ws, _actor(person), scenario.playbook, inputs, opening)
        except SmrError as problem:
            self.slips.append(Slip(scenario.said.line, f"the case does not open: {problem}"))
            return False
        self.case = opened.case
        self._lay_out()
        return True

    def _lay_out(self) -> None:
        """Lay out what people will do; what nobody asks for has its instant already."""
        for number, act in enumerate(self.script.scenario.acts):
            for person in act.who:
                task = _Task(number, act, person)
                if act.verb in ASKED_FOR:
                    self._free.append(task)
                else:
                    plan = _Plan(self._when(act, self.script.start), task)
                    self._planned[person, f"#{number}"] = plan

    def _when(self, act: Act, asked_at: datetime) -> datetime:
        if act.at is not None:
            return instant_at(act.at, self.script.zone)
        return self.script.after(asked_at, act.after)

    def _next_instant(self) -> datetime | None:
        with self.house.ws.storage.reading() as unit:
            due = unit.due.next_instant()
        planned = [plan.at for plan in self._planned.values()]
        return min([*planned, *([due] if due else [])], default=None)

    def _load(self) -> dict[str, Case]:
        with self.house.ws.storage.reading() as unit:
            refs = (self.case, *unit.queries.children(self.case)) if self.case else ()
            return {ref: unit.cases.load(ref, all_scopes=True) for ref in refs}

    def _items(self, found: Mapping[str, Case]) -> Iterator[Asked]:
        """Yield all items of the cases."""
        now = self.house.clock.now()
        for case in found.values():
            playbook = self.script.books[case.header.playbook]
            for path, scope in case.scopes.items():
                for item in scope.items.values():
                    yield Asked(playbook, case, path, item, self.script.world, now)

    # --- people ---

    def _do_one(self) -> bool:
        """Let the first person whose time has come do something; return whether anybody did."""
        asked = {each.item.id: each for each in self._items(self._load())}
        self._drop_plans(asked)
        self._plan(asked)
        now = self.house.clock.now()
        due = [key for key, plan in self._planned.items() if plan.at <= now]
        if not due:
            return False
        key = min(due, key=lambda each: self._turn(self._planned[each]))
        plan = self._planned.pop(key)
        if plan.task is None:
            self._others_act(asked[plan.item])
        else:
            self._act(plan.task, asked.get(plan.item))
        return True

    def _turn(self, plan: _Plan) -> tuple[datetime, int, str]:
        return plan.at, plan.task.number if plan.task else MOST_TURNS, plan.item

    def _drop_plans(self, asked: Mapping[str, Asked]) -> None:
        """Forget what was planned for an item that is over; the sentence waits for another."""
        for key, plan in list(self._planned.items()):
            if not plan.item:
                continue
            here = asked.get(plan.item)
            edits = plan.task is not None and plan.task.act.verb == "edits"
            if here is not None and (edits or here.item.status is ItemStatus.OPEN):
                continue
            del self._planned[key]
            if plan.task is not None:
                self._free.append(plan.task)
                self._free.sort(key=lambda task: task.number)

    def _plan(self, asked: Mapping[str, Asked]) -> None:
        for name, each in asked.items():
            for task in list(self._free):
                key = (task.person, name if task.act.verb != "edits" else f"edit {name}")
                taken = key in self._planned or key in self._acted
                if not taken and rehearsal_acts.fits(task.act, task.person, each):
                    when = self._when(task.act, each.item.opened_at)
                    self._planned[key] = _Plan(when, task, name)
                    self._free.remove(task)
            self._plan_others(each)

    def _plan_others(self, asked: Asked) -> None:
        """Plan that somebody else does their part, where the scenario says nothing of the item."""
        others, item = self.script.scenario.others, asked.item
        if others.after is None or item.status is not ItemStatus.OPEN:
            return
        if item.id in self._given_up or item.step in others.but_not:
            return
        if all(plan.item != item.id for plan in self._planned.values()):
            at = self.script.after(item.opened_at, others.after)
            self._planned["", item.id] = _Plan(at, None, item.id)

    def _others_act(self, asked: Asked) -> None:
        person = willing.who(asked, self.script.scenario.others.but_not)
        wanted = willing.commands(asked, person, {}) if person else []
        if not wanted:
            self._given_up.add(asked.item.id)
        try:
            for command in wanted:
                self._apply(asked, command, person or "")
        except SmrError as problem:
            self._given_up.add(asked.item.id)
            words = f"{person} could not do their part of '{asked.item.title}': {problem.message}"
            self.slips.append(Slip(self.script.scenario.said.place("others").line, words))

    def _act(self, task: _Task, asked: Asked | None) -> None:
        """Let somebody do what a sentence says, and see whether they may."""
        act, person = task.act, task.person
        refusal = ""
        try:
            self._command(task, asked)
        except SmrError as problem:
            refusal = str(problem)
        self._used.add(task.number)
        if refusal and act.refused.lower() not in refusal.lower():
            self._slip(task, f"it was refused: {refusal}")
        elif refusal and not act.refused:
            self._slip(task, refusal)
        elif act.refused and not refusal:
            self._slip(task, "it was not refused")
        elif asked is not None and not refusal:
            edit = "edit " if act.verb == "edits" else ""
            self._acted.add((person, f"{edit}{asked.item.id}"))
        if act.each_time:
            self._free.append(task)
            self._free.sort(key=lambda each: each.number)

    def _command(self, task: _Task, asked: Asked | None) -> None:
        if asked is not None:
            for command in rehearsal_acts.commands(task.act, task.person, asked):
                self._apply(asked, command, task.person)
            return
        command = rehearsal_acts.free_command(task.act)
        apply(self.house.ws, Order(self._addressed(command), command, _actor(task.person)))

    def _addressed(self, command: c.Command) -> str:
        """Return the case that waits for a signal or has a clock, else the one that was started."""
        for ref, case in self._load().items():
            header = case.header
            if isinstance(command, c.Signal) and command.name in dict(header.waits.values()):
                return ref
            if isinstance(command, c.MeetClock) and command.clock in header.clocks:
                return ref
        return self.case

    def _apply(self, asked: Asked, command: c.Command, person: str) -> None:
        order = Order(asked.case.header.ref, command, _actor(person), asked.item.id)
        apply(self.house.ws, order)

    def _slip(self, task: _Task, words: str) -> None:
        doing = f"{task.person} {task.act.verb.replace('_', ' ')} {task.act.about}".strip()
        self.slips.append(Slip(task.act.said.line, f"{doing}: {words}"))

    def _note_unused(self) -> None:
        """Note the sentences that nobody was ever asked for: they rehearse nothing."""
        for number, act in enumerate(self.script.scenario.acts):
            if number not in self._used:
                who = " and ".join(act.who)
                words = f"{who} {act.verb.replace('_', ' ')} {act.about}: it never came to this"
                self.slips.append(Slip(act.said.line, words))

    # --- the end ---

    def _played(self) -> Played:
        found = self._load()
        with self.house.ws.storage.reading() as unit:
            events = unit.events.select(EventFilter(cases=tuple(found))) if found else ()
        return Played(
            script=self.script,
            case=self.case,
            cases=found,
            events=tuple(sorted(events, key=lambda event: (event.at, event.seq))),
            sent=tuple(self.house.sent),
            posted=tuple(self.house.posted),
            slips=tuple(self.slips),
            ended=self.house.clock.now(),
        )


def _actor(person: str) -> Actor:
    """Return somebody of the rehearsal: nobody has to prove who they are."""
    return Actor(person, "passkey", "rehearsal")
