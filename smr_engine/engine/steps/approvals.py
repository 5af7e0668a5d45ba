"""Approvals: a quorum of people decides on exact content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from smr_engine.engine import events as e
from smr_engine.engine import flow, policy, quorum, timing, who, wording, work
from smr_engine.engine.bundle import Entry, bundle_of, publications
from smr_engine.engine.commands import ASSURANCES
from smr_engine.engine.content import json_digest
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Line
from smr_engine.engine.statuses import DecisionKind, EffectKind, EffectStatus, ItemKind, StepStatus
from smr_engine.engine.steps.people import CHANGES_REQUESTED
from smr_engine.errors import Refusal
from smr_engine.playbook.model import ApprovalStep, ReturnTo

REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Question:
    """What an approval asks, resolved as of now."""

    bundle: Entry
    lines: tuple[Line, ...]
    excluded: frozenset[str]
    eligible: tuple[str, ...]


def start_approval(run: Run, place: Place) -> None:
    """Fix the bundle and ask everybody whose role can fill a line."""
    question = resolve(run, place)
    work.start(run, place)
    ask(run, place, question)


def resolve(run: Run, place: Place) -> Question:
    """Return what an approval asks as of now.

    Raises:
        StepProblemError: no line applies, or its people cannot fill them.
    """
    step = cast(ApprovalStep, place.step)
    lines = tuple(
        Line(line.roles, line.need)
        for line in step.quorum
        if line.when is None or run.evaluate(place.scope, line.when)
    )
    if not lines:
        message = "no line of the quorum applies, so nobody could approve this"
        raise StepProblemError(message)
    barred = who.excluded(run, place.scope, step.exclude, step.documents)
    roles = [role for line in lines for role in line.roles]
    acting = policy.people_acting_in(run.world, roles, run.now)
    eligible = tuple(p for p in acting if p not in barred)
    possible = quorum.reachable(lines, candidates(run, eligible, barred), run.world)
    if not possible.complete:
        message = f"the quorum cannot be reached: {missing_words(possible)}"
        raise StepProblemError(message)
    return Question(bundle_of(run, place, step), lines, barred, eligible)


def ask(run: Run, place: Place, question: Question, previous: Item | None = None) -> str:
    """Open the approval item; with `previous`, as its successor about newer content."""
    item = work.open_item(
        run,
        place,
        ItemKind.APPROVAL,
        question.eligible,
        bundle=question.bundle,
        bundle_digest=json_digest(question.bundle),
        lines=question.lines,
        excluded=tuple(sorted(question.excluded)),
        assurance=least_assurance(run, cast(ApprovalStep, place.step)),
        previous=previous.id if previous else "",
    )
    if previous is not None:
        work.close_item(run, place.scope, previous, "the content changed", by_item=item)
        told = who.persons(vote.person for vote in previous.votes)
        work.tell(run, place, told, wording.superseded(run, previous, item), item=item)
    return item


def least_assurance(run: Run, step: ApprovalStep) -> str:
    """Return the strongest proof of identity that step, playbook or workspace asks for."""
    demanded = [run.varied(step.assurance), run.varied(run.playbook.assurance)]
    demanded.append(run.world.assurance)
    return str(max((d for d in demanded if d), key=ASSURANCES.index))


def decide(run: Run, place: Place, item: Item, decision: DecisionKind, comment: str) -> None:
    """Record one person's decision and draw the consequence.

    Raises:
        Refusal: the person may not decide, or gives no reason where one is needed.
    """
    verdict = policy.may_decide(run.world, run.header, item, run.actor, run.now)
    if not verdict.may:
        raise Refusal("may-not-decide", verdict.why_not, where=item.id)
    if decision is not DecisionKind.APPROVE and not comment.strip():
        raise Refusal(
            "reason-missing",
            "say why: a reason is required for everything but an approval",
            hint="--comment TEXT",
            where=item.id,
        )
    run.emit(
        e.DecisionRecorded(
            scope=place.scope,
            path=place.path,
            item=item.id,
            person=run.actor.id,
            decision=decision,
            digest=item.bundle_digest,
            roles=verdict.roles,
            on_behalf_of=verdict.on_behalf_of,
            comment=comment,
        )
    )
    decided = run.scope(place.scope).items[item.id]
    _CONSEQUENCES[decision](run, place, decided)


def _approved(run: Run, place: Place, item: Item) -> None:
    if not quorum.filled(item.lines, item.votes, run.world).complete:
        return
    _close(run, place, item, "approved")
    people = [v.person for v in item.votes if v.decision is DecisionKind.APPROVE]
    output = {"digest": item.bundle_digest, "approved_by": people}
    work.complete(run, place, "approved", output, run.actor.id)
    flow.resume(run, place)


def _changes_requested(run: Run, place: Place, item: Item) -> None:
    _close(run, place, item, CHANGES_REQUESTED)
    back = cast(ApprovalStep, place.step).on_changes_requested
    if back is None or _rounds_used_up(run, place, back):
        work.fail(run, place, "changes were requested", CHANGES_REQUESTED)
        return
    position = run.position(place.step.id)
    first = run.position(back.step).at
    steps = position.siblings[first : position.at + 1]
    flow.reopen(run, place.scope, steps, "changes requested")
    flow.proceed(run, place.scope, position.siblings)


def _rounds_used_up(run: Run, place: Place, back: ReturnTo) -> bool:
    return back.max_rounds is not None and run.state(place).round >= back.max_rounds


def _rejected(run: Run, place: Place, item: Item) -> None:
    _close(run, place, item, REJECTED)
    ending = cast(ApprovalStep, place.step).on_rejected
    if ending is None:
        work.fail(run, place, f"{item.title} was rejected", REJECTED)
        return
    work.complete(run, place, REJECTED, by=run.actor.id)
    flow.end_with(run, place, ending.outcome, ending.of)


def _recused(run: Run, place: Place, item: Item) -> None:
    """Go on waiting if the others can still fill the quorum; else escalate and hold."""
    out = {v.person for v in item.votes if v.decision is DecisionKind.RECUSE}
    barred = frozenset(item.excluded) | out
    acting = policy.people_acting_in(run.world, _roles(item.lines), run.now)
    left = tuple(p for p in acting if p not in barred)
    possible = quorum.reachable(item.lines, candidates(run, left, barred), run.world)
    if possible.complete:
        return
    reason = f"after recusals the quorum cannot be reached: {missing_words(possible)}"
    _tell_escalation(run, place, item, reason)
    work.fail(run, place, reason)


def _tell_escalation(run: Run, place: Place, item: Item, reason: str) -> None:
    rules = run.varied(timing.schedule_of(place.step).escalate) or ()
    parties = [party for rule in rules for party in rule.to]
    people = [p for party in parties for p in who.party_people(run, place.scope, party)]
    subject, body = wording.escalation(run, item, reason)
    work.tell(run, place, who.persons(people), (subject, body), item=item.id)


_CONSEQUENCES = {
    DecisionKind.APPROVE: _approved,
    DecisionKind.REQUEST_CHANGES: _changes_requested,
    DecisionKind.REJECT: _rejected,
    DecisionKind.RECUSE: _recused,
}


# --- content that changes ----------------------------------------------------------------------


def content_changed(run: Run, home: str, document: str) -> None:
    """Ask again wherever a document is under approval, or was approved and is not out yet.

    Raises:
        Refusal: a publication of it has begun.
    """
    for place in _approvals_of(run, home, document):
        state = run.state(place)
        if state.status is StepStatus.ACTIVE:
            for item in work.open_items_of(run, place):
                ask(run, place, resolve(run, place), previous=item)
        elif state.status is StepStatus.COMPLETED and state.outcome == "approved":
            _reopen_approval(run, place)


def refuse_if_begun(run: Run, home: str, document: str) -> None:
    """Refuse to change a document whose publication has begun.

    Raises:
        Refusal: it has.
    """
    scopes = [home, *(p for p in run.header.running if p != home and p.startswith(home))]
    run.need(scopes)
    for path in scopes:
        for effect in run.scope(path).effects.values():
            step = run.index.by_id.get(effect.step)
            publishes = step is not None and getattr(step.step, "document", "") == document
            if publishes and effect.kind is EffectKind.PUBLICATION and _out(effect.status):
                raise Refusal(
                    "publication-begun",
                    f"{document} can no longer be changed: its publication has begun",
                    hint="write a correction as a new document",
                )


def _out(status: EffectStatus) -> bool:
    return status in {EffectStatus.SENDING, EffectStatus.DONE, EffectStatus.UNKNOWN}


def _approvals_of(run: Run, home: str, document: str) -> list[Place]:
    """Return the approval steps about a document, in its scope and in the running ones below."""
    scopes = [p for p in run.header.running if p == home or p.startswith(home)]
    run.need(scopes)
    found = []
    for path in scopes:
        for name in run.scope(path).steps:
            step = run.position(name).step
            if (
                isinstance(step, ApprovalStep)
                and document in step.documents
                and run.find_document(path, document) == home
            ):
                found.append(run.place(path, name))
    return found


def _reopen_approval(run: Run, place: Place) -> None:
    """Start the next round of a completed approval, taking back what has not gone out."""
    for publish in publications(run, place.step.id):
        for path in run.header.running:
            known = run.case.scopes.get(path)
            state = known.steps.get(publish.id) if known else None
            if state and state.status in {StepStatus.ACTIVE, StepStatus.FAILED}:
                flow.reopen(run, path, (publish,), "the content changed")
    flow.reopen(run, place.scope, (place.step,), "the content changed")
    flow.enter(run, place)


def _close(run: Run, place: Place, item: Item, outcome: str) -> None:
    run.emit(
        e.ItemCompleted(
            scope=place.scope, path=place.path, item=item.id, outcome=outcome, by=run.actor.id
        )
    )


# --- people ------------------------------------------------------------------------------------


def candidates(
    run: Run, people: tuple[str, ...], barred: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Return each person (or whom they act for) with the roles they may act in now."""
    return {
        person: tuple(
            role
            for role, for_whom in policy.acting_roles(run.world, person, run.now).items()
            if for_whom not in barred
        )
        for person in people
    }


def missing_words(filled: quorum.Filled) -> str:
    """Return which lines lack how many people, in words."""
    lacks = [
        f"{need - have} more of {' or '.join(line.roles)}"
        for line, need, have in zip(filled.lines, filled.need, filled.have, strict=True)
        if have < need
    ]
    return ", ".join(lacks)


def _roles(lines: tuple[Line, ...]) -> list[str]:
    return [role for line in lines for role in line.roles]
