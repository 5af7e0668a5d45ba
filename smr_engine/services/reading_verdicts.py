"""What a reader may do with an item, and the item as a row of a list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from smr_engine.engine import policy
from smr_engine.engine.commands import ASSURANCES, Actor
from smr_engine.engine.policy import Verdict
from smr_engine.engine.state import CaseHeader, Item
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.engine.world import World
from smr_engine.errors import NotFound
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import ApprovalStep, Playbook
from smr_engine.services.views import ItemRow

NOBODY = policy.no("nobody is named who would act")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads (None: nobody in particular), in which directory, at what instant, proven how."""

    person: str | None
    world: World
    now: datetime
    assurance: str = ASSURANCES[0]

    def __post_init__(self) -> None:
        """Refuse strangers.

        Raises:
            NotFound: `unknown-person`.
        """
        if self.person is not None and self.person not in self.world.people:
            raise NotFound(
                "unknown-person", f"'{self.person}' is not in the directory", hint="see: smr people"
            )

    @property
    def actor(self) -> Actor:
        """Return the reader as somebody who acts; only with a person."""
        return Actor(self.person or "", self.assurance)

    @property
    def zone(self) -> tzinfo:
        """Return the zone in which the reader reads times: their own, else UTC."""
        known = self.world.people.get(self.person or "")
        return ZoneInfo(known.timezone) if known else UTC

    def name(self, person: str) -> str:
        """Return what a person is called; an id that the directory does not know as it is."""
        return policy.name_of(self.world, person)

    def role(self, role: str) -> str:
        """Return the title of a role; one that the directory does not know as it is."""
        return policy.title_of(self.world, role)

    def verdict(self, header: CaseHeader, item: Item, playbook: Playbook | None) -> Verdict:
        """Return whether the reader may act on an item.

        Args:
            header: of its case.
            item: the item.
            playbook: of its case; asked for repair items only, which its owner may answer too.
        """
        if self.person is None:
            return NOBODY
        if item.kind is ItemKind.APPROVAL:
            return policy.may_decide(self.world, header, item, self.actor, self.now)
        verdict = policy.may_act(self.world, header, item, self.actor, self.now)
        is_repair = item.kind is ItemKind.REPAIR and item.status is ItemStatus.OPEN
        if verdict.may or not is_repair or playbook is None:
            return verdict
        owns = policy.owns(self.world, playbook, self.person, self.now)
        return owns if owns.may else verdict

    def sees(self, item: Item, verdict: Verdict, playbook: Playbook | None) -> bool:
        """Return whether the reader may know of an item: of restricted cases, few may."""
        if self.person is None or verdict.may or self.person in asked(item):
            return True
        if playbook is None:
            return False
        if policy.may_see(self.world, playbook, self.person, self.now).may:
            return True
        return self._may_release(item, playbook)

    def _may_release(self, item: Item, playbook: Playbook) -> bool:
        """Return whether the playbook trusts the reader to release an approval's content."""
        if self.person is None or item.kind is not ItemKind.APPROVAL:
            return False
        step = index_of(playbook).of(item.step).step
        glass = step.break_glass if isinstance(step, ApprovalStep) else None
        acting = policy.acting_roles(self.world, self.person, self.now)
        return glass is not None and glass.role in acting

    def waiting_for(self, item: Item) -> tuple[str, ...]:
        """Return whom an item waits for now; nobody once it is closed."""
        if item.status is not ItemStatus.OPEN:
            return ()
        return policy.awaited(self.world, item, asked(item), self.now)

    def row(self, case: str, item: Item, verdict: Verdict) -> ItemRow:
        """Return an item as a list shows it to the reader."""
        return ItemRow(
            item=item.id,
            case=case,
            step=item.step,
            kind=item.kind.value,
            title=item.title,
            due=item.due_at,
            overdue=is_overdue(item, self.now),
            may=verdict.may,
            why_not=verdict.why_not,
            status=item.status.value,
            waiting_for=list(self.waiting_for(item)),
            path=item.path,
            expires=item.expires_at,
            opened=item.opened_at,
        )


def asked(item: Item) -> tuple[str, ...]:
    """Return everybody who was asked to act on an item, each once."""
    return tuple(dict.fromkeys((*item.offered, *item.escalated)))


def voters(item: Item) -> Collection[str]:
    """Return who has decided on an approval."""
    return {vote.person for vote in item.votes}


def is_overdue(item: Item, now: datetime) -> bool:
    """Return whether an open item is past its due time."""
    return item.status is ItemStatus.OPEN and item.due_at is not None and item.due_at < now


def number_of(name: str) -> int:
    """Return the number of an item, effect or timer within its case: 12 of CRISIS-2026-0007.12."""
    return int(name.rpartition(".")[2])
