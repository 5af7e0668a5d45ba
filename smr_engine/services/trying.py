"""One try of an effect: what it takes, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine.state import Case, Effect
from smr_engine.engine.statuses import EffectStatus
from smr_engine.engine.world import World


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


def status_of(case: Case, effect: str) -> EffectStatus | None:
    """Return the status of an effect, None where its scope is not loaded."""
    found = [s.effects[effect] for s in case.scopes.values() if effect in s.effects]
    return found[0].status if found else None
