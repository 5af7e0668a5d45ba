"""Publications: only what was approved, checked at the start and again before it goes out."""

from __future__ import annotations

from typing import cast

from smr_engine.engine import closing, flow, forms, who, work
from smr_engine.engine import events as e
from smr_engine.engine.bundle import Entry, differences, granted
from smr_engine.engine.content import text_digest
from smr_engine.engine.environment import instant
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Effect, Item, Json
from smr_engine.engine.statuses import EffectKind, EffectStatus, ItemKind, StepStatus
from smr_engine.engine.steps.people import need_evidence
from smr_engine.engine.timing import instant_of
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import PublishStep

PUBLISH = "publish"
"""The purpose of a timer that waits for the instant a publication was approved for."""
MANUAL = "manual"
"""The connector of accounts where a person posts and records the address."""


def start_publish(run: Run, place: Place) -> None:
    """Owe the publication to the hub account; the others follow once the hub is verified.

    One that was approved for a later instant owes nothing and asks nobody until then. One whose
    approval was skipped is skipped: nothing was approved.
    """
    step = cast(PublishStep, place.step)
    if any(run.visible_state(place.scope, n).outcome == "skipped" for n in step.requires):
        work.skip(run, place, "the approval it requires was skipped")
        return
    problem = why_not_approved(run, place)
    if problem:
        raise StepProblemError(problem)
    work.start(run, place)
    at = _approved_entry(run, place).get("at")
    if at and instant_of(at) > run.now:
        work.set_timer(run, place, instant_of(at), PUBLISH)
    else:
        _go_on(run, place)


def time_has_come(run: Run, place: Place) -> None:
    """Publish what was approved for this instant, unless that no longer holds."""
    try:
        problem = why_not_approved(run, place)
        if problem:
            raise StepProblemError(problem)
        published(run, place)
    except (ExpressionError, StepProblemError) as fault:
        flow.fail(run, place, str(fault))


def why_not_approved(run: Run, place: Place) -> str:
    """Return why a publication may not go out as it stands now; empty if it may."""
    step = cast(PublishStep, place.step)
    about: set[str] = set()
    for name in step.requires:
        if run.visible_state(place.scope, name).outcome != "approved":
            return f"{_called(run, name)} has not been granted"
        approved = granted(run, place.scope, name)
        if approved is None:
            return f"{_called(run, name)} has no approved content"
        problem = differences(run, place, step, approved)
        if problem:
            return problem
        about |= {entry["document"] for entry in approved.bundle["documents"]}
    document = run.playbook.documents[step.document].title
    return "" if step.document in about else f"no approval it requires is about {document}"


def begin(run: Run, place: Place, effect: Effect) -> None:
    """Check the approval again under the case lock; then the publication has begun, or fails."""
    state = run.state(place)
    if state.status is not StepStatus.ACTIVE or state.round != effect.round:
        work.cancel_effect(run, place.scope, effect, "its step is over")
        return
    problem = why_not_approved(run, place)
    if problem:
        run.emit(
            e.EffectFailed(scope=place.scope, path=place.path, effect=effect.id, reason=problem)
        )
        flow.fail(run, place, problem)
        return
    run.emit(
        e.PublicationStarted(
            scope=place.scope, path=place.path, effect=effect.id, digest=effect.digest
        )
    )


def published(run: Run, place: Place) -> None:
    """Go on after one account has it: the next accounts, or the step is over.

    Where its approval is asked again meanwhile, the other accounts wait for that in the next round.
    """
    requires = cast(PublishStep, place.step).requires
    if any(run.visible_state(place.scope, name).outcome != "approved" for name in requires):
        if not under_way(run, place):
            closing.reopen(run, place.scope, (place.step,), "its approval is asked again")
            flow.resume(run, place)  # it may be over by now, without having been granted
        return
    _go_on(run, place)
    if run.state(place).status is not StepStatus.ACTIVE:
        flow.resume(run, place)


def complete_manual(run: Run, place: Place, item: Item, values: Json) -> None:
    """Take the address under which a person posted the approved text."""
    posted = forms.check_values(forms.POSTED, values, run.world, item.id)
    need_evidence(place.step.evidence, item)
    problem = why_not_approved(run, place)
    if problem:  # it is out all the same: keep where, and let somebody decide
        words = f"Posted at {posted['url']}, although {problem}."
        run.emit(e.NoteWritten(scope=place.scope, path=place.path, text=words))
        flow.fail(run, place, problem)
        return
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


