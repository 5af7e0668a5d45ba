"""Sessions: who is signed in. The token is the browser's; only its hash is kept."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from smr_engine.engine.world import World
from smr_engine.errors import Refusal
from smr_engine.services import accounts_attempts as attempts
from smr_engine.services import accounts_codes as codes
from smr_engine.services import directory
from smr_engine.services.accounts_log import (
    hash_of,
    known,
    new_token,
    record,
    require_keeper,
    themselves,
)
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.storing_accounts import SessionRow
from smr_engine.services.workspace import Actor, Workspace

PROOF_LASTS = timedelta(minutes=30)
"""So long a one-time code makes a session `mfa`: a release may follow an approval unasked, and a
screen that was left alone over lunch releases nothing."""
CODE_WITHIN = timedelta(minutes=5)
"""So long a password waits for its one-time code."""
SEEN_EVERY = timedelta(minutes=1)
_LONGEST_TOKEN = 100


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; the tokens are the values of its cookies and told only here."""

    token: str
    person: str
    assurance: str
    expires_at: datetime
    browser: str  # by this its browser is known from now on, see `accounts_attempts`


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, as of one request."""

    person: str
    name: str
    access: str
    roles: tuple[str, ...]
    timezone: str
    assurance: str  # session; mfa within `PROOF_LASTS` of a one-time code
    csrf: str
    proved_at: datetime | None


class CodeNeeded(Refusal):
    """The password is right; `token` is that of a session which a one-time code completes."""

    def __init__(self, token: str) -> None:
        super().__init__("code-needed", "Type the code that your authenticator app shows")
        self.token = token


def recognise(ws: Workspace, token: str, *, used: bool = True) -> Visitor | None:
    """Return who has a session's token; None if it is unknown, over, or the person is gone.

    Notes at most once a minute that the session is used, if it is: a page that asks by itself is
    nobody's use of it.
    """
    if len(token) > _LONGEST_TOKEN:
        return None
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        row = unit.accounts.session(hash_of(token))
        if row is None or row.pending or _is_over(ws, row, now):
            return None
        world = directory.world(ws, unit)
    if row.person not in world.people:
        return None
    if used and now - row.seen_at >= SEEN_EVERY:
        ws.storage.together(lambda unit: unit.accounts.saw(row.hash, now))
    return _visitor(world, row, token, now)


def actor_of(visitor: Visitor) -> Actor:
    """Return a visitor as somebody who acts."""
    return themselves(visitor.person, visitor.assurance)


def begin(ws: Workspace, unit: UnitOfWork, person: str, *, proved: bool = False) -> SignedIn:
    """Begin a session; the caller keeps the unit of work. `proved`: a one-time code was taken."""
    now = ws.clock.now()
    unit.accounts.end_sessions(person, now)
    proved_at = now if proved else None
    signed = _added(ws, unit, person, now + ws.options.session_length, proved_at)
    record(ws, unit, themselves(person, signed.assurance), "SignedIn", person=person)
    return signed


def wait_for_code(ws: Workspace, unit: UnitOfWork, person: str) -> CodeNeeded:
    """Begin a session that a code has to complete within `CODE_WITHIN`; the caller keeps it."""
    token, now = new_token(ws), ws.clock.now()
    unit.accounts.end_sessions(person, now)
    until = now + CODE_WITHIN
    row = SessionRow(hash_of(token), person, now, now, until, pending=True)
    unit.accounts.add_session(row)
    return CodeNeeded(token)


def step_up(ws: Workspace, token: str, code: str, browser: str = "") -> SignedIn:
    """Prove oneself once more, with a one-time code; the session gets a new token.

    Also completes a session that waits for its code. `browser`: the token that the browser has.

    Raises:
        Refusal: `signed-out`, `no-second-factor`, `wrong-code` or `locked-out`.
    """
    person = owner(ws, token)
    with ws.storage.reading() as unit:
        account = unit.accounts.get(person)
    if account is None or account.totp is None:
        hint = "set one up on your account's page"
        raise Refusal("no-second-factor", "You have no one-time codes yet", hint=hint)
    attempt = attempts.begin_code(ws, person, browser)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person)
        row = of(ws, unit, token)
        if account is not None and codes.take(ws, unit, account, code):
            signed = rotate(ws, unit, row, proved=True)
            attempts.passed(unit, attempt)
            unit.keep()
            return signed
    raise codes.wrong(ws, attempt)


def rotate(ws: Workspace, unit: UnitOfWork, row: SessionRow, *, proved: bool) -> SignedIn:
    """Put a new token in the place of a session's; the caller keeps the unit of work."""
    now = ws.clock.now()
    unit.accounts.end_session(row.hash)
    if row.pending:
        return begin(ws, unit, row.person, proved=proved)
    return _added(ws, unit, row.person, row.expires_at, now if proved else row.proved_at)


