"""One-time codes (TOTP, RFC 6238): six digits, 30 seconds, each taken once."""

from __future__ import annotations

import hmac
from datetime import datetime

from smr_engine.errors import Refusal
from smr_engine.services.accounts_attempts import Attempt, failed
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.storing_accounts import AccountRow
from smr_engine.services.workspace import Workspace

STEP_S = 30
DIGITS = 6
_SLACK = (0, -1, 1)  # steps: clocks of phones go a little wrong, and people type slowly


def take(ws: Workspace, unit: UnitOfWork, account: AccountRow, code: str) -> bool:
    """Take a code of somebody's second factor; False if it is wrong or was taken before."""
    if account.totp is None:
        return False
    step = matching_step(ws.vault.open(account.totp).decode(), code, ws.clock.now())
    return step is not None and unit.accounts.take_step(account.person, step)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step near now whose code this is."""
    from pyotp import TOTP  # loads http for a feature that is not used

    totp, present = TOTP(secret, digits=DIGITS, interval=STEP_S), int(now.timestamp()) // STEP_S
    typed = "".join(code.split()).encode("utf-8", "surrogatepass")
    matching = (
        present + offset
        for offset in _SLACK
        if hmac.compare_digest(totp.generate_otp(present + offset).encode(), typed)
    )
    return next(matching, None)


def wrong(ws: Workspace, attempt: Attempt) -> Refusal:
    """Note that a code was wrong; return the refusal that says so."""
    failed(ws, attempt)
    return not_of_now()


def not_of_now() -> Refusal:
    """Return the refusal of a wrong code."""
    hint = "each code is good for one sign-in: wait for the next one"
    return Refusal("wrong-code", "This is not a code of now", hint=hint)
