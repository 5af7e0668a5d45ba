"""What a rehearsal catches of what would have gone out, and what fails in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from smr_engine.services.ports import Clock
from smr_engine.services.workspace import Workspace

MESSAGES = "messages"
"""The name of all notifications among what can be down; everything else is an account."""


@dataclass(frozen=True, slots=True)
class Down:
    """An account, or all messages, does not work for a time; `until` None: to the end."""

    of: str
    since: datetime
    until: datetime | None
    how: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was caught; `to` is a person, contact, vendor or address."""

    at: datetime
    case: str
    to: str
    name: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A publication that was caught."""

    at: datetime
    case: str
    account: str
    document: str
    text: str
    url: str = ""
    to: tuple[str, ...] = ()

    def addressed(self, url: str, to: tuple[str, ...]) -> Posted:
        """Return it with its address and its recipients."""
        return replace(self, url=url, to=to)


class MovableClock(Clock, Protocol):
    """A clock that a rehearsal moves."""

    def move_to(self, now: datetime) -> None:
        """Show another instant; it never goes back."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """A workspace for one rehearsal: everything real but the clock and what goes out.

    Args:
        ws: the workspace, thrown away afterwards.
        clock: its clock.
        sent: the messages that were caught so far.
        posted: the publications.
    """

    ws: Workspace
    clock: MovableClock
    sent: list[Sent]
    posted: list[Posted]


def directory_json(data: Mapping[str, Any]) -> str:
    """Return a directory as JSON, which is YAML as well."""
    return json.dumps(data, default=str, indent=1)
