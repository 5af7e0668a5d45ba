"""Approvals: a quorum of people decides on exact content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from smr_engine.engine import closing, flow, policy, quorum, timing, who, wording, work
from smr_engine.engine import events as e
from smr_engine.engine.binding import publications_of
from smr_engine.engine.bundle import Entry, bundle_of
from smr_engine.engine.commands import ASSURANCES
from smr_engine.engine.content import json_digest
from smr_engine.engine.problems import StepProblemError, UnreachableError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item, Line
from smr_engine.engine.statuses import DecisionKind, ItemKind, ItemStatus
from smr_engine.engine.steps import ratifying
from smr_engine.engine.steps.people import CHANGES_REQUESTED
from smr_engine.errors import Refusal
from smr_engine.playbook.model import ApprovalStep, Due, QuorumLine, ReturnTo, Varied

REJECTED = "rejected"
NO_LINE = "no line of the quorum applies, so nobody could approve this"
LineDue = tuple[str, Varied[Due] | None]
Voices = list[Sequence[quorum.Voice]]
"""Of each person the voices they could decide in."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an approval asks, resolved as of now; `dues` are those of its lines."""

    bundle: Entry
    lines: tuple[Line, ...]
    dues: tuple[LineDue, ...]
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
        StepProblemError: no line applies, or (UnreachableError) its people cannot fill them.
    """
    step = cast(ApprovalStep, place.step)
    applying = applying_lines(run, place)
    lines = lines_of(applying)
    if not lines:
        raise StepProblemError(NO_LINE)
    barred = who.excluded(run, place.scope, step.exclude, step.documents)
    filled, eligible = possible(run, lines, barred)
    if not filled.complete:
        message = f"the quorum cannot be reached: {missing_words(run, filled)}"
        raise UnreachableError(message)
    return Question(bundle_of(run, place, step), lines, dues_of(applying), barred, eligible)


def needs(run: Run, place: Place, person: str) -> bool:
    """Return whether a quorum could be filled if this person had had no hand in the content."""
    step = cast(ApprovalStep, place.step)
    barred = who.excluded(run, place.scope, step.exclude, step.documents)
    filled, _ = possible(run, lines_of(applying_lines(run, place)), barred - {person})
    return filled.complete


def applying_lines(run: Run, place: Place) -> tuple[QuorumLine, ...]:
    """Return the lines of an approval's quorum whose `when` holds now."""
    return tuple(
        line
        for line in cast(ApprovalStep, place.step).quorum
        if line.when is None or run.evaluate(place.scope, line.when)
    )


def lines_of(applying: Iterable[QuorumLine]) -> tuple[Line, ...]:
    """Return lines of the playbook as an item has them, not dated yet."""
    return tuple(Line(line.roles, line.need) for line in applying)


def dues_of(applying: Iterable[QuorumLine]) -> tuple[LineDue, ...]:
    """Return what lines are called, and their own due times if they have any."""
    return tuple((timing.line_name(line.roles), line.due) for line in applying)


def possible(
    run: Run, lines: tuple[Line, ...], barred: frozenset[str]
) -> tuple[quorum.Filled, tuple[str, ...]]:
    """Return how far lines can be filled now, and by whom."""
    acting = policy.people_acting_in(run.world, _roles(lines), run.now)
    eligible = tuple(p for p in acting if p not in barred)
    roles_of = {p: policy.acting_roles(run.world, p, run.now) for p in eligible}
    return quorum.best(lines, _voices(lines, roles_of, barred), run.world)[0], eligible


