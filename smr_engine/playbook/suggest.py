"""The nearest right name: what stands behind every "did you mean" of this program."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_NAME = 60  # a longer text is no misspelt name, and comparing it would take long
LIKENESS = 0.66  # one or two slips in a word of six letters; 0.6 takes `quorum` for `form`


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, or None if none is like it.

    Case and the difference between hyphen and underscore do not count.
    """
    if len(name) > LONGEST_NAME:
        return None
    by_folded = {_folded(candidate): candidate for candidate in known}
    found = get_close_matches(_folded(name), by_folded, n=1, cutoff=LIKENESS)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean `x`?`` for the nearest known name, or an empty text."""
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else ""


def _folded(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
