"""Publishing: begun under the case lock, sent under a stable key, read back, never sent blindly.

A publication that may have gone out is looked up where the connector can, sent again only under its
key, and otherwise left to a person.
"""

from __future__ import annotations

from smr_engine.engine import commands as c
from smr_engine.engine.content import text_digest
from smr_engine.engine.environment import instant
from smr_engine.engine.state import Effect
from smr_engine.engine.statuses import EffectStatus
from smr_engine.errors import NotFound, Refusal, SmrError
from smr_engine.services.notifications import recipient
from smr_engine.services.ports import (
    Connector,
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Publication,
    Published,
    Recovery,
)
from smr_engine.services.stored import Claim
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.transact import Order, apply_in
from smr_engine.services.trying import Job, Try, status_of
from smr_engine.services.workspace import Workspace

UNWANTED = "its step was cancelled or has failed before this went out"
LOST = "whoever was publishing it was lost"


class LostLeaseError(Exception):
    """Somebody else has claimed the publication meanwhile: what was begun is taken back."""


def publish(ws: Workspace, claim: Claim, job: Job) -> Try | None:
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
    try:
        begun, owes = ws.storage.together(lambda unit: _begin_in(ws, unit, claim))
    except LostLeaseError:
        return False
    if owes and not begun:  # what has begun is in our own hands: nothing to look for
        ws.waker.wake()
    return begun


def _begin_in(ws: Workspace, unit: UnitOfWork, claim: Claim) -> tuple[bool, bool]:
    order = Order(claim.case, c.BeginPublication(claim.id), c.ENGINE, claim.id)
    case, owes = apply_in(ws, unit, order)
    begun = status_of(case, claim.id) is EffectStatus.SENDING
    if begun and not unit.claims.held("effect", claim):
        raise LostLeaseError
    return begun, owes


def _again(
    ws: Workspace,
    connector: Connector,
    publication: Publication,
    effect: Effect,
    *,
    wanted: bool,
) -> Try:
    """Go on with a publication whose performer was lost: it may be out.

    Whatever goes wrong before it is known whether it is, it may be out as before.
    """
    if connector.recovery is Recovery.NONE or (connector.recovery is Recovery.KEY and not wanted):
        raise EffectAmbiguousError(LOST)
    try:
        if connector.recovery is Recovery.KEY:
            return _send(ws, connector, publication, effect)
        there = connector.look_up(publication, effect.timeout_s)
    except (EffectRefusedError, EffectUnavailableError) as problem:
        message = f"{LOST}, and then: {problem}"
        raise EffectAmbiguousError(message) from problem
    if there is not None:
        return _published(ws, connector, publication, effect, there)
    if not wanted:
        return Try(c.Outcome.REFUSED, reason=UNWANTED)
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
