"""Performing what is owed: claim, begin, do, report.

An effect happens at least once under a stable key. A publication that may have gone out is looked
up where the connector can, sent again only under its key, and otherwise left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine.content import text_digest
from smr_engine.engine.environment import instant
from smr_engine.engine.state import Case, Effect
from smr_engine.engine.statuses import EffectKind, EffectStatus
from smr_engine.engine.world import World
from smr_engine.errors import NotFound, Refusal, SmrError
from smr_engine.services import cases, directory, legs
from smr_engine.services.ports import (
    Connector,
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Leg,
    Message,
    Publication,
    Published,
    Recipient,
    Recovery,
)
from smr_engine.services.stored import Claim
from smr_engine.services.transact import Order, apply, apply_in
from smr_engine.services.workspace import Workspace

Result = Mapping[str, Any]
UNWANTED = "its step was cancelled or has failed before this went out"


@dataclass(frozen=True, slots=True)
class Try:
    """How one try went."""

    outcome: c.Outcome
    result: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """An effect with what it takes to perform it."""

    effect: Effect
    case: Case
    world: World
    unsent: bool  # a publication that was begun certainly did not go out so far


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
    job = _job(ws, claim, unsent=unsent)
    if job is None:
        return None
    try:
        return _PERFORM[job.effect.kind](ws, claim, job)
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
    with ws.storage.writing() as unit:
        after, owes = apply_in(ws, unit, order)
        following = legs.claim_next(ws, unit, claim.case, run) if owes else ()
        unit.keep()
    if owes:
        ws.waker.wake()
    if tried.outcome is c.Outcome.DONE:
        return Performed("done", following=following)
    if _status(after, claim.id) in {EffectStatus.FAILED, EffectStatus.UNKNOWN}:
        return Performed(tried.outcome.value, happened=False, following=following)
    return Performed("later", following=following)


def _job(ws: Workspace, claim: Claim, *, unsent: bool) -> Job | None:
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


def _publish(ws: Workspace, claim: Claim, job: Job) -> Try | None:
    """Publish, unless nobody wants it any more; what may be out already is not called unsent."""
    effect = job.effect
    may_be_out = effect.status is EffectStatus.SENDING and not job.unsent
    try:
        connector = _connector(ws, job)
    except SmrError as problem:  # account or settings: nothing can be sent
        outcome = c.Outcome.UNKNOWN if may_be_out else c.Outcome.REFUSED
        return Try(outcome, reason=str(problem))
    wanted = True
    try:
        if not _begin(ws, claim):
            return None
    except Refusal as no:
        if no.code == "effect-settled":
            return None
        wanted = False
    publication = _publication(job)
    if may_be_out:
        return _again(ws, connector, publication, effect, wanted=wanted)
    if not wanted:
        return Try(c.Outcome.REFUSED, reason=UNWANTED)
    return _send(ws, connector, publication, effect)


def _connector(ws: Workspace, job: Job) -> Connector:
    account = job.world.accounts.get(job.effect.account)
    if account is None:
        raise NotFound("unknown-account", f"the account '{job.effect.account}' is gone")
    return ws.connector_for(account)


def _begin(ws: Workspace, claim: Claim) -> bool:
    """Begin a publication, or go on with one, if it is wanted and nobody else has claimed it.

    Whoever stood still for longer than the lease (a frozen machine) must not send beside the one
    who took over: both are checked in the transaction that says it has begun.

    Raises:
        Refusal: `effect-settled` or `publication-unwanted`, see the command.
    """
    order = Order(claim.case, c.BeginPublication(claim.id), c.ENGINE, claim.id)
    with ws.storage.writing() as unit:
        case, owes = apply_in(ws, unit, order)
        begun = _status(case, claim.id) is EffectStatus.SENDING
        if begun and not unit.claims.held("effect", claim):
            return False
        unit.keep()
    if owes:
        ws.waker.wake()
    return begun


def _status(case: Case, effect: str) -> EffectStatus | None:
    found = [s.effects[effect] for s in case.scopes.values() if effect in s.effects]
    return found[0].status if found else None


def _again(
    ws: Workspace,
    connector: Connector,
    publication: Publication,
    effect: Effect,
    *,
    wanted: bool,
) -> Try:
    """Go on with a publication whose performer was lost: it may be out."""
    if connector.recovery is Recovery.LOOKUP:
        there = connector.look_up(publication, effect.timeout_s)
        if there is not None:
            return _published(ws, connector, publication, effect, there)
        if not wanted:
            return Try(c.Outcome.REFUSED, reason=UNWANTED)
    elif connector.recovery is Recovery.NONE or not wanted:
        raise EffectAmbiguousError("whoever was publishing it was lost")
    return _send(ws, connector, publication, effect)


def _send(ws: Workspace, connector: Connector, publication: Publication, effect: Effect) -> Try:
    published = connector.publish(publication, effect.timeout_s)
    return _published(ws, connector, publication, effect, published)


def _published(
    ws: Workspace,
    connector: Connector,
    publication: Publication,
    effect: Effect,
    published: Published,
) -> Try:
    """Read back what is live, where the connector can, and compare it with what was approved."""
    result = {
        "url": published.url,
        "digest": publication.digest,
        "published_at": instant(ws.clock.now()),
        "receipt": dict(published.receipt),
    }
    if not effect.payload.get("verify", True):
        return Try(c.Outcome.DONE, {**result, "verified": None})
    try:
        live = connector.read_back(publication, published, effect.timeout_s)
    except (EffectUnavailableError, EffectAmbiguousError, EffectRefusedError) as problem:
        return Try(c.Outcome.DONE, {**result, "verified": None, "not_verified": str(problem)})
    if live is not None and text_digest(live) != publication.digest:
        reason = f"what is live at {published.url} is not what was approved"
        return Try(c.Outcome.REFUSED, {**result, "verified": False}, reason)
    return Try(c.Outcome.DONE, {**result, "verified": live is not None or None})


def _publication(job: Job) -> Publication:
    effect, payload = job.effect, job.effect.payload
    return Publication(
        key=effect.key,
        case=job.case.header.ref,
        account=job.world.accounts[effect.account],
        document=payload["document"],
        title=payload["title"],
        text=payload["text"],
        digest=effect.digest,
        recipients=tuple(recipient(job.world, ref) for ref in payload["to"]),
        in_reply_to=payload["in_reply_to"],
        replaces=payload["replaces"],
    )


# --- notifications -----------------------------------------------------------------------------


def recipient(world: World, ref: Mapping[str, str]) -> Recipient:
    """Return somebody to be told, with the addresses the directory has now."""
    kind, name = ref["kind"], ref["id"]
    if kind == "person" and name in world.people:
        person = world.people[name]
        return Recipient(kind, name, person.name, person.email, person.notify)
    outside = {"contact": world.contacts, "vendor": world.vendors}.get(kind, {}).get(name)
    if outside is not None:
        return Recipient(kind, name, outside.name, outside.email)
    return Recipient(kind, name, name, name if kind == "address" else "")


def _notify(ws: Workspace, claim: Claim, job: Job) -> Try:
    """Tell everybody who has not been told yet; somebody who cannot be told is not hidden."""
    effect, payload = job.effect, job.effect.payload
    told = list((effect.result or {}).get("told", []))
    refused: list[str] = []
    later: list[str] = []
    for ref in payload["to"]:
        name = ref["id"] if ref["kind"] == "person" else f"{ref['kind']}:{ref['id']}"
        if name in told:
            continue
        problem = _tell(ws, job, ref, name)
        if problem is None:
            told.append(name)
        else:
            (refused if isinstance(problem, EffectRefusedError) else later).append(
                f"{name}: {problem}"
            )
    withheld = [r["id"] for r in payload.get("withheld", [])]
    result = {"told": told, **({"withheld": withheld} if withheld else {})}
    if later:
        return Try(c.Outcome.UNAVAILABLE, result, "; ".join(later))
    if refused:
        return Try(c.Outcome.REFUSED, result, "; ".join(refused))
    return Try(c.Outcome.DONE, result)


def _tell(ws: Workspace, job: Job, ref: Mapping[str, str], name: str) -> Exception | None:
    effect, payload = job.effect, job.effect.payload
    item = payload.get("items", {}).get(name, "")
    body = f"{payload['body']}\n\nPlease acknowledge with: smr ack {item}" if item else None
    message = Message(
        key=f"{effect.key}-{name}",
        case=job.case.header.ref,
        recipient=recipient(job.world, ref),
        subject=payload["subject"],
        body=body or payload["body"],
        drill=job.case.header.drill,
    )
    try:
        ws.notifier.send(message, effect.timeout_s)
    except (EffectRefusedError, EffectUnavailableError, EffectAmbiguousError) as problem:
        return problem
    return None


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
    EffectKind.PUBLICATION: _publish,
    EffectKind.NOTIFICATION: _notify,
    EffectKind.CALL: _call,
    EffectKind.CASE: _case,
}
