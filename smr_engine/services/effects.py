"""Performing what is owed: claim, begin, do, report.

An effect happens at least once under a stable key; how each kind is done stands in
`publications`, `notifications` and below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine.state import Case, Effect
from smr_engine.engine.statuses import EffectKind, EffectStatus
from smr_engine.errors import SmrError
from smr_engine.services import cases, directory, legs
from smr_engine.services.notifications import notify
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Leg,
)
from smr_engine.services.publications import publish
from smr_engine.services.stored import Claim
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.transact import Order, apply, apply_in
from smr_engine.services.trying import Job, Try, status_of
from smr_engine.services.workspace import Workspace

Result = Mapping[str, Any]


def attempt(ws: Workspace, claim: Claim, *, unsent: bool = False) -> Try | None:
    """Try an effect once, without reporting how it went.

    A publication is begun first: its approval is checked again under the case lock.

    Args:
        ws: the workspace.
        claim: the lease it is performed under.
        unsent: whether it was tried under this lease before and certainly did not happen.

    Returns:
        How it went; None if there is nothing to do for whoever has this lease: it has run out, or
        the effect is settled, cancelled or refused at the door.
    """
    found = job(ws, claim, unsent=unsent)
    if found is None:
        return None
    try:
        return _PERFORM[found.effect.kind](ws, claim, found)
    except EffectRefusedError as no:
        return Try(c.Outcome.REFUSED, reason=str(no))
    except EffectUnavailableError as later:
        return Try(c.Outcome.UNAVAILABLE, reason=str(later))
    except EffectAmbiguousError as unclear:
        return Try(c.Outcome.UNKNOWN, reason=str(unclear))


def report(ws: Workspace, claim: Claim, tried: Try, *, tries: int = 1, run: str = "") -> Case:
    """Report how an effect went; durable when it returns, kept as evidence if the lease was lost.

    Args:
        ws: the workspace.
        claim: the lease it was performed under.
        tried: how it went.
        tries: how often it was tried since the last report.
        run: id of the flow run that performed it; empty if Prefect did not answer.

    Returns:
        The case after it.
    """
    return apply(ws, _outcome(claim, tried, tries, run))


def _outcome(claim: Claim, tried: Try, tries: int, run: str) -> Order:
    result = tried.result
    if isinstance(result, Mapping):
        result = {"flow_run": run or None, **result}  # a deployment's own run is the one to name
    command = c.ReportEffect(claim.id, tried.outcome, result, tried.reason, tries=tries)
    return Order(claim.case, command, c.ENGINE, claim.id, claim=claim)


def perform(ws: Workspace, claim: Claim, run: str = "") -> Try | None:
    """Try an effect once and report how it went."""
    tried = attempt(ws, claim)
    if tried is not None:
        report(ws, claim, tried, run=run)
    return tried


@dataclass(frozen=True, slots=True)
class Performed:
    """How an effect of a leg went, and what the case owes because of it.

    Args:
        words: `done`; `nothing owed`; `later` (a timer of ours owes it again); `try again` (not
            reported); `refused`, `unavailable` or `unknown`. They may reach Prefect.
        happened: false if it was tried in vain.
        following: claimed in the transaction of the report for whoever performs the leg, so that
            a leg goes on with what its own outcomes gave rise to.
    """

    words: str
    happened: bool = True
    following: tuple[Leg, ...] = ()


TRY_AGAIN = Performed("try again", happened=False)


def perform_owed(
    ws: Workspace, owed: Mapping[str, Any], *, last: bool, tries: int, run: str
) -> Performed:
    """Perform one effect of a leg, for a flow run.

    Args:
        ws: the workspace.
        owed: a `ports.Owed` as JSON.
        last: whether this is the last try within the leg; it reports also what did not happen.
        tries: how often it was tried in this leg, this time included.
        run: id of the flow run.
    """
    claim = legs.claim_of(owed)
    tried = attempt(ws, claim, unsent=tries > 1)
    if tried is None:
        return Performed("nothing owed")
    if tried.outcome is c.Outcome.UNAVAILABLE and not last:
        return TRY_AGAIN
    order = _outcome(claim, tried, tries, run)
    owner = run or f"whoever performs {claim.case}"
    after, owes, following = ws.storage.together(lambda unit: _follow_up(ws, unit, order, owner))
    if owes:
        ws.waker.wake()
    if tried.outcome is c.Outcome.DONE:
        return Performed("done", following=following)
    if status_of(after, claim.id) in {EffectStatus.FAILED, EffectStatus.UNKNOWN}:
        return Performed(tried.outcome.value, happened=False, following=following)
    return Performed("later", following=following)


def _follow_up(
    ws: Workspace, unit: UnitOfWork, order: Order, owner: str
) -> tuple[Case, bool, tuple[Leg, ...]]:
    """Report an outcome, and claim what the case owes because of it."""
    after, owes = apply_in(ws, unit, order)
    return after, owes, legs.claim_next(ws, unit, order.case, owner) if owes else ()


def job(ws: Workspace, claim: Claim, *, unsent: bool = False) -> Job | None:
    """Return an effect with what it takes to perform it; None if there is nothing to do."""
    with ws.storage.reading() as unit:
        if not unit.claims.in_time("effect", claim, ws.clock.now()):
            return None  # somebody else may have begun it
        case = unit.cases.load(claim.case, locate=claim.id)
        world = directory.world(ws, unit)
    for scope in case.scopes.values():
        effect = scope.effects.get(claim.id)
        if effect is not None and effect.status in {EffectStatus.OWED, EffectStatus.SENDING}:
            return Job(effect, case, world, unsent)
    return None


# --- publications ------------------------------------------------------------------------------


# --- calls and cases of ours -------------------------------------------------------------------


def _call(ws: Workspace, claim: Claim, job: Job) -> Try:
    effect, payload = job.effect, job.effect.payload
    caller = ws.callers.get(payload["uses"])
    if caller is None:
        raise EffectRefusedError(f"there is no connector '{payload['uses']}'")
    result = caller.call(effect.key, payload["with"], effect.timeout_s)
    pending = bool(result.get("pending"))
    return Try(c.Outcome.PENDING if pending else c.Outcome.DONE, dict(result))


def _case(ws: Workspace, claim: Claim, job: Job) -> Try:
    payload = job.effect.payload
    try:
        result = _CASE_COMMANDS[payload["do"]](ws, job.effect, payload)
    except SmrError as problem:
        return Try(c.Outcome.REFUSED, reason=str(problem))
    return Try(c.Outcome.DONE, result)


def _open_child(ws: Workspace, effect: Effect, payload: Mapping[str, Any]) -> Result:
    opening = cases.Opening(
        drill=payload["drill"],
        key=effect.key,
        parent=payload["parent"],
        effect=effect.id,
        documents=tuple(
            c.HandedOver(name, text, tuple(payload["authors"][name]))
            for name, text in payload["documents"].items()
        ),
    )
    actor = c.Actor(f"case:{payload['parent']}", "", "engine")
    started = cases.open_pinned(ws, actor, payload["digest"], payload["inputs"], opening)
    return {"case": started.case}


def _end_child(ws: Workspace, effect: Effect, payload: Mapping[str, Any]) -> Result:
    """Tell the parent."""
    command = c.EndChild(payload["child"], payload["outcome"], payload["results"])
    actor = c.Actor(f"case:{payload['child']}", "", "engine")
    apply(ws, Order(payload["parent"], command, actor, key=effect.key))
    return {"told": [payload["parent"]]}


def _cancel_child(ws: Workspace, effect: Effect, payload: Mapping[str, Any]) -> Result:
    actor = c.Actor(f"case:{payload['parent']}", "", "engine")
    command = c.CancelCase(f"{payload['parent']} was cancelled or ended")
    try:
        apply(ws, Order(payload["child"], command, actor, key=effect.key))
    except SmrError as problem:
        if problem.code != "case-closed":
            raise
    return {"cancelled": payload["child"]}


_CASE_COMMANDS: Mapping[str, Callable[[Workspace, Effect, Mapping[str, Any]], Result]] = {
    "open_child": _open_child,
    "end_child": _end_child,
    "cancel_child": _cancel_child,
}
_PERFORM: Mapping[EffectKind, Callable[[Workspace, Claim, Job], Try | None]] = {
    EffectKind.PUBLICATION: publish,
    EffectKind.NOTIFICATION: notify,
    EffectKind.ESCALATION: notify,
    EffectKind.REMINDER: notify,
    EffectKind.CALL: _call,
    EffectKind.CASE: _case,
}
