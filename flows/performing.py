"""One effect inside a flow run: performed, reported, and told to Prefect without its content."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prefect.context import TagsContext
from prefect.runtime import flow_run

from flows.house import workspace
from smr_engine.services import effects, legs
from smr_engine.services.effects import NotDoneError

log = logging.getLogger("smr.flows")

TRY_AGAIN = "try again"
KEEP_EVERY = timedelta(seconds=30)
"""How often a flow run renews the leases of what it has yet to perform."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went, in words that Prefect may show."""

    happened: bool
    words: str


def untagged() -> TagsContext:
    """Keep a flow run's tags off its tasks.

    For each tagged task Prefect asks about concurrency limits, through a client it makes once: it
    goes on asking a server that is gone, and the task fails.
    """
    return TagsContext()


def ours(owed: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield effects one by one, as long as nobody else has claimed them meanwhile."""
    ws = workspace()
    left, kept_at = list(owed), None
    while left:
        now = ws.clock.now()
        if kept_at is None or now - kept_at >= KEEP_EVERY:
            left, kept_at = legs.keep(ws, left), now
        if left:
            yield left.pop(0)


def perform(owed: Mapping[str, Any], *, last: bool, tries: int) -> Outcome:
    """Perform an effect and report how it went; never raises.

    Args:
        owed: a `ports.Owed` as JSON.
        last: whether this is the last try within the flow run.
        tries: how often it was tried in it, this time included.
    """
    try:
        words = effects.perform_owed(
            workspace(), owed, last=last, tries=tries, run=str(flow_run.id or "")
        )
    except NotDoneError as told:
        return Outcome(happened=False, words=str(told))
    except Exception as fault:
        # Its message may hold anything, so it stays in our log. The effect is owed until reported:
        # it is performed again once its lease is over.
        log.exception("%s met a fault", owed["effect"])
        return Outcome(happened=False, words=type(fault).__name__)
    return Outcome(happened=words != TRY_AGAIN, words=words)
