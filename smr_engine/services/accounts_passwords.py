"""What a password must be: long, and not what everybody knows about its owner (ASVS 5.0, 6.2)."""

from __future__ import annotations

import re
import unicodedata

from smr_engine.engine.world import Person
from smr_engine.errors import Invalid
from smr_engine.services.workspace import Workspace

SHORTEST = 12
LONGEST = 1_000
_OWN_SIGNS = 8
"""So much has to be left of a password without its owner's name, address and company."""
_FEWEST_DIFFERENT = 5


def hashed(ws: Workspace, person: Person, password: str) -> str:
    """Return the hash of a new password.

    Raises:
        Invalid: `weak-password`, says why.
    """
    if reason := why_weak(person, password):
        hint = "several words that have nothing to do with each other make a good one"
        raise Invalid("weak-password", reason, hint=hint)
    return ws.passwords.hash(normal(password), ws.entropy.salt())


def verify(ws: Workspace, password: str, kept: str) -> bool:
    """Return whether it is the password that was hashed; takes as long where none was."""
    return ws.passwords.verify(normal(password) if len(password) <= LONGEST else "", kept)


def normal(password: str) -> str:
    """Return a password as it is hashed: NFKC, so that every keyboard types the same."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def why_weak(person: Person, password: str) -> str:
    """Return why a password will not do, empty if it will."""
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} signs"
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} signs"
    if len(set(password)) < _FEWEST_DIFFERENT:
        return "This repeats the same few signs"
    if len(_without_known(person, password)) < _OWN_SIGNS:
        return "This is your name, address or company, and little more"
    return ""


def _without_known(person: Person, password: str) -> str:
    rest = "".join(re.findall(r"\w", password.casefold()))
    known = re.findall(r"\w+", f"{person.id} {person.name} {person.email}".casefold())
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) > 2 else rest  # `of`, `de`
    return rest
