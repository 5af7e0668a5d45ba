"""The simulation: whatever people, machines, time and the world outside may do, in any order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smr_engine.services import cases, items
from smr_engine.services.legs import LEASE
from smr_engine.services.workspace import Actor
from tests.simulation import people
from tests.simulation.office import Office
from tests.simulation.outside import FAULTS
from tests.simulation.town import PEOPLE

PICK = st.integers(0, 11)
HOW = st.integers(0, people.SEVEN - 1)
CONDUCTORS = st.sampled_from(["a", "b"])
PLANS = st.lists(st.sampled_from(["", "killed", "away", "late before", "late after"]), max_size=3)
PLAYBOOKS = st.sampled_from(["statement", "rounds", "family"])
DRILL = st.sampled_from([False, False, False, True])
PLACES = st.sampled_from(["newsroom", "blog", "board", "mail", "web"])
MOVES = {  # people who take roles over or give them up
    "zoe joins legal": ("zoe", ["legal"]),
    "zoe joins the writers": ("zoe", ["comms-writer"]),
    "zoe holds nothing": ("zoe", []),
    "luis leaves legal": ("luis", []),
    "luis is back in legal": ("luis", ["legal"]),
    "carl leaves the directors": ("carl", []),
    "carl is back with the directors": ("carl", ["comms-director"]),
}


class Simulation(RuleBasedStateMachine):
    """One house, from its first case to an audit; a failing run is printed as rules and as a story."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.office.tell = self._tell

    def _tell(self, line: str) -> None:
        self.office.story.append(line)
        note(line)

    # --- people ---

    @initialize(
        playbook=PLAYBOOKS,
        grave=st.booleans(),
        drill=DRILL,
        turns=st.integers(0, 9),
        troubles=st.lists(st.tuples(PLACES, st.sampled_from(FAULTS)), max_size=3),
    )
    def begin(
        self,
        playbook: str,
        grave: bool,
        drill: bool,
        turns: int,
        troubles: list[tuple[str, str]],
    ) -> None:
        """A case that is under way for a while, in a world that is not perfect."""
        for place, fault in troubles:
            self.outside_fails(place, fault)
        self.start(playbook, grave, drill, 0)
        self.work_well(turns)

    @rule(playbook=PLAYBOOKS, grave=st.booleans(), drill=DRILL, who=PICK)
    def start(self, playbook: str, grave: bool, drill: bool, who: int) -> None:
        inputs = {"title": "the outage", "grave": grave}
        person = PEOPLE[who % len(PEOPLE)]
        words = f"starts {playbook}{' as a drill' if drill else ''}"
        self._act(person, words, cases.start, playbook, inputs, cases.Opening(drill=drill))

    @rule(pick=PICK, who=PICK, how=HOW)
    def answer(self, pick: int, who: int, how: int) -> None:
        """Somebody answers an item, perhaps one that is not theirs, perhaps badly."""
        item = people.item_of(self.office, pick)
        if item is not None:
            people.answer(self.office, item, people.person_for(self.office, item, who), how)

    @rule(turns=st.integers(1, 6))
    def work_well(self, turns: int) -> None:
        """Everybody does their part; where nothing is left to do, time passes."""
        for _ in range(turns):
            self.office.conduct("a")
            if not people.do_their_part(self.office):
                self.office.to_next()

    @rule(pick=PICK, who=PICK, done=st.booleans())
    def revise(self, pick: int, who: int, done: bool) -> None:
        """Somebody saves other words, perhaps of what is approved already."""
        drafts = [i for i in self.office.oracle.items.values() if i.kind == "draft"]
        if drafts:
            item = drafts[-1 - pick % len(drafts)]
            person = people.person_for(self.office, item, who)
            text = f"Other words {len(self.office.story)}."
            self._act(person, f"revises {item.id}", items.revise, item.id, text, done=done)

    @rule(pick=PICK, who=st.sampled_from(["eva", "eva", "eva", "carl"]))
    def break_glass(self, pick: int, who: str) -> None:
        """Somebody releases what others are still asked about."""
        asked = [i for i in self.office.oracle.open_items() if i.kind == "approval"]
        if asked:
            item = asked[pick % len(asked)]
            self._act(who, f"releases {item.id}", items.break_glass, item.id, "it burns")

    @rule(pick=PICK, level=st.sampled_from(["sev1", "sev2"]))
    def rescore(self, pick: int, level: str) -> None:
        """The lead scores a case again; what is open moves with it."""
        ref = [*self.office.oracle.cases][pick % len(self.office.oracle.cases)]
        self._act("ana", f"makes {ref} {level}", cases.rescore, ref, level, "news")

    @rule(pick=PICK, who=PICK, to=PICK)
    def reassign(self, pick: int, who: int, to: int) -> None:
        item = people.item_of(self.office, pick)
        if item is not None:
            person = people.person_for(self.office, item, who)
            target = PEOPLE[to % len(PEOPLE)]
            self._act(person, f"hands over {item.id}", items.reassign, item.id, target)

    @rule(pick=PICK, who=st.sampled_from(["ana", "ana", "zoe"]), what=PICK)
    def say_to_a_case(self, pick: int, who: str, what: int) -> None:
        """Somebody signals, meets a clock, writes a note or, rarely, cancels."""
        ref = [*self.office.oracle.cases][pick % len(self.office.oracle.cases)]
        if waits := self.office.oracle.cases[ref].waits:
            name, key = waits[-1 - what % len(waits)]
            self._act(who, f"signals {name}", cases.signal, ref, name, key=key, payload={})
        elif what == 0:
            self._act(who, f"cancels {ref}", cases.cancel, ref, "enough")
        elif what % 2:
            self._act(who, f"writes into {ref}", cases.note, ref, "so be it")
        elif ref.startswith("STATE"):
            self._act(who, f"meets the clock of {ref}", cases.meet_clock, ref, "spoken")

    def _act(
        self, who: str, words: str, do: Callable[..., object], *what: Any, **more: Any
    ) -> None:
        self.office.act(f"{who} {words}", lambda: do(self.office.ws, Actor(who), *what, **more))

    # --- the directory ---

    @rule(who=PICK, days=st.integers(0, 3))
    def be_away(self, who: int, days: int) -> None:
        """Somebody is absent for some days from now on; for none: is back."""
        name = PEOPLE[who % len(PEOPLE)]
        today = self.office.clock.now().date()
        self.office.away.pop(name, None)
        if days:
            self.office.away[name] = (today.isoformat(), (today + timedelta(days=days)).isoformat())
        self.office.take_over_directory(f"{name} is away for {days} days")

    @rule(move=st.sampled_from(sorted(MOVES)))
    def move(self, move: str) -> None:
        name, roles = MOVES[move]
        self.office.roles[name] = list(roles)
        self.office.take_over_directory(move)

    # --- time ---

    @rule()
    def to_next(self) -> None:
        self.office.to_next()

    @rule(minutes=st.sampled_from([-300, -70, -1, 60, 300, 1600, 5000, 12000]))
    def pass_time(self, minutes: int) -> None:
        """Time passes, or the machine's clock is set back."""
        self.office.pass_time(timedelta(minutes=minutes))

    # --- machines ---

    @rule(name=CONDUCTORS, turns=st.integers(1, 3))
    def conduct(self, name: str, turns: int) -> None:
        """A conductor is woken, whether there is anything to do or not."""
        self.office.conduct(name, turns)

    @rule(name=CONDUCTORS, plans=PLANS)
    def conduct_badly(self, name: str, plans: list[str]) -> None:
        """A conductor works while Prefect is away, or flow runs are lost or stand still."""
        self.office.plans[:] = plans
        self.office.conduct(name)

    @precondition(lambda self: self.office.late)
    @rule(pick=PICK, lost=st.booleans())
    def come_back(self, pick: int, lost: bool) -> None:
        """Whoever stood still with an effect in hand goes on, perhaps after another took over."""
        if lost:
            self.office.pass_time(LEASE)
            self.office.conduct("b")
        self.office.come_back(pick)

    @rule(place=PLACES, fault=st.sampled_from(FAULTS))
    def outside_fails(self, place: str, fault: str) -> None:
        self.office.outside.go_wrong(place, fault)
        self.office.tell(f"next time at {place}: {fault}")

    @rule()
    def settle(self) -> None:
        self.office.settle()

    # --- what must hold ---

    @invariant()
    def nothing_is_wrong(self) -> None:
        self.office.check()

    def teardown(self) -> None:
        try:
            self.office.settle()
            self.office.verify()
        finally:
            self.office.close()
