"""Legs: what was claimed, grouped by case and named for people who watch Prefect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from smr_engine.engine.statuses import EffectKind
from smr_engine.services.ports import Leg, Owed
from smr_engine.services.stored import Claim, ClaimedEffect
from smr_engine.services.workspace import Workspace

LEG_LIMIT_S = 60
"""Attempts within a leg last at most so long; a longer pause is a timer of ours."""
LEG_LIMIT = 20
"""Effects of one claim within a leg."""
LEASE = timedelta(seconds=120)
"""How long whoever claimed an effect has it for themselves."""
ADDRESS = re.compile(r"\S*@\S*")
"""An item about an outsider may have it in its title; whoever reads flow runs must not learn it."""
ORDER = (EffectKind.PUBLICATION, EffectKind.CASE, EffectKind.CALL, EffectKind.NOTIFICATION)
"""Publications before notifications."""


def legs_of(claimed: Iterable[ClaimedEffect]) -> list[Leg]:
    """Return what was claimed as legs, one a case, publications first."""
    by_case: dict[str, list[ClaimedEffect]] = {}
    for claim in claimed:
        by_case.setdefault(claim.case, []).append(claim)
    return [_leg(claims) for claims in by_case.values()]


def next_leg(ws: Workspace, case: str, owner: str) -> Leg | None:
    """Claim what a case owes now and return it as a leg; None if it owes nothing."""
    with ws.storage.writing() as unit:
        claimed = unit.claims.effects(owner, ws.clock.now(), LEASE, LEG_LIMIT, case)
        unit.keep()
    return legs_of(claimed)[0] if claimed else None


def keep(ws: Workspace, owed: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Renew the leases of effects that wait to be performed.

    Args:
        ws: the workspace.
        owed: `ports.Owed` as JSON.

    Returns:
        Those that nobody else has claimed meanwhile; only they may be performed.
    """
    if not owed:
        return []
    claims = [Claim(each["effect"], each["case"], each["epoch"]) for each in owed]
    longest = timedelta(seconds=max(each["timeout_s"] for each in owed))
    with ws.storage.writing() as unit:
        ours = unit.claims.renew("effect", claims, ws.clock.now() + LEASE + longest)
        unit.keep()
    return [each for each in owed if each["effect"] in ours]


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
    return Owed(claim.id, claim.case, claim.epoch, name, tries, claim.backoff_s, claim.timeout_s)
