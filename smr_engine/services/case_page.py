"""One case as its page shows it: where it stands, its steps, who was told, what may be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from smr_engine.engine import commands as c
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.errors import SmrError
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import Playbook, WaitStep
from smr_engine.services import case_sentence, versions
from smr_engine.services.access import Sight
from smr_engine.services.case_sentence import Sentence
from smr_engine.services.reading_asks import asks_of
from smr_engine.services.reading_cases import case_view
from smr_engine.services.reading_log import timeline
from smr_engine.services.sentences import Told, tell
from smr_engine.services.stored import ItemRow
from smr_engine.services.transact import Order, foresee
from smr_engine.services.views import CaseView, EventRow, StepRow
from smr_engine.services.workspace import Actor, Workspace

_WAITING = "waiting"


@dataclass(slots=True)
class Box:
    """A step, a branch, an element or a round, with what is inside it."""

    path: str
    title: str
    kind: str = ""  # of the step; empty for a branch, an element or a round
    status: str = _WAITING
    outcome: str = ""
    reason: str = ""
    round: int = 1
    inside: list[Box] = field(default_factory=list)

    @property
    def is_going(self) -> bool:
        """Return whether something in it is under way or has failed."""
        return self.status in {"active", "failed"} or any(box.is_going for box in self.inside)


@dataclass(frozen=True, slots=True)
class Answered:
    """How one who was told answered."""

    name: str
    at: datetime | None  # None: not yet


@dataclass(frozen=True, slots=True)
class Board:
    """Who was told something and has to say so, by the message."""

    title: str
    people: tuple[Answered, ...]

    @property
    def acknowledged(self) -> int:
        """Return how many have."""
        return sum(person.at is not None for person in self.people)


@dataclass(frozen=True, slots=True)
class Orders:
    """What the reader may order in this case."""

    note: bool
    cancel: bool
    levels: tuple[str, ...]  # of severity that it may be given
    clocks: tuple[str, ...]  # that may be said to be met
    signals: tuple[str, ...]  # that it waits for


@dataclass(frozen=True, slots=True)
class CasePage:
    """All that the page of a case shows.

    Args:
        view: the case.
        sentence: where it stands.
        boxes: its steps.
        history: in sentences, the newest first.
        boards: who was told, and who has said so.
        runs: flow runs by effect.
        orders: what the reader may do.
        names: of people by id.
    """

    view: CaseView
    sentence: Sentence
    boxes: list[Box]
    history: list[Told]
    boards: list[Board]
    runs: Mapping[str, str]
    orders: Orders
    names: Mapping[str, str]


def case_page(ws: Workspace, ref: str, actor: Actor) -> CasePage:
    """Return a case for its page.

    Args:
        ws: the workspace.
        ref: the case.
        actor: who reads, and might act.

    Raises:
        NotFound: `no-such-case`, also where the reader may not see it.
    """
    view = case_view(ws, ref, actor.id)
    events = timeline(ws, ref, actor.id)
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, actor.id)
        row = sight.case(ref)
        playbook = versions.pinned(ws, unit, row.digest)
        items = unit.queries.items(among=sight.family(ref))
        waits = [i for i in items if i.status is ItemStatus.OPEN and i.case == ref]
        said = case_sentence.sentence(row, playbook, waits, asks_of(unit, waits), sight.reader)
        name = sight.reader.name
        names = {person.id: person.name for person in sight.reader.world.people.values()}
    return CasePage(
        view=view,
        sentence=said,
        boxes=boxes_of(view.steps),
        history=list(tell(events, name))[::-1],
        boards=_boards(items, events, name),
        runs=_runs(events),
        orders=_orders(ws, view, playbook, actor),
        names=names,
    )


# --- boxes -------------------------------------------------------------------------------------


def boxes_of(rows: Iterable[StepRow]) -> list[Box]:
    """Return steps as boxes in boxes, in the order of the playbook. Pure."""
    root = Box("", "")
    known = {"": root}
    for row in rows:
        box = _box(known, row.path)
        box.title = row.title or _worded(row.path.rpartition("/")[2])
        box.kind, box.status, box.round = row.kind, row.status, row.round
        box.outcome, box.reason = row.outcome or "", row.reason
    return root.inside


def _box(known: dict[str, Box], path: str) -> Box:
    """Return the box at a path; what is around it is made where it has no row of its own."""
    if path not in known:
        around, _, name = path.rpartition("/")
        block = path[: path.rindex("[")] if name.endswith("]") else around
        made = known[path] = Box(path, _worded(name))
        _box(known, block).inside.append(made)
    return known[path]


def _worded(name: str) -> str:
    """Return a branch's name, or an element's number from 1, in words."""
    block, bracket, number = name.partition("[")
    if bracket:
        return f"Number {int(number[:-1]) + 1}"
    return block.replace("_", " ").capitalize()


# --- who was told ------------------------------------------------------------------------------


def _boards(
    items: Sequence[ItemRow], events: Iterable[EventRow], name: Callable[[str], str]
) -> list[Board]:
    answered = {e.data.get("item"): e.at for e in events if e.kind == "ItemCompleted"}
    found: dict[tuple[str, str, int], list[Answered]] = {}
    titles: dict[tuple[str, str, int], str] = {}
    for item in sorted(items, key=lambda i: i.opened_at):
        if item.kind is ItemKind.ACKNOWLEDGEMENT:
            key = (item.case, item.path, item.round)
            titles.setdefault(key, item.title)
            found.setdefault(key, []).append(Answered(name(item.subject), answered.get(item.id)))
    return [Board(titles[key], tuple(people)) for key, people in found.items()]


def _runs(events: Iterable[EventRow]) -> dict[str, str]:
    done = (e for e in events if e.kind.startswith("Effect") and e.data.get("effect"))
    runs = {e.data["effect"]: (e.data.get("result") or {}).get("flow_run") for e in done}
    return {effect: run for effect, run in runs.items() if run}


# --- what may be done --------------------------------------------------------------------------


def _orders(ws: Workspace, view: CaseView, playbook: Playbook, actor: Actor) -> Orders:
    """Return what would be accepted: tried on the case as it is, not kept."""

    def accepted(command: c.Command) -> bool:
        try:
            foresee(ws, Order(view.case, command, actor))
        except SmrError:
            return False
        return True

    levels = playbook.severity.levels if playbook.severity else ()
    running = [clock.clock for clock in view.clocks if clock.status == "running"]
    cancels = accepted(c.CancelCase("tried"))
    return Orders(
        note=accepted(c.WriteNote("tried")),
        cancel=cancels,
        levels=tuple(
            level
            for level in levels
            if level != view.severity and accepted(c.Rescore(level, "tried"))
        ),
        clocks=tuple(clock for clock in running if accepted(c.MeetClock(clock, ""))),
        signals=_signals(view, playbook) if cancels else (),
    )


def _signals(view: CaseView, playbook: Playbook) -> tuple[str, ...]:
    index = index_of(playbook)
    waiting = (row for row in view.steps if row.kind == "wait" and row.status == "active")
    steps = (index.of(row.path.rpartition("/")[2]).step for row in waiting)
    found = [step.signal for step in steps if isinstance(step, WaitStep) and step.signal]
    return tuple(dict.fromkeys(found))