def ask(
    run: Run,
    place: Place,
    question: Question,
    previous: Item | None = None,
    schedule: timing.Schedule | None = None,
    **more: Any,
) -> str:
    """Open the approval item; one that it follows while open is superseded by it."""
    times = schedule or timing.schedule_of(place.step)
    item = work.open_item(
        run,
        place,
        ItemKind.APPROVAL,
        question.eligible,
        schedule=replace(times, lines=question.dues),
        bundle=question.bundle,
        bundle_digest=json_digest(question.bundle),
        lines=question.lines,
        excluded=tuple(sorted(question.excluded)),
        assurance=least_assurance(run, cast(ApprovalStep, place.step)),
        previous=previous.id if previous else "",
        **more,
    )
    if previous is not None and previous.status is ItemStatus.OPEN:
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
        raise verdict.refusal("may-not-decide", item.id)
    if decision is not DecisionKind.APPROVE and not comment.strip():
        raise Refusal(
            "reason-missing",
            "say why: a reason is required for everything but an approval",
            hint="--comment TEXT",
            where=item.id,
        )
    spoken = _voice(run, item)
    run.emit(
        e.DecisionRecorded(
            scope=place.scope,
            path=place.path,
            item=item.id,
            person=run.actor.id,
            decision=decision,
            digest=item.bundle_digest,
            roles=spoken.roles,
            on_behalf_of=spoken.on_behalf_of,
            comment=comment,
        )
    )
    decided = run.scope(place.scope).items[item.id]
    if decided.ratifies and decision in _REFUSING:
        reason = f"{policy.name_of(run.world, run.actor.id)} refused: {comment}"
        ratifying.unratified(run, place, decided, "refused", reason)
    else:
        _CONSEQUENCES[decision](run, place, decided)


def count(run: Run, place: Place, item: Item) -> None:
    """Grant an approval whose quorum is filled; hold it if nobody is left who could fill it."""
    if not quorum.filled(item.lines, item.votes, run.world).complete:
        hold_if_nobody_is_left(run, place, item)
        return
    if item.ratifies:
        ratifying.ratified(run, place, item)
        return
    people = [v.person for v in item.votes if v.decision is DecisionKind.APPROVE]
    close(run, place, item, "approved", people[-1])
    output = {"digest": item.bundle_digest, "approved_by": people}
    work.complete(run, place, "approved", output, people[-1])
    go_on(run, place)


def pass_over(run: Run, place: Place, reason: str) -> None:
    """Skip a step that is under way or has failed, and go on after it."""
    closing.withdraw(run, place, "skipped")
    work.skip(run, place, reason)
    go_on(run, place)


def go_on(run: Run, place: Place) -> None:
    """Go on after a step is over: with its list, and with publications that waited for it."""
    flow.resume(run, place)
    for name in publications_of(run.index, place.step.id):
        flow.wake(run, name)


def _changes_requested(run: Run, place: Place, item: Item) -> None:
    close(run, place, item, CHANGES_REQUESTED, run.actor.id)
    back = cast(ApprovalStep, place.step).on_changes_requested
    if back is None or _rounds_used_up(run, place, back):
        flow.fail(run, place, "changes were requested")
        return
    position = run.position(place.step.id)
    first = run.position(back.step).at
    steps = position.siblings[first : position.at + 1]
    closing.reopen(run, place.scope, steps, "changes requested")
    flow.resume(run, place)


def _rounds_used_up(run: Run, place: Place, back: ReturnTo) -> bool:
    return back.max_rounds is not None and run.state(place).round >= back.max_rounds


def _rejected(run: Run, place: Place, item: Item) -> None:
    close(run, place, item, REJECTED, run.actor.id)
    rejected(run, place, f"{item.title} was rejected", run.actor.id)


def rejected(run: Run, place: Place, reason: str, by: str = "") -> None:
    """Do what the step says of a rejection; left out, hold the case with an item for the owner."""
    ending = cast(ApprovalStep, place.step).on_rejected
    if ending is None:
        flow.fail(run, place, reason, REJECTED)
        return
    work.complete(run, place, REJECTED, by=by)
    flow.end_with(run, place, ending.outcome, ending.of)


def _recused(run: Run, place: Place, item: Item) -> None:
    asked = policy.people_acting_in(run.world, _roles(item.lines), run.now)
    why = "after recusals the quorum cannot be reached"
    _hold_unless_reachable(run, place, item, asked, why)


