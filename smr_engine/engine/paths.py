"""Paths of steps and scopes (1-architecture.md section 3).

A path is the ids of the enclosing blocks and branches, `[n]` marking elements and rounds. Sections
and switches leave a segment but open no scope: their steps belong to the scope around them.
"""

from __future__ import annotations

from functools import lru_cache

from smr_engine.playbook.index import PlaybookIndex, Scope
from smr_engine.playbook.model import ForeachStep, ParallelStep, RepeatStep


@lru_cache(maxsize=8192)
def scope_chain(index: PlaybookIndex, scope: str) -> tuple[str, ...]:
    """Return the paths of a scope and of those around it, innermost first, the root last."""
    chain = [""]
    segments = scope.split("/") if scope else []
    before = None
    for number, segment in enumerate(segments):
        branch = isinstance(before, ParallelStep)
        if branch or segment.endswith("]"):
            chain.append("/".join(segments[: number + 1]))
        known = None if branch else index.by_id.get(segment.split("[")[0])
        before = known.step if known else None
    return tuple(reversed(chain))


@lru_cache(maxsize=8192)
def inner_path(index: PlaybookIndex, step_id: str) -> str:
    """Return the path of a step within its own scope: sections and switches around it, then it."""
    inner: list[str] = []
    for block, _ in index.of(step_id).parents:
        if isinstance(block, ParallelStep | ForeachStep | RepeatStep):
            inner.clear()
        else:
            inner.append(block.id)
    return "/".join([*inner, step_id])


def opened_by(path: str, scope: Scope) -> bool:
    """Return whether a path is one of a block's scopes: its branch, an element or a round."""
    last = path.rsplit("/", 1)
    if scope.branch:
        return last[-1] == scope.branch and last[0].rsplit("/", 1)[-1] == scope.block
    return last[-1].split("[")[0] == scope.block
