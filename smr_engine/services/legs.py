"""Legs: what was claimed, grouped by case and named for people who watch Prefect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from smr_engine.engine.statuses import TOLD_TOGETHER, EffectKind
from smr_engine.errors import SmrError
from smr_engine.services.ports import Leg, Owed
from smr_engine.services.stored import Claim, ClaimedEffect
from smr_engine.services.storing import LeaseKind, UnitOfWork
from smr_engine.services.workspace import Workspace

LEG_LIMIT_S = 60
"""Attempts within a leg last at most so long; a longer pause is a timer of ours."""
LEG_LIMIT = 20
"""Effects of one claim within a leg."""
LEASE = timedelta(seconds=9)
"""How long whoever claimed an effect has it for themselves, unless they renew it (`Keeper`).

So long it takes at most until somebody else takes over from a process that was killed.
"""
FAULT_PAUSE = timedelta(minutes=2)
"""How long what met a fault of ours is left alone: it may have happened, and might again."""
ADDRESS = re.compile(r"\S*@\S*")
"""An item about an outsider may have it in its title; whoever reads flow runs must not learn it."""
ORDER = (
    EffectKind.PUBLICATION,
    EffectKind.CASE,
    EffectKind.CALL,
    EffectKind.NOTIFICATION,
    EffectKind.ESCALATION,
    EffectKind.REMINDER,
)
"""Publications before notifications."""


def legs_of(claimed: Iterable[ClaimedEffect]) -> list[Leg]:
    """Return what was claimed as legs, one a case, publications first."""
    by_case: dict[str, list[ClaimedEffect]] = {}
    for claim in claimed:
        by_case.setdefault(claim.case, []).append(claim)
    return [_leg(claims) for claims in by_case.values()]


def apart(claimed: Iterable[ClaimedEffect]) -> tuple[list[Leg], list[Leg]]:
    """Return what was claimed as legs; several that may be told together are apart."""
    given = list(claimed)
    together = [claim for claim in given if claim.kind in TOLD_TOGETHER]
    if len(together) < 2:
        return legs_of(given), []
    return legs_of(c for c in given if c.kind not in TOLD_TOGETHER), legs_of(together)


def claim_next(ws: Workspace, unit: UnitOfWork, case: str, owner: str) -> tuple[Leg, ...]:
    """Claim what a case owes now, within a unit of work that the caller commits.

    Returns:
        It as a leg, or nothing.
    """
    return tuple(legs_of(unit.claims.effects(owner, ws.clock.now(), LEASE, LEG_LIMIT, case)))


def claims_of(legs: Iterable[Leg]) -> list[Claim]:
    """Return the leases under which legs are performed."""
    return [Claim(owed.effect, owed.case, owed.epoch) for leg in legs for owed in leg.owed]


def claim_of(owed: Mapping[str, Any]) -> Claim:
    """Return the lease under which an effect is performed, given as JSON (`ports.Owed`)."""
    return Claim(owed["effect"], owed["case"], owed["epoch"])


def take_over(
    ws: Workspace, claims: Sequence[Claim], owner: str, lease: timedelta = LEASE
) -> list[Claim]:
    """Go on under leases of an owner's own, which fence whoever knows only the old ones.

    Returns:
        Those that nobody else has claimed or taken over before.
    """
    with ws.storage.writing() as unit:
        taken = unit.claims.take_over("effect", claims, owner, ws.clock.now() + lease)
        unit.keep()
    return list(taken)


def hand_over(ws: Workspace, legs: Iterable[Leg], owner: str, lease: timedelta) -> list[Leg]:
    """Lay legs ready for a process that begins later and takes them over then (`take_over`).

    Args:
        ws: the workspace.
        legs: claimed by the caller, who may not perform them any more.
        owner: under whose name they wait.
        lease: how long; then anybody may claim them again.

    Returns:
        The legs with their new epochs, without what was lost meanwhile.
    """
    given = list(legs)
    epochs = {claim.id: claim.epoch for claim in take_over(ws, claims_of(given), owner, lease)}
    return [
        replace(leg, owed=tuple(replace(o, epoch=epochs[o.effect]) for o in kept))
        for leg in given
        if (kept := [owed for owed in leg.owed if owed.effect in epochs])
    ]


def regain(ws: Workspace, claims: Sequence[Claim], owner: str) -> list[Claim]:
    """Claim effects anew that perhaps were handed over: whoever may have got them is fenced.

    Returns:
        Those that nobody else has claimed or begun.
    """
    with ws.storage.writing() as unit:
        unit.claims.release("effect", claims)
        now = ws.clock.now()
        got = [unit.claims.claim(claim.id, owner, now, LEASE) for claim in claims]
        unit.keep()
    return [claim for claim in got if claim is not None]


def release(ws: Workspace, claims: Iterable[Claim]) -> None:
    """Give effects back that will not be performed here: anybody may claim them now."""
    with ws.storage.writing() as unit:
        unit.claims.release("effect", list(claims))
        unit.keep()


def put_off(ws: Workspace, kind: LeaseKind, claims: Sequence[Claim]) -> None:
    """Leave what met a fault alone for a while. Never raises: the database may be the fault."""
    with suppress(SmrError), ws.storage.writing() as unit:
        unit.claims.release(kind, claims, ws.clock.now() + FAULT_PAUSE)
        unit.keep()


def _leg(claims: Sequence[ClaimedEffect]) -> Leg:
    first = claims[0]
    tags = (first.case, first.playbook, first.severity, "drill" if first.drill else "")
    ordered = sorted(claims, key=lambda claim: ORDER.index(claim.kind))
    return Leg(
        case=first.case,
        number=first.leg,
        after=first.after,
        owed=tuple(_owed(claim) for claim in ordered),
        owed_at=min(claim.owed_at for claim in claims),
        tags=tuple(tag for tag in tags if tag),
    )


def _owed(claim: ClaimedEffect) -> Owed:
    tries, spent = 1, 0
    left = max(1, claim.retry_attempts - claim.attempts)
    while tries < left and spent + claim.backoff_s * 2 ** (tries - 1) <= LEG_LIMIT_S:
        spent += claim.backoff_s * 2 ** (tries - 1)
        tries += 1
    name = ADDRESS.sub("...", claim.name)
    return Owed(
        claim.id,
        claim.case,
        claim.epoch,
        name,
        tries,
        claim.backoff_s,
        claim.timeout_s,
        reminds=claim.kind in TOLD_TOGETHER,
    )
