"""Cases in memory: what the services do around the pure engine, with its laws checked on the way.

Every command is decided twice, on the whole case and on the scopes that it asks for, is folded from
its events as they are stored, and must give the same, byte for byte; a refusal must change nothing.
Time is virtual, effects are performed by `perform`, timers fire in their order as time passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from smr_engine.engine import commands as c
from smr_engine.engine import messages
from smr_engine.engine.decide import Decided, decide, open_case
from smr_engine.engine.environment import instant
from smr_engine.engine.events import Event
from smr_engine.engine.evolve import evolve
from smr_engine.engine.paths import inner_path, scope_chain
from smr_engine.engine.run import Situation
from smr_engine.engine.state import Case, CaseHeader, Effect, Item, Scope, StepState, Timer
from smr_engine.engine.statuses import (
    CLOSED_CASES,
    DecisionKind,
    EffectKind,
    EffectStatus,
    ItemKind,
    ItemStatus,
)
from smr_engine.engine.world import World
from smr_engine.errors import SmrError
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import Playbook
from smr_engine.services.state_codec import encode_state
from tests.support.company import MONDAY, company

MAX_LOADS = 12
LIVE = frozenset({EffectStatus.OWED, EffectStatus.SENDING, EffectStatus.UNKNOWN})


class LoadedInParts:
    """A case as a database has it: a command sees header, root and the scopes it asks for."""

    def __init__(self, case: Case) -> None:
        self.header = case.header
        self.scopes = dict(case.scopes)

    def decide(self, playbook: Playbook, command: c.Command, situation: Situation) -> Decided:
        """Decide on as few scopes as the command asks for, and save what it changed."""
        before = self._load(command)
        for _ in range(MAX_LOADS):
            answer = decide(playbook, before, command, situation)
            if isinstance(answer, Decided):
                self._save(before, answer.case)
                return answer
            asked = self._enclosing(answer.paths)
            assert set(asked) - set(before.scopes), f"asks again for {answer.paths}"
            before = Case(before.header, {**asked, **before.scopes})
        message = "asks for scopes again and again"
        raise AssertionError(message)

    def _load(self, command: c.Command) -> Case:
        name = next((v for k in ("item", "effect", "timer") if (v := getattr(command, k, ""))), "")
        homes = [
            path
            for path, scope in self.scopes.items()
            if name in scope.items or name in scope.effects or name in scope.timers
        ]
        return Case(self.header, self._enclosing(["", *homes]))

    def _enclosing(self, paths: Any) -> dict[str, Scope]:
        parts = [path.split("/") for path in paths]
        around = {"", *("/".join(each[: n + 1]) for each in parts for n in range(len(each)))}
        return {path: scope for path, scope in self.scopes.items() if path in around}

    def _save(self, before: Case, after: Case) -> None:
        for path, scope in after.scopes.items():
            if scope is not before.scopes.get(path):
                known = path in self.scopes
                assert known == (path in before.scopes), f"{path} is there, but was not loaded"
                self.scopes[path] = scope
        self.header = after.header


@dataclass
class Casebook:
    """Cases, a clock, people to tell and places to publish, all in memory."""

    playbooks: Mapping[str, Playbook]
    world: World = field(default_factory=company)
    now: datetime = MONDAY
    cases: dict[str, Case] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    envelopes: dict[str, list[tuple[Event, datetime, str]]] = field(default_factory=dict)
    worlds: dict[str, list[World]] = field(default_factory=dict)  # as of each event
    told: list[dict[str, Any]] = field(default_factory=list)
    published: list[tuple[str, str, str]] = field(default_factory=list)  # account, text, key
    fired: list[tuple[datetime, str, str]] = field(default_factory=list)  # when, purpose, path
    opened: dict[str, str] = field(default_factory=dict)  # children by the key they opened under
    tries: dict[str, list[c.ReportEffect]] = field(default_factory=dict)  # by account or `uses`
    _parts: dict[str, LoadedInParts] = field(default_factory=dict)
    _folded: dict[str, Case] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _whole: dict[str, _Texts] = field(default_factory=dict)
    _again: dict[str, _Texts] = field(default_factory=dict)
    _partly: dict[str, _Texts] = field(default_factory=dict)

    @classmethod
    def of(cls, *playbooks: Playbook, **more: Any) -> Casebook:
        """Return a casebook with these playbooks."""
        return cls({each.name: each for each in playbooks}, **more)

    # --- commands ---

    def start(
        self,
        name: str = "",
        *,
        by: str = "sam",
        more: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> CaseFile:
        """Open a case; `more` are further fields of `OpenCase`."""
        book = self.playbooks[name or next(iter(self.playbooks))]
        ref = f"{book.case_prefix}-2026-{len(self.cases) + 1:04d}"
        pins = {other.name: other.digest for other in self.playbooks.values()}
        command = c.OpenCase(ref, inputs, pins, **(more or {}))
        actor = c.Actor(by)
        opened = open_case(book, command, Situation(self.world, self.now, actor))
        self.cases[ref] = opened.case
        self._parts[ref] = LoadedInParts(opened.case)
        self._take(ref, opened, actor)
        return CaseFile(self, ref)

    def do(self, ref: str, command: c.Command, by: str | c.Actor = c.ENGINE) -> tuple[Event, ...]:
        """Apply a command and check the laws; a refusal passes through after it was checked."""
        case = self.cases[ref]
        actor = c.Actor(by) if isinstance(by, str) else by
        playbook = self.playbooks[case.header.playbook]
        situation = Situation(self.world, max(self.now, case.header.last_at), actor)
        try:
            decided = decide(playbook, case, command, situation)
        except SmrError as refusal:
            self._refused(
                ref, refusal, lambda: self._parts[ref].decide(playbook, command, situation)
            )
            raise
        assert isinstance(decided, Decided), f"a whole case asks for {decided}"
        in_parts = self._parts[ref].decide(playbook, command, situation)
        assert in_parts.events == decided.events
        self.cases[ref] = decided.case
        self._take(ref, decided, actor)
        return decided.events

    # --- laws ---

    def _refused(self, ref: str, refusal: SmrError, again: Callable[[], Decided]) -> None:
        whole = self._whole.setdefault(ref, _Texts())
        assert whole.fresh(self.cases[ref]) == whole.texts, "a refusal changed something"
        try:
            again()
        except SmrError as problem:
            same = problem
        else:
            message = f"refused whole ({refusal}), accepted in parts"
            raise AssertionError(message)
        assert (same.code, same.message) == (refusal.code, refusal.message)

    def _take(self, ref: str, decided: Decided, actor: c.Actor) -> None:
        folded = self._folded.get(ref)
        at = decided.case.header.last_at
        for event in decided.events:
            stored = msgspec.json.encode(event)
            again = msgspec.json.decode(stored, type=type(event))
            folded = evolve(folded, again, at, actor.id)
            self._count(ref, event)
            self.envelopes.setdefault(ref, []).append((event, at, actor.id))
            self.worlds.setdefault(ref, []).append(self.world)
        assert folded is not None
        self._folded[ref] = folded
        self.events.setdefault(ref, []).extend(decided.events)
        parts = self._parts[ref]
        whole = self._whole.setdefault(ref, _Texts()).of(self.cases[ref])
        assert self._again.setdefault(ref, _Texts()).of(folded) == whole, "folding gives another"
        in_parts = Case(parts.header, parts.scopes)
        assert self._partly.setdefault(ref, _Texts()).of(in_parts) == whole, "parts give another"

    def _count(self, ref: str, event: Event) -> None:
        for name in ids_of(event):
            case, _, number = name.rpartition(".")
            assert case == ref
            assert int(number) > self._numbers.get(ref, 0), f"{name} was used before"
            self._numbers[ref] = int(number)

    # --- what the conductor does ---

    def owed(self) -> Iterator[tuple[str, Effect]]:
        """Yield what is owed now, with its case."""
        for ref, case in list(self.cases.items()):
            for scope in case.scopes.values():
                for effect in scope.effects.values():
                    later = effect.not_before is not None and effect.not_before > self.now
                    if effect.status is EffectStatus.OWED and not later:
                        yield ref, effect

    def perform(self, *kinds: EffectKind) -> None:
        """Perform all that is owed now (of these kinds), and what that leads to."""
        while found := next(((r, f) for r, f in self.owed() if not kinds or f.kind in kinds), None):
            self.perform_one(*found)

    def perform_one(self, ref: str, effect: Effect) -> None:
        """Perform one effect: as `tries` says for its account, else well."""
        report = _PERFORM[effect.kind](self, ref, effect)
        if report is not None:
            self.do(ref, report)

    def timers(self) -> list[tuple[datetime, str, Timer]]:
        """Return all timers, the earliest first, with their cases."""
        found = [
            (timer.at, ref, timer)
            for ref, case in self.cases.items()
            for scope in case.scopes.values()
            for timer in scope.timers.values()
        ]
        return sorted(found, key=lambda entry: (entry[0], entry[2].id))

    def fire_next(self) -> bool:
        """Let time pass to the next timer and fire it; return whether there was one."""
        found = self.timers()
        if found:
            at, ref, timer = found[0]
            self.now = max(self.now, at)
            self.fired.append((self.now, timer.purpose, timer.path))
            self.do(ref, c.FireTimer(timer.id))
        return bool(found)

    def wait(self, **span: float) -> None:
        """Let time pass, perform what is owed and fire what comes due on the way."""
        until = self.now + timedelta(**span)
        self.perform()
        while (soonest := self._soonest()) is not None and soonest <= until:
            self.now = max(self.now, soonest)
            if (timers := self.timers()) and timers[0][0] <= self.now:
                self.fire_next()
            self.perform()
        self.now = until

    def _soonest(self) -> datetime | None:
        later = [
            effect.not_before
            for case in self.cases.values()
            for scope in case.scopes.values()
            for effect in scope.effects.values()
            if effect.not_before is not None and effect.status is EffectStatus.OWED
        ]
        return min([*later, *(timer[0] for timer in self.timers()[:1])], default=None)

    def told_of(self, person: str) -> list[str]:
        """Return the subjects of all messages that went to a person."""
        return [m["subject"] for m in self.told if {"kind": "person", "id": person} in m["to"]]


@dataclass
class CaseFile:
    """One case of a casebook, with the words people use."""

    book: Casebook
    ref: str

    @property
    def case(self) -> Case:
        """The case as it is now."""
        return self.book.cases[self.ref]

    @property
    def header(self) -> CaseHeader:
        """Its header."""
        return self.case.header

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return self.header.status in CLOSED_CASES

    @property
    def history(self) -> list[Event]:
        """All its events."""
        return self.book.events[self.ref]

    def envelopes(self) -> list[tuple[Event, datetime, str]]:
        """Return all its events with when they happened and who caused them."""
        return self.book.envelopes[self.ref]

    def happened(self, kind: type[Event]) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.history if isinstance(event, kind)]

    def state(self, path: str) -> StepState:
        """Return the state of a step by its path."""
        index = index_of(self.book.playbooks[self.header.playbook])
        name = path.rsplit("/", 1)[-1]
        inner = inner_path(index, name)
        scope = path.removesuffix(inner).rstrip("/")
        assert scope_chain(index, scope)[0] == scope, f"no step at {path}"
        return self.case.scopes[scope].step(name)

    def outcome(self, path: str) -> str | None:
        """Return the outcome of a step by its path."""
        return self.state(path).outcome

    def items(self, where: str = "", status: ItemStatus | None = ItemStatus.OPEN) -> list[Item]:
        """Return items, of a step id or path; the open ones unless another status is given."""
        found = [i for scope in self.case.scopes.values() for i in scope.items.values()]
        return [
            i
            for i in found
            if (not where or where in {i.path, i.step}) and status in {None, i.status}
        ]

    def item(self, where: str, kind: ItemKind | None = None) -> Item:
        """Return the one open item of a step id or path."""
        found = [i for i in self.items(where) if kind in {None, i.kind}]
        assert len(found) == 1, f"{where}: {[(i.id, i.kind, i.path) for i in found]}"
        return found[0]

    def repair_item(self, where: str = "") -> Item:
        """Return the one open repair item."""
        found = [i for i in self.items(where) if i.kind is ItemKind.REPAIR]
        assert len(found) == 1, [i.message for i in found]
        return found[0]

    def waits_for(self) -> set[str]:
        """Return the paths of all open items."""
        return {item.path for item in self.items()}

    # --- what people do ---

    def complete(self, where: str, by: str = "wendy", **values: Any) -> None:
        """Complete the open item of a step."""
        self.book.do(self.ref, c.CompleteItem(self.item(where).id, values), by)

    def write(self, where: str, text: str, by: str = "wendy", **more: Any) -> None:
        """Save a text on the newest draft item of a step and finish the draft."""
        drafts = [i for i in self.items(where, None) if i.kind is ItemKind.DRAFT]
        command = c.ReviseDocument(drafts[-1].id, text, **{"done": True, **more})
        self.book.do(self.ref, command, by)

    def vote(self, where: str, decision: DecisionKind, by: str, comment: str = "because") -> None:
        """Decide on the open approval of a step."""
        item = self.item(where, ItemKind.APPROVAL)
        self.book.do(self.ref, c.Decide(item.id, decision, comment), by)

    def approve(self, where: str, *people: str) -> None:
        """Let people approve, one after the other."""
        for person in people:
            self.vote(where, DecisionKind.APPROVE, person, "")

    def score(self, level: str, by: str = "sam", reason: str = "A regulator called.") -> None:
        """Give the case another severity."""
        self.book.do(self.ref, c.Rescore(level, reason), by)

    def break_glass(self, where: str, by: str = "eve", reason: str = "Lives at risk.") -> None:
        """Release the content of the open approval of a step."""
        item = self.item(where, ItemKind.APPROVAL)
        self.book.do(self.ref, c.BreakGlass(item.id, reason), by)

    def repair(self, answer: str, by: str = "sam", where: str = "", url: str = "") -> None:
        """Answer the open repair item."""
        item = self.repair_item(where)
        command = c.Repair(item.id, c.RepairAnswer(answer), "We looked into it.", url)
        self.book.do(self.ref, command, by)

    # --- effects ---

    def effects(self, *kinds: EffectKind, live: bool = True) -> list[Effect]:
        """Return effects of these kinds; only those that are not settled, unless asked."""
        return [
            effect
            for scope in self.case.scopes.values()
            for effect in scope.effects.values()
            if effect.kind in (kinds or EffectKind) and (not live or effect.status in LIVE)
        ]

    def publication(self) -> Effect:
        """Return the one publication that is not settled."""
        (found,) = self.effects(EffectKind.PUBLICATION)
        return found

    def begin(self) -> Effect:
        """Begin the one publication that is owed; return it as it is then."""
        effect = self.publication()
        self.book.do(self.ref, c.BeginPublication(effect.id))
        (after,) = [f for f in self.effects(live=False) if f.id == effect.id]
        return after

    def report(self, effect: Effect, outcome: str, **more: Any) -> None:
        """Report how a try of an effect went."""
        self.book.do(self.ref, c.ReportEffect(effect.id, c.Outcome(outcome), **more))


def ids_of(event: Event) -> list[str]:
    """Return the new ids that an event gives out, in their order."""
    name = event.kind()
    found = []
    if name in {"ItemOpened", "EffectOwed"}:
        found.append(event.item if name == "ItemOpened" else event.effect)
    found += [rule.id for rule in getattr(event, "timers", ())]
    if name in {"TimerSet", "RoundPlanned"}:
        found.append(event.timer)
    if name == "TimerMoved":
        found.append(event.becomes)
    again = getattr(event, "next", None)
    return [*found, again.id] if again is not None else found


class _Texts:
    """A case as stored text; what has not changed is not written again."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._known: dict[str, Scope] = {}

    def of(self, case: Case) -> dict[str, str]:
        """Return header and scopes as they would be stored."""
        for path, scope in case.scopes.items():
            if scope is not self._known.get(path):
                self._known[path] = scope
                self.texts[path] = encode_state(scope)
        self.texts["(header)"] = encode_state(case.header)
        return self.texts

    def fresh(self, case: Case) -> dict[str, str]:
        """Return the same, with everything written again."""
        scopes = {path: encode_state(scope) for path, scope in case.scopes.items()}
        return {**scopes, "(header)": encode_state(case.header)}


