"""The stage of a rehearsal: what goes out is caught, and can be made to fail for a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from threading import Lock
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
from smr_engine.services.staging import MESSAGES, Down, Posted, Sent

FAULTS: Mapping[str, tuple[type[Exception], str]] = {
    "down": (EffectUnavailableError, "does not answer"),
    "refuses": (EffectRefusedError, "refuses"),
    "unclear": (EffectAmbiguousError, "did not say whether it took it"),
}


class Stage:
    """Catches messages, publications and calls; implements the ports of all three.

    Args:
        clock: the rehearsal's.
        down: what does not work, and when.
    """

    def __init__(self, clock: Clock, down: tuple[Down, ...]) -> None:
        self.clock = clock
        self.sent: list[Sent] = []
        self.posted: list[Posted] = []
        self._down = down
        self._lock = Lock()

    def send(self, message: Message, timeout_s: float) -> str:
        """Keep a message (see `services.ports.Notifier`)."""
        self.fail_if_down(MESSAGES)
        to = message.recipient
        sent = Sent(self.clock.now(), message.case, to.id, to.name, message.subject, message.body)
        with self._lock:
            self.sent.append(sent)
        return "rehearsal"

    def connector_for(self, account: Account) -> CaughtPosts:
        """Return the connector of an account."""
        return CaughtPosts(self, account.id)

    def call(self, key: str, arguments: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any]:
        """Answer a call with what was asked (see `services.ports.Caller`)."""
        return {"rehearsed": dict(arguments)}

    def keep(self, posted: Posted) -> None:
        """Keep a publication."""
        with self._lock:
            self.posted.append(posted)

    def fail_if_down(self, what: str) -> None:
        """Fail as an outage says, if there is one now."""
        now = self.clock.now()
        for down in self._down:
            if down.of == what and down.since <= now and (down.until is None or now < down.until):
                fault, words = FAULTS[down.how]
                raise fault(f"{what} {words}")


class CaughtPosts:
    """Keeps what is published to one account (implements `services.ports.Connector`)."""

    recovery = Recovery.NONE

    def __init__(self, stage: Stage, account: str) -> None:
        self._stage = stage
        self._account = account

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        """Keep a publication."""
        self._stage.fail_if_down(self._account)
        at: datetime = self._stage.clock.now()
        number = len(self._stage.posted) + 1
        url = f"https://{self._account}.rehearsal.example.test/{number}"
        to = tuple(recipient.id for recipient in publication.recipients)
        posted = Posted(at, publication.case, self._account, publication.document, publication.text)
        self._stage.keep(posted.addressed(url, to))
        return Published(url)

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        """Return nothing: it is never asked (see `recovery`)."""
        return None

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        """Return what is live: what was published."""
        return publication.text
