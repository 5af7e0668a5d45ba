"""API tokens: programs that act for a person, within scopes. None of them ever decides."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smr_engine.engine.commands import TOKEN_DOOR
from smr_engine.engine.environment import instant
from smr_engine.errors import Invalid, NotFound, Refusal
from smr_engine.services import directory
from smr_engine.services.accounts_log import hash_of, known, new_token, record, require_keeper
from smr_engine.services.storing_accounts import TokenRow
from smr_engine.services.workspace import Actor, Workspace

SCOPES = ("read", "start", "note", "signal")
"""What a token may be allowed: there is none that decides, completes or changes who is known."""
MOST_DAYS = 365
_PREFIX = "smr_"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 40
_LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to be: whom it acts for, what it may do, for how many days (1 to 365)."""

    person: str
    scopes: Collection[str]
    days: int


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A new token; `text` is what the program sends, told only here."""

    token: str  # its name
    text: str
    person: str
    scopes: list[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as lists show it; `status` is live, expired or revoked."""

    token: str
    person: str
    scopes: list[str]
    status: str
    made_by: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Bearer:
    """The program behind one request, and the person it acts for."""

    token: str
    person: str
    name: str
    access: str
    roles: tuple[str, ...]
    timezone: str
    scopes: frozenset[str]
    assurance: str = "token"


def make(ws: Workspace, actor: Actor, name: str, grant: Grant) -> TokenMade:
    """Make a token that acts for a person; a revoked or expired one gives its name free.

    Args:
        ws: the workspace.
        actor: an administrator, or the local command line.
        name: in kebab-case.
        grant: what it is to be; at least one scope of `SCOPES`.

    Raises:
        Invalid: `bad-token`: name, scopes or days.
        NotFound: `unknown-person`.
        Refusal: `may-not-act`, or `token-exists`.
    """
    _check(name, grant)
    now, secret = ws.clock.now(), new_token(ws)
    row = TokenRow(
        id=name,
        person=grant.person,
        scopes=" ".join(scope for scope in SCOPES if scope in grant.scopes),
        hash=hash_of(secret),
        made_at=now,
        made_by=actor.id,
        expires_at=now + timedelta(days=grant.days),
    )
    with ws.storage.writing() as unit:
        world = directory.world(ws, unit)
        require_keeper(world, actor)
        known(world, grant.person)
        earlier = unit.accounts.token(name)
        if earlier is not None and _status(earlier, now) == "live":
            message = f"there is a token '{name}' already"
            raise Refusal("token-exists", message, hint=f"smr token revoke {name}")
        unit.accounts.put_token(row)
        facts = {"person": row.person, "scopes": row.scopes, "until": instant(row.expires_at)}
        record(ws, unit, actor, "TokenMade", token=name, **facts)
        unit.keep()
    text = f"{_PREFIX}{name}_{secret}"
    return TokenMade(name, text, row.person, row.scopes.split(), row.expires_at)


def revoke(ws: Workspace, actor: Actor, name: str) -> None:
    """Take a token back: it is refused from now on.

    Raises:
        NotFound: `unknown-token`: there is none, or it is revoked already.
        Refusal: `may-not-act`.
    """
    with ws.storage.writing() as unit:
        require_keeper(directory.world(ws, unit), actor)
        row = unit.accounts.token(name)
        if row is None or row.revoked_at is not None:
            hint = "see: smr token list"
            raise NotFound("unknown-token", f"there is no token '{name}'", hint=hint)
        unit.accounts.put_token(replace(row, revoked_at=ws.clock.now()))
        record(ws, unit, actor, "TokenRevoked", token=name, person=row.person)
        unit.keep()


def list_(ws: Workspace, actor: Actor) -> list[TokenView]:
    """Return all tokens, by name; never their secrets.

    Raises:
        Refusal: `may-not-act`.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        require_keeper(directory.world(ws, unit), actor)
        rows = unit.accounts.tokens()
    return [
        TokenView(
            row.id,
            row.person,
            row.scopes.split(),
            _status(row, now),
            row.made_by,
            row.made_at,
            row.expires_at,
        )
        for row in rows
    ]


def recognise_token(ws: Workspace, text: str) -> Bearer | None:
    """Return whom a token stands for; None if it is unknown, over, or the person is gone."""
    if len(text) > _LONGEST_TOKEN or not text.startswith(_PREFIX):
        return None
    name, _, secret = text.removeprefix(_PREFIX).partition("_")
    with ws.storage.reading() as unit:
        row = unit.accounts.token(name) if _NAME.fullmatch(name) else None
        world = directory.world(ws, unit)
    if row is None or not hmac.compare_digest(row.hash, hash_of(secret)):
        return None
    person = world.people.get(row.person)
    if person is None or _status(row, ws.clock.now()) != "live":
        return None
    return Bearer(
        row.id,
        person.id,
        person.name,
        person.access,
        person.roles,
        person.timezone,
        frozenset(row.scopes.split()),
    )


def actor_of_token(bearer: Bearer) -> Actor:
    """Return a program as somebody who acts: for its person, through the door of tokens."""
    return Actor(bearer.person, bearer.assurance, TOKEN_DOOR)


def _check(name: str, grant: Grant) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        hint = f"kebab-case, at most {_LONGEST_NAME} signs"
        raise Invalid("bad-token", f"'{name[:_LONGEST_NAME]}' is no name for a token", hint=hint)
    if not grant.scopes or not set(grant.scopes) <= set(SCOPES):
        raise Invalid("bad-token", f"the scopes of a token are {', '.join(SCOPES)}")
    if not 1 <= grant.days <= MOST_DAYS:
        raise Invalid("bad-token", f"a token is good for 1 to {MOST_DAYS} days")


def _status(row: TokenRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "live" if now < row.expires_at else "expired"