def under_way(run: Run, place: Place) -> list[Effect]:
    """Return the publications of a step that have begun and whose outcome is not known yet."""
    return [
        effect
        for effect in run.scope(place.scope).effects.values()
        if effect.path == place.path
        and effect.kind is EffectKind.PUBLICATION
        and effect.status in {EffectStatus.SENDING, EffectStatus.UNKNOWN}
    ]


def _called(run: Run, step: str) -> str:
    return f"'{run.position(step).step.title.blank}'"


# --- details -----------------------------------------------------------------------------------


def _go_on(run: Run, place: Place) -> None:
    """Publish to the hub, then to the other accounts; complete the step when all have it."""
    entry = _approved_entry(run, place)
    accounts: list[str] = entry["accounts"]
    asked = {f.account for f in work.effects_of(run, place, EffectKind.PUBLICATION)}
    asked |= {item.subject.removeprefix("account:") for item in work.items_of(run, place)}
    for name in accounts:
        reached = _reached(run, place)
        hub_first = name == accounts[0] or accounts[0] in reached
        if hub_first and name not in {*reached, *asked}:
            _publish_to(run, place, name, entry)
    reached = _reached(run, place)
    if all(name in reached for name in accounts):
        hub = reached[accounts[0]] or {}
        output = {key: hub.get(key) for key in ("published_at", "url", "digest")}
        work.complete(run, place, "published", output)


def _approved_entry(run: Run, place: Place) -> Entry:
    """Return where it goes, as it was approved: nothing is rendered twice."""
    step = cast(PublishStep, place.step)
    approved = granted(run, place.scope, step.requires[0])
    entries: list[Entry] = approved.bundle["publications"] if approved else []
    for entry in entries:
        if entry["step"] == step.id:
            return entry
    message = f"{_called(run, step.requires[0])} has no approved content"
    raise StepProblemError(message)


def _publish_to(run: Run, place: Place, name: str, entry: Entry) -> None:
    step = cast(PublishStep, place.step)
    account = run.world.accounts.get(name)
    if account is None:
        message = f"the account '{name}' is not in the directory"
        raise StepProblemError(message)
    home = run.find_document(place.scope, step.document)
    document = run.scope(home).documents[step.document]
    if account.connector == MANUAL:
        bundle = {
            "text": document.text,
            "account": name,
            "document": step.document,
            "home": home,
        }
        _ask_to_post(run, place, bundle)
        return
    payload = {
        "account": name,
        "document": step.document,
        "title": run.playbook.documents[step.document].title,
        "text": document.text,
        "to": entry["to"],
        "in_reply_to": entry["in_reply_to"],
        "replaces": entry["replaces"],
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
        document=step.document,
        home=home,
    )
    if run.header.drill:
        _withhold(run, place, effect, document.newest.digest)


def _withhold(run: Run, place: Place, effect: str, digest: str) -> None:
    """Record what would have been sent: in a drill nothing leaves the house."""
    result = {"withheld": True, "url": None, "digest": digest, "published_at": instant(run.now)}
    run.emit(e.EffectDone(scope=place.scope, path=place.path, effect=effect, result=result))


def _ask_to_post(run: Run, place: Place, bundle: Entry) -> None:
    account = run.world.accounts[bundle["account"]]
    people = run.world.holders(account.owner) if account.owner else ()
    exercise = "EXERCISE: do not post this. " if run.header.drill else ""
    work.open_item(
        run,
        place,
        ItemKind.PUBLISH,
        people or who.assigned(run, place.scope, place.step),
        title=f"{run.text(place.scope, place.step.title)}: {account.title}",
        message=f"{exercise}Post exactly this text to {account.title}, then record its address.",
        subject=f"account:{account.id}",
        bundle=bundle,
    )


def _reached(run: Run, place: Place) -> dict[str, Json]:
    """Return the accounts that have the approved text, in this round or an earlier one."""
    step = cast(PublishStep, place.step)
    home = run.scope(run.find_document(place.scope, step.document))
    digest = home.documents[step.document].newest.digest
    scope = run.scope(place.scope)
    done = {
        effect.account: effect.result
        for effect in scope.effects.values()
        if effect.path == place.path
        and effect.status is EffectStatus.DONE
        and effect.digest == digest
    }
    posted = {
        item.subject.removeprefix("account:"): item.output
        for item in scope.items.values()
        if item.path == place.path and item.kind is ItemKind.PUBLISH and item.closed_by
        if text_digest(item.bundle["text"]) == digest
    }
    return done | posted
