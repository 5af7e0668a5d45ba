"""Canonical JSON (RFC 8785): one value, one sequence of bytes, on every machine."""

from __future__ import annotations

from typing import Any

import msgspec
import rfc8785

from smr_engine.errors import Invalid

_FAST = msgspec.json.Encoder(order="sorted")
_LARGEST = 2**53 - 1
_ESCAPED_NUL = b"\\u0000"
DEEPEST = 100
"""How many levels of lists and objects may lie in each other: readers of the log recurse."""


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of JSON data (tuples count as lists).

    Raises:
        Invalid: `invalid-value`: numbers of 2^53 and more (whole ones lose digits in other
            readers, broken ones come back as whole ones), NaN and infinities, keys that are not
            text, halves of surrogate pairs, the character U+0000 (which PostgreSQL cannot keep in
            a text), and more than `DEEPEST` levels.
    """
    try:
        plain = _is_plain(value, DEEPEST)
        data = _FAST.encode(value) if plain else rfc8785.dumps(value)
    except (UnicodeEncodeError, rfc8785.CanonicalizationError) as error:
        raise _refused("a text with half a surrogate pair") from error
    if _ESCAPED_NUL in data and _holds_nul(value):  # the bytes may also be a backslash and u0000
        raise _refused("the character U+0000")
    return data


def _is_plain(value: Any, levels: int) -> bool:
    """Return whether a plain JSON encoder that sorts keys gives the canonical bytes.

    Thirty times faster than RFC 8785 in Python; the two differ in floats, and in the order of keys
    outside ASCII. Every part is looked at, for some values have to be refused.
    """
    kind = value.__class__
    if kind is str or kind is bool or value is None:
        return True
    if kind is int or kind is float:
        return _checked_number(value) and kind is int
    if levels == 0:
        raise _refused("data nested too deeply")
    if kind is dict:
        return _is_plain_object(value, levels - 1)
    if kind is list or kind is tuple:
        plain = True
        for part in value:
            if part.__class__ is not str:
                plain &= _is_plain(part, levels - 1)
        return plain
    raise _refused(f"a value of the kind {kind.__name__}")


def _is_plain_object(value: dict[Any, Any], levels: int) -> bool:
    plain = True
    for key, part in value.items():
        if key.__class__ is not str:
            raise _refused(f"a key of the kind {key.__class__.__name__}")
        plain &= key.isascii()
        if part.__class__ is not str:
            plain &= _is_plain(part, levels)
    return plain


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, (*value, *value.values())))
    if isinstance(value, list | tuple):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value


def _checked_number(number: float) -> bool:
    if not -_LARGEST <= number <= _LARGEST:
        raise _refused(f"the number {number}: it is beyond {_LARGEST}, or none")
    return True


def _refused(what: str) -> Invalid:
    return Invalid(
        "invalid-value",
        f"The record cannot keep {what}",
        hint="write it as an ordinary text or a smaller number",
    )