# --- performing --------------------------------------------------------------------------------


def _said(book: Casebook, name: str, effect: Effect) -> c.ReportEffect | None:
    """Return how the next try goes as a test has said, None if it has not."""
    waiting = book.tries.get(name)
    if not waiting:
        return None
    said = waiting.pop(0)
    return c.ReportEffect(effect.id, said.outcome, said.result, said.reason)


def _publish(book: Casebook, ref: str, effect: Effect) -> c.ReportEffect | None:
    book.do(ref, c.BeginPublication(effect.id))
    here = next(
        s.effects[effect.id] for s in book.cases[ref].scopes.values() if effect.id in s.effects
    )
    if here.status is not EffectStatus.SENDING:
        return None
    said = _said(book, effect.account, effect)
    if said is not None and said.outcome is not c.Outcome.DONE:
        return said
    book.published.append((effect.account, effect.payload["text"], effect.key))
    result = {
        "url": f"https://{effect.account}.example.test/{effect.id}",
        "published_at": instant(book.now),
        "digest": effect.digest,
    }
    return c.ReportEffect(effect.id, c.Outcome.DONE, result)


def _notify(book: Casebook, ref: str, effect: Effect) -> c.ReportEffect:
    said = _said(book, "notify", effect) if not effect.item else None
    if said is not None:
        return said
    scope = next(s for s in book.cases[ref].scopes.values() if effect.id in s.effects)
    to = messages.wanted(scope, effect)
    if to or not effect.item:
        book.told.append({**effect.payload, "to": to, "case": ref, "at": book.now})
    told = [r["id"] if r["kind"] == "person" else f"{r['kind']}:{r['id']}" for r in to]
    return c.ReportEffect(effect.id, c.Outcome.DONE, {"told": told})


