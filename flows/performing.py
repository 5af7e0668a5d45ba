"""What a flow run has in hand: effects, performed one by one; no content is told to Prefect."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prefect.context import FlowRunContext, TagsContext
from prefect.runtime import flow_run

from flows.house import workspace
from smr_engine.services import effects, legs, reminders
from smr_engine.services.effects import Performed
from smr_engine.services.ports import Leg

log = logging.getLogger("smr.flows")

MOST = 1_000
"""So many effects a leg or chunk performs at most; what follows then is the conductor's."""


def received(owed: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what this flow run is to perform of what it was given, as JSON (`ports.Owed`).

    A run that the conductor calls itself has the conductor's leases. A run of a deployment begins
    later and elsewhere: it takes over what still waits for it, so that whoever runs it once more,
    or too late, finds nothing to do.
    """
    given = list(owed)
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.deployment_id is None:
        return given
    claims = [legs.claim_of(entry) for entry in given]
    taken = legs.take_over(workspace(), claims, str(context.flow_run.id))
    epochs = {claim.id: claim.epoch for claim in taken}
    return [
        {**entry, "epoch": epochs[entry["effect"]]} for entry in given if entry["effect"] in epochs
    ]


class Hand:
    """Effects that a flow run performs, those included that its own outcomes give rise to.

    Their leases are kept until it is over; iterating takes one after the other.
    """

    def __init__(self, owed: Iterable[Mapping[str, Any]]) -> None:
        self._keeper = workspace().keeper
        self._left: deque[Mapping[str, Any]] = deque()
        self._held: list[Mapping[str, Any]] = []
        self._may_take = MOST
        self._take(owed)

    def follow(self, following: Iterable[Leg]) -> None:
        """Take over what an outcome gave rise to, claimed for this flow run already."""
        for leg in following:
            self._take(leg.as_json()["owed"])

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Yield what is still to be performed; all in all `MOST` at most."""
        while self._left and self._may_take > 0:
            self._may_take -= 1
            yield self._left.popleft()

    def close(self) -> None:
        """Let go of everything; what was not performed is free for others."""
        self._keeper.let_go(map(legs.claim_of, self._held))
        if self._left:
            legs.release(workspace(), map(legs.claim_of, self._left))

    def _take(self, owed: Iterable[Mapping[str, Any]]) -> None:
        taken = list(owed)
        self._keeper.hold(map(legs.claim_of, taken))
        self._held += taken
        self._left.extend(taken)


_hand: ContextVar[Hand] = ContextVar("hand")


@contextmanager
def in_hand(owed: Iterable[Mapping[str, Any]]) -> Iterator[Hand]:
    """Have effects in hand within the block, given as JSON (`ports.Owed`).

    What `perform` gives rise to meanwhile joins them, also from inside a task.
    """
    hand = Hand(owed)
    before = _hand.set(hand)
    try:
        yield hand
    finally:
        _hand.reset(before)
        hand.close()


def untagged() -> TagsContext:
    """Keep a flow run's tags off its tasks.

    For each tagged task Prefect asks about concurrency limits, through a client it makes once: it
    goes on asking a server that is gone, and the task fails.
    """
    return TagsContext()


def perform(owed: Mapping[str, Any], *, last: bool, tries: int) -> Performed:
    """Perform an effect that is in hand and report how it went; never raises.

    Args:
        owed: a `ports.Owed` as JSON.
        last: whether this is the last try within the flow run.
        tries: how often it was tried in it, this time included.
    """
    try:
        performed = effects.perform_owed(
            workspace(), owed, last=last, tries=tries, run=str(flow_run.id or "")
        )
    except Exception as fault:
        # Its message may hold anything, so it stays in our log. The effect is owed until reported:
        # it is performed again after a while.
        log.exception("%s met a fault", owed["effect"])
        legs.put_off(workspace(), "effect", [legs.claim_of(owed)])
        return Performed(type(fault).__name__, happened=False)
    _hand.get().follow(performed.following)
    return performed


def remind(owed: Iterable[Mapping[str, Any]]) -> list[str]:
    """Perform reminders, each person's together, and report them; never raises.

    Args:
        owed: those that are kept for this flow run, as JSON.

    Returns:
        The effects that did not happen.
    """
    claims = [legs.claim_of(entry) for entry in owed]
    try:
        return reminders.perform(workspace(), claims, str(flow_run.id or ""))
    except Exception:
        log.exception("reminders met a fault")
        legs.put_off(workspace(), "effect", claims)
        return [claim.id for claim in claims]
