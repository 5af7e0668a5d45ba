"""Where every step of a playbook stands: its list, its parents, the scopes it runs in.

Built once per playbook; the engine, the checks and the diagram ask it instead of searching.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

from smr_engine.playbook.model import (
    DraftStep,
    ForeachStep,
    ParallelStep,
    Playbook,
    RepeatStep,
    SectionStep,
    Step,
    SwitchStep,
)

BRANCH = "branch"
ELEMENT = "element"
ROUND = "round"

Parents = tuple[tuple[Step, str], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope below the case: `block` opens it; `branch` is the branch id, else empty."""

    block: str
    kind: str  # BRANCH, ELEMENT or ROUND
    branch: str = ""


@dataclass(frozen=True)
class Position:
    """Where one step stands.

    Args:
        step: the step itself.
        siblings: the whole list it runs in; `siblings[at]` is the step.
        at: its place in that list, from 0.
        parents: enclosing block steps, outermost first, each with the branch id or option name
            it was entered by ("" for section, foreach and repeat).
    """

    step: Step
    siblings: tuple[Step, ...]
    at: int
    parents: Parents

    @cached_property
    def parent(self) -> Step | None:
        """The innermost enclosing block, None at the top level."""
        return self.parents[-1][0] if self.parents else None

    @cached_property
    def ancestors(self) -> tuple[str, ...]:
        """Ids of enclosing blocks and branches, outermost first (options have no id)."""
        names: list[str] = []
        for block, entry in self.parents:
            names.append(block.id)
            if isinstance(block, ParallelStep):
                names.append(entry)
        return tuple(names)

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes around the step, outermost first; empty for the scope of the case."""
        return tuple(scope for scope in map(_scope, self.parents) if scope is not None)

    @cached_property
    def document_home(self) -> str | None:
        """Id of the innermost foreach or repeat around the step; None is the case itself.

        Documents live there: never in a branch or an option.
        """
        homes = [scope.block for scope in self.scopes if scope.kind != BRANCH]
        return homes[-1] if homes else None

    def encloses(self, other: Position) -> bool:
        """Say whether this step is a block around the other one."""
        return any(block.id == self.step.id for block, _ in other.parents)


@dataclass(frozen=True, slots=True, eq=False)
class PlaybookIndex:
    """All steps of one playbook by id, in the order of the file.

    Args:
        by_id: position of every step; of two steps with one id (an error that the check reports)
            the first counts.
        documents_drafted_in: for every document that a step drafts, the id of the foreach or
            repeat it lives in, None for the case; documents that nobody drafts are not in it.
    """

    by_id: Mapping[str, Position]
    documents_drafted_in: Mapping[str, str | None]

    def of(self, step_id: str) -> Position:
        """Return the position of a step.

        Raises:
            KeyError: the playbook has no such step.
        """
        return self.by_id[step_id]


def positions(steps: tuple[Step, ...], parents: Parents = ()) -> Iterator[Position]:
    """Yield the position of every step below a list, outer before inner, in file order."""
    for at, step in enumerate(steps):
        yield Position(step, steps, at, parents)
        for entry, inner in entries(step):
            yield from positions(inner, (*parents, (step, entry)))


def entries(step: Step) -> tuple[tuple[str, tuple[Step, ...]], ...]:
    """Return the lists directly inside a step, each with the name it is entered by."""
    if isinstance(step, SwitchStep):
        return tuple((option.name, option.steps) for option in step.options)
    if isinstance(step, ParallelStep):
        return tuple((branch.id, branch.steps) for branch in step.branches)
    if isinstance(step, SectionStep | ForeachStep | RepeatStep):
        return (("", step.steps),)
    return ()


def index_of(playbook: Playbook) -> PlaybookIndex:
    """Return the index of a playbook; the same object again for the same playbook object."""
    return _build(_Same(playbook))


class _Same:
    """A cache key that is one playbook object (playbooks hold mappings and cannot be hashed)."""

    __slots__ = ("playbook",)

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook

    def __hash__(self) -> int:
        return id(self.playbook)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.playbook is self.playbook


@lru_cache(maxsize=256)
def _build(key: _Same) -> PlaybookIndex:
    by_id: dict[str, Position] = {}
    documents: dict[str, str | None] = {}
    for position in positions(key.playbook.steps):
        by_id.setdefault(position.step.id, position)
        if isinstance(position.step, DraftStep):
            documents.setdefault(position.step.document, position.document_home)
    return PlaybookIndex(MappingProxyType(by_id), MappingProxyType(documents))


def _scope(parent: tuple[Step, str]) -> Scope | None:
    block, entry = parent
    if isinstance(block, ParallelStep):
        return Scope(block.id, BRANCH, entry)
    if isinstance(block, ForeachStep):
        return Scope(block.id, ELEMENT)
    if isinstance(block, RepeatStep):
        return Scope(block.id, ROUND)
    return None
