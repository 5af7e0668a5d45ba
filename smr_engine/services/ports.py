"""What the services need from outside, as small protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from smr_engine.engine.world import Account


class Clock(Protocol):
    """The only source of the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        ...


class Entropy(Protocol):
    """The only source of randomness (salts of content commitments)."""

    def salt(self) -> bytes:
        """Return 32 unpredictable bytes."""
        ...


class Recovery(StrEnum):
    """What a connector can do about a publication that may or may not have happened."""

    KEY = "key"  # the same idempotency key may be sent again
    LOOKUP = "lookup"  # it can be asked whether the publication is there
    NONE = "none"  # only a person can find out


class EffectRefusedError(Exception):
    """The other side said no for good (a 4xx, a bad address); trying again is of no use."""


class EffectUnavailableError(Exception):
    """It certainly did not happen and may work later (connection refused, 503 before sending)."""


class EffectAmbiguousError(Exception):
    """It may or may not have happened (time-out or lost connection after sending)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to be told: `kind` is person, contact, vendor or address; `id` is the address there."""

    kind: str
    id: str
    name: str = ""
    email: str = ""
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A notification to one recipient, rendered; `key` is the same on every try."""

    key: str
    case: str
    recipient: Recipient
    subject: str
    body: str
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """One approved document on its way to one account; `key` is the same on every try."""

    key: str
    case: str
    account: Account
    document: str
    title: str
    text: str
    digest: str  # SHA-256 of the text's UTF-8 bytes, hex
    recipients: tuple[Recipient, ...] = ()
    in_reply_to: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """Where a publication can be found."""

    url: str
    receipt: Mapping[str, Any] = field(default_factory=dict)


class Connector(Protocol):
    """A way to publish; stateless, safe to call from several threads."""

    recovery: Recovery

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        """Publish; idempotent under `publication.key` where `recovery` is KEY.

        Raises:
            EffectRefusedError, EffectUnavailableError, EffectAmbiguousError: see there.
        """
        ...

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        """Return where it is if it is there; only called where `recovery` is LOOKUP or KEY."""
        ...

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        """Return the text that is live, or None where the connector cannot read it."""
        ...


class Notifier(Protocol):
    """A way to tell people."""

    def send(self, message: Message, timeout_s: float) -> str:
        """Send one message; return the channel used (`email`, `outbox`, `slack`, ...).

        Raises:
            EffectRefusedError, EffectUnavailableError, EffectAmbiguousError: see there.
        """
        ...


class Caller(Protocol):
    """A system behind a `call` step."""

    def call(self, key: str, arguments: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any]:
        """Do the call; return JSON data for the step's output. Raises as `Connector.publish`."""
        ...


class Waker(Protocol):
    """Wakes the conductor in whatever process it runs; best effort, never raises."""

    def wake(self) -> None:
        """Say that something is owed or due."""
        ...


class Dispatcher(Protocol):
    """Runs owed effects; Prefect is behind it."""

    def run_leg(self, leg: Leg) -> None:
        """Perform one case's leg as one flow run."""
        ...

    def run_batch(self, effects: Sequence[str]) -> None:
        """Perform many effects as one flow run."""
        ...


@dataclass(frozen=True, slots=True)
class Leg:
    """All that one case owes between two waits for people: names only, never content."""

    case: str
    number: int
    after: str
    effects: tuple[str, ...]
    tags: tuple[str, ...] = ()
    epoch: int = 0
