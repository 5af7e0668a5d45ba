"""Which steps of a playbook are bound to a document or to an approval."""

from __future__ import annotations

from functools import lru_cache

from smr_engine.playbook.index import PlaybookIndex
from smr_engine.playbook.model import ApprovalStep, DraftStep, PublishStep


@lru_cache(maxsize=4096)
def drafts_of(index: PlaybookIndex, document: str) -> tuple[str, ...]:
    """Return the steps that draft a document."""
    steps = (position.step for position in index.by_id.values())
    return tuple(s.id for s in steps if isinstance(s, DraftStep) and s.document == document)


@lru_cache(maxsize=4096)
def approvals_of(index: PlaybookIndex, document: str) -> tuple[str, ...]:
    """Return the approval steps about a document."""
    steps = (position.step for position in index.by_id.values())
    return tuple(s.id for s in steps if isinstance(s, ApprovalStep) and document in s.documents)


@lru_cache(maxsize=4096)
def publications_of(index: PlaybookIndex, approval: str) -> tuple[str, ...]:
    """Return the publish steps that require an approval."""
    steps = (position.step for position in index.by_id.values())
    return tuple(s.id for s in steps if isinstance(s, PublishStep) and approval in s.requires)
