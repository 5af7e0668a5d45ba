"""One life of the house after the other, each cut off at a boundary, and what must hold at the end."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from smr_engine.engine.state import Case
from smr_engine.engine.statuses import CaseStatus, EffectKind, EffectStatus
from smr_engine.services import auditing
from smr_engine.services.stored import EventFilter, StoredEvent
from smr_engine.services.workspace import Workspace
from tests.crash.sink import posts
from tests.crash.story import FINAL, Diary, People
from tests.support.crashing import NEVER, Fuse, in_child, rig
from tests.support.houses import SetClock, next_instant, work

Kill = int | str
"""A boundary to be killed at: its number or its name."""
PATIENCE = 400
"""A story of more turns than this goes round in circles."""
ASKED = ("ItemOpened", "EffectOwed", "EffectDone", "CaseHeld", "NoteWritten", "ItemCompleted")
"""What a person who is asked about an unknown outcome adds to the history."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a house fared: where it was killed, what was wrong at the end, what its log says."""

    killed_at: list[str]
    wrong: list[str]
    counts: dict[str, int] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rooms:
    """A house, its clock and the workspace that is open in it (without a connection)."""

    house: Path
    clock: SetClock
    ws: Workspace


def run(rooms: Rooms, kills: Sequence[Kill]) -> Told:
    """Let a house live: killed at each of these boundaries in turn, one life after the other.

    A boundary's number counts within its life. A life that is over before it comes to its boundary
    ends by itself, and is the last; so is one after all kills.
    """
    killed_at = []
    for blow_at in (*kills, NEVER):
        if not in_child(partial(_live, rooms, blow_at)).killed:
            break
        killed_at.append(_trace(rooms.house)[-1])
    found = in_child(partial(examine, rooms)).returned
    return Told(killed_at, found["wrong"], found["counts"], _trace(rooms.house))


def undisturbed(rooms: Rooms) -> Told:
    """Let a house live in this process, killed nowhere: what every other run must come to."""
    _live(rooms, NEVER)
    found = examine(rooms)
    return Told([], found["wrong"], found["counts"], _trace(rooms.house))


def _live(rooms: Rooms, blow_at: Kill) -> None:
    """One life: its people and a conductor work until nothing is left to do."""
    rooms.clock.read_on()
    fuse = Fuse(rooms.house / "trace", blow_at)
    play(rig(rooms.ws, fuse, rooms.house / "sent"), rooms.clock, rooms.house)
    rooms.ws.storage.close()


def play(ws: Workspace, clock: SetClock, house: Path) -> None:
    """Work, then let one person act, then work again; when all wait, let time pass."""
    people = People(ws, house)
    people.start()
    for _ in range(PATIENCE):
        work(ws, f"conductor-{os.getpid()}")
        if people.act():
            continue
        at = next_instant(ws)
        if at is None:
            return
        clock.move_to(at)
    raise AssertionError("the story does not end")


# --- what must hold ----------------------------------------------------------------------------


def examine(rooms: Rooms) -> dict[str, Any]:
    """Return what is wrong with a house whose story is over, and how often each thing happened."""
    house, ws = rooms.house, rooms.ws
    with ws.storage.reading() as unit:
        log = unit.events.select(EventFilter())
        refs = [row.ref for row in unit.queries.cases()]
        family = [unit.cases.load(ref, all_scopes=True) for ref in refs]
    view = auditing.verify(ws)
    ws.storage.close()
    wrong = [f"audit verify: {problem}" for problem in view.problems]
    wrong += [] if view.ok else ["the audit log does not verify"]
    wrong += _closed(family)
    wrong += _nothing_lost(house, log)
    wrong += _timers_once(log)
    wrong += _published_once(house, family, log)
    wrong += _everybody_told(house, family)
    counts = Counter(f"{event.case} {event.kind} {event.path}" for event in log)
    return {"wrong": wrong, "counts": dict(counts)}


def expected(undisturbed: dict[str, int], counts: dict[str, int]) -> dict[str, int]:
    """Return how often each thing must have happened.

    Nobody may have known an outcome, and a child may have ended before its parent had noted it:
    what these add to the history follows from how often they happened.
    """
    where = "POST-2026-0001 {} publish_statement".format
    wanted = Counter(undisturbed)
    unknown, resumed = counts.get(where("EffectUnknown"), 0), counts.get(where("EffectResumed"), 0)
    wanted[where("EffectUnknown")] += unknown
    wanted["POST-2026-0001 CaseReleased "] += unknown
    for kind in ASKED:
        wanted[where(kind)] += unknown
    wanted["BACK-2026-0001 EffectDeferred "] += counts.get("BACK-2026-0001 EffectDeferred ", 0)
    wanted[where("EffectResumed")] += resumed
    wanted[where("PublicationStarted")] += resumed
    return {what: times for what, times in wanted.items() if times}


