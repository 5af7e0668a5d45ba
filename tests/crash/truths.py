"""What must hold when the stories of a house are over, however often its processes were killed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from smr_engine.engine.state import Case, Effect
from smr_engine.engine.statuses import (
    MESSAGES,
    TOLD_TOGETHER,
    CaseStatus,
    EffectKind,
    EffectStatus,
)
from smr_engine.services import auditing
from smr_engine.services.reminders import key_of
from smr_engine.services.stored import EventFilter, StoredEvent
from smr_engine.services.workspace import Workspace
from tests.crash.sink import posts
from tests.crash.story import FINAL, PLACES, Diary

TIMERS = 3
"""A wait, a reminder and an escalation fire in each story."""
FIRED = {"TimerFired", "ItemReminded", "ItemEscalated"}
ONCE = {"DecisionRecorded", "ItemCompleted"}


@dataclass(frozen=True, slots=True)
class End:
    """A house at the end: its folder, every case whole, and the log."""

    house: Path
    cases: list[Case]
    log: Sequence[StoredEvent]

    def effects(self, kind: EffectKind) -> list[Effect]:
        """Return all effects of a kind."""
        found = (f for c in self.cases for s in c.scopes.values() for f in s.effects.values())
        return [effect for effect in found if effect.kind is kind]


def end_of(ws: Workspace, house: Path) -> End:
    """Read a house as it is now."""
    with ws.storage.reading() as unit:
        log = unit.events.select(EventFilter())
        refs = sorted(row.ref for row in unit.queries.cases())
        return End(house, [unit.cases.load(ref, all_scopes=True) for ref in refs], log)


def wrong_with(ws: Workspace, end: End, stories: int) -> list[str]:
    """Return everything that is wrong with the end of so many stories; empty is right."""
    view = auditing.verify(ws)
    found = [f"audit verify: {problem}" for problem in view.problems]
    found += [] if view.ok else ["the audit log does not verify"]
    for truth in (_all_closed, _nothing_lost, _timers_fired_once, _published_once, _all_told):
        found += truth(end)
    answers = sum(case.header.playbook == "takeover-answer" for case in end.cases)
    return found if answers == stories else [*found, f"{answers} cases were opened"]


def _all_closed(end: End) -> Iterator[str]:
    """Every case and its child reached the end; nothing is owed any more."""
    headers = [case.header for case in end.cases]
    ends = Counter((header.playbook, header.status, header.outcome) for header in headers)
    one_each = len(end.cases) // 2
    wanted = {
        ("takeover-answer", CaseStatus.COMPLETED, "answered"): one_each,
        ("look-back", CaseStatus.COMPLETED, "done"): one_each,
    }
    if ends != wanted:
        yield f"the cases ended like this: {dict(ends)}"
    for kind in EffectKind:
        for effect in end.effects(kind):
            if effect.status is not EffectStatus.DONE:
                yield f"{effect.id} ({effect.name}) is {effect.status}"


def _nothing_lost(end: End) -> Iterator[str]:
    """What somebody was told is done stands in the log, and nothing stands there twice."""
    facts = Counter((e.kind, e.actor, str(e.facts.get("item", ""))) for e in end.log)
    for act in Diary(end.house / "diary").acts():
        if not facts[act.kind, act.person, act.item]:
            yield f"{act} was acknowledged and is gone"
    for (kind, who, item), times in facts.items():
        if kind in ONCE and times > 1:
            yield f"{kind} by {who} for {item}: {times} times"
    deciders = {event.actor for event in end.log if event.kind == "DecisionRecorded"}
    if deciders != {"lea", "carl"}:
        yield f"decided by {deciders}"


def _timers_fired_once(end: End) -> Iterator[str]:
    fired = Counter(event.facts["timer"] for event in end.log if event.kind in FIRED)
    for timer, times in fired.items():
        if times > 1:
            yield f"the timer {timer} fired {times} times"
    if len(fired) != TIMERS * len(end.cases) // 2:
        yield f"{len(fired)} timers fired"


def _published_once(end: End) -> Iterator[str]:
    """Once in effect, word for word, at every place; without key and look-up never sent again."""
    pages = dict(_pages(end.house))
    for effect in end.effects(EffectKind.PUBLICATION):
        if effect.account == "newsroom":
            if pages.pop(effect.key, None) != FINAL:
                yield f"the newsroom has no right page for {effect.key}"
            continue
        taken = [p for p in posts(end.house, PLACES[effect.account]) if p.key == effect.key]
        fresh = [post for post in taken if not post.again]
        if len(fresh) != 1:
            yield f"{effect.account} has {len(fresh)} posts of {effect.key}"
        if any(post.body["text"] != FINAL for post in taken):
            yield f"{effect.account} has other words under {effect.key}"
    if pages:
        yield f"the newsroom has pages that nobody owes: {sorted(pages)}"
    kinds = Counter(event.kind for event in end.log if event.path == "publish_statement")
    if kinds["EffectUnknown"] != kinds["CaseHeld"]:
        yield "an outcome is unknown and nobody was asked"


def _pages(house: Path) -> Iterator[tuple[str, str]]:
    """Yield key and text of every page; a page that says another digest counts as wrong."""
    digest = hashlib.sha256(FINAL.encode()).hexdigest()
    for path in sorted(path for path in (house / "newsroom").rglob("*") if path.is_file()):
        _, front, text = path.read_text(encoding="utf-8").split("---\n", 2)
        said = yaml.safe_load(front)
        right = said["digest"] == f"sha256:{digest}"
        yield said["key"], text.removeprefix("\n") if right else f"of digest {said['digest']}"


def _all_told(end: End) -> Iterator[str]:
    """Each message went out at least once, every time under its own key with the same words.

    What was told before a kill may be settled afterwards, or be told again together with others.
    """
    owed, perhaps = set(_keys(end)), set(_perhaps(end))
    letters = len(list((end.house / "outbox").glob("*.eml")))
    if not len(owed) <= letters <= len(owed | perhaps):
        yield f"{letters} letters for {len(owed)} messages"
    sent = end.house / "sent"
    if sent.is_file():
        lines = {tuple(json.loads(line)) for line in sent.read_text("utf-8").splitlines()}
        keys = Counter(key for key, _, _ in lines)
        yield from (f"{key} was used for {n} messages" for key, n in keys.items() if n > 1)
        if owed - set(keys) or set(keys) - owed - perhaps:
            yield f"told and sent differ by {sorted(owed ^ set(keys))}"


def _keys(end: End) -> Iterator[str]:
    """Yield the keys under which messages went out, those of several reminders once."""
    for effect in end.effects(EffectKind.NOTIFICATION):
        for person in (effect.result or {}).get("told", []):
            yield f"{effect.key}-{person}"
    together = {f.id: f for kind in sorted(TOLD_TOGETHER) for f in end.effects(kind)}
    for effect in together.values():
        result = effect.result or {}
        told = [effect.key, *(together[i].key for i in result.get("together_with", []))]
        yield from (key_of(told, person) for person in result.get("told", []))


def _perhaps(end: End) -> Iterator[str]:
    """Yield the keys under which a message may have gone out before its performer was killed."""
    for kind in sorted(MESSAGES):
        for effect in end.effects(kind):
            result = effect.result or {}
            alone = result.get("told", []) if result.get("together_with") else []
            for person in (*result.get("settled", []), *alone):
                yield f"{effect.key}-{person}"
