"""Guessing gets slower: failures in a row lock an account, unknown names like known ones.

An attempt counts before it is looked at, so that a thousand at once are not looked at. Codes count
apart from passwords: anybody can guess at a password, and would keep its owner, who is at work,
from proving more by a code.

A browser in which somebody has signed in counts for itself, so strangers who guess lock out one
another and not its owner (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). That it
has a counter is what makes it known: under the hash of a token that no other browser has, a new one
at every sign-in. A stolen token adds a few guesses, no more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smr_engine.engine.commands import ENGINE
from smr_engine.errors import Refusal
from smr_engine.services.accounts_log import hash_of, new_token, record
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.storing_accounts import AttemptsRow
from smr_engine.services.workspace import Workspace

FREE = 5
"""So many failures in a row before the first pause."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST = 100
"""After so many failures in a row only a reset helps: NIST SP 800-63B, 3.2.2."""
REMEMBERED = timedelta(days=1)
MOST_STRANGERS = 10_000
KNOWN_FOR = timedelta(days=365)
"""So long a browser is known after it was last used to sign in."""
MOST_BROWSERS = 20
MOST_OF_BROWSER = 10
"""After so many failures in a row a browser is known no more, so that one that was stolen does not
add a hundred guesses."""
_BROWSERS, _NAMES = "browser:", "name:"
_ELSEWHERE = "use a browser in which you have signed in before"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that is under way, and counted."""

    counted: AttemptsRow


def begin(ws: Workspace, person: str, name: str, browser: str = "") -> Attempt:
    """Count an attempt at a password before it is looked at; durable when it returns.

    Args:
        ws: the workspace.
        person: who it is about; empty if nobody is called so.
        name: what was typed.
        browser: the token that the browser has, if it has one.

    Raises:
        Refusal: `locked-out`.
    """
    return _counted(ws, _key(person, name), person, browser)


def begin_code(ws: Workspace, person: str, browser: str = "") -> Attempt:
    """Count an attempt at a one-time code, which a password or a session precedes.

    Durable when it returns.

    Raises:
        Refusal: `locked-out`.
    """
    return _counted(ws, _codes_key(person), person, browser)


def _counted(ws: Workspace, key: str, person: str, browser: str) -> Attempt:
    now = ws.clock.now()

    def count(unit: UnitOfWork) -> AttemptsRow:
        if not person:
            unit.accounts.prune_attempts(_NAMES, "", now - REMEMBERED, MOST_STRANGERS)
        row = _of_browser(unit, person, browser, now)
        row = row or unit.accounts.attempts(AttemptsRow(key, person, 0, now))
        _refuse_locked(row, now)
        counted = replace(row, failures=row.failures + 1, last_at=now)
        counted = replace(counted, locked_until=_locked_until(counted, now))
        unit.accounts.put_attempts(counted)
        return counted

    return Attempt(ws.storage.together(count))


def failed(ws: Workspace, attempt: Attempt) -> None:
    """Note that an attempt was no use, if that locks the account of somebody."""
    row = attempt.counted
    if row.locked_until is None or not row.person:
        return
    with ws.storage.writing() as unit:
        facts = {"person": row.person, "failures": row.failures, "known": _is_browsers(row)}
        record(ws, unit, ENGINE, "SignInLocked", **facts)
        unit.keep()


def undo(unit: UnitOfWork, attempt: Attempt) -> None:
    """Take an attempt back that was right, but begins no session."""
    row = unit.accounts.counter(attempt.counted.key)
    if row is not None:
        unit.accounts.put_attempts(replace(row, failures=row.failures - 1, locked_until=None))


def passed(unit: UnitOfWork, attempt: Attempt) -> None:
    """Forget failures where they were counted, for an attempt has proved who it is.

    A known browser's counter goes: the session that follows brings a new one.
    """
    if _is_browsers(attempt.counted):
        unit.accounts.drop_attempts(attempt.counted.key)
    else:
        forget(unit, attempt.counted.person)


def forget(unit: UnitOfWork, person: str) -> None:
    """Forget the failures of strangers at somebody's account."""
    unit.accounts.drop_attempts(_key(person, ""))
    unit.accounts.drop_attempts(_codes_key(person))


def is_known(ws: Workspace, browser: str) -> bool:
    """Return whether somebody, whoever it was, has signed in in a browser; nothing is counted."""
    with ws.storage.reading() as unit:
        return _of_known(unit, browser, ws.clock.now()) is not None


def know_browser(ws: Workspace, unit: UnitOfWork, person: str) -> str:
    """Know a browser in which somebody signs in from now on; return the token it gets for that."""
    token, now = new_token(ws), ws.clock.now()
    unit.accounts.prune_attempts(_BROWSERS, person, now - KNOWN_FOR, MOST_BROWSERS - 1)
    unit.accounts.put_attempts(AttemptsRow(_browser_key(token), person, 0, now))
    return token


def forget_browser(unit: UnitOfWork, browser: str) -> None:
    """Know a browser no more; the caller has proved to be the one who signed in there."""
    unit.accounts.drop_attempts(_browser_key(browser))


def forget_browsers(ws: Workspace, unit: UnitOfWork, person: str) -> None:
    """Know none of somebody's browsers any more."""
    unit.accounts.prune_attempts(_BROWSERS, person, ws.clock.now(), 0)


def _of_browser(unit: UnitOfWork, person: str, browser: str, now: datetime) -> AttemptsRow | None:
    """Return the counter of a browser in which this person has signed in, of no other."""
    row = _of_known(unit, browser, now)
    return row if row is not None and row.person == person else None


def _of_known(unit: UnitOfWork, browser: str, now: datetime) -> AttemptsRow | None:
    row = unit.accounts.counter(_browser_key(browser)) if browser else None
    if row is None or row.failures >= MOST_OF_BROWSER or now - row.last_at >= KNOWN_FOR:
        return None
    return row


def _is_browsers(row: AttemptsRow) -> bool:
    return row.key.startswith(_BROWSERS)


def _refuse_locked(row: AttemptsRow, now: datetime) -> None:
    if row.failures >= MOST:
        message = "After so many failed attempts this account has to be reset"
        hint = f"{_ELSEWHERE}, or ask an administrator for a new invitation"
        raise Refusal("locked-out", message, hint=hint)
    if row.locked_until is not None and row.locked_until > now:
        minutes = -((now - row.locked_until) // timedelta(minutes=1))
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        message = f"After several failed attempts, wait {wait} and try again"
        raise Refusal("locked-out", message, hint="" if _is_browsers(row) else _ELSEWHERE)


def _locked_until(row: AttemptsRow, now: datetime) -> datetime | None:
    if row.failures < FREE:
        return None
    doubled = min(row.failures - FREE, 6)
    return now + min(FIRST_PAUSE * (1 << doubled), LONGEST_PAUSE)


def _codes_key(person: str) -> str:
    return f"codes:{person}"


def _key(person: str, name: str) -> str:
    if person:
        return f"person:{person}"
    return f"{_NAMES}{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _browser_key(browser: str) -> str:
    return f"{_BROWSERS}{hash_of(browser).hex()}"
