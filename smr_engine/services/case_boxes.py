"""The steps of a case as boxes in boxes, in the order of its playbook. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from smr_engine.services.views import StepRow

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
