"""Canonical JSON (RFC 8785): one value, one sequence of bytes, on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import rfc8785

from smr_engine.errors import Invalid

_FAST = msgspec.json.Encoder(order="sorted")
_LARGEST = 2**53 - 1  # beyond it, other readers of JSON round whole numbers


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of JSON data (tuples count as lists).

    Raises:
        Invalid: `invalid-value`: whole numbers of 2^53 and more, NaN and infinities, keys that are
            not text, halves of surrogate pairs, the character U+0000 (which PostgreSQL cannot
            keep in a text), and nesting without end.
    """
    try:
        plain = _is_plain(value)
        return _FAST.encode(value) if plain else rfc8785.dumps(value)
    except (UnicodeEncodeError, rfc8785.CanonicalizationError) as error:
        raise _refused("a text with half a surrogate pair or a number JSON cannot keep") from error
    except RecursionError as error:
        raise _refused("data nested too deeply") from error


def _is_plain(value: Any) -> bool:
    """Return whether a plain JSON encoder that sorts keys gives the canonical bytes.

    Thirty times faster than RFC 8785 in Python; the two differ in floats, and in the order of keys
    outside ASCII.
    """
    kind = value.__class__
    if kind is str:
        return _checked_text(value)
    if kind is dict:
        return _all_plain(value.values()) & _all_keys_plain(value)
    if kind is list or kind is tuple:
        return _all_plain(value)
    if kind is int:
        return _checked_number(value)
    if kind is float:
        return False
    if kind is bool or value is None:
        return True
    raise _refused(f"a value of the kind {kind.__name__}")


def _all_plain(values: Iterable[Any]) -> bool:
    plain = True
    for value in values:  # not `all`: every part must be looked at
        plain &= _is_plain(value)
    return plain


def _all_keys_plain(keys: Iterable[Any]) -> bool:
    plain = True
    for key in keys:
        if key.__class__ is not str:
            raise _refused(f"a key of the kind {key.__class__.__name__}")
        plain &= _checked_text(key) and key.isascii()
    return plain


def _checked_text(text: str) -> bool:
    if "\0" in text:
        raise _refused("the character U+0000")
    return True


def _checked_number(number: int) -> bool:
    if not -_LARGEST <= number <= _LARGEST:
        raise _refused(f"a whole number beyond {_LARGEST}")
    return True


def _refused(what: str) -> Invalid:
    return Invalid(
        "invalid-value",
        f"The record cannot keep {what}",
        hint="write it as an ordinary text or a smaller number",
    )
