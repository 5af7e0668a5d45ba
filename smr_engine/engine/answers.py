"""What people say to items: completing, revising, deciding, handing over, repairing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from smr_engine.engine import (
    closing,
    flow,
    outcomes,
    policy,
    who,
    wording,
    work,
)
from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.environment import instant
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Effect, Item
from smr_engine.engine.statuses import CLOSED_CASES, EffectStatus, ItemKind, ItemStatus, StepStatus
from smr_engine.engine.steps import approvals, asking_again, people, publishing, telling
from smr_engine.engine.steps import break_glass as glass
from smr_engine.errors import NotFound, Refusal
from smr_engine.playbook.model import DraftStep, PublishStep

MAX_TEXT_BYTES = 256 * 1024
_FORMS: Mapping[ItemKind, Callable[[Run, Place, Item, Mapping[str, Any]], None]] = {
    ItemKind.TASK: people.complete_task,
    ItemKind.DECISION: people.complete_decision,
    ItemKind.PUBLISH: publishing.complete_manual,
}


def complete_item(run: Run, command: c.CompleteItem) -> None:
    """Complete a task, a decision, a manual publication or an acknowledgement."""
    place, item = located(run, command.item)
    allow(run, item)
    run.after = place.step.id
    if item.kind is ItemKind.ACKNOWLEDGEMENT:
        telling.acknowledge(run, place, item)
        return
    answer = _FORMS.get(item.kind)
    if answer is None:
        raise Refusal("wrong-command", _INSTEAD[item.kind].format(item=item.id), where=item.id)
    answer(run, place, item, command.values)


_INSTEAD = {
    ItemKind.DRAFT: "a draft is saved with: smr revise {item} --file FILE --done",
    ItemKind.APPROVAL: "an approval is decided with: smr approve {item}",
    ItemKind.REPAIR: "a repair item is answered with: smr repair {item} --retry|--skip --reason R",
}


def revise(run: Run, command: c.ReviseDocument) -> None:
    """Save a revision of a draft's document; ask again wherever it was under approval."""
    place, item = located(run, command.item)
    step = place.step
    if item.kind is not ItemKind.DRAFT or not isinstance(step, DraftStep):
        raise Refusal("wrong-command", f"{item.id} is not a draft", where=item.id)
    _may_revise(run, item)
    if len(command.text.encode()) > MAX_TEXT_BYTES:
        raise Refusal("too-large", "a document may have at most 256 KiB", where=item.id)
    if not command.text.strip():
        raise Refusal("empty-text", "the text is empty", hint="write it first", where=item.id)
    run.after = step.id
    home = run.document_scope(place.scope)
    document = run.scope(home).documents[step.document]
    if command.on and command.on != document.newest.digest:
        message = f"{step.document} has a newer version than the one that this was written upon"
        raise Refusal("newer-revision", message, hint="read it and save again", where=item.id)
    if command.text != document.text:
        asking_again.refuse_if_begun(run, home, step.document)
        people.save_revision(
            run,
            home,
            place.path,
            step.document,
            command.text,
            author=run.actor.id,
            item=item.id,
            override=command.override,
        )
        asking_again.content_changed(run, home, step.document)
    if command.done and item.status is ItemStatus.OPEN:
        people.complete_draft(run, place, run.scope(place.scope).items[item.id], command.override)


def _may_revise(run: Run, item: Item) -> None:
    """A draft may be revised also after it was completed, by those it was offered to."""
    if run.header.status in CLOSED_CASES:
        raise Refusal("case-closed", f"{run.header.ref} is {run.header.status}", where=item.id)
    if run.header.ending is not None:
        message = f"{run.header.ref} has ended and waits only for what was released to be ratified"
        raise Refusal("case-closed", message, where=item.id)
    if item.status in {ItemStatus.SUPERSEDED, ItemStatus.CANCELLED, ItemStatus.EXPIRED}:
        raise Refusal("item-closed", f"{item.id} is {item.status}", where=item.id)
    if item.status is ItemStatus.OPEN:
        allow(run, item)
    elif run.actor.id not in {*item.offered, *item.escalated}:
        message = "only those who were asked to write it may revise it"
        raise Refusal("may-not-act", message, where=item.id)


