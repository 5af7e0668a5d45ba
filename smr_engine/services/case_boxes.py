"""The steps of a case as boxes in boxes, in the order of its playbook. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smr_engine.engine.state import Case
from smr_engine.engine.statuses import ScopeKind
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import Branch, ParallelStep, Playbook
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
    item: str = ""  # the open item in which people answer it
    inside: list[Box] = field(default_factory=list)

    @property
    def is_going(self) -> bool:
        """Return whether something in it is under way or has failed."""
        return self.status in {"active", "failed"} or any(box.is_going for box in self.inside)


def boxes_of(
    rows: Iterable[StepRow], names: Mapping[str, str] = {}, items: Mapping[str, str] = {}
) -> list[Box]:
    """Return steps as boxes in boxes, in the order of the playbook.

    Args:
        rows: the steps, what is around them before them.
        names: what branches and elements are called, by path.
        items: the open item of a step, by path.
    """
    root = Box("", "")
    known = {"": root}
    for row in rows:
        box = _box(known, row.path, names)
        box.title = row.title or _worded(row.path.rpartition("/")[2])
        box.kind, box.status, box.round = row.kind, row.status, row.round
        box.outcome, box.reason = row.outcome or "", row.reason
        box.item = items.get(row.path, "")
    return root.inside


def names_in(case: Case, playbook: Playbook, rows: Iterable[StepRow]) -> dict[str, str]:
    """Return what the branches and elements of a case are called, by path."""
    found = {
        f"{row.path}/{branch.id}": branch.title
        for row in rows
        for branch in _branches(playbook, row)
        if branch.title
    }
    for path, scope in case.scopes.items():
        if scope.kind is ScopeKind.ELEMENT and (name := element_name(scope.local.get("value"))):
            found[path] = name
    return found


def _branches(playbook: Playbook, row: StepRow) -> tuple[Branch, ...]:
    step = index_of(playbook).of(row.path.rpartition("/")[2]).step
    return step.branches if isinstance(step, ParallelStep) else ()


def element_name(value: Any) -> str:
    """Return what an element is called, if it says so itself."""
    if isinstance(value, Mapping):
        return next((str(value[key]) for key in ("name", "title", "id") if value.get(key)), "")
    return value if isinstance(value, str) else ""


def _box(known: dict[str, Box], path: str, names: Mapping[str, str]) -> Box:
    """Return the box at a path; what is around it is made where it has no row of its own."""
    if path not in known:
        around, _, name = path.rpartition("/")
        block = path[: path.rindex("[")] if name.endswith("]") else around
        made = known[path] = Box(path, names.get(path) or _worded(name))
        _box(known, block, names).inside.append(made)
    return known[path]


def _worded(name: str) -> str:
    """Return a branch's name, or an element's number from 1, in words."""
    block, bracket, number = name.partition("[")
    if bracket:
        return f"Number {int(number[:-1]) + 1}"
    return block.replace("_", " ").capitalize()