def _call(book: Casebook, ref: str, effect: Effect) -> c.ReportEffect:
    said = _said(book, effect.payload["uses"], effect)
    return said or c.ReportEffect(effect.id, c.Outcome.DONE, {"status": 200})


def _case(book: Casebook, ref: str, effect: Effect) -> c.ReportEffect:
    payload = effect.payload
    if payload["do"] == "open_child":
        opened = open_child(book, ref, effect)
        return c.ReportEffect(effect.id, c.Outcome.DONE, {"case": opened.ref})
    if payload["do"] == "end_child":
        command: c.Command = c.EndChild(payload["child"], payload["outcome"], payload["results"])
        book.do(payload["parent"], command, c.Actor(f"case:{payload['child']}", "", "engine"))
    elif book.cases[payload["child"]].header.status not in CLOSED_CASES:
        command = c.CancelCase(f"{payload['parent']} was cancelled or ended")
        book.do(payload["child"], command, c.Actor(f"case:{payload['parent']}", "", "engine"))
    return c.ReportEffect(effect.id, c.Outcome.DONE, {})


def open_child(book: Casebook, ref: str, effect: Effect) -> CaseFile:
    """Open the child case that an effect owes, unless that was done; the parent notes it."""
    payload = effect.payload
    if effect.key in book.opened:
        return CaseFile(book, book.opened[effect.key])
    named = next(p.name for p in book.playbooks.values() if p.digest == payload["digest"])
    documents = tuple(
        c.HandedOver(name, text, tuple(payload["authors"][name]))
        for name, text in payload["documents"].items()
    )
    more = {"parent": payload["parent"], "drill": payload["drill"], "documents": documents}
    child = book.start(named, by=f"case:{ref}", more=more, **payload["inputs"])
    book.do(ref, c.NoteChild(effect.id, child.ref))
    book.opened[effect.key] = child.ref
    return child


_PERFORM: Mapping[EffectKind, Callable[[Casebook, str, Effect], c.ReportEffect | None]] = {
    EffectKind.PUBLICATION: _publish,
    EffectKind.NOTIFICATION: _notify,
    EffectKind.ESCALATION: _notify,
    EffectKind.REMINDER: _notify,
    EffectKind.CALL: _call,
    EffectKind.CASE: _case,
}
