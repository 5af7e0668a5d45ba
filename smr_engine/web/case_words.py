"""A case in words: its steps, what a new severity moves, how far a publication is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from smr_engine.services.text import instant
from smr_engine.services.views import CaseView

_WHAT: Mapping[str, str] = {
    "due": "due",
    "due_at": "due",
    "expires": "expires",
    "expires_at": "expires",
    "quorum": "who has to approve",
    "lines": "who has to approve",
    "assurance": "proof of identity",
}

STEPS: Mapping[str, str] = {
    "publish": "publication",
    "notify": "message",
    "switch": "choice by a rule",
    "section": "part",
    "parallel": "side by side",
    "foreach": "for each",
    "repeat": "in rounds",
    "playbook": "case of its own",
    "set": "reckoning",
}
"""What kinds of steps are called that are no words for people already."""
STATES: Mapping[str, str] = {
    "waiting": "to come",
    "active": "under way",
    "completed": "done",
    "cancelled": "stopped",
}
"""How far a step is; other states are words for people already."""
_PUBLISHED: Mapping[str, str] = {
    "done": "Published",
    "failed": "Could not be published",
    "unknown": "Nobody knows whether it was published",
    "cancelled": "Not published",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing that a new severity moves, so many times alike (a message to many people)."""

    name: str
    what: str
    before: str
    after: str
    times: int = 1


def moves(view: CaseView, moved: Iterable[Mapping[str, Any]], zone: tzinfo) -> list[Moved]:
    """Return what moves, by titles, times in the reader's zone; what is alike stands once."""
    alike = Counter(_named(view, moved, zone))
    return [replace(each, times=times) for each, times in alike.items()]


def published(status: str, *, drill: bool) -> str:
    """Return how far a publication is; in a drill nothing of it ever goes out."""
    if drill and status == "done":
        return "Would have been published"
    return _PUBLISHED.get(status, "Would be published" if drill else "Is being published")


def _named(view: CaseView, moved: Iterable[Mapping[str, Any]], zone: tzinfo) -> Iterator[Moved]:
    titles = {
        **{item.item: item.title for item in view.items},
        **{clock.clock: clock.title for clock in view.clocks},
        **{step.path: step.title for step in view.steps},
    }
    for each in moved:
        name = each.get("item") or each.get("clock") or each.get("step") or ""
        what = str(each["what"])
        yield Moved(
            name=titles.get(name, name),
            what=_WHAT.get(what, what.replace("_", " ")),
            before=_value(each["from"], zone),
            after=_value(each["to"], zone),
        )


def _value(value: Any, zone: tzinfo) -> str:
    try:
        return instant(datetime.fromisoformat(str(value)), zone)
    except ValueError:
        return str(value) or "nothing"
