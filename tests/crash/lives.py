"""One life of a house after the other, each but the last cut off at a boundary."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from smr_engine.services.workspace import Workspace
from tests.crash.sink import posts
from tests.crash.story import PLACES, People
from tests.crash.truths import end_of, wrong_with
from tests.support.crashing import NEVER, Fuse, in_child, rig
from tests.support.houses import SetClock, next_instant, work

Kill = int | str
"""A boundary to be killed at: its number or its name."""
PATIENCE = 400
"""A story of more turns than this goes round in circles."""
REPAIRED = ("ItemOpened", "EffectOwed", "EffectDone", "CaseHeld", "NoteWritten", "ItemCompleted")
"""What asking a person about an unknown outcome adds to the history."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """A house, its clock and the workspace that is open in it (without a connection)."""

    house: Path
    clock: SetClock
    ws: Workspace


@dataclass(frozen=True, slots=True)
class Told:
    """How a house fared.

    `killed_at` are the boundaries it was killed at, `wrong` is what was wrong at the end, `counts`
    says how often each thing stands in the log, `requests` how many each place got, `trace` which
    boundaries were reached in all lives together.
    """

    killed_at: list[str]
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)


def run(rooms: Rooms, kills: Sequence[Kill]) -> Told:
    """Let a house live: killed at each of these boundaries in turn, one life after the other.

    A boundary's number counts within its life. A life that is over before it comes to its boundary
    ends by itself, and is the last; so is one after all kills.
    """
    killed_at = []
    for blow_at in (*kills, NEVER):
        if not in_child(partial(_live, rooms, blow_at)).killed:
            break
        killed_at.append(_trace(rooms)[-1])
    return Told(killed_at, **in_child(partial(_examine, rooms)).returned, trace=_trace(rooms))


def undisturbed(rooms: Rooms) -> Told:
    """Let a house live in this process, killed nowhere: what every other run must come to."""
    _live(rooms, NEVER)
    return Told([], **_examine(rooms), trace=_trace(rooms))


def expected(calm: dict[str, int], counts: dict[str, int]) -> dict[str, int]:
    """Return how often each thing must stand in the log, `calm` being what an undisturbed run has.

    Nobody may have known an outcome: what that adds to the history follows from how often it
    happened.
    """
    where = "POST-2026-0001 {} publish_statement".format
    wanted = Counter(calm)
    unknown, resumed = counts.get(where("EffectUnknown"), 0), counts.get(where("EffectResumed"), 0)
    wanted[where("EffectUnknown")] += unknown
    wanted["POST-2026-0001 CaseReleased "] += unknown
    for kind in REPAIRED:
        wanted[where(kind)] += unknown
    wanted[where("EffectResumed")] += resumed
    wanted[where("PublicationStarted")] += resumed
    return {what: times for what, times in wanted.items() if times}


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


def _live(rooms: Rooms, blow_at: Kill) -> None:
    """One life: its people and a conductor work until nothing is left to do."""
    rooms.clock.read_on()
    fuse = Fuse(rooms.house / "trace", blow_at)
    play(rig(rooms.ws, fuse, rooms.house / "sent"), rooms.clock, rooms.house)
    rooms.ws.storage.close()


def _examine(rooms: Rooms) -> dict[str, Any]:
    end = end_of(rooms.ws, rooms.house)
    wrong = wrong_with(rooms.ws, end, stories=1)
    rooms.ws.storage.close()
    counts = Counter(f"{event.case} {event.kind} {event.path}" for event in end.log)
    requests = {account: len(posts(rooms.house, place)) for account, place in PLACES.items()}
    return {"wrong": wrong, "counts": dict(counts), "requests": requests}


def _trace(rooms: Rooms) -> list[str]:
    return (rooms.house / "trace").read_text(encoding="utf-8").splitlines()
