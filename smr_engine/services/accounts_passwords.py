"""What a password must be: long, and neither what everybody uses nor what is known of its owner.

ASVS 5.0, 6.2. What attackers try first are words of everybody's and runs of keys, joined until they
are long enough; so these are taken away, and what is left has to be long enough.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from smr_engine.engine.world import Person
from smr_engine.errors import Invalid
from smr_engine.services.workspace import Workspace

SHORTEST = 12
LONGEST = 1_000
_OWN_SIGNS = 8
"""So much has to be left of a password without what everybody uses, or knows of its owner."""
_FEWEST_DIFFERENT = 5
_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p"),
    *("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm"),
    *("1q2w3e4r5t6y7u8i9o0p", "qazwsxedcrfvtgbyhnujmikolp"),
)
"""Keys and signs in an order that fingers or everybody know."""
_SHORTEST_RUN = 3
_SPELLED = str.maketrans("013457@$!", "oleastasi")
"""Signs that stand for letters: `p@ssw0rd`."""
_EVERYBODYS = (
    *("administrator", "password", "passwort", "motdepasse", "iloveyou", "basketball", "football"),
    *("baseball", "changeme", "computer", "internet", "princess", "sunshine", "superman"),
    *("starwars", "whatever", "trustno", "letmein", "welcome", "default", "freedom", "charlie"),
    *("michael", "jessica", "pokemon", "batman", "dragon", "hello", "login", "master", "monkey"),
    *("secret", "shadow", "soccer", "summer", "winter", "spring", "autumn", "killer", "admin"),
    *("guest", "love", "qwerty", "root", "test", "user"),
)
"""Words of which the passwords that are used most are made."""


def hashed(ws: Workspace, person: Person, password: str) -> str:
    """Return the hash of a new password.

    Raises:
        Invalid: `weak-password`, says why.
    """
    require_strong(person, password)
    return ws.passwords.hash(normal(password), ws.entropy.salt())


def require_strong(person: Person, password: str) -> None:
    """Refuse a new password that everybody could guess.

    Raises:
        Invalid: `weak-password`, says why.
    """
    if reason := why_weak(person, password):
        hint = "several words that have nothing to do with each other make a good one"
        raise Invalid("weak-password", reason, hint=hint)


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
        return "This is what everybody tries first: names, known words or keys in a row"
    return ""


def _without_known(person: Person, password: str) -> str:
    own = re.findall(r"\w+", f"{person.id} {person.name} {person.email}".casefold())
    known = sorted((w for w in (*own, *_EVERYBODYS) if len(w) > 2), key=len, reverse=True)
    as_typed = _without(known, _without_runs(password.casefold()))
    return "".join(re.findall(r"\w", _without(known, as_typed.translate(_SPELLED))))


def _without(words: Iterable[str], text: str) -> str:
    for word in words:
        text = text.replace(word, "")
    return text


def _without_runs(text: str) -> str:
    """Return a text without keys or letters in a row, in either direction."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    left, at = "", 0
    while at < len(text):
        length = max(_along(row, text[at:]) for row in rows)
        is_run = length >= _SHORTEST_RUN
        left += "" if is_run else text[at]
        at += length if is_run else 1
    return left


def _along(row: str, text: str) -> int:
    """Return how many signs at the beginning of a text follow a row."""
    begins = row.find(text[0])
    ahead = row[begins:] if begins >= 0 else ""
    return next((at for at, sign in enumerate(ahead) if sign != text[at : at + 1]), len(ahead))