def _closed(family: list[Case]) -> list[str]:
    ends = {case.header.ref: (case.header.status, case.header.outcome) for case in family}
    wanted = {
        "POST-2026-0001": (CaseStatus.COMPLETED, "answered"),
        "BACK-2026-0001": (CaseStatus.COMPLETED, "done"),
    }
    wrong = [] if ends == wanted else [f"the cases ended like this: {ends}"]
    effects = [f for case in family for scope in case.scopes.values() for f in scope.effects.values()]
    return wrong + [f"{f.id} is {f.status}" for f in effects if f.status is not EffectStatus.DONE]


def _nothing_lost(house: Path, log: Sequence[StoredEvent]) -> list[str]:
    """What somebody was told is done stands in the log, and nothing stands there twice."""
    facts = Counter((event.kind, event.actor, str(event.facts.get("item", ""))) for event in log)
    wrong = [
        f"{act} was acknowledged and is gone"
        for act in Diary(house / "diary").acts()
        if not facts[(act.kind, act.person, act.item)]
    ]
    once = {"DecisionRecorded", "ItemCompleted", "CaseOpened"}
    actors = {event.actor for event in log if event.kind == "DecisionRecorded"}
    wrong += [] if actors == {"lea", "carl"} else [f"decided by {actors}"]
    return wrong + [
        f"{what} {times} times"
        for what, times in facts.items()
        if what[0] in once and what[2] and times > 1
    ]


def _timers_once(log: Sequence[StoredEvent]) -> list[str]:
    fired = Counter(
        event.facts["timer"]
        for event in log
        if event.kind in {"TimerFired", "ItemReminded", "ItemEscalated"}
    )
    wrong = [f"the timer {timer} fired {times} times" for timer, times in fired.items() if times > 1]
    return wrong if len(fired) == 3 else [*wrong, f"{len(fired)} timers fired, not 3"]


def _published_once(house: Path, family: list[Case], log: Sequence[StoredEvent]) -> list[str]:
    """Once in effect wherever there is a key or a look-up; without either, never sent again."""
    keys = _publications(family)
    wrong = _pages(house, keys["newsroom"])
    for place, account in (("blog", "company-blog"), ("feed", "partner-feed"), ("board", "old-board")):
        taken = posts(house, place)
        fresh = [post for post in taken if not post.again]
        if len(fresh) != 1:
            wrong.append(f"{account} has {len(fresh)} posts")
        wrong += [f"{account} got {post}" for post in taken if post.body["text"] != FINAL]
        wrong += [f"{account} got another key: {post}" for post in taken if post.key != keys[account]]
    asked = Counter(event.kind for event in log if event.path == "publish_statement")
    if asked["EffectUnknown"] != asked["CaseHeld"]:
        wrong.append("an unknown outcome without a repair item")
    return wrong


def _publications(family: list[Case]) -> dict[str, str]:
    """Return the keys of all publications by account."""
    effects = [f for case in family for scope in case.scopes.values() for f in scope.effects.values()]
    return {f.account: f.key for f in effects if f.kind is EffectKind.PUBLICATION}


def _pages(house: Path, key: str) -> list[str]:
    """The newsroom has one page, whole, under the key and with exactly the approved words."""
    pages = [path for path in (house / "newsroom").rglob("*") if path.is_file()]
    if len(pages) != 1:
        return [f"the newsroom has {len(pages)} files"]
    _, front, text = pages[0].read_text(encoding="utf-8").split("---\n", 2)
    said = yaml.safe_load(front)
    digest = hashlib.sha256(FINAL.encode()).hexdigest()
    right = said["key"] == key and said["digest"] == f"sha256:{digest}" and text == f"\n{FINAL}"
    return [] if right else [f"the newsroom has {front}{text}"]


def _everybody_told(house: Path, family: list[Case]) -> list[str]:
    """Each message went out at least once, every time under its own key with the same words."""
    sent = [json.loads(line) for line in (house / "sent").read_text("utf-8").splitlines()]
    texts = Counter((line["key"], line["to"], line["text"]) for line in sent)
    by_key = Counter(key for key, _, _ in texts)
    wrong = [f"{key} was used for {n} messages" for key, n in by_key.items() if n > 1]
    owed = {
        f"{effect.key}-{person}"
        for case in family
        for scope in case.scopes.values()
        for effect in scope.effects.values()
        if effect.kind is EffectKind.NOTIFICATION
        for person in (effect.result or {}).get("told", [])
    }
    if owed != set(by_key):
        wrong.append(f"told and sent differ by {sorted(owed ^ set(by_key))}")
    letters = len(list((house / "outbox").glob("*.eml")))
    return wrong if letters == len(owed) else [*wrong, f"{letters} letters for {len(owed)} messages"]


def _trace(house: Path) -> list[str]:
    return (house / "trace").read_text(encoding="utf-8").splitlines()
