"""Comparing rows as found with rows as they should be, naming every difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from smr_engine.audit.leaf import timestamp
from smr_engine.services.projection import Row
from smr_engine.services.state_codec import decode_header, decode_scope, encode_state

STATE_COLUMNS = frozenset({"header", "root", "state"})
KEYS: Mapping[str, tuple[str, ...]] = {
    "cases": ("ref",),
    "scopes": ("case_ref", "path"),
    "items": ("id",),
    "item_people": ("item", "person"),
    "timers": ("id",),
    "clocks": ("case_ref", "clock"),
    "effects": ("id",),
}

Found = Mapping[str, Any]


def table_problems(
    expected: Mapping[str, Sequence[Row]], found: Mapping[str, Sequence[Found]]
) -> Iterator[tuple[str, str]]:
    """Yield (row, what is wrong) for every missing, superfluous or different row of a case."""
    for table, keys in KEYS.items():
        there = {tuple(row[k] for k in keys): row for row in found[table]}
        for row in expected[table]:
            key = tuple(row[k] for k in keys)
            name = f"{table} {' '.join(map(str, key))}"
            actual = there.pop(key, None)
            if actual is None:
                yield name, "is missing"
            else:
                yield from ((name, what) for what in column_problems(row, actual))
        for key in there:
            yield f"{table} {' '.join(map(str, key))}", "is there, but no event says so"


def column_problems(expected: Mapping[str, Any], found: Found) -> Iterator[str]:
    """Yield what is wrong with each column; states are told by name only, they are long."""
    for name, value in expected.items():
        if name in STATE_COLUMNS:
            if not _same_state(name, value, found[name]):
                yield f"{name} is not what the events give"
        elif not _same(value, found[name]):
            yield f"{name} is {_shown(found[name])}, but the events say {_shown(value)}"


def _same(expected: Any, found: Any) -> bool:
    """Compare a value with a raw one: SQLite gives truths as numbers and instants as text."""
    if isinstance(expected, bool):
        return found in (expected, int(expected))
    return type(_plain(found)) is type(_plain(expected)) and bool(_plain(found) == _plain(expected))


def _plain(value: Any) -> Any:
    return timestamp(value) if isinstance(value, datetime) else value


def _same_state(name: str, expected: str, found: Any) -> bool:
    """Compare two states as JSON data: whole numbers may have been read as such (1.0 as 1).

    The text found must be as the program writes it, so that not even a space was added. One that
    an earlier version wrote lacks fields which have their defaults.
    """
    if found == expected:
        return True
    try:
        data = msgspec.json.decode(found)
        written = msgspec.json.encode(data).decode() == found
        wanted = msgspec.json.decode(expected)
        return written and (_same_data(wanted, data) or _same_but_older(name, wanted, found, data))
    except (msgspec.DecodeError, TypeError, UnicodeError):
        return False


def _same_but_older(name: str, wanted: Any, found: str, data: Any) -> bool:
    read = decode_header if name == "header" else decode_scope
    filled = msgspec.json.decode(encode_state(read(found)))
    return _same_data(wanted, filled) and _adds_nothing(data, wanted)


def _adds_nothing(data: Any, wanted: Any) -> bool:
    """Return whether all fields of one value are fields of another, however deep."""
    if isinstance(data, dict):
        return all(key in wanted and _adds_nothing(v, wanted[key]) for key, v in data.items())
    if isinstance(data, list):
        return all(map(_adds_nothing, data, wanted))
    return True


def _same_data(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_data(v, other[k]) for k, v in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_data, one, other))
    numbers = {int, float}
    if type(one) is not type(other) and {type(one), type(other)} != numbers:
        return False
    return bool(one == other)


def _shown(value: Any) -> str:
    """Return a value short enough for a line; bytes in hex."""
    text = value.hex() if isinstance(value, bytes) else repr(_plain(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
