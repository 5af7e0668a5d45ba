"""Guessing gets slower: failures in a row lock an account, unknown names like known ones.

An attempt counts before it is looked at, so that a thousand at once are not looked at. Codes count
apart from passwords: anybody can guess at a password, and would keep its owner, who is at work,
from proving more by a code.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smr_engine.engine.commands import ENGINE
from smr_engine.errors import Refusal
from smr_engine.services.accounts_log import record
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that is under way, and counted."""

    counted: AttemptsRow


def begin(ws: Workspace, person: str, name: str) -> Attempt:
    """Count an attempt at a password before it is looked at; durable when it returns.

    Args:
        ws: the workspace.
        person: who it is about; empty if nobody is called so.
        name: what was typed.

    Raises:
        Refusal: `locked-out`.
    """
    return _counted(ws, _key(person, name), person)


def begin_code(ws: Workspace, person: str) -> Attempt:
    """Count an attempt at a one-time code, which a password or a session precedes.

    Durable when it returns.

    Raises:
        Refusal: `locked-out`.
    """
    return _counted(ws, _codes_key(person), person)


def _counted(ws: Workspace, key: str, person: str) -> Attempt:
    now = ws.clock.now()

    def count(unit: UnitOfWork) -> AttemptsRow:
        if not person:
            unit.accounts.prune_attempts(now - REMEMBERED, MOST_STRANGERS)
        row = unit.accounts.attempts(AttemptsRow(key, person, 0, now))
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
        record(ws, unit, ENGINE, "SignInLocked", person=row.person, failures=row.failures)
        unit.keep()


def undo(unit: UnitOfWork, attempt: Attempt) -> None:
    """Take an attempt back that was neither a failure nor a success."""
    row = unit.accounts.attempts(attempt.counted)
    unit.accounts.put_attempts(replace(row, failures=row.failures - 1, locked_until=None))


def forget(unit: UnitOfWork, person: str) -> None:
    """Forget somebody's failures: they have proved who they are."""
    unit.accounts.drop_attempts(_key(person, ""))
    unit.accounts.drop_attempts(_codes_key(person))


def _refuse_locked(row: AttemptsRow, now: datetime) -> None:
    if row.failures >= MOST:
        message = "After so many failed attempts this account has to be reset"
        raise Refusal("locked-out", message, hint="ask an administrator for a new invitation")
    if row.locked_until is not None and row.locked_until > now:
        minutes = -((now - row.locked_until) // timedelta(minutes=1))
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        raise Refusal("locked-out", f"After several failed attempts, wait {wait} and try again")


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
    return f"name:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
