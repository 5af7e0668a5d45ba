"""People and a world that act at random on cases, and then willingly until every case is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine import policy
from smr_engine.engine.state import Case, Effect, Item
from smr_engine.engine.statuses import (
    CLOSED_CASES,
    CaseStatus,
    DecisionKind,
    EffectKind,
    EffectStatus,
    ItemKind,
    ItemStatus,
)
from smr_engine.errors import Refusal, SmrError
from smr_engine.playbook.durations import DurationKind
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import DecisionStep, Playbook, TaskStep
from tests.support.casebook import Casebook, open_child
from tests.support.company import company, with_person

MOST_TO_CLOSE = 1500
WAITED_FOR = frozenset({"wait", "beat", "publish", "expire"})


@dataclass
class Crowd:
    """Everybody who acts on the cases of one casebook."""

    book: Casebook
    rng: Random
    refused: int = 0
    accepted: int = 0
    willing: bool = False
    moved: bool = False  # whether somebody was away or changed roles at some time
    log: list[str] = field(default_factory=list)

    def act(self, times: int) -> None:
        """Let something happen so many times."""
        for _ in range(times):
            deed = self.rng.choices(list(_DEEDS), list(_DEEDS.values()))[0]
            self.guarded(lambda deed=deed: deed(self))
            assert_alive(self.book)

    def close_all(self) -> None:
        """Do willingly what is asked until every case is closed."""
        self.willing = True
        self.book.world = company()  # everybody is there, in the roles they had
        for _ in range(MOST_TO_CLOSE):
            if all(case.header.status in CLOSED_CASES for case in self.book.cases.values()):
                self.book.perform()
                return
            assert self.step_on(), "nothing can be done and a case is open"
        message = "the cases do not close"
        raise AssertionError(message)

    def step_on(self) -> bool:  # noqa: C901 - one branch for each thing that can be asked
        """Do one thing that is asked; return whether there was one."""
        owed = next(iter(self.book.owed()), None)
        if owed is not None:
            self.book.perform_one(*owed)
            return True
        if any(at <= self.book.now for at, _, _ in self.book.timers()):
            return self.book.fire_next()
        for ref, item in self.open_items():
            if item.kind is not ItemKind.ACKNOWLEDGEMENT and self.answer(ref, item):
                return True
        for ref, item in self.open_items():
            if item.kind is ItemKind.ACKNOWLEDGEMENT and self.answer(ref, item):
                return True
        for ref, case in self.book.cases.items():
            if case.header.waits:
                name, key = next(iter(case.header.waits.values()))
                self.do(ref, c.Signal(name, key, {"from": "kim"}), "sam")
                return True
        later = [t for t in self.book.timers() if t[2].purpose in WAITED_FOR]
        sending = [(r, f) for r, f in self.effects() if f.status is EffectStatus.SENDING]
        if sending:
            ref, effect = sending[0]
            self.do(ref, c.ReportEffect(effect.id, c.Outcome.DONE, _published(effect)), c.ENGINE)
            return True
        if later:
            return self.book.fire_next()
        soon = [f.not_before for _, f in self.effects() if f.not_before is not None]
        if soon:
            self.book.now = max(self.book.now, min(soon))
            return True
        return self.book.fire_next() or self.give_up()

    def give_up(self) -> bool:
        """Cancel a case of which people or roles changed so that no approval can be granted."""
        for ref, item in self.open_items():
            if item.kind is ItemKind.APPROVAL and self.moved:
                self.do(ref, c.CancelCase("nobody is left to decide"), "sam")
                return True
        return False

    # --- things that happen ---

    def somebody_answers(self) -> None:
        items = self.open_items()
        if items:
            self.answer(*self.rng.choice(items))

    def somebody_tries(self) -> None:
        """Anybody tries anything on any item, open or not."""
        items = [
            (ref, i)
            for ref, case in self.book.cases.items()
            for scope in case.scopes.values()
            for i in scope.items.values()
        ]
        if not items:
            return
        ref, item = self.rng.choice(items)
        person = self.rng.choice(sorted(self.book.world.people))
        command = self.rng.choice(
            [
                c.CompleteItem(item.id, {"again": False, "names": ["kim"]}),
                c.ReviseDocument(
                    item.id, f"by {person} {self.rng.random()}", self.rng.random() < 0.5
                ),
                c.Decide(item.id, self.rng.choice(list(DecisionKind)), "why not"),
                c.Repair(
                    item.id, self.rng.choice(list(c.RepairAnswer)), "because", "https://x.test"
                ),
                c.Reassign(item.id, self.rng.choice(sorted(self.book.world.people))),
                c.Attach(item.id, "ab" * 32, "shot.png", 12),
            ]
        )
        self.do(ref, command, person)

    def the_world_answers(self) -> None:
        owed = [
            *self.book.owed(),
            *((r, f) for r, f in self.effects() if f.status is EffectStatus.SENDING),
        ]
        if not owed:
            return
        ref, effect = self.rng.choice(owed)
        if effect.kind is EffectKind.CASE:
            if effect.payload["do"] == "open_child" and self.rng.random() < 0.3:
                open_child(self.book, ref, effect)  # and whoever did it is lost
            else:
                self.book.perform_one(ref, effect)
            return
        if effect.kind is EffectKind.PUBLICATION and effect.status is EffectStatus.OWED:
            self.do(ref, c.BeginPublication(effect.id), c.ENGINE)
            return
        outcome = self.rng.choices(list(c.Outcome), [10, 1, 2, 1, 1])[0]
        if outcome is c.Outcome.PENDING and effect.kind is not EffectKind.CALL:
            outcome = c.Outcome.UNAVAILABLE
        if outcome is c.Outcome.UNKNOWN and effect.kind is EffectKind.NOTIFICATION:
            outcome = c.Outcome.DONE
        stale = self.rng.random() < 0.1
        report = c.ReportEffect(effect.id, outcome, _published(effect), "said so", stale)
        self.do(ref, report, c.ENGINE)

    def time_passes(self) -> None:
        self.book.fire_next()

    def nobody_answers_in_time(self) -> None:
        ends = [item.expires_at for _, item in self.open_items() if item.expires_at is not None]
        if ends:
            while self.book.now < min(ends) and self.book.fire_next():
                pass

    def somebody_writes_again(self) -> None:
        drafts = [
            (ref, i)
            for ref, case in self.book.cases.items()
            for scope in case.scopes.values()
            for i in scope.items.values()
            if i.kind is ItemKind.DRAFT
        ]
        if drafts:
            ref, item = self.rng.choice(drafts)
            command = c.ReviseDocument(item.id, f"words {self.rng.random()}")
            self.do(ref, command, self.rng.choice(item.offered))

    def a_signal_comes(self) -> None:
        ref = self.rng.choice(list(self.book.cases))
        self.do(ref, c.Signal("answered", self.rng.choice(["", "kim"]), {"yes": True}), "sam")

    def somebody_leaves_or_returns(self) -> None:
        self.moved = True
        person = self.rng.choice(sorted(self.book.world.people))
        today = self.book.now.date()
        away = () if self.rng.random() < 0.5 else ((today, today + timedelta(days=1)),)
        self.book.world = with_person(self.book.world, person, away=away)

    def somebody_changes_roles(self) -> None:
        self.moved = True
        people = sorted(self.book.world.people)
        given = self.book.world.people[self.rng.choice(people)].roles
        self.book.world = with_person(self.book.world, self.rng.choice(people), roles=given)

    def somebody_breaks_the_glass(self) -> None:
        asked = [(ref, i) for ref, i in self.open_items() if i.kind is ItemKind.APPROVAL]
        if asked:
            ref, item = self.rng.choice(asked)
            person = self.rng.choice(["eve", "eve", "eve", "lea", "sam"])
            self.do(ref, c.BreakGlass(item.id, "lives at risk"), person)

    def somebody_scores_again(self) -> None:
        ref = self.rng.choice(list(self.book.cases))
        level = self.rng.choice(["sev1", "sev2"])
        self.do(ref, c.Rescore(level, "it looks different"), self.rng.choice(["sam", "ben"]))

    def somebody_meets_a_clock(self) -> None:
        ref = self.rng.choice(list(self.book.cases))
        clocks = [clock.id for clock in self.book.playbooks[_name(self.book, ref)].clocks]
        if clocks:
            self.do(ref, c.MeetClock(self.rng.choice(clocks)), self.rng.choice(["sam", "ben"]))

    def an_echo(self) -> None:
        """An effect that is settled is reported again, a timer fires that is gone."""
        known = [
            (r, f)
            for r, f in self.effects()
            if f.status not in {EffectStatus.OWED, EffectStatus.SENDING}
        ]
        if known:
            ref, effect = self.rng.choice(known)
            outcome = self.rng.choice(list(c.Outcome))
            self.do(ref, c.ReportEffect(effect.id, outcome, None, "late"), c.ENGINE)
            self.do(ref, c.FireTimer(effect.id), c.ENGINE)

    def a_cancel(self) -> None:
        ref = self.rng.choice(list(self.book.cases))
        self.do(ref, c.CancelCase("stopped by the board"), "sam")

    def no_child_is_left(self) -> None:
        """Assert that the children of cancelled cases are over, once cases have been told so."""
        self.book.perform(EffectKind.CASE)
        for case in self.book.cases.values():
            parent = self.book.cases.get(case.header.parent)
            if parent is not None and parent.header.status is CaseStatus.CANCELLED:
                assert case.header.status in CLOSED_CASES, f"{case.header.ref} is an orphan"

    # --- answering ---

    def answer(self, ref: str, item: Item) -> bool:
        """Answer an open item as somebody who may; return whether somebody could."""
        if policy.has_expired(item, self.book.now):
            return False
        return _ANSWERS[item.kind](self, ref, item)

    def _task(self, ref: str, item: Item) -> bool:
        step = self.step(ref, item)
        values: dict[str, Any] = {}
        if isinstance(step, TaskStep) and step.form:
            names = [f"n{n}" for n in range(self.rng.randint(0, 3))]
            again = not self.willing and self.rng.random() < 0.6
            values = {"again": again, "names": names}
        return self.by_one_of(ref, item, c.CompleteItem(item.id, values))

    def _draft(self, ref: str, item: Item) -> bool:
        text, out = self.present_text(ref, item)
        done = self.willing or self.rng.random() < 0.8
        anew = c.ReviseDocument(item.id, text if out else f"words {self.rng.random()}", done)
        try:
            return self.by_one_of(ref, item, anew)
        except Refusal as refusal:
            if refusal.code != "approval-over":
                raise
        return self.by_one_of(ref, item, c.ReviseDocument(item.id, text, done))  # as it is

    def present_text(self, ref: str, item: Item) -> tuple[str, bool]:
        """Return the text of a draft, and whether it is out and can no longer be changed."""
        name = self.step(ref, item).document
        scopes = self.book.cases[ref].scopes
        homes = [p for p in scopes if name in scopes[p].documents and item.path.startswith(p)]
        document = scopes[max(homes, key=len)].documents[name]
        return document.text, bool(document.out)

    def _decision(self, ref: str, item: Item) -> bool:
        step = self.step(ref, item)
        assert isinstance(step, DecisionStep)
        value = self.rng.choice(["yes", "no"])
        values = (
            {"choice": self.rng.choice([x.id for x in step.choices])}
            if step.choices
            else {step.id: value}
        )
        return self.by_one_of(ref, item, c.CompleteItem(item.id, values))

    def _approval(self, ref: str, item: Item) -> bool:
        weights = [1, 0, 0, 0] if self.willing else [12, 2, 1, 2]
        kind = self.rng.choices(list(DecisionKind), weights)[0]
        case = self.book.cases[ref]
        may = [
            p
            for p in sorted(self.book.world.people)
            if policy.may_decide(self.book.world, case.header, item, c.Actor(p), self.book.now).may
        ]
        if not may:
            return False
        self.do(ref, c.Decide(item.id, kind, "because"), self.rng.choice(may))
        return True

    def _publish(self, ref: str, item: Item) -> bool:
        values = {"url": "https://wikipedia.example.test/talk"}
        return self.by_one_of(ref, item, c.CompleteItem(item.id, values))

    def _acknowledge(self, ref: str, item: Item) -> bool:
        return self.by_one_of(ref, item, c.CompleteItem(item.id))

    def _repair(self, ref: str, item: Item) -> bool:
        effects = {f.id: f for _, f in self.effects()}
        unknown = item.effect and effects[item.effect].status is EffectStatus.UNKNOWN
        ways = ["sent", "not_sent", "skip"] if unknown else ["retry", "retry", "skip"]
        answer = c.RepairAnswer("skip" if self.willing else self.rng.choice(ways))
        command = c.Repair(item.id, answer, "we looked", "https://x.example.test/1")
        return self.by_one_of(ref, item, command)

    def by_one_of(self, ref: str, item: Item, command: c.Command) -> bool:
        people = (*item.offered, *item.escalated)
        if not people:  # nobody led when it was opened
            self.do(ref, c.Reassign(item.id, "sam"), "sam")
            people = ("sam",)
        self.do(ref, command, self.rng.choice(people))
        return True

    # --- help ---

    def do(self, ref: str, command: c.Command, by: str | c.Actor) -> None:
        self.log.append(
            f"{self.book.now:%d %H:%M} {ref} {command} {by if isinstance(by, str) else by.id}"
        )
        self.book.do(ref, command, by)

    def guarded(self, deed: Callable[[], None]) -> None:
        try:
            deed()
            self.accepted += 1
        except SmrError:
            self.refused += 1

    def open_items(self) -> list[tuple[str, Item]]:
        return [
            (ref, i)
            for ref, case in self.book.cases.items()
            for scope in case.scopes.values()
            for i in scope.items.values()
            if i.status is ItemStatus.OPEN and case.header.status not in CLOSED_CASES
        ]

    def effects(self) -> list[tuple[str, Effect]]:
        return [
            (ref, f)
            for ref, case in self.book.cases.items()
            for scope in case.scopes.values()
            for f in scope.effects.values()
        ]

    def step(self, ref: str, item: Item) -> Any:
        playbook = self.book.playbooks[self.book.cases[ref].header.playbook]
        return index_of(playbook).of(item.step).step


def assert_alive(book: Casebook) -> None:
    """Assert that every open case waits for somebody, something or an instant; no closed one does."""
    for ref, case in book.cases.items():
        items = [
            i for s in case.scopes.values() for i in s.items.values() if i.status is ItemStatus.OPEN
        ]
        timers = [t for s in case.scopes.values() for t in s.timers.values()]
        if case.header.status in CLOSED_CASES:
            assert not items, f"{ref} is closed with {[i.path for i in items]} open"
            assert not timers, f"{ref} is closed with timers {timers}"
            continue
        effects = [f for s in case.scopes.values() for f in s.effects.values()]
        live = [
            f
            for f in effects
            if f.status in {EffectStatus.OWED, EffectStatus.SENDING} and not f.item and f.step
        ]
        children = [k for k in case.header.children.values() if k.waits and not k.ended]
        beats = [t for t in timers if t.purpose in {"wait", "beat", "publish"}]
        work = [i for i in items if i.kind is not ItemKind.ACKNOWLEDGEMENT or _counts(case, i)]
        assert work or live or children or beats or case.header.waits, f"{ref} waits for nothing"
        assert set(case.header.ratifying) == {i.id for i in items if i.ratifies}
        assert_due(book.playbooks[_name(book, ref)], case)
        running = {n for n, clock in case.header.clocks.items() if clock.status == "running"}
        assert {t.clock for t in timers if t.clock} <= running
        holding = {i.id for i in items if i.holds}
        assert set(case.header.holds) == holding
        assert (case.header.status == "held") == bool(holding), f"{ref} {case.header.status}"


def assert_due(playbook: Playbook, case: Case) -> None:
    """Assert that open items of running scopes are due as their step says at this severity."""
    steps = index_of(playbook).by_id
    for path in case.header.running:
        for item in case.scopes[path].items.values():
            step = steps[item.step].step
            plain = item.kind is not ItemKind.REPAIR and not item.ratifies
            spec = step.due.at(case.header.severity) if step.due and plain else None
            if item.status is ItemStatus.OPEN and spec and spec.kind is DurationKind.ELAPSED:
                assert item.due_at == item.opened_at + timedelta(seconds=spec.amount), item


def _name(book: Casebook, ref: str) -> str:
    return book.cases[ref].header.playbook


def _counts(case: Any, item: Item) -> bool:
    return any(
        s.steps[item.step].status == "active" for s in case.scopes.values() if item.id in s.items
    )


def _published(effect: Effect) -> dict[str, Any]:
    return {"url": f"https://x.example.test/{effect.id}", "digest": effect.digest, "told": []}


_ANSWERS: dict[ItemKind, Callable[[Crowd, str, Item], bool]] = {
    ItemKind.TASK: Crowd._task,
    ItemKind.DRAFT: Crowd._draft,
    ItemKind.DECISION: Crowd._decision,
    ItemKind.APPROVAL: Crowd._approval,
    ItemKind.PUBLISH: Crowd._publish,
    ItemKind.ACKNOWLEDGEMENT: Crowd._acknowledge,
    ItemKind.REPAIR: Crowd._repair,
}
_DEEDS: dict[Callable[[Crowd], None], int] = {
    Crowd.somebody_answers: 20,
    Crowd.somebody_tries: 4,
    Crowd.the_world_answers: 16,
    Crowd.time_passes: 3,
    Crowd.nobody_answers_in_time: 3,
    Crowd.somebody_writes_again: 2,
    Crowd.a_signal_comes: 2,
    Crowd.an_echo: 2,
    Crowd.somebody_meets_a_clock: 1,
    Crowd.somebody_scores_again: 3,
    Crowd.somebody_breaks_the_glass: 2,
    Crowd.somebody_leaves_or_returns: 2,
    Crowd.somebody_changes_roles: 1,
}
