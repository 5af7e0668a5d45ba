"""Asking again: what was approved, or is being decided on, has changed and is not out yet."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from smr_engine.engine import closing, flow, work
from smr_engine.engine import events as e
from smr_engine.engine.binding import approvals_of, publications_of
from smr_engine.engine.bundle import differences, granted
from smr_engine.engine.fold_case import encloses
from smr_engine.engine.paths import scope_chain
from smr_engine.engine.problems import StepProblemError, UnreachableError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item
from smr_engine.engine.statuses import EffectKind, EffectStatus, ItemKind, ScopeStatus, StepStatus
from smr_engine.engine.steps import approvals, publishing
from smr_engine.errors import Refusal
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import PublishStep


def content_changed(run: Run, home: str, document: str) -> None:
    """Ask again wherever a document is under approval, or was approved and is not out yet.

    Of one that is out, nothing that is attached afterwards changes what was approved. Where nobody
    is there to approve it now, the approval fails and holds the case.

    Raises:
        Refusal: it was approved in a branch that has been ended, and something relies on that.
        UnreachableError: whoever changes it is needed to approve it.
    """
    if run.scope(home).documents[document].out:
        return
    for place in _asked_about(run, home, document):
        state = run.state(place)
        if state.status is StepStatus.ACTIVE:
            for item in work.open_items_of(run, place):
                if item.kind is ItemKind.APPROVAL:
                    _ask(run, place, item)
        elif state.status is StepStatus.COMPLETED and state.outcome == "approved":
            ended = any(run.scope(p).ended is not None for p, _ in _over_around(run, place.scope))
            if not ended or publications_of(run.index, place.step.id):
                reopen(run, place)


def refuse_if_begun(run: Run, home: str, document: str) -> None:
    """Refuse to change a document whose publication has begun.

    Raises:
        Refusal: it has.
    """
    known = run.scope(home).documents.get(document)
    if known is not None and known.out:
        raise Refusal(
            "publication-begun",
            f"{document} can no longer be changed: its publication has begun",
            hint="write a correction as a new document; a draft of it can be finished unchanged",
        )


def ask_again_if_changed(run: Run, place: Place) -> None:
    """Ask again for approvals that a publication requires and that are about something else now.

    Raises:
        StepProblemError: it cannot be resolved where it goes.
    """
    step = cast(PublishStep, place.step)
    for name in step.requires:
        approved = granted(run, place.scope, name)
        scope = run.scope_of_step(place.scope, name)
        if approved and scope is not None and differences(run, place, step, approved):
            reopen(run, run.place(scope, name))


def reopen(run: Run, place: Place, *, insist: bool = True) -> None:
    """Start the next round of a completed approval, taking back what has not gone out.

    A branch that was over goes on for it. Its `when` held once and is not asked again.

    Args:
        run: the command under way.
        place: the approval.
        insist: refuse where it is whoever acts that is lacking; else the approval fails.

    Raises:
        Refusal: its branch did not come to its end, but was ended.
        UnreachableError: whoever changes it is needed to approve it.
    """
    over = _over_around(run, place.scope)
    if any(run.scope(path).ended is not None for path, _ in over):
        title = work.title_of(run, place)
        message = f"{title} was decided in a part of the case that has been ended"
        raise Refusal("approval-over", message, hint="it cannot be asked again", where=place.path)
    for name in publications_of(run.index, place.step.id):
        _take_back(run, place, name)
    for path, outer in over:
        run.emit(e.ScopeStarted(scope=outer, path=path))
    closing.reopen(run, place.scope, (place.step,), "the content changed")
    _ask(run, place, None, insist=insist)


def _ask(run: Run, place: Place, previous: Item | None, *, insist: bool = True) -> None:
    try:
        question = approvals.resolve(run, place)
    except UnreachableError as problem:
        if insist and approvals.needs(run, place, run.actor.id):
            raise
        flow.fail(run, place, str(problem))
        return
    except (ExpressionError, StepProblemError) as problem:
        flow.fail(run, place, str(problem))
        return
    if previous is None:
        work.start(run, place)
    approvals.ask(run, place, question, previous)


def _take_back(run: Run, place: Place, publish: str) -> None:
    """Let a publication that relies on this approval wait for it again."""
    wanted = run.position(publish)
    paths = [p for p in run.header.running if flow.runs_in(run, p, wanted.scopes)]
    run.need(paths)
    for path in paths:
        state = run.scope(path).step(publish)
        relies = run.scope_of_step(path, place.step.id) == place.scope
        if not relies or state.status not in {StepStatus.ACTIVE, StepStatus.FAILED}:
            continue
        if publishing.under_way(run, run.place(path, publish)):
            _stop_the_rest(run, run.place(path, publish))
        else:
            closing.reopen(run, path, (wanted.step,), "the content changed")


def _stop_the_rest(run: Run, place: Place) -> None:
    """Let nothing more of a publication begin; it is taken back once what has begun is settled."""
    for effect in work.effects_of(run, place, EffectKind.PUBLICATION):
        if effect.status is EffectStatus.OWED:
            work.cancel_effect(run, place.scope, effect, "its approval is asked again")


def _over_around(run: Run, scope: str) -> list[tuple[str, str]]:
    """Return the scopes at and around a scope that are over, outer before inner.

    Each with the scope around it.
    """
    around = list(pairwise(scope_chain(run.index, scope)))
    return [(p, o) for p, o in reversed(around) if run.scope(p).status is ScopeStatus.ENDED]


def _asked_about(run: Run, home: str, document: str) -> list[Place]:
    """Return the approval steps about a document, in its scope and in the running ones below it.

    Also those in branches that are over, where something later may rely on them: nothing in an
    element or round that is over does.
    """
    below = [p for p in run.header.running if p == home or encloses(home, p)]
    found = []
    for name in approvals_of(run.index, document):
        paths = {p: None for p in below if flow.runs_in(run, p, run.position(name).scopes)}
        joined = run.scope_of_step(home, name) if run.alive(home) else None
        if joined is not None:
            paths[joined] = None
        run.need(list(paths))
        found += [run.place(p, name) for p in paths if run.find_document(p, document) == home]
    return found
