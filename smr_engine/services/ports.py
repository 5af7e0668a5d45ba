"""What the services need from outside, as small protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
    """The only source of randomness: salts, session tokens, secrets of second factors."""

    def salt(self) -> bytes:
        """Return 32 unpredictable bytes."""
        ...


class Passwords(Protocol):
    """Hashing that is slow on purpose; safe to call from several threads."""

    def hash(self, password: str, salt: bytes) -> str:
        """Return a password's hash, with its salt (at least 16 bytes) and parameters in it."""
        ...

    def verify(self, password: str, hashed: str) -> bool:
        """Return whether it is the password; "" for no hash takes as long and is False."""
        ...


class Vault(Protocol):
    """Encrypts what has to be read again, under a key that lies beside the database, not in it."""

    def seal(self, plain: bytes) -> bytes:
        """Return it encrypted and authenticated."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            SmrError: `wrong-key`: it was sealed under another key.
        """
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
    """Somebody to be told: `kind` is person, contact, vendor or address (then `id` is it)."""

    kind: str
    id: str
    name: str = ""
    email: str = ""
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A notification to one recipient, rendered; `key` is the same on every try.

    `link` is the page that it is about, empty if there is none: it shows, and decides nothing.
    """

    key: str
    case: str
    recipient: Recipient
    subject: str
    body: str
    drill: bool = False
    link: str = ""


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

    def listeners(self) -> int:
        """Return how many conductors would hear it now."""
        ...


@dataclass(frozen=True, slots=True)
class Owed:
    """One effect that was claimed for a leg: ids and names only, never content.

    `tries`, `pause_s` and `timeout_s` bound the attempts within the leg; what is left after
    them is owed again by a timer of ours. What `reminds` a person
    (or escalates to them) may be told together with others.
    """

    effect: str
    case: str
    epoch: int
    name: str
    tries: int
    pause_s: int
    timeout_s: int
    reminds: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """All that one case owes between two waits for people."""

    case: str
    number: int
    after: str
    owed: tuple[Owed, ...]
    owed_at: datetime  # when the oldest of them was owed
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its flow run."""
        return f"{self.case} · leg {self.number} · after {self.after or 'start'}"

    @property
    def reminds(self) -> bool:
        """Return whether it consists of reminders only."""
        return all(owed.reminds for owed in self.owed)

    def as_json(self) -> dict[str, Any]:
        """Return it as the single parameter of its flow run."""
        return {"case": self.case, "owed": [asdict(owed) for owed in self.owed]}


class DispatchUnavailableError(Exception):
    """Prefect does not answer: what was performed has reported, the rest is still owed."""


class Dispatcher(Protocol):
    """Runs owed effects; Prefect is behind it."""

    def run_leg(self, leg: Leg) -> None:
        """Perform one case's leg as one flow run; effects report their outcomes themselves.

        Raises:
            DispatchUnavailableError: see there.
        """
        ...

    def run_batch(self, legs: Sequence[Leg]) -> None:
        """Perform the legs of many cases as one flow run. Raises as `run_leg`."""
        ...


class PlaybookFiles(Protocol):
    """Playbooks as files: the workspace's first, then the shipped ones."""

    def names(self) -> Mapping[str, str]:
        """Return every name with its place, `workspace` or `shipped`."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Return a playbook's bytes and the path to show in problems; None if there is none."""
        ...


class AttachmentStore(Protocol):
    """Files given as evidence, by digest."""

    def put(self, digest: str, data: bytes) -> None:
        """Keep a file; durable when it returns, idempotent."""
        ...

    def get(self, digest: str) -> bytes | None:
        """Return a file, None if it is not there."""
        ...