def decide(run: Run, command: c.Decide) -> None:
    """Take one person's decision on an approval."""
    place, item = located(run, command.item)
    _require_approval(item)
    _refuse_other_content(item, command.seen)
    run.after = place.step.id
    approvals.decide(run, place, item, command.decision, command.comment)


def break_glass(run: Run, command: c.BreakGlass) -> None:
    """Let one person release an approval's content before its quorum is there."""
    place, item = located(run, command.item)
    _require_approval(item)
    _refuse_other_content(item, command.seen)
    run.after = place.step.id
    glass.release(run, place, item, command.reason)


def _require_approval(item: Item) -> None:
    if item.kind is not ItemKind.APPROVAL:
        message = f"{item.id} is no approval but {item.kind.words}"
        raise Refusal("wrong-command", message, hint=f"smr item {item.id}", where=item.id)


def _refuse_other_content(item: Item, seen: str) -> None:
    """Refuse whoever read something else than this item asks about."""
    if seen and seen != item.bundle_digest:
        message = "this is not the content that waits for a decision here"
        raise Refusal("other-content", message, hint="open it again and read it", where=item.id)


def reassign(run: Run, command: c.Reassign) -> None:
    """Hand an item over to one person of the directory."""
    place, item = located(run, command.item)
    if command.to not in run.world.people:
        raise NotFound("unknown-person", f"'{command.to}' is not in the directory", where=item.id)
    if item.kind is ItemKind.APPROVAL:
        message = "an approval cannot be handed over: whoever holds the role may decide"
        raise Refusal("wrong-command", message, where=item.id)
    _open(item)
    if policy.has_expired(item, run.now):
        raise Refusal("item-closed", f"{item.id} has expired: it is too late", where=item.id)
    if run.actor.id not in {*item.offered, *item.escalated}:
        require_owner(run)
    if command.to in item.excluded:
        message = f"'{command.to}' is kept out of this, so somebody else must do it"
        raise Refusal("may-not-act", message, where=item.id)
    run.after = f"reassign {place.step.id}"
    run.emit(e.ItemReassigned(scope=place.scope, path=place.path, item=item.id, to=command.to))
    moved = run.scope(place.scope).items[item.id]
    work.tell(run, place, who.persons([command.to]), wording.asked(run, moved), item=item.id)


def attach(run: Run, command: c.Attach) -> None:
    """Attach evidence to an item."""
    place, item = located(run, command.item)
    allow(run, item)
    run.emit(
        e.EvidenceAttached(
            scope=place.scope,
            path=place.path,
            item=item.id,
            digest=command.digest,
            size=command.size,
            name=command.name,
            url=command.url,
        )
    )
    if item.kind is ItemKind.DRAFT:
        document = cast(DraftStep, place.step).document
        asking_again.content_changed(run, run.document_scope(place.scope), document)


# --- repair ------------------------------------------------------------------------------------


def repair(run: Run, command: c.Repair) -> None:
    """Answer a repair item: try again, go past it, stop the case, or settle an unknown outcome."""
    place, item = located(run, command.item)
    if item.kind is not ItemKind.REPAIR:
        raise Refusal("wrong-command", f"{item.id} is no repair item", where=item.id)
    _open(item)
    if run.actor.id not in {*item.offered, *item.escalated}:
        require_owner(run)
    if not command.reason.strip():
        raise Refusal("reason-missing", "say why", hint="--reason TEXT", where=item.id)
    effect = run.scope(place.scope).effects.get(item.effect) if item.effect else None
    _refuse_wrong_answer(run, place, item, effect, command.answer)
    run.after = f"repair {place.step.id}"
    run.emit(e.NoteWritten(scope=place.scope, path=place.path, text=command.reason))
    run.emit(
        e.ItemCompleted(
            scope=place.scope,
            path=place.path,
            item=item.id,
            outcome=command.answer.value,
            by=run.actor.id,
        )
    )
    if command.answer is not c.RepairAnswer.CANCEL:
        work.release(run)
    settled = item.ratifies and command.answer is c.RepairAnswer.SKIP  # its step is over, or anew
    if not settled:
        _REPAIRS[command.answer](run, place, effect, command)


