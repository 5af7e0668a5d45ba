"""The storage port of accounts: how people prove who they are. Secrets only as hashes, or sealed.

What it holds is operational or secret, so it lies outside the events; what people did with it is
an event of the stream `accounts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccountRow:
    """How one person signs in."""

    person: str
    password: str = ""  # Argon2id in PHC form; empty: none was set yet
    invitation: bytes | None = None  # SHA-256 of the one that is open
    invitation_until: datetime | None = None
    totp: bytes | None = None  # sealed secret of the second factor
    totp_pending: bytes | None = None  # sealed, until a first code confirms it
    totp_step: int = 0  # of the last code that was accepted


@dataclass(frozen=True, slots=True)
class AttemptsRow:
    """How often in a row signing in has failed; `person` is empty for a name nobody has.

    `key` begins with what it is of: `person:`, `codes:`, `name:`, or `browser:`, the SHA-256 of the
    token of a browser in which this person has signed in.
    """

    key: str
    person: str
    failures: int
    last_at: datetime
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session; `pending` until a one-time code completes it."""

    hash: bytes  # SHA-256 of its token
    person: str
    begun_at: datetime
    seen_at: datetime
    expires_at: datetime
    proved_at: datetime | None = None  # last one-time code
    pending: bool = False


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token; `scopes` are separated by spaces."""

    id: str
    person: str
    scopes: str
    hash: bytes  # SHA-256 of its secret part
    made_at: datetime
    made_by: str
    expires_at: datetime
    revoked_at: datetime | None = None


class Accounts(Protocol):
    """Accounts, sessions and tokens. What is read in a writing unit of work is locked by it."""

    def get(self, person: str) -> AccountRow | None:
        """Return somebody's account."""
        ...

    def all(self) -> Sequence[AccountRow]:
        """Return all accounts, unlocked, by person."""
        ...

    def invited(self, invitation: bytes) -> AccountRow | None:
        """Return the account whose open invitation has this hash."""
        ...

    def put(self, account: AccountRow) -> None:
        """Add an account or replace it."""
        ...

    def take_step(self, person: str, step: int) -> bool:
        """Note that the code of a time step was used; False if it or a later one was before."""
        ...

    def attempts(self, first: AttemptsRow) -> AttemptsRow:
        """Return the failures in a row under a key, locked; this row if there is none yet."""
        ...

    def counter(self, key: str) -> AttemptsRow | None:
        """Return the failures in a row under a key, if they are counted."""
        ...

    def put_attempts(self, row: AttemptsRow) -> None:
        """Replace failures in a row."""
        ...

    def drop_attempts(self, key: str) -> None:
        """Forget the failures under a key."""
        ...

    def prune_attempts(self, kind: str, person: str, before: datetime, most: int) -> None:
        """Forget what begins with a kind, of a person: older, and all but so many of the newest."""
        ...

    def session(self, token: bytes) -> SessionRow | None:
        """Return the session whose token has this hash, also one that is over."""
        ...

    def add_session(self, row: SessionRow) -> None:
        """Add a session."""
        ...

    def saw(self, token: bytes, at: datetime) -> None:
        """Note that a session was used; nothing if it has ended meanwhile."""
        ...

    def end_session(self, token: bytes) -> bool:
        """End a session; return whether there was one."""
        ...

    def end_sessions(self, person: str, before: datetime | None = None) -> int:
        """End somebody's sessions, or those that expire before an instant; return how many."""
        ...

    def token(self, token: str) -> TokenRow | None:
        """Return an API token by its id."""
        ...

    def tokens(self) -> Sequence[TokenRow]:
        """Return all API tokens, by id."""
        ...

    def put_token(self, row: TokenRow) -> None:
        """Add an API token or replace it."""
        ...
