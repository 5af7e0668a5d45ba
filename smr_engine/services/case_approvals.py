"""The approvals of a case: who has approved, who is missing, and why the reader cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from smr_engine.engine import quorum
from smr_engine.engine.state import Case, Item
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.playbook.model import Playbook
from smr_engine.services.reading_verdicts import Reader, number_of


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a quorum, by the titles of its roles."""

    roles: str
    need: int
    have: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """What one person decided, by names; `acted_for` is whom they acted for."""

    person: str
    name: str
    acted_for: str
    roles: str
    decision: str
    at: datetime
    comment: str


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval as it stands; `why_not` is why the reader cannot decide on it."""

    item: str
    case: str
    title: str
    status: str
    outcome: str
    documents: tuple[str, ...]
    places: tuple[Place, ...]
    said: tuple[Said, ...]
    waiting_for: tuple[str, ...]
    due: datetime | None
    overdue: bool
    may: bool
    why_not: str


def approvals(case: Case, playbook: Playbook, reader: Reader) -> Iterator[Approval]:
    """Yield the approvals of a case, the newest first, without those that newer content voided."""
    found = [item for scope in case.scopes.values() for item in scope.items.values()]
    for item in sorted(found, key=lambda item: -number_of(item.id)):
        if item.kind is ItemKind.APPROVAL and item.status is not ItemStatus.SUPERSEDED:
            yield _approval(case, playbook, item, reader)


def roles_called(reader: Reader, roles: tuple[str, ...], last: str) -> str:
    """Return roles by their titles."""
    return last.join(map(reader.role, roles))


def _approval(case: Case, playbook: Playbook, item: Item, reader: Reader) -> Approval:
    verdict = reader.verdict(case.header, item, playbook)
    is_open = item.status is ItemStatus.OPEN
    filled = quorum.filled(item.lines, item.votes, reader.world)
    return Approval(
        item=item.id,
        case=case.header.ref,
        title=item.title,
        status=item.status.value,
        outcome=item.outcome.replace("_", " "),
        documents=tuple(_documents(item, playbook)),
        places=tuple(
            Place(roles_called(reader, line.roles, " or "), need, have, line.due_at or item.due_at)
            for line, need, have in zip(filled.lines, filled.need, filled.have, strict=True)
        ),
        said=tuple(
            Said(
                person=vote.person,
                name=reader.name(vote.person),
                acted_for=reader.name(vote.on_behalf_of) if vote.on_behalf_of else "",
                roles=roles_called(reader, vote.roles, ", "),
                decision=vote.decision.value,
                at=vote.at,
                comment=vote.comment,
            )
            for vote in item.votes
        ),
        waiting_for=tuple(reader.name(person) for person in reader.waiting_for(item)),
        due=item.due_at,
        overdue=is_open and item.due_at is not None and item.due_at < reader.now,
        may=verdict.may,
        why_not=verdict.why_not if is_open else "",
    )


def _documents(item: Item, playbook: Playbook) -> Iterator[str]:
    for entry in (item.bundle or {}).get("documents", ()):
        spec = playbook.documents.get(entry["document"])
        title = spec.title if spec and spec.title else entry["document"]
        yield f"{title}, version {entry['revision']}"
