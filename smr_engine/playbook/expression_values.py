"""What expressions compute with: plain JSON values, one meter of work, and clear refusals.

Nothing here reaches an attribute of a value; the only operations on data are those written down.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_SOURCE = 65_536  # characters of one expression or template
MAX_NODES = 5_000  # parts of one parsed expression or template
MAX_DEPTH = 60  # parts inside parts
MAX_ITERATIONS = 10_000  # list elements visited in one evaluation
MAX_WORK = 400_000  # parts evaluated and pieces of 64 characters handled in one evaluation
MAX_TEXT = 65_536  # characters of any text that is built
MAX_RESULT = 2_000_000  # characters and values of a whole result
MAX_INTEGER = 2**53 - 1  # what JSON carries between programs without loss (RFC 7493)

Names = Mapping[str, Any]


class ExpressionError(ValueError):
    """An expression or template that cannot be read or evaluated.

    Args:
        message: one sentence, what is wrong.
        line: line inside the expression or template, from 1.
        hint: what to write instead; empty if the message says all.
    """

    def __init__(self, message: str, *, line: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class Frame:
    """One evaluation: the names it sees, its loop variables, and how much work it may still do."""

    __slots__ = ("iterations", "local", "names", "work", "written")

    def __init__(self, names: Names) -> None:
        self.names = names
        self.local: dict[str, Any] = {}
        self.iterations = MAX_ITERATIONS
        self.work = MAX_WORK
        self.written = 0

    def spend(self, units: int) -> None:
        """Count work done.

        Raises:
            ExpressionError: the evaluation has used up what one evaluation may do.
        """
        self.work -= units
        if self.work < 0:
            message = "this takes more work than one expression may do"
            raise ExpressionError(message, hint="use shorter lists or fewer steps")

    def items(self, value: Any) -> list[Any] | tuple[Any, ...]:
        """Return the elements of a list, or the keys of a mapping, and count them.

        Raises:
            ExpressionError: the value is no list, or too many elements were visited.
        """
        if value is None:
            return ()
        if not isinstance(value, list | tuple | Mapping):
            message = f"{kind_of(value)} is not a list"
            raise ExpressionError(message)
        self.iterations -= len(value)
        if self.iterations < 0:
            message = f"this visits more than {MAX_ITERATIONS} list elements"
            raise ExpressionError(message, hint="use shorter lists")
        self.spend(len(value))
        return list(value) if isinstance(value, Mapping) else value

    def text(self, value: str) -> str:
        """Return a text that was built, and count it.

        Raises:
            ExpressionError: the text is longer than any text may be.
        """
        if len(value) > MAX_TEXT:
            raise too_long()
        self.spend(len(value) >> 6)
        return value

    def write(self, value: str) -> str:
        """Return a piece of the output, and count it towards the output's length.

        Raises:
            ExpressionError: the output is longer than any text may be.
        """
        self.written += len(value)
        if self.written > MAX_TEXT:
            raise too_long()
        self.spend(1)
        return value


def too_long() -> ExpressionError:
    """Return the refusal of a text that grew too long."""
    return ExpressionError(f"the text would be longer than {MAX_TEXT} characters")


def kind_of(value: Any) -> str:
    """Return what a person calls this kind of value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a yes/no value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def to_text(value: Any) -> str:
    """Return a value as text: null is empty, true and false are yes and no, lists have commas.

    Raises:
        ExpressionError: the value is not plain data.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return to_json(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(to_text, to_plain(value)))
    return str(to_number(value))


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON with sorted keys.

    Raises:
        ExpressionError: the value is not plain data or too large.
    """
    return json.dumps(to_plain(value), ensure_ascii=False, sort_keys=True, indent=indent)


def to_plain(value: Any) -> Any:
    """Return a value as fresh plain JSON data (tuples become lists).

    Raises:
        ExpressionError: the value holds anything else, or is too large.
    """
    return _Copier().copy(value)


class _Copier:
    """Copies plain data and counts what it copies."""

    def __init__(self) -> None:
        self.left = MAX_RESULT

    def copy(self, value: Any) -> Any:
        self.left -= len(value) + 1 if isinstance(value, str) else 1
        if self.left < 0:
            message = "the result is too large"
            raise ExpressionError(message, hint="use shorter lists")
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, Mapping):
            return {self.key(key): self.copy(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.copy(inner) for inner in value]
        return to_number(value)

    def key(self, key: Any) -> str:
        if isinstance(key, str):
            self.left -= len(key)
            return key
        message = f"a key must be a text, not {kind_of(key)}"
        raise ExpressionError(message)


def to_number(value: Any) -> int | float:
    """Return a number that JSON can carry.

    Raises:
        ExpressionError: the value is no number, not finite, or beyond 2**53 - 1.
    """
    if type(value) is int:
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
        message = f"the number is beyond {MAX_INTEGER}"
        raise ExpressionError(message)
    if type(value) is float:
        if math.isfinite(value):
            return value
        message = "the number is not finite"
        raise ExpressionError(message)
    message = f"a {type(value).__name__} is not plain data"
    raise ExpressionError(message)