def _refuse_wrong_answer(
    run: Run, place: Place, item: Item, effect: Effect | None, answer: c.RepairAnswer
) -> None:
    unknown = effect is not None and effect.status is EffectStatus.UNKNOWN
    if item.ratifies and answer not in {c.RepairAnswer.SKIP, c.RepairAnswer.CANCEL}:
        message = "there is nothing to try again: what was released is settled by a person"
        raise Refusal("wrong-answer", message, hint="--skip or --cancel", where=item.id)
    if answer in {c.RepairAnswer.SENT, c.RepairAnswer.NOT_SENT} and not unknown:
        message = "only an effect whose outcome is unknown is settled with --sent or --not-sent"
        raise Refusal("wrong-answer", message, hint="--retry, --skip or --cancel", where=item.id)
    if answer is not c.RepairAnswer.RETRY:
        return
    if unknown:
        message = "it may be out already: look first, then say --sent URL or --not-sent"
        raise Refusal("wrong-answer", message, where=item.id)
    if run.state(place).status is not StepStatus.FAILED:
        message = "there is nothing to try again: this step is over"
        raise Refusal("wrong-answer", message, hint="--skip or --cancel", where=item.id)
    begun = publishing.under_way(run, place)
    if begun:
        message = f"{begun[0].name} may be out already: it has to be settled first"
        raise Refusal("publication-under-way", message, where=item.id)


def _retry(run: Run, place: Place, effect: Effect | None, command: c.Repair) -> None:
    """Begin the step again; what it could not publish because it has changed is asked again."""
    closing.reopen(run, place.scope, (place.step,), "retry")
    if isinstance(place.step, PublishStep):
        asking_again.ask_again_if_changed(run, place)
    flow.resume(run, place)


def _skip(run: Run, place: Place, effect: Effect | None, command: c.Repair) -> None:
    if run.state(place).status not in {StepStatus.FAILED, StepStatus.ACTIVE}:
        return
    approvals.pass_over(run, place, command.reason)


def _cancel(run: Run, place: Place, effect: Effect | None, command: c.Repair) -> None:
    closing.cancel_case(run, command.reason)


def _sent(run: Run, place: Place, effect: Effect | None, command: c.Repair) -> None:
    if effect is None:
        return
    result = {
        "url": command.url,
        "published_at": instant(run.now),
        "digest": effect.digest,
        "confirmed_by": run.actor.id,
    }
    run.emit(e.EffectDone(scope=place.scope, path=place.path, effect=effect.id, result=result))
    outcomes.go_on(run, place.scope, effect, result)


def _not_sent(run: Run, place: Place, effect: Effect | None, command: c.Repair) -> None:
    """Owe it again; where its step has failed meanwhile, only a retry may owe it anew."""
    if effect is None:
        return
    run.emit(e.EffectResumed(scope=place.scope, path=place.path, effect=effect.id))
    if run.state(place).status is not StepStatus.ACTIVE:
        why = "not sent"
        run.emit(e.EffectCancelled(scope=place.scope, path=place.path, effect=effect.id, why=why))


_REPAIRS = {
    c.RepairAnswer.RETRY: _retry,
    c.RepairAnswer.SKIP: _skip,
    c.RepairAnswer.CANCEL: _cancel,
    c.RepairAnswer.SENT: _sent,
    c.RepairAnswer.NOT_SENT: _not_sent,
}


# --- shared ------------------------------------------------------------------------------------


def located(run: Run, item: str) -> tuple[Place, Item]:
    """Return an item and the place of its step.

    Raises:
        NotFound: the case has no such item.
    """
    found = run.find_item(item)
    if found is None:
        raise NotFound("unknown-item", f"there is no item {item}", hint="see: smr inbox --all")
    scope, known = found
    return run.place(scope, known.step), known


def allow(run: Run, item: Item) -> None:
    """Refuse unless the actor may work on the item."""
    verdict = policy.may_act(run.world, run.header, item, run.actor, run.now)
    if not verdict.may:
        raise verdict.refusal("may-not-act", item.id, "see: smr inbox")


def require_owner(run: Run) -> None:
    """Refuse unless the actor acts for the playbook's owner role."""
    verdict = policy.owns(run.world, run.playbook, run.actor.id, run.now)
    if not verdict.may:
        raise Refusal("may-not-act", verdict.why_not, where=run.header.ref)


def _open(item: Item) -> None:
    if item.status is not ItemStatus.OPEN:
        raise Refusal("item-closed", f"{item.id} is {item.status} already", where=item.id)
