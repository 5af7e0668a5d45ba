"""What an unquoted scalar means: the core schema of YAML 1.2 (chapter 10.3), less what JSON lacks.

PyYAML follows YAML 1.1, where `no`, `on` and `12:30` are not text; a person who writes a playbook
means text by them.
"""

from __future__ import annotations

import math
import re

EXACT_INTEGER = 2**53 - 1  # RFC 8785: beyond it two JSON readers may disagree about the number
LONGEST_NUMBER = 40  # digits; a longer one is an identifier that somebody forgot to quote

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text of ours may hold: databases, mail and terminals choke on them."""

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NO_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")

Scalar = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """Return the value of an unquoted scalar.

    Raises:
        ValueError: it is a number that JSON cannot carry exactly; the message says so.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _NO_NUMBER.match(text):
        message = f"`{text}` is not a number that can be kept"
        raise ValueError(message)
    if _BASED.match(text):
        return _exact(text, 0)
    if _INTEGER.match(text):
        return _exact(text, 10)
    return _float(text) if _FLOAT.match(text) else text


def _exact(text: str, base: int) -> int:
    number = int(text, base) if len(text) <= LONGEST_NUMBER else EXACT_INTEGER + 1
    if abs(number) > EXACT_INTEGER:
        message = f"`{_short(text)}` is too large for a number"
        raise ValueError(message)
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        message = f"`{_short(text)}` is too large for a number"
        raise ValueError(message)
    return number


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NUMBER else f"{text[:LONGEST_NUMBER]}..."
