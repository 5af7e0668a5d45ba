"""A house full of people who sign in, on either database, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pyotp
import pytest

from smr_engine.adapters.passwords import Argon2Passwords
from smr_engine.errors import SmrError
from smr_engine.services import accounts, second_factor
from smr_engine.services.sessions import CodeNeeded, SignedIn
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Actor, Workspace
from tests.support.houses import DIRECTORY, SetClock, furnish, open_house

KEEPER = Actor("ana", "session", "web")
PASSWORD = "seven horses in a bakery"
PEOPLE = 60


@dataclass
class Signing:
    """The house; each test takes people of its own (`somebody`)."""

    ws: Workspace
    root: Path
    clock: SetClock
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def somebody(self) -> str:
        """Return somebody without an account."""
        return f"p{next(self.numbers)}"

    def member(self) -> tuple[str, SignedIn]:
        """Return somebody with `PASSWORD`, signed in."""
        person = self.somebody()
        return person, accounts.accept(self.ws, self.invitation(person), PASSWORD)

    def careful(self) -> tuple[str, str, str]:
        """Return somebody with a second factor: their id, secret and session."""
        person, signed = self.member()
        secret = second_factor.begin(self.ws, signed.token, PASSWORD).secret
        signed = second_factor.confirm(self.ws, signed.token, self.code(secret))
        self.move(seconds=60)
        return person, secret, signed.token

    def invitation(self, person: str) -> str:
        return accounts.invite(self.ws, KEEPER, person).token

    def code(self, secret: str, offset: int = 0) -> str:
        """Return the code that an app shows now, or so many steps later."""
        return pyotp.TOTP(secret).at(int(self.clock.now().timestamp()) + 30 * offset)

    def waiting(self, person: str) -> str:
        """Give the right password; return the session that waits for a code."""
        with pytest.raises(CodeNeeded) as needed:
            accounts.sign_in(self.ws, person, PASSWORD)
        assert needed.value.code == "code-needed"
        return needed.value.token

    def move(self, **by: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**by))

    def told(self, person: str) -> list[str]:
        """Return the kinds of what happened to somebody's account."""
        with self.ws.storage.reading() as unit:
            events = unit.events.select(EventFilter(streams=("accounts",)))
        return [event.kind for event in events if event.facts.get("person") == person]


def code_of(attempt, *arguments, **more) -> str:
    """Return the code of the refusal that a call meets, empty if it meets none."""
    try:
        attempt(*arguments, **more)
    except SmrError as refusal:
        return refusal.code
    return ""


@contextmanager
def signing_house(root: Path, database_url: str = "") -> Iterator[Signing]:
    """Open the house."""
    people = "".join(
        f"  - {{id: p{n}, name: Person Number{n}, email: p{n}@halden.example.test}}\n"
        for n in range(1, PEOPLE + 1)
    )
    furnish(root, directory=DIRECTORY.replace("roles:\n  smr", f"{people}roles:\n  smr"))
    clock = SetClock()
    ws = open_house(root, clock, database_url)
    ws = replace(ws, passwords=Argon2Passwords(memory_kib=64))  # hundreds of attempts, not one
    yield Signing(ws, root, clock)
    ws.storage.close()
