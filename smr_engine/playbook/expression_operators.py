"""The operators of expressions, each bounded: no text, list or number grows out of hand."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from smr_engine.playbook.expression_values import (
    MAX_INTEGER,
    MAX_TEXT,
    ExpressionError,
    Frame,
    kind_of,
    to_number,
    to_plain,
    to_text,
    too_long,
)


def add(frame: Frame, left: Any, right: Any) -> Any:
    """Return the sum of two numbers, or two texts or two lists joined.

    Raises:
        ExpressionError: anything else, or a result too long or too large.
    """
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise too_long()
        return frame.text(left + right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return [*frame.items(left), *frame.items(right)]
    return arithmetic("+", operator.add)(frame, left, right)


def arithmetic(sign: str, apply: Callable[[Any, Any], Any]) -> Callable[[Frame, Any, Any], Any]:
    """Return an operator on numbers only (`'a' * 9` and `'%9d' % 1` are refused).

    The operator raises ExpressionError for other values and for results beyond JSON's numbers.
    """

    def operate(_frame: Frame, left: Any, right: Any) -> Any:
        for value in (left, right):
            if type(value) is not int and type(value) is not float:
                message = f"`{sign}` works on numbers, not on {kind_of(value)}"
                raise ExpressionError(message, hint="join texts with ~" if sign == "+" else "")
        try:
            return to_number(apply(left, right))
        except ZeroDivisionError:
            message = "division by zero"
            raise ExpressionError(message) from None
        except OverflowError:
            message = "the number is too large"
            raise ExpressionError(message) from None

    return operate


def power(left: Any, right: Any) -> Any:
    """Return `left ** right` for exponents up to 64, so that no number grows without bound.

    Raises:
        ExpressionError: a larger exponent.
    """
    if abs(right) > 64 or abs(left) > MAX_INTEGER:
        message = "`**` takes exponents up to 64"
        raise ExpressionError(message)
    return left**right


_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)\Z"
)


def instant_or_none(text: str) -> datetime | None:
    """Return the instant that an RFC 3339 text names, None if it names none."""
    if len(text) > 40 or not _INSTANT.match(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def ordered(apply: Callable[[Any, Any], bool]) -> Callable[[Frame, Any, Any], bool]:
    """Return a comparison by order: numbers, texts, and RFC 3339 instants as instants.

    Null is neither less nor greater than anything. The comparison raises ExpressionError for
    values that have no order between them.
    """

    def compare(frame: Frame, left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        frame.spend(1)
        return apply(*_comparable(left, right))

    return compare


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    if isinstance(left, str) and isinstance(right, str):
        first, second = instant_or_none(left), instant_or_none(right)
        return (left, right) if first is None or second is None else (first, second)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left, right
    message = f"{kind_of(left)} and {kind_of(right)} have no order"
    raise ExpressionError(message)


def equal(frame: Frame, left: Any, right: Any) -> bool:
    """Say whether two values are the same."""
    if isinstance(left, list | tuple | Mapping):
        frame.spend(_weight(left))
        return bool(_unwrapped(left) == _unwrapped(right))
    return bool(left == right)


def contains(frame: Frame, element: Any, whole: Any) -> bool:
    """Say whether a list has an element, a mapping a key, or a text a piece of text.

    Raises:
        ExpressionError: the whole is a number, or a piece of text is sought that is no text.
    """
    if whole is None:
        return False
    if isinstance(whole, str):
        if not isinstance(element, str):
            message = f"`in` looks for a text in a text, not for {kind_of(element)}"
            raise ExpressionError(message)
        frame.spend(1 + (len(whole) >> 6))
        return element in whole
    if isinstance(whole, Mapping):
        return isinstance(element, str) and element in whole
    return any(equal(frame, element, item) for item in frame.items(whole))


def _weight(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(_weight(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return 1 + sum(_weight(inner) for inner in value)
    return 1


def _unwrapped(value: Any) -> Any:
    return to_plain(value) if isinstance(value, list | tuple | Mapping) else value


def member(value: Any, key: str) -> Any:
    """Return what a mapping holds under a key; null for a missing key and for null itself.

    Raises:
        ExpressionError: the value is no mapping: dots reach keys, never attributes or methods.
    """
    if type(value) is dict:
        return value.get(key)
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value.get(key)
    message = f"{kind_of(value)} has no `{key[:60]}`: dots and [names] reach the keys of mappings"
    raise ExpressionError(message)


def element_at(value: Any, index: Any) -> Any:
    """Return the element at a place of a list or text, or what a mapping holds under a key.

    A place or key that is not there gives null.

    Raises:
        ExpressionError: the value has no such elements.
    """
    if isinstance(index, str):
        return member(value, index)
    if value is None:
        return None
    if isinstance(value, list | tuple | str) and type(index) is int:
        return value[index] if -len(value) <= index < len(value) else None
    message = f"{kind_of(value)} has no element {to_text(index)[:60]!r}"
    raise ExpressionError(message)
