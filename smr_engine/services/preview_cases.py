"""Cases in memory, for looking ahead: the pure engine alone; nothing is stored, nothing goes out.

What the cases owe counts as done at once, so that only people and instants are waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smr_engine.engine import clocks
from smr_engine.engine import commands as c
from smr_engine.engine.decide import Decided, decide, open_case
from smr_engine.engine.environment import instant
from smr_engine.engine.events import Event
from smr_engine.engine.run import Situation
from smr_engine.engine.state import Case, ClockState, Effect, Item, Timer
from smr_engine.engine.statuses import CLOSED_CASES, EffectKind, EffectStatus, ItemStatus
from smr_engine.engine.world import World
from smr_engine.playbook.model import Playbook
from smr_engine.services.willing import Asked

MOST_EFFECTS = 5_000
"""So much is done between two instants; a playbook that goes on without waiting owes more."""


@dataclass
class PreviewCases:
    """A case and those it opens, at a virtual instant.

    Args:
        playbooks: by name, all that are opened.
        world: the directory.
        now: the instant; `fire` moves it on.
    """

    playbooks: Mapping[str, Playbook]
    world: World
    now: datetime
    cases: dict[str, Case] = field(default_factory=dict)

    def open(
        self, name: str, actor: c.Actor, inputs: Mapping[str, Any], **more: Any
    ) -> list[Event]:
        """Open a case, do what it owes, and return what has happened."""
        _, events = self._open(self.playbooks[name], actor, inputs, **more)
        return [*events, *self._settle()]

    def fire(self, ref: str, timer: Timer) -> list[Event]:
        """Let an instant come, do what is owed then, and return what has happened."""
        self.now = max(self.now, timer.at)
        return [*self._do(ref, c.FireTimer(timer.id)), *self._settle()]

    def do(self, ref: str, command: c.Command, person: str) -> list[Event]:
        """Let somebody do something, do what is owed then, and return what has happened."""
        return [*self._do(ref, command, c.Actor(person)), *self._settle()]

    def timers(self) -> Iterator[tuple[datetime, str, Timer]]:
        """Yield all instants that are set, with their cases."""
        for ref, case in self.cases.items():
            for scope in case.scopes.values():
                yield from ((timer.at, ref, timer) for timer in scope.timers.values())

    def open_items(self) -> Iterator[Asked]:
        """Yield what waits for people."""
        for case in self.cases.values():
            playbook = self.playbooks[case.header.playbook]
            for path, scope in case.scopes.items():
                for item in scope.items.values():
                    if item.status is ItemStatus.OPEN:
                        yield Asked(playbook, case, path, item, self.world, self.now)

    def clocks(self) -> Iterator[tuple[str, ClockState]]:
        """Yield the clocks that run, by name."""
        for case in self.cases.values():
            for name, clock in case.header.clocks.items():
                if clocks.is_running(clock):
                    yield name, clock

    def item(self, ref: str, name: str) -> Item | None:
        """Return an item of a case, open or not."""
        found = (scope.items.get(name) for scope in self.cases[ref].scopes.values())
        return next((item for item in found if item is not None), None)

    def _open(
        self, playbook: Playbook, actor: c.Actor, inputs: Mapping[str, Any], **more: Any
    ) -> tuple[str, tuple[Event, ...]]:
        ref = f"{playbook.case_prefix}-{self.now.year}-{len(self.cases) + 1:04d}"
        pins = {each.name: each.digest for each in self.playbooks.values()}
        command = c.OpenCase(ref, inputs, pins, **more)
        opened = open_case(playbook, command, Situation(self.world, self.now, actor))
        self.cases[ref] = opened.case
        return ref, opened.events

    def _do(self, ref: str, command: c.Command, actor: c.Actor = c.ENGINE) -> list[Event]:
        case = self.cases[ref]
        playbook = self.playbooks[case.header.playbook]
        decided = decide(playbook, case, command, Situation(self.world, self.now, actor))
        if not isinstance(decided, Decided):  # every scope is here
            message = f"a whole case asked for {decided.paths}"
            raise TypeError(message)
        self.cases[ref] = decided.case
        return list(decided.events)

    def _settle(self) -> list[Event]:
        """Do all that is owed, and what that leads to."""
        happened: list[Event] = []
        for _ in range(MOST_EFFECTS):
            found = next(self._owed(), None)
            if found is None:
                break
            happened += self._done(*found)
        return happened

    def _owed(self) -> Iterator[tuple[str, Effect]]:
        for ref, case in self.cases.items():
            for scope in case.scopes.values():
                for effect in scope.effects.values():
                    if effect.status is EffectStatus.OWED:
                        yield ref, effect

    def _done(self, ref: str, effect: Effect) -> list[Event]:
        doers: Mapping[EffectKind, Callable[[str, Effect], list[Event]]] = {
            EffectKind.PUBLICATION: self._published,
            EffectKind.NOTIFICATION: self._told,
            EffectKind.ESCALATION: self._told,
            EffectKind.REMINDER: self._told,
            EffectKind.CALL: self._called,
            EffectKind.CASE: self._case,
        }
        return doers[effect.kind](ref, effect)

    def _report(self, ref: str, effect: Effect, result: Mapping[str, Any]) -> list[Event]:
        return self._do(ref, c.ReportEffect(effect.id, c.Outcome.DONE, dict(result)))

    def _published(self, ref: str, effect: Effect) -> list[Event]:
        begun = self._do(ref, c.BeginPublication(effect.id))
        url, at = f"https://{effect.account}.example.test/", instant(self.now)
        result = {"url": url, "digest": effect.digest, "published_at": at}
        return [*begun, *self._report(ref, effect, result)]

    def _told(self, ref: str, effect: Effect) -> list[Event]:
        return self._report(ref, effect, {"told": [to["id"] for to in effect.payload["to"]]})

    def _called(self, ref: str, effect: Effect) -> list[Event]:
        return self._report(ref, effect, {})

    def _case(self, ref: str, effect: Effect) -> list[Event]:
        payload = effect.payload
        if payload["do"] == "open_child":
            return self._child(ref, effect)
        if payload["do"] == "end_child":
            end = c.EndChild(payload["child"], payload["outcome"], payload["results"])
            happened = self._do(payload["parent"], end)
        elif self.cases[payload["child"]].header.status in CLOSED_CASES:
            happened = []
        else:
            happened = self._do(payload["child"], c.CancelCase(f"{ref} has ended"))
        return [*happened, *self._report(ref, effect, {})]

    def _child(self, ref: str, effect: Effect) -> list[Event]:
        """Open a child case; what it owes is done after its parent has noted it."""
        payload = effect.payload
        playbook = next(p for p in self.playbooks.values() if p.digest == payload["digest"])
        handed = tuple(
            c.HandedOver(name, text, tuple(payload["authors"][name]))
            for name, text in payload["documents"].items()
        )
        actor = c.Actor(f"case:{ref}", "", "engine")
        more = {"drill": payload["drill"], "parent": ref, "documents": handed}
        child, events = self._open(playbook, actor, payload["inputs"], **more)
        noted = self._do(ref, c.NoteChild(effect.id, child))
        return [*events, *noted, *self._report(ref, effect, {"case": child})]
