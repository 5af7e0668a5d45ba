"""The world outside: accounts, mailboxes and a web service that can fail, and remember everything.

It implements the ports of connectors, notifier and callers, and is the only witness of what really
went out; what the engine believes stands in its events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from smr_engine.engine.world import Account
from smr_engine.services.ports import (
    Clock,
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Message,
    Publication,
    Published,
    Recovery,
)
from tests.simulation.town import ACCOUNTS


class Killed(BaseException):
    """The process that was at work is gone; nothing of it runs any more, no handler either."""


FAULTS = (
    *("refused", "unavailable", "lost before sending", "lost after sending"),
    *("killed before sending", "killed after sending", "stalled before sending"),
    *("stalled after sending", "down"),
)
"""What can go wrong at one place, once; `down` lasts until it is mended."""
_ERRORS: Mapping[str, type[Exception]] = {
    "refused": EffectRefusedError,
    "unavailable": EffectUnavailableError,
    "down": EffectUnavailableError,
    "lost": EffectAmbiguousError,
}


@dataclass(frozen=True, slots=True)
class Post:
    """A publication that arrived; `again`: under a key that the account knew, so nothing changed."""

    at: datetime
    account: str
    key: str
    text: str
    again: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that arrived."""

    at: datetime
    to: str
    key: str
    text: str


@dataclass
class Outside:
    """Everything that is not ours (implements `Notifier` and `Caller`, and gives connectors)."""

    clock: Clock
    meanwhile: Callable[[], None] = lambda: None
    witness: Callable[[Message], None] = lambda message: None
    overhear: Callable[[str], None] = lambda key: None
    faults: dict[str, list[str]] = field(default_factory=dict)
    frozen: Counter[str] = field(default_factory=Counter)
    posts: list[Post] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    def go_wrong(self, place: str, fault: str) -> None:
        """Let the next thing that is sent to a place go wrong (`down`: all, until `mend`)."""
        self.faults.setdefault(place, []).append(fault)

    def mend(self) -> None:
        """Let everything work again."""
        self.faults.clear()

    def connector_for(self, account: Account) -> _Connector:
        """Return the connector of an account."""
        return _Connector(self, account.id, Recovery(ACCOUNTS[account.id]))

    def send(self, message: Message, timeout_s: float) -> str:
        """Take a message (implements `Notifier`)."""
        self.pass_through("mail", lambda: self._deliver(message))
        return "simulated"

    def _deliver(self, message: Message) -> None:
        self.witness(message)
        self.letters.append(
            Letter(self.clock.now(), message.recipient.id, message.key, message.body)
        )

    def call(self, key: str, arguments: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any]:
        """Answer a call (implements `Caller`)."""
        self.pass_through("web", lambda: self.overhear(key))
        return {"status": 200, "body": {}}

    def pass_through(self, place: str, arrive: Callable[[], None]) -> None:
        """Let something arrive at a place, with what goes wrong there now."""
        fault = self._next_fault(place)
        what, _, when = fault.partition(" ")
        if when != "after sending":
            self.frozen[place] += what == "stalled"
            self._suffer(place, what)
        arrive()
        if when == "after sending":
            self._suffer(place, what)

    def _next_fault(self, place: str) -> str:
        waiting = self.faults.get(place)
        if not waiting:
            return ""
        return waiting[0] if waiting[0] == "down" else waiting.pop(0)

    def _suffer(self, place: str, what: str) -> None:
        if what == "killed":
            raise Killed(place)
        if what == "stalled":
            self.meanwhile()
        if what in _ERRORS:
            message = f"{place}: {what}"
            raise _ERRORS[what](message)


@dataclass(frozen=True)
class _Connector:
    """One account; it can do what its recovery class says (implements `Connector`)."""

    outside: Outside
    account: str
    recovery: Recovery

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        """Take a publication; under a key that is known nothing happens again."""
        post = Post(
            self.outside.clock.now(), self.account, publication.key, publication.text, False
        )
        self.outside.pass_through(self.account, lambda: self._arrive(post))
        return self._found(publication)

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        """Return where a publication is, if it is there."""
        self.outside.pass_through(self.account, lambda: None)
        there = any(
            p.account == self.account and p.key == publication.key for p in self.outside.posts
        )
        return self._found(publication) if there else None

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        """Return what is live."""
        mine = (
            p for p in self.outside.posts if (p.account, p.key) == (self.account, publication.key)
        )
        return next(mine).text

    def _arrive(self, post: Post) -> None:
        known = any((p.account, p.key) == (post.account, post.key) for p in self.outside.posts)
        again = known and self.recovery is Recovery.KEY
        self.outside.posts.append(replace(post, again=again))

    def _found(self, publication: Publication) -> Published:
        return Published(f"https://{self.account}.example.test/{publication.key}")
