"""Accounts: invitations, passwords, signing in. What is sent away tells nobody who is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smr_engine.engine import policy
from smr_engine.engine.environment import instant
from smr_engine.engine.world import Person, World
from smr_engine.errors import Refusal
from smr_engine.services import accounts_attempts as attempts
from smr_engine.services import accounts_passwords as passwords
from smr_engine.services import directory, sessions
from smr_engine.services.accounts_attempts import Attempt
from smr_engine.services.accounts_log import (
    hash_of,
    known,
    new_token,
    record,
    require_keeper,
    themselves,
)
from smr_engine.services.sessions import CodeNeeded, SignedIn
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.storing_accounts import AccountRow
from smr_engine.services.workspace import Actor, Workspace

INVITED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invited:
    """A one-time invitation to set a password; `token` is told only here."""

    person: str
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """Return the page that it opens; opening it changes nothing."""
        return f"/invitation/{self.token}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody signs in, as administrators see it."""

    person: str
    name: str
    has_password: bool
    has_codes: bool
    invited_until: datetime | None  # none: no invitation is open
    access: str = ""


def standings(ws: Workspace, actor: Actor) -> list[Standing]:
    """Return how everybody in the directory signs in, by name.

    Raises:
        Refusal: `may-not-act`.
    """
    now = ws.clock.now()
    with ws.storage.reading() as unit:
        world = directory.world(ws, unit)
        require_keeper(world, actor)
        rows = {row.person: row for row in unit.accounts.all()}
    found = []
    for person in sorted(world.people.values(), key=lambda p: (p.name, p.id)):
        row = rows.get(person.id) or AccountRow(person.id)
        until, codes = row.invitation_until, row.totp is not None
        is_open = until is not None and until > now
        invited_until = until if is_open else None
        has_password = bool(row.password)
        found.append(
            Standing(person.id, person.name, has_password, codes, invited_until, person.access)
        )
    return found


def invite_first(ws: Workspace, actor: Actor) -> list[Invited]:
    """Invite every administrator, as long as nobody can sign in yet; open invitations stay.

    Raises:
        Refusal: `may-not-act`.
    """
    standing = standings(ws, actor)
    if any(each.has_password for each in standing):
        return []
    keepers = [each for each in standing if each.access == policy.ADMINISTRATOR]
    return [invite(ws, actor, each.person) for each in keepers if each.invited_until is None]


def invite(ws: Workspace, actor: Actor, person: str) -> Invited:
    """Make a one-time way to set a password, also a forgotten one; an earlier one is void.

    Raises:
        NotFound: `unknown-person`.
        Refusal: `may-not-act`.
    """
    token, until = new_token(ws), ws.clock.now() + INVITED_FOR
    with ws.storage.writing() as unit:
        world = directory.world(ws, unit)
        require_keeper(world, actor)
        known(world, person)
        account = unit.accounts.get(person) or AccountRow(person)
        invited = replace(account, invitation=hash_of(token), invitation_until=until)
        unit.accounts.put(invited)
        record(ws, unit, actor, "Invited", person=person, until=instant(until))
        unit.keep()
    return Invited(person, token, until)


def invited(ws: Workspace, token: str) -> Person:
    """Return whom an open invitation is for; nothing changes.

    Raises:
        Refusal: `invitation-void`.
    """
    with ws.storage.reading() as unit:
        return _invited(ws, unit, token)[1]


def accept(ws: Workspace, token: str, password: str) -> SignedIn:
    """Set a password by an invitation, which is used up, and sign in; other sessions end.

    Raises:
        Refusal: `invitation-void`.
        Invalid: `weak-password`; the invitation is still good.
        CodeNeeded: the password is set; somebody with a second factor proves it as well.
    """
    hashed = passwords.hashed(ws, invited(ws, token), password)
    with ws.storage.writing() as unit:
        account, person = _invited(ws, unit, token)
        _put_password(ws, unit, themselves(person.id), account, hashed)
        entered = _enter(ws, unit, account)
        unit.keep()
    return _in(entered)


def set_password(ws: Workspace, actor: Actor, person: str, password: str) -> None:
    """Set somebody's password; their sessions and open invitations end.

    Raises:
        NotFound: `unknown-person`.
        Refusal: `may-not-act`.
        Invalid: `weak-password`.
    """
    with ws.storage.reading() as unit:
        world = directory.world(ws, unit)
    require_keeper(world, actor)
    known(world, person)
    hashed = passwords.hashed(ws, world.people[person], password)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person) or AccountRow(person)
        _put_password(ws, unit, actor, account, hashed)
        unit.keep()


