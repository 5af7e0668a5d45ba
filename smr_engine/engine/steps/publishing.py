"""Publications: only what was approved, checked at the start and again before it goes out."""

from __future__ import annotations

from typing import cast

from smr_engine.engine import events as e
from smr_engine.engine import flow, forms, who, work
from smr_engine.engine.bundle import accounts_of, differences
from smr_engine.engine.content import text_digest
from smr_engine.engine.environment import instant
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Effect, Item, Json, StepState
from smr_engine.engine.statuses import EffectKind, EffectStatus, ItemKind
from smr_engine.engine.steps.people import need_evidence
from smr_engine.playbook.model import PublishStep

MANUAL = "manual"
"""The connector of accounts where a person posts and records the address."""


def start_publish(run: Run, place: Place) -> None:
    """Owe the publication to the hub account; the others follow once the hub is verified.

    A publication whose approval was skipped is skipped: nothing was approved.
    """
    step = cast(PublishStep, place.step)
    if any(_approval(run, place, name).outcome == "skipped" for name in step.requires):
        work.skip(run, place, "the approval it requires was skipped")
        return
    problem = why_not_approved(run, place)
    if problem:
        raise StepProblemError(problem)
    accounts = accounts_of(run, place.scope, step)
    work.start(run, place)
    _publish_to(run, place, accounts[0])


def why_not_approved(run: Run, place: Place) -> str:
    """Return why a publication may not go out as it stands now; empty if it may."""
    step = cast(PublishStep, place.step)
    for name in step.requires:
        if _approval(run, place, name).outcome != "approved":
            return f"{name} has not been granted"
        approved = _approved_item(run, place, name)
        if approved is None:
            return f"{name} has no approved content"
        problem = differences(run, place, step, approved)
        if problem:
            return problem
    return "" if step.requires else "it requires no approval"


def begin(run: Run, place: Place, effect: Effect) -> None:
    """Check the approval again under the case lock; then the publication has begun, or fails."""
    problem = why_not_approved(run, place)
    if problem:
        run.emit(
            e.EffectFailed(scope=place.scope, path=place.path, effect=effect.id, reason=problem)
        )
        work.fail(run, place, problem)
        return
    run.emit(
        e.PublicationStarted(
            scope=place.scope, path=place.path, effect=effect.id, digest=effect.digest
        )
    )


def published(run: Run, place: Place) -> None:
    """Go on after one account has it: the next account, or the step is over."""
    step = cast(PublishStep, place.step)
    accounts = accounts_of(run, place.scope, step)
    reached = _reached(run, place)
    left = [name for name in accounts if name not in reached]
    if left:
        owed = {f.account for f in work.effects_of(run, place, EffectKind.PUBLICATION)}
        asked = {item.subject.removeprefix("account:") for item in work.items_of(run, place)}
        for account in left:
            if account not in owed | asked:
                _publish_to(run, place, account)
        return
    first = reached[accounts[0]] or {}
    output = {
        "published_at": first.get("published_at"),
        "url": first.get("url"),
        "digest": first.get("digest"),
    }
    work.complete(run, place, "published", output)
    flow.resume(run, place)


def complete_manual(run: Run, place: Place, item: Item, values: Json) -> None:
    """Take the address under which a person posted the approved text."""
    posted = forms.check_values(forms.POSTED, values, run.world, item.id)
    need_evidence(place.step.evidence, item)
    problem = why_not_approved(run, place)
    if problem:
        raise StepProblemError(problem)
    run.emit(
        e.ItemCompleted(
            scope=place.scope,
            path=place.path,
            item=item.id,
            by=run.actor.id,
            values={
                **posted,
                "published_at": instant(run.now),
                "digest": text_digest(item.bundle["text"]),
            },
        )
    )
    published(run, place)


def withheld(run: Run) -> bool:
    """Return whether nothing may leave the house (the case is an exercise)."""
    return run.header.drill


def _publish_to(run: Run, place: Place, name: str) -> None:
    step = cast(PublishStep, place.step)
    document = run.scope(run.find_document(place.scope, step.document)).documents[step.document]
    account = run.world.accounts[name]
    if account.connector == MANUAL:
        _ask_to_post(run, place, name, document.text)
        return
    spec = run.playbook.documents[step.document]
    payload = {
        "account": name,
        "document": step.document,
        "title": spec.title,
        "text": document.text,
        "to": who.recipients(run, place.scope, step.to),
        "in_reply_to": run.text(place.scope, step.in_reply_to),
        "replaces": run.text(place.scope, step.replaces),
        "verify": step.verify,
    }
    effect = work.owe(
        run,
        place,
        EffectKind.PUBLICATION,
        f"publish {step.document} -> {name}",
        payload,
        account=name,
        digest=document.newest.digest,
    )
    if withheld(run):
        result = {"withheld": True, "url": None, "digest": document.newest.digest}
        run.emit(
            e.EffectDone(
                scope=place.scope,
                path=place.path,
                effect=effect,
                result={**result, "published_at": instant(run.now)},
            )
        )
        published(run, place)


def _ask_to_post(run: Run, place: Place, name: str, text: str) -> None:
    account = run.world.accounts[name]
    people = run.world.holders(account.owner) if account.owner else ()
    exercise = "EXERCISE: do not post this. " if withheld(run) else ""
    work.open_item(
        run,
        place,
        ItemKind.PUBLISH,
        people or who.assigned(run, place.scope, place.step),
        title=f"{place.step.title} -> {account.title}",
        message=f"{exercise}Post exactly this text to {account.title}, then record its address.",
        subject=f"account:{name}",
        bundle={"text": text, "account": name},
    )


def _reached(run: Run, place: Place) -> dict[str, Json]:
    done = {
        effect.account: effect.result
        for effect in work.effects_of(run, place, EffectKind.PUBLICATION)
        if effect.status is EffectStatus.DONE
    }
    posted = {
        item.subject.removeprefix("account:"): item.output
        for item in work.items_of(run, place, ItemKind.PUBLISH)
        if item.closed_by
    }
    return done | posted


def _approval(run: Run, place: Place, name: str) -> StepState:
    return run.visible_state(place.scope, name)


def _approved_item(run: Run, place: Place, name: str) -> Item | None:
    """Return the item whose bundle the approval's present round granted."""
    scope = run.scope(run.scope_of_step(place.scope, name))
    now = scope.step(name).round
    granted = [
        item
        for item in scope.items.values()
        if item.step == name and item.round == now and item.outcome == "approved"
    ]
    return granted[-1] if granted else None
