"""The second factor: an authenticator app, set up with a picture and a first code."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace

from smr_engine.engine.world import Person
from smr_engine.errors import Refusal
from smr_engine.services import accounts_attempts as attempts
from smr_engine.services import accounts_codes as codes
from smr_engine.services import accounts_passwords as passwords
from smr_engine.services import directory, sessions
from smr_engine.services.accounts_attempts import Attempt
from smr_engine.services.accounts_log import known, record, require_keeper, themselves
from smr_engine.services.sessions import SignedIn
from smr_engine.services.storing_accounts import AccountRow
from smr_engine.services.workspace import Actor, Workspace

ISSUER = "SMR engine"
_SECRET_BYTES = 20  # RFC 4226, section 4: 160 bits


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that waits for its first code; to be shown to its owner only."""

    secret: str  # base32, for typing
    uri: str  # otpauth://, for opening on the phone itself
    picture: str  # the same as a QR code, SVG without styles


def is_set(ws: Workspace, person: str) -> bool:
    """Return whether somebody has a second factor."""
    with ws.storage.reading() as unit:
        account = unit.accounts.get(person)
    return account is not None and account.totp is not None


def begin(ws: Workspace, token: str, password: str, browser: str = "") -> Enrolment:
    """Prepare a second factor for whoever has a session; one prepared earlier is void.

    The password is asked for again: whoever finds a screen left alone, or a cookie, would else set
    up a phone of their own, and be believed more than its owner (ASVS 5.0, 7.5.1).

    Raises:
        Refusal: `signed-out`, `sign-in-failed`, `locked-out`, or `second-factor-set`: it has to be
            removed first.
    """
    secret = base64.b32encode(ws.entropy.salt()[:_SECRET_BYTES]).decode()
    person = sessions.owner(ws, token)
    if is_set(ws, person):
        raise _set_already()
    attempt = _require_password(ws, person, password, browser)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person) or AccountRow(person)
        if account.totp is not None:
            raise _set_already()
        world = directory.world(ws, unit)
        known(world, person)
        attempts.undo(unit, attempt)
        unit.accounts.put(replace(account, totp_pending=ws.vault.seal(secret.encode())))
        unit.keep()
    return _enrolment(world.people[person], secret)


def waiting(ws: Workspace, person: str) -> Enrolment | None:
    """Return the second factor that somebody has begun to set up."""
    with ws.storage.reading() as unit:
        account = unit.accounts.get(person)
        owner = directory.world(ws, unit).people.get(person)
    if account is None or account.totp_pending is None or owner is None:
        return None
    return _enrolment(owner, ws.vault.open(account.totp_pending).decode())


def confirm(ws: Workspace, token: str, code: str, browser: str = "") -> SignedIn:
    """Set the second factor by its first code; the session is proved and gets a new token.

    Raises:
        Refusal: `signed-out`, `wrong-code`, or `no-enrolment`: nothing was begun.
    """
    person = sessions.owner(ws, token)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person)
        session = sessions.of(ws, unit, token)
        if account is None or account.totp_pending is None:
            raise Refusal("no-enrolment", "Nothing was begun here", hint="begin again")
        secret = ws.vault.open(account.totp_pending).decode()
        step = codes.matching_step(secret, code, ws.clock.now())
        if step is None:
            raise codes.not_of_now()
        pending = account.totp_pending
        unit.accounts.put(replace(account, totp=pending, totp_pending=None, totp_step=step))
        record(ws, unit, themselves(person), "SecondFactorSet", person=person)
        signed = sessions.rotate(ws, unit, session, proved=True)
        attempts.forget_browser(unit, browser)
        unit.keep()
    return signed


def remove(ws: Workspace, token: str, password: str, code: str, browser: str = "") -> None:
    """Remove one's own second factor, by password and code.

    Raises:
        Refusal: `signed-out`, `sign-in-failed`, `wrong-code` or `locked-out`.
    """
    person = sessions.owner(ws, token)
    attempt = _require_password(ws, person, password, browser)
    with ws.storage.writing() as unit:
        account = unit.accounts.get(person)
        if account is not None and codes.take(ws, unit, account, code):
            unit.accounts.put(_without(account))
            attempts.undo(unit, attempt)
            record(ws, unit, themselves(person, "mfa"), "SecondFactorRemoved", person=person)
            unit.keep()
            return
    raise codes.wrong(ws, attempt)


def remove_of(ws: Workspace, actor: Actor, person: str) -> None:
    """Remove somebody's second factor, who has lost it; all their sessions end.

    Raises:
        NotFound: `unknown-person`.
        Refusal: `may-not-act`.
    """
    with ws.storage.writing() as unit:
        world = directory.world(ws, unit)
        require_keeper(world, actor)
        known(world, person)
        unit.accounts.put(_without(unit.accounts.get(person) or AccountRow(person)))
        sessions.end_all(ws, unit, person)
        record(ws, unit, actor, "SecondFactorRemoved", person=person)
        unit.keep()


def _require_password(ws: Workspace, person: str, password: str, browser: str) -> Attempt:
    """Refuse whoever does not know somebody's password; return the attempt, which is counted."""
    with ws.storage.reading() as unit:
        account = unit.accounts.get(person)
    attempt = attempts.begin(ws, person, "", browser)
    if not passwords.verify(ws, password, account.password if account else ""):
        attempts.failed(ws, attempt)
        raise Refusal("sign-in-failed", "This is not your password")
    return attempt


def _set_already() -> Refusal:
    return Refusal("second-factor-set", "You have one-time codes already")


def _without(account: AccountRow) -> AccountRow:
    return replace(account, totp=None, totp_pending=None)


def _enrolment(person: Person, secret: str) -> Enrolment:
    import segno  # rare
    from pyotp import TOTP

    totp = TOTP(secret, digits=codes.DIGITS, interval=codes.STEP_S)
    uri = totp.provisioning_uri(name=person.email or person.id, issuer_name=ISSUER)
    drawn = io.BytesIO()
    segno.make_qr(uri).save(
        drawn,
        kind="svg",
        xmldecl=False,
        svgns=True,
        scale=5,
        dark="#000",
        light="#fff",
        title="The secret as a QR code",
    )
    return Enrolment(secret, uri, drawn.getvalue().decode())
