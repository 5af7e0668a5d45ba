"""One effect inside a flow run: performed, reported, and told to Prefect without its content."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect.context import TagsContext
from prefect.runtime import flow_run

from flows.house import workspace
from smr_engine.services import effects, legs
from smr_engine.services.effects import NotDoneError

log = logging.getLogger("smr.flows")

TRY_AGAIN = "try again"


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
        # it is performed again after a while.
        log.exception("%s met a fault", owed["effect"])
        legs.put_off(workspace(), "effect", [legs.claim_of(owed)])
        return Outcome(happened=False, words=type(fault).__name__)
    return Outcome(happened=words != TRY_AGAIN, words=words)
