"""Every filter, test and function that expressions know; there are no others.

Each takes the evaluation's frame first, so that what it does is counted. Where Jinja has a filter
of the same name it does the same, but on plain data only and with null taken as nothing. The first
line of a docstring is the help that people read.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import Signature, signature
from typing import Any

from smr_engine.playbook import expression_lists as lists
from smr_engine.playbook import expression_texts as texts
from smr_engine.playbook import expression_time as moments
from smr_engine.playbook.expression_operators import (
    contains,
    equal,
    ordered,
)
from smr_engine.playbook.expression_values import (
    ExpressionError,
    Frame,
    to_text,
)


@dataclass(frozen=True)
class Helper:
    """One filter, test or function: its name, one line of help, and what it does."""

    name: str
    help: str
    call: Callable[..., Any]

    @cached_property
    def signature(self) -> Signature:
        """The arguments it takes; the first (and for filters and tests the second) is given."""
        return signature(self.call)


def named(table: Mapping[str, Helper], name: Any, kind: str) -> Helper:
    """Return a filter, test or function of a table.

    Raises:
        ExpressionError: there is none of that name.
    """
    if isinstance(name, str) and name in table:
        return table[name]
    message = f"there is no {kind} `{to_text(name)[:60]}`"
    raise ExpressionError(message, hint=f"there are: {', '.join(table)}")


# --- filters that use other filters and tests ----------------------------------------------------


def _map(
    frame: Frame,
    value: Any,
    name: Any = None,
    *args: Any,
    attribute: Any = None,
    default: Any = None,
) -> list[Any]:
    """Each element through a filter, `map('upper')`, or its key, `map(attribute='name')`."""
    if (name is None) == (attribute is None):
        message = "map takes the name of a filter or attribute='name'"
        raise ExpressionError(message)
    items = frame.items(value)
    if name is None:
        picked = (lists.pick(item, attribute) for item in items)
        return [default if item is None else item for item in picked]
    call = named(FILTERS, name, "filter").call
    return [call(frame, item, *args) for item in items]


def _select(frame: Frame, value: Any, *test: Any) -> list[Any]:
    """The elements that pass a test: `select('gt', 3)`."""
    return [item for item in frame.items(value) if _passes(frame, item, test)]


def _reject(frame: Frame, value: Any, *test: Any) -> list[Any]:
    """The elements that do not pass a test: `reject('gt', 3)`."""
    return [item for item in frame.items(value) if not _passes(frame, item, test)]


def _select_by(frame: Frame, value: Any, attribute: Any, *test: Any) -> list[Any]:
    """The elements whose key passes: `selectattr('status', 'eq', 'open')`."""
    items = frame.items(value)
    return [item for item in items if _passes(frame, lists.pick(item, attribute), test)]


def _reject_by(frame: Frame, value: Any, attribute: Any, *test: Any) -> list[Any]:
    """The elements whose key does not pass: `rejectattr('paid')`."""
    items = frame.items(value)
    return [item for item in items if not _passes(frame, lists.pick(item, attribute), test)]


def _passes(frame: Frame, value: Any, test: tuple[Any, ...]) -> bool:
    if not test:
        return bool(value)
    return bool(named(TESTS, test[0], "test").call(frame, value, *test[1:]))


# --- tests and functions -------------------------------------------------------------------------


def _defined(_frame: Frame, value: Any) -> bool:
    """There is a value; null counts as none."""
    return value is not None


def _none(_frame: Frame, value: Any) -> bool:
    """There is no value."""
    return value is None


def _different(frame: Frame, value: Any, other: Any) -> bool:
    """It is not the same as the other."""
    return not equal(frame, value, other)


def _members(frame: Frame, group: Any) -> list[str]:
    """The people of a group, sorted ids: `members('all-staff')`."""
    groups = frame.names.get("members")
    if isinstance(groups, Mapping) and isinstance(group, str) and group in groups:
        return sorted(groups[group])
    message = f"the directory has no group '{to_text(group)[:60]}'"
    raise ExpressionError(message)


def _table(calls: Mapping[str, Callable[..., Any]], words: Mapping[str, str]) -> dict[str, Helper]:
    """Return a table, with help from `words` or else from the docstring's first line."""
    return {
        name: Helper(name, words.get(name) or (call.__doc__ or "").split("\n", 1)[0], call)
        for name, call in calls.items()
    }


FILTERS: Mapping[str, Helper] = _table(
    {
        "date": moments.as_date,
        "datetime": moments.as_datetime,
        "datetime_format": moments.as_pattern,
        "default": texts.default_to,
        "duration": moments.duration_in_words,
        "first": lists.first,
        "float": texts.decimal,
        "int": texts.whole,
        "items": lists.pairs,
        "join": lists.join,
        "last": lists.last,
        "length": lists.length,
        "list": lists.as_list,
        "lower": texts.lower,
        "map": _map,
        "max": lists.largest,
        "min": lists.smallest,
        "reject": _reject,
        "rejectattr": _reject_by,
        "replace": texts.replace,
        "round": texts.rounded,
        "select": _select,
        "selectattr": _select_by,
        "sort": lists.in_order,
        "string": texts.string,
        "sum": lists.total,
        "time": moments.as_time,
        "title": texts.title,
        "tojson": texts.as_json,
        "trim": texts.trim,
        "truncate": texts.truncate,
        "unique": lists.unique,
        "upper": texts.upper,
    },
    {},
)
"""The filters, ``value|name(arguments)``; this table is the list in the README."""

TESTS: Mapping[str, Helper] = _table(
    {
        "defined": _defined,
        "eq": equal,
        "ge": ordered(operator.ge),
        "gt": ordered(operator.gt),
        "in": contains,
        "le": ordered(operator.le),
        "lt": ordered(operator.lt),
        "ne": _different,
        "none": _none,
        "undefined": _none,
    },
    {
        "eq": "It is the same as the other.",
        "ge": "It is the same as the other or more; for instants: or later.",
        "gt": "It is more than the other; for instants: later.",
        "in": "It is an element of a list, a key of a mapping or a piece of a text.",
        "le": "It is the same as the other or less; for instants: or earlier.",
        "lt": "It is less than the other; for instants: earlier.",
    },
)
"""The tests, ``value is name``; this table is the list in the README."""

FUNCTIONS: Mapping[str, Helper] = _table(
    {
        "members": _members,
        "minus": moments.minus,
        "plus": moments.plus,
        "seconds_between": moments.seconds_between,
    },
    {},
)
"""The functions, ``name(arguments)``; this table is the list in the README."""
