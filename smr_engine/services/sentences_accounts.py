"""Sentences about accounts: who was let in, and how they prove who they are."""

from __future__ import annotations

from collections.abc import Mapping

from smr_engine.services.sentence_parts import Memory, Sentence, actor
from smr_engine.services.views import EventRow


def _who(event: EventRow, memory: Memory) -> str:
    return memory.names.person(str(event.data["person"]))


def _by(event: EventRow, memory: Memory) -> str:
    """Return who did it where it was not the person themselves."""
    return "" if event.actor == event.data["person"] else f", by {actor(event, memory)}"


def _invited(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} invited {_who(event, memory)} to set a password"


def _password(event: EventRow, memory: Memory) -> str:
    return f"{_who(event, memory)} has a new password{_by(event, memory)}"


def _signed_in(event: EventRow, memory: Memory) -> str:
    return f"{_who(event, memory)} signed in"


def _locked(event: EventRow, memory: Memory) -> str:
    times, is_known = event.data["failures"], event.data.get("known", False)
    where = "in a browser known as theirs" if is_known else "in browsers not known as theirs"
    return (
        f"Signing in as {_who(event, memory)} failed {times} times in a row and is locked {where}"
    )


def _signed_out(event: EventRow, memory: Memory) -> str:
    return f"{_who(event, memory)} signed out"


def _everywhere(event: EventRow, memory: Memory) -> str:
    return f"{_who(event, memory)} was signed out everywhere{_by(event, memory)}"


def _factor_set(event: EventRow, memory: Memory) -> str:
    return f"{_who(event, memory)} signs in with one-time codes from now on"


def _factor_removed(event: EventRow, memory: Memory) -> str:
    return f"{_who(event, memory)} has no one-time codes any more{_by(event, memory)}"


def _token_made(event: EventRow, memory: Memory) -> str:
    data = event.data
    what = f"API token {data['token']} ({data['scopes']})"
    return f"{actor(event, memory)} made the {what}, which acts for {_who(event, memory)}"


def _token_revoked(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} revoked the API token {event.data['token']}"


OF_ACCOUNTS: Mapping[str, Sentence] = {
    "Invited": _invited,
    "PasswordSet": _password,
    "SignedIn": _signed_in,
    "SignInLocked": _locked,
    "SignedOut": _signed_out,
    "SignedOutEverywhere": _everywhere,
    "SecondFactorSet": _factor_set,
    "SecondFactorRemoved": _factor_removed,
    "TokenMade": _token_made,
    "TokenRevoked": _token_revoked,
}
"""Sentences about the stream `accounts`."""