def hold_if_nobody_is_left(run: Run, place: Place, item: Item) -> bool:
    """Hold an open approval if not even those who are away could grant it; return whether so.

    The directory may have changed since it was asked: nobody may be left, or nobody be missing.
    """
    roles = _roles(item.lines)
    away_too = [p for role in roles for p in run.world.holders(role)]
    asked = (*policy.people_acting_in(run.world, roles, run.now), *away_too)
    why = "nobody is left to decide, for people or roles have changed"
    return _hold_unless_reachable(run, place, item, asked, why)


def _hold_unless_reachable(
    run: Run, place: Place, item: Item, asked: Iterable[str], why: str
) -> bool:
    """Go on waiting if those asked can still fill the quorum; else escalate and hold.

    A release that nobody can ratify any more does not hold the case.
    """
    said, still_open = _said_and_open(run, item, asked)
    filled, _ = quorum.best(item.lines, [*said, *still_open], run.world)
    if filled.complete and still_open:
        return False
    lacks = missing_words(run, filled)
    reason = f"{why}: {lacks}" if lacks else why
    if item.ratifies:
        ratifying.unratified(run, place, item, "unreachable", reason)
        return True
    _tell_escalation(run, place, item, reason)
    flow.fail(run, place, reason)
    return True


def _tell_escalation(run: Run, place: Place, item: Item, reason: str) -> None:
    rules = run.varied(timing.schedule_of(place.step).escalate) or ()
    people = [p for rule in rules for p in who.told(run, place.scope, rule.to)]
    words = wording.unreachable(run, item, reason)
    work.tell(run, place, who.persons(people), words, item=item.id)


_REFUSING = frozenset({DecisionKind.REQUEST_CHANGES, DecisionKind.REJECT})
_CONSEQUENCES = {
    DecisionKind.APPROVE: count,
    DecisionKind.REQUEST_CHANGES: _changes_requested,
    DecisionKind.REJECT: _rejected,
    DecisionKind.RECUSE: _recused,
}


def close(run: Run, place: Place, item: Item, outcome: str, by: str) -> None:
    """Complete an approval item with an outcome."""
    run.emit(
        e.ItemCompleted(scope=place.scope, path=place.path, item=item.id, outcome=outcome, by=by)
    )


# --- people ------------------------------------------------------------------------------------


def _voice(run: Run, item: Item) -> quorum.Voice:
    """Return in which of their voices the actor helps most, with those who may yet decide."""
    me = run.actor.id
    asked = policy.people_acting_in(run.world, _roles(item.lines), run.now)
    said, still_open = _said_and_open(run, item, (me, *asked))
    _, voices = quorum.best(item.lines, [*said, *still_open], run.world)
    return next(voice for voice in voices if voice.person == me)


def _said_and_open(run: Run, item: Item, asked: Iterable[str]) -> tuple[Voices, Voices]:
    """Return the voices of those who approved, and those of others who have not answered yet."""
    barred = frozenset(item.excluded)
    answered = {vote.person for vote in item.votes}
    left = {
        person: policy.acting_on(run.world, item, person, run.now)
        for person in dict.fromkeys((*asked, *item.escalated))
        if person not in barred | answered
    }
    said: Voices = [(voice,) for voice in quorum.approving(item.votes)]
    return said, _voices(item.lines, left, barred)


def _voices(
    lines: tuple[Line, ...], acting: Mapping[str, Mapping[str, str]], barred: frozenset[str]
) -> Voices:
    """Return what people could say to the lines, by the roles that each may act in."""
    standings = ((p, policy.standings_in(lines, roles, barred)) for p, roles in acting.items())
    return [
        tuple(quorum.Voice(person, each.roles, each.on_behalf_of) for each in ways)
        for person, ways in standings
        if ways
    ]


def missing_words(run: Run, filled: quorum.Filled) -> str:
    """Return which lines lack how many people, in words."""
    lacks = [
        f"{need - have} more of {policy.titles_of(run.world, line.roles)}"
        for line, need, have in zip(filled.lines, filled.need, filled.have, strict=True)
        if have < need
    ]
    return ", ".join(lacks)


def _roles(lines: tuple[Line, ...]) -> list[str]:
    return [role for line in lines for role in line.roles]
