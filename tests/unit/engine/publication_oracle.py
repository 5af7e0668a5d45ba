"""A second opinion on every publication, from the events alone: was exactly this approved?

It shares no code with the engine: it replays who was asked about what, who decided, and what went
out, and asserts the promise of the house word for word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine.world import World
from smr_engine.playbook.model import Playbook, PublishStep, walk

WORST = "case.severity.rank == 1"
"""The only condition of a quorum line that this opinion knows; others are not looked at."""


class PublicationOracle:
    """Follows the events of one case."""

    def __init__(self, playbook: Playbook) -> None:
        self.requires = {s.id: s for s in walk(playbook.steps) if isinstance(s, PublishStep)}
        self.steps = {step.id: step for step in walk(playbook.steps)}
        self.severity: str | None = None
        self.glass = {s.id: getattr(s, "break_glass", None) for s in walk(playbook.steps)}
        self.broken: dict[str, e.GlassBroken] = {}
        self.world = World()
        self.now = datetime.min.replace(tzinfo=UTC)
        self.items: dict[str, e.ItemOpened] = {}
        self.over: set[str] = set()  # items closed without an answer
        self.votes: dict[str, list[e.DecisionRecorded]] = {}
        self.own: dict[tuple[str, str], set[str]] = {}  # roles of their own at their decision
        self.granted: dict[str, str] = {}  # path of the approval -> item
        self.authors: dict[tuple[str, str], list[tuple[str, str]]] = {}  # text -> author, digest
        self.owed: dict[str, e.EffectOwed] = {}
        self.begun = 0

    def follow(
        self, events: Iterable[tuple[e.Event, datetime, str]], worlds: Iterable[World]
    ) -> None:
        """Take events and the directory as of each; assert that what went out was approved."""
        for (event, self.now, _), self.world in zip(events, worlds, strict=True):
            handler = getattr(self, f"_{event.kind()}", None)
            if handler is not None:
                handler(event)

    def _ItemOpened(self, event: e.ItemOpened) -> None:
        self.items[event.item] = event
        if event.kind_of == "publish":
            self._goes_out(event.step, event.bundle["account"], event.bundle["text"], None)

    def _CaseOpened(self, event: e.CaseOpened) -> None:
        self.severity = event.severity

    def _SeverityChanged(self, event: e.SeverityChanged) -> None:
        self.severity = event.after

    def _ItemRescheduled(self, event: e.ItemRescheduled) -> None:
        asked = self.items[event.item]
        self.items[event.item] = replace(asked, lines=event.lines)

    def _ItemClosed(self, event: e.ItemClosed) -> None:
        self.over.add(event.item)

    def _DecisionRecorded(self, event: e.DecisionRecorded) -> None:
        asked = self.items[event.item]
        assert event.item not in self.over, "decided on what had expired or was withdrawn"
        assert event.digest == asked.bundle_digest
        assert event.person not in asked.excluded
        assert event.on_behalf_of not in asked.excluded
        self.votes.setdefault(event.item, []).append(event)
        self.own[event.item, event.person] = set(self.world.roles_of(event.person))

    def _GlassBroken(self, event: e.GlassBroken) -> None:
        asked = self.items[event.item]
        glass = self.glass[asked.step]
        assert glass is not None
        assert event.digest == asked.bundle_digest
        away = [h.person for h in self.world.acting_at(glass.role, self.now)]
        assert event.person in {*self.world.holders(glass.role), *away}
        for person in (event.person, event.on_behalf_of):
            assert person not in asked.excluded
        self._is_newest(asked, {event.person})
        self.broken[event.item] = event

    def _ItemCompleted(self, event: e.ItemCompleted) -> None:
        asked = self.items[event.item]
        if asked.kind_of != "approval" or event.outcome not in {"approved", "ratified"}:
            return
        if event.item not in self.broken:
            self._granted(asked, self.votes[event.item])
        if event.outcome == "approved":
            self.granted[asked.path] = event.item

    def _Ratified(self, event: e.Ratified) -> None:
        released, asked = self.broken[event.item], self.items[event.by_item]
        assert asked.bundle_digest == released.digest
        assert released.person not in {vote.person for vote in self.votes[event.by_item]}

    def _StepReopened(self, event: e.StepReopened) -> None:
        self.granted.pop(event.path, None)

    def _StepSkipped(self, event: e.StepSkipped) -> None:
        self.granted.pop(event.path, None)

    def _DocumentRevised(self, event: e.DocumentRevised) -> None:
        saved = self.authors.setdefault((event.scope, event.document), [])
        saved += [(person, event.digest) for person in (*event.authors, event.author)]

    def _EffectOwed(self, event: e.EffectOwed) -> None:
        if event.kind_of == "publication":
            self.owed[event.effect] = event

    def _PublicationStarted(self, event: e.PublicationStarted) -> None:
        owed = self.owed[event.effect]
        self.begun += 1
        self._goes_out(owed.step, owed.account, owed.payload["text"], owed.payload)

    def _granted(self, asked: e.ItemOpened, votes: list[e.DecisionRecorded]) -> None:
        yes = [v for v in votes if v.decision == "approve"]
        assert all(v.decision in {"approve", "recuse"} for v in votes)
        assert len({v.person for v in votes}) == len(votes), "somebody decided twice"
        assert self._is_filled(asked.lines, yes), "the quorum is not there"
        if not asked.ratifies:  # that is about what was released, whatever came after
            self._is_newest(asked, {v.person for v in yes})

    def _is_filled(self, lines: Iterable[Any], yes: list[e.DecisionRecorded]) -> bool:
        seats = [line for line in lines for _ in range(self._need(line))]
        return bool(seats) and any(
            all(set(line.roles) & set(v.roles) for line, v in zip(seats, order, strict=True))
            and len({self._heard(*pair) for pair in zip(seats, order, strict=True)}) == len(seats)
            for order in permutations(yes, len(seats))
        )

    def _is_newest(self, asked: e.ItemOpened, people: set[str]) -> None:
        for entry in asked.bundle["documents"]:
            saved = self.authors[entry["scope"], entry["document"]]
            assert saved[-1][1] == entry["digest"], "approved what is not the newest text"
            assert not people & {author for author, _ in saved}

    def _heard(self, line: Any, vote: e.DecisionRecorded) -> str:
        """Return who is heard on a seat: whoever votes, or the person they act for."""
        now = set(self.world.roles_of(vote.person))
        themselves = set(line.roles) & (self.own[vote.item, vote.person] | now)
        return vote.person if themselves else vote.on_behalf_of or vote.person

    def _need(self, line: Any) -> int:
        if line.need is not None:
            return int(line.need)
        return max(1, len({p for role in line.roles for p in self.world.holders(role)}))

    def _goes_out(self, step: str, account: str, text: str, payload: Any) -> None:
        publish = self.requires[step]
        assert publish.requires
        for approval in publish.requires:
            grants = [
                self.items[item]
                for path, item in self.granted.items()
                if path.rsplit("/", 1)[-1] == approval
            ]
            covering = [g for g in grants if self._covers(g, publish, account, text, payload)]
            assert covering, step
            assert any(map(self._is_enough_now, covering)), "the new quorum is not there"

    def _is_enough_now(self, asked: e.ItemOpened) -> bool:
        """Return whether who approved is who the present severity asks for."""
        lines = [
            line
            for line in self.steps[asked.step].quorum
            if line.when is None or (line.when.source == WORST and self.severity == "sev1")
        ]
        new = {(x.roles, x.need) for x in lines} - {(x.roles, x.need) for x in asked.lines}
        yes = [v for v in self.votes.get(asked.item, []) if v.decision == "approve"]
        return not new or asked.item in self.broken or self._is_filled(lines, yes)

    def _covers(
        self, asked: e.ItemOpened, publish: PublishStep, account: str, text: str, payload: Any
    ) -> bool:
        import hashlib

        digest = hashlib.sha256(text.encode()).hexdigest()
        about = [d for d in asked.bundle["documents"] if d["document"] == publish.document]
        places = [
            p
            for p in asked.bundle["publications"]
            if p["step"] == publish.id
            and account in p["accounts"]
            and (payload is None or p["to"] == payload["to"])
            and (not p.get("at") or datetime.fromisoformat(p["at"]) <= self.now)
        ]
        return bool(places) and all(d["digest"] == digest for d in about)
