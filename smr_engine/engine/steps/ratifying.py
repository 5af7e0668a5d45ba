"""Ratification: what becomes of content that was released before its quorum was there."""

from __future__ import annotations

from collections.abc import Iterable

from smr_engine.engine import events as e
from smr_engine.engine import timing, who, wording, work
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Line
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.playbook.model import BreakGlass

RATIFIED, UNRATIFIED = "ratified", "unratified"


def schedule_of(place: Place, glass: BreakGlass, lines: Iterable[Line]) -> timing.Schedule:
    """Return the times of a ratification: due and over when the playbook says, for every line."""
    step = place.step
    within = glass.ratify_within
    names = tuple((timing.line_name(line.roles), None) for line in lines)
    return timing.Schedule(within, step.remind, step.escalate, within, names)


def ratified(run: Run, place: Place, item: Item) -> None:
    """Take it that the quorum has approved the release after all."""
    _complete(run, place, item, RATIFIED)
    run.emit(e.Ratified(scope=place.scope, path=place.path, item=item.ratifies, by_item=item.id))


def unratified(run: Run, place: Place, item: Item, why: str, reason: str) -> None:
    """Mark a release as unratified and let the owner settle that; nothing is retracted by itself.

    Args:
        run: the command under way.
        place: the approval.
        item: the ratification: open, or expired already.
        why: late, refused or unreachable.
        reason: the same for people.
    """
    if item.status is ItemStatus.OPEN:
        _complete(run, place, item, UNRATIFIED)
    mark(run, place, item.ratifies, why, reason)


def mark(run: Run, place: Place, released: str, why: str, reason: str) -> None:
    """Mark a release as unratified; its owner gets an item that does not hold the case."""
    run.emit(
        e.Unratified(scope=place.scope, path=place.path, item=released, why=why, reason=reason)
    )
    title = run.scope(place.scope).items[released].title
    work.open_item(
        run,
        place,
        ItemKind.REPAIR,
        who.owners(run),
        title=f"Unratified: {title}",
        message=wording.unratified(reason),
        ratifies=released,
    )


def _complete(run: Run, place: Place, item: Item, outcome: str) -> None:
    by = run.actor.id if run.actor.is_person else ""
    run.emit(
        e.ItemCompleted(scope=place.scope, path=place.path, item=item.id, outcome=outcome, by=by)
    )