def sign_out(ws: Workspace, token: str) -> None:
    """End a session; one that is over or unknown is none."""
    with ws.storage.writing() as unit:
        row = unit.accounts.session(hash_of(token))
        if row is not None and unit.accounts.end_session(row.hash):
            record(ws, unit, themselves(row.person), "SignedOut", person=row.person)
            unit.keep()


def sign_out_everywhere(ws: Workspace, actor: Actor, person: str) -> int:
    """End all sessions of somebody, one's own among them; return how many there were.

    None of their browsers is known any more.

    Raises:
        Refusal: `may-not-act`, somebody else's and the actor is no administrator.
        NotFound: `unknown-person`.
    """
    with ws.storage.writing() as unit:
        world = directory.world(ws, unit)
        known(world, person)
        if actor.id != person:
            require_keeper(world, actor)
        unit.accounts.get(person)  # loaded first, see `of`
        ended = end_all(ws, unit, person)
        record(ws, unit, actor, "SignedOutEverywhere", person=person, sessions=ended)
        unit.keep()
    return ended


def end_all(ws: Workspace, unit: UnitOfWork, person: str) -> int:
    """End somebody's sessions, and know none of their browsers; the caller keeps it.

    Returns:
        How many sessions there were.
    """
    ended = unit.accounts.end_sessions(person)
    attempts.forget_browsers(ws, unit, person)
    return ended


def owner(ws: Workspace, token: str) -> str:
    """Return whose session a token is of, complete or waiting for its code. Raises as `of`."""
    with ws.storage.reading() as unit:
        return of(ws, unit, token).person


def of(ws: Workspace, unit: UnitOfWork, token: str) -> SessionRow:
    """Return the session of a token, complete or waiting for its code.

    Whoever needs the account as well loads it first: in another order two would wait for each
    other for ever.

    Raises:
        Refusal: `signed-out`.
    """
    row = unit.accounts.session(hash_of(token))
    if row is None or _is_over(ws, row, ws.clock.now()):
        raise Refusal("signed-out", "You are signed out", hint="sign in again")
    return row


def _is_over(ws: Workspace, row: SessionRow, now: datetime) -> bool:
    return now >= row.expires_at or now - row.seen_at >= ws.options.session_idle


def _added(
    ws: Workspace, unit: UnitOfWork, person: str, until: datetime, proved_at: datetime | None
) -> SignedIn:
    token, now = new_token(ws), ws.clock.now()
    unit.accounts.add_session(SessionRow(hash_of(token), person, now, now, until, proved_at))
    browser = attempts.know_browser(ws, unit, person)
    return SignedIn(token, person, _assurance(proved_at, now), until, browser)


def _assurance(proved_at: datetime | None, now: datetime) -> str:
    return "mfa" if proved_at is not None and now - proved_at <= PROOF_LASTS else "session"


def _visitor(world: World, row: SessionRow, token: str, now: datetime) -> Visitor:
    person = world.people[row.person]
    return Visitor(
        person=person.id,
        name=person.name,
        access=person.access,
        roles=person.roles,
        timezone=person.timezone,
        assurance=_assurance(row.proved_at, now),
        csrf=hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest(),
        proved_at=row.proved_at,
    )