def sign_in(ws: Workspace, who: str, password: str, code: str = "", browser: str = "") -> SignedIn:
    """Sign in by a password, and a one-time code where there is a second factor.

    Args:
        ws: the workspace.
        who: an id or a mail address, in whatever case.
        password: of the account.
        code: of the second factor, if it is known already.
        browser: the token that the browser has, if somebody has signed in there before.

    Raises:
        Refusal: `sign-in-failed`, the same whether the person or the password is unknown;
            `wrong-code`; `locked-out`.
        CodeNeeded: `code-needed`: `sessions.step_up` completes what was begun.
    """
    name = who.strip().casefold()
    with ws.storage.reading() as unit:
        person = _called(directory.world(ws, unit), name)
        account = unit.accounts.get(person) if person else None
    attempt = attempts.begin(ws, person, name, browser)
    kept = account.password if account else ""
    if not passwords.verify(ws, password, kept):
        raise _wrong(ws, attempt)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person)
        if account is None or account.password != kept:  # it was changed meanwhile
            raise _wrong(ws, attempt)
        entered = _enter(ws, unit, account)
        settle = attempts.undo if isinstance(entered, CodeNeeded) else attempts.passed
        settle(unit, attempt)
        unit.keep()
    if isinstance(entered, CodeNeeded) and code:
        return sessions.step_up(ws, entered.token, code, browser)
    return _in(entered)


def change_password(
    ws: Workspace, token: str, present: str, new: str, browser: str = ""
) -> SignedIn:
    """Set one's own password by the present one; all other sessions end, this one goes on.

    Only the browser it goes on in is known from now on.

    Raises:
        Refusal: `signed-out`, `sign-in-failed` or `locked-out`.
        Invalid: `weak-password`.
    """
    person = sessions.owner(ws, token)
    with ws.storage.reading() as unit:
        world, account = directory.world(ws, unit), unit.accounts.get(person)
    known(world, person)
    passwords.require_strong(world.people[person], new)  # before what counts as a guess
    attempt = attempts.begin(ws, person, "", browser)
    if not passwords.verify(ws, present, account.password if account else ""):
        raise _wrong(ws, attempt)
    hashed = passwords.hashed(ws, world.people[person], new)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person) or AccountRow(person)
        session = sessions.of(ws, unit, token)
        _put_password(ws, unit, themselves(person), account, hashed)
        signed = sessions.rotate(ws, unit, session, proved=False)
        unit.keep()
    return signed


def _put_password(
    ws: Workspace, unit: UnitOfWork, actor: Actor, account: AccountRow, hashed: str
) -> None:
    """Give an account a password: what was before it, sessions and failures too, is over."""
    changed = replace(account, password=hashed, invitation=None, invitation_until=None)
    unit.accounts.put(changed)
    sessions.end_all(ws, unit, account.person)
    attempts.forget(unit, account.person)
    record(ws, unit, actor, "PasswordSet", person=account.person)


def _enter(ws: Workspace, unit: UnitOfWork, account: AccountRow) -> SignedIn | CodeNeeded:
    """Let somebody in whose password is right, unless a one-time code is still needed."""
    if account.totp is not None:
        return sessions.wait_for_code(ws, unit, account.person)
    return sessions.begin(ws, unit, account.person)


def _in(entered: SignedIn | CodeNeeded) -> SignedIn:
    if isinstance(entered, SignedIn):
        return entered
    raise entered


def _wrong(ws: Workspace, attempt: Attempt) -> Refusal:
    attempts.failed(ws, attempt)
    hint = "an administrator can make you a new invitation"
    return Refusal("sign-in-failed", "The name or the password is not right", hint=hint)


def _called(world: World, name: str) -> str:
    """Return who has an id or a mail address, empty if nobody or several do."""
    if name in world.people:
        return name
    found = [person.id for person in world.people.values() if person.email.casefold() == name]
    return found[0] if len(found) == 1 else ""


def _invited(ws: Workspace, unit: UnitOfWork, token: str) -> tuple[AccountRow, Person]:
    account = unit.accounts.invited(hash_of(token))
    world, now = directory.world(ws, unit), ws.clock.now()
    if (
        account is None
        or account.invitation_until is None
        or now >= account.invitation_until
        or account.person not in world.people
    ):
        message = "This invitation was used already, is out of date, or was replaced"
        raise Refusal("invitation-void", message, hint="ask an administrator for a new one")
    return account, world.people[account.person]
