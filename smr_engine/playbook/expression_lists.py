"""The filters that work on lists: what Jinja's do, on plain data, with null taken as nothing.

The first line of each docstring is the help that people read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smr_engine.playbook.expression_operators import (
    add,
    instant_or_none,
    member,
)
from smr_engine.playbook.expression_values import (
    MAX_TEXT,
    ExpressionError,
    Frame,
    kind_of,
    to_json,
    to_text,
    too_long,
)


def pick(value: Any, attribute: Any) -> Any:
    """Return what `a.b` names inside a value, or the value itself without an attribute.

    Raises:
        ExpressionError: the attribute is no name, or the value has no names inside.
    """
    if attribute is None:
        return value
    if not isinstance(attribute, str):
        message = f"an attribute is a name, not {kind_of(attribute)}"
        raise ExpressionError(message)
    for key in attribute.split("."):
        value = member(value, key)
    return value


def first(frame: Frame, value: Any) -> Any:
    """The first element of a list, null if it is empty."""
    return next(iter(frame.items(value)), None)


def last(frame: Frame, value: Any) -> Any:
    """The last element of a list, null if it is empty."""
    return [None, *frame.items(value)][-1]


def length(_frame: Frame, value: Any) -> int:
    """How many elements, keys or characters there are; 0 for null."""
    if value is None:
        return 0
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    message = f"{kind_of(value)} has no length"
    raise ExpressionError(message)


def as_list(frame: Frame, value: Any) -> list[Any]:
    """The elements (of a mapping: its keys) as a list."""
    return list(frame.items(value))


def pairs(frame: Frame, value: Any) -> list[list[Any]]:
    """A mapping as a list of [key, value]."""
    if value is None:
        return []
    if not isinstance(value, Mapping):
        message = f"{kind_of(value)} is not a mapping"
        raise ExpressionError(message)
    return [[key, value[key]] for key in frame.items(value)]


def join(frame: Frame, value: Any, d: Any = "", attribute: Any = None) -> str:
    """The elements as one text: `join(', ')`, `join(', ', attribute='name')`."""
    pieces = [to_text(pick(item, attribute)) for item in frame.items(value)]
    between = to_text(d)
    if sum(map(len, pieces)) + len(between) * max(0, len(pieces) - 1) > MAX_TEXT:
        raise too_long()
    return frame.text(between.join(pieces))


def total(frame: Frame, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    """The numbers added up: `sum(attribute='reach')`; null does not count."""
    found = start
    for item in frame.items(value):
        number = pick(item, attribute)
        if isinstance(number, str | list | tuple):
            message = f"sum adds numbers, not {kind_of(number)}"
            raise ExpressionError(message)
        found = found if number is None else add(frame, found, number)
    return found


def smallest(frame: Frame, value: Any, case_sensitive: Any = None, attribute: Any = None) -> Any:
    """The smallest element: `min(attribute='reach')`; null does not count."""
    keyed = _keyed(frame, value, case_sensitive, attribute)
    return min(keyed, key=_order, default=(None, None))[1]


def largest(frame: Frame, value: Any, case_sensitive: Any = None, attribute: Any = None) -> Any:
    """The largest element: `max(attribute='reach')`; null does not count."""
    keyed = _keyed(frame, value, case_sensitive, attribute)
    return max(keyed, key=_order, default=(None, None))[1]


def in_order(
    frame: Frame,
    value: Any,
    reverse: Any = None,
    case_sensitive: Any = None,
    attribute: Any = None,
) -> list[Any]:
    """The elements in order: `sort(attribute='name', reverse=true)`; null comes last."""
    keyed = _keyed(frame, value, case_sensitive, attribute)
    known = [item for _, item in sorted(keyed, key=_order, reverse=bool(reverse))]
    return known + [item for item in frame.items(value) if pick(item, attribute) is None]


def unique(
    frame: Frame, value: Any, case_sensitive: Any = None, attribute: Any = None
) -> list[Any]:
    """Each element once: `unique(attribute='email')`."""
    found: dict[str, Any] = {}
    for item in frame.items(value):
        key = frame.text(to_json(pick(item, attribute)))
        found.setdefault(key if case_sensitive else key.lower(), item)
    return list(found.values())


Keyed = tuple[Any, Any]


def _keyed(frame: Frame, value: Any, case_sensitive: Any, attribute: Any) -> list[Keyed]:
    """Return each element that is not null with what it is sorted by."""
    picked = [(pick(item, attribute), item) for item in frame.items(value)]
    return [
        (_sort_key(frame, key, bool(case_sensitive)), item)
        for key, item in picked
        if key is not None
    ]


def _order(keyed: Keyed) -> Any:
    return keyed[0]


def _sort_key(frame: Frame, value: Any, case_sensitive: bool) -> Any:  # noqa: FBT001 - private
    """Return what a value is sorted by: numbers, then instants, then texts in any case."""
    if isinstance(value, bool | int | float):
        return (0, value)
    if isinstance(value, str):
        if at := instant_or_none(value):
            return (1, at.timestamp())
        return (2, value if case_sensitive else frame.text(value.lower()))
    message = f"{kind_of(value)} cannot be sorted"
    raise ExpressionError(message, hint="name what to sort by: sort(attribute='name')")
