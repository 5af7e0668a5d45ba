"""Break-glass: one person releases content before its quorum is there; others ratify it later."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from smr_engine.engine import events as e
from smr_engine.engine import policy, wording, work
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item
from smr_engine.engine.statuses import ItemKind
from smr_engine.engine.steps import approvals, ratifying
from smr_engine.errors import Refusal
from smr_engine.playbook.model import ApprovalStep, BreakGlass


def release(run: Run, place: Place, item: Item, reason: str) -> None:
    """Let the holder of the role release an approval's present digest.

    Raises:
        Refusal: this approval knows no break-glass, the person may not, or gives no reason.
    """
    glass = cast(ApprovalStep, place.step).break_glass
    if glass is None or item.ratifies:
        message = f"{item.id} cannot be released before its approval: only the quorum decides"
        raise Refusal("no-break-glass", message, where=item.id)
    verdict = policy.may_break_glass(
        run.world, run.header, item, run.actor, run.now, role=glass.role
    )
    if not verdict.may:
        raise verdict.refusal("may-not-break-glass", item.id)
    if not reason.strip():
        raise Refusal("reason-missing", "say why", hint="--reason TEXT", where=item.id)
    me, digest = run.actor.id, item.bundle_digest
    run.emit(
        e.GlassBroken(
            scope=place.scope,
            path=place.path,
            item=item.id,
            person=me,
            digest=digest,
            role=glass.role,
            roles=verdict.roles,
            on_behalf_of=verdict.on_behalf_of,
            reason=reason,
        )
    )
    approvals.close(run, place, item, "approved", me)
    work.complete(run, place, "approved", {"digest": digest, "approved_by": [me]}, me)
    _ask_to_ratify(run, place, run.scope(place.scope).items[item.id], glass)
    approvals.go_on(run, place)


def _ask_to_ratify(run: Run, place: Place, item: Item, glass: BreakGlass) -> None:
    """Ask the quorum, less the holder and whom they act for, about exactly what was released."""
    broken = item.broken
    released_by = {broken.person, broken.on_behalf_of} - {""} if broken else set()
    barred = frozenset(item.excluded) | released_by
    lines = tuple(replace(line, due_at=None) for line in item.lines)
    possible, eligible = approvals.possible(run, lines, barred)
    if not possible.complete:
        reason = f"nobody can ratify it: {approvals.missing_words(run, possible)}"
        ratifying.mark(run, place, item.id, "unreachable", reason)
        return
    work.open_item(
        run,
        place,
        ItemKind.APPROVAL,
        eligible,
        schedule=ratifying.schedule_of(place, glass, lines),
        lines=lines,
        title=f"Ratify: {item.title}",
        message=wording.to_ratify(run, item),
        bundle=item.bundle,
        bundle_digest=item.bundle_digest,
        excluded=tuple(sorted(barred)),
        assurance=item.assurance,
        ratifies=item.id,
    )
