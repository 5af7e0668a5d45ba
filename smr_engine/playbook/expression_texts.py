"""The filters that work on texts and numbers, each with its length or size bounded.

The first line of each docstring is the help that people read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from smr_engine.playbook.expression_values import (
    MAX_TEXT,
    ExpressionError,
    Frame,
    kind_of,
    to_json,
    to_text,
    too_long,
)


def default_to(_frame: Frame, value: Any, default_value: Any = "", boolean: Any = None) -> Any:
    """Another value where there is null; `default('-', true)` also for empty ones."""
    return default_value if value is None or (boolean and not value) else value


def string(frame: Frame, value: Any) -> str:
    """Any value as text: null is empty, true and false are yes and no."""
    return frame.text(to_text(value))


def lower(frame: Frame, value: Any) -> str:
    """The text in small letters."""
    return frame.text(to_text(value).lower())


def upper(frame: Frame, value: Any) -> str:
    """The text in capital letters."""
    return frame.text(to_text(value).upper())


def title(frame: Frame, value: Any) -> str:
    """The text With Capital Letters."""
    words = r"[^\s({\[<-]+"
    return frame.text(
        re.sub(words, lambda word: word[0][0].upper() + word[0][1:].lower(), to_text(value))
    )


def trim(frame: Frame, value: Any, chars: Any = None) -> str:
    """The text without space around it."""
    return frame.text(to_text(value).strip(None if chars is None else to_text(chars)))


def replace(frame: Frame, value: Any, old: Any, new: Any, count: Any = None) -> str:
    """The text with one piece replaced by another: `replace('a', 'b')`."""
    text, before, after = to_text(value), to_text(old), to_text(new)
    limit = -1 if count is None else _whole_between(count, 0, MAX_TEXT)
    times = text.count(before) if limit < 0 else min(limit, text.count(before))
    if len(text) + times * (len(after) - len(before)) > MAX_TEXT:
        raise too_long()
    return frame.text(text.replace(before, after, limit))


def truncate(
    frame: Frame, value: Any, length: Any = 255, killwords: Any = None, end: Any = "..."
) -> str:
    """The first words, at most so many characters: `truncate(80)`."""
    text, mark = to_text(value), to_text(end)
    most = _whole_between(length, 0, MAX_TEXT)
    if len(text) <= most:
        return frame.text(text)
    kept = text[: max(0, most - len(mark))]
    return frame.text((kept if killwords else kept.rsplit(" ", 1)[0]) + mark)


def as_json(frame: Frame, value: Any, indent: Any = None) -> str:
    """Any value as JSON text; `tojson(indent=2)` over several lines."""
    return frame.text(to_json(value, None if indent is None else _whole_between(indent, 0, 8)))


def whole(_frame: Frame, value: Any, default: Any = 0) -> Any:
    """A whole number; `int(7)` names what to take if it is none."""
    number = _to_float(value)
    if number is None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        return int(number)


def decimal(_frame: Frame, value: Any, default: Any = 0.0) -> Any:
    """A number with decimals; `float(1.5)` names what to take if it is none."""
    number = _to_float(value)
    return default if number is None else number


def rounded(_frame: Frame, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    """A number rounded: `round(2)`, `round(0, 'ceil')`, `round(0, 'floor')`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{kind_of(value)} cannot be rounded"
        raise ExpressionError(message)
    places = _whole_between(precision, 0, 15)
    ways: dict[Any, Callable[[float], float]] = {
        "common": round,
        "ceil": math.ceil,
        "floor": math.floor,
    }
    way = ways.get(method) if isinstance(method, str) else None
    if way is None:
        message = "round goes by common, ceil or floor"
        raise ExpressionError(message)
    if places == 0:
        return int(way(value))
    if method == "common":
        return round(value, places)
    return way(value * 10**places) / 10**places


def _whole_between(value: Any, least: int, most: int) -> int:
    if type(value) is int and least <= value <= most:
        return value
    message = f"a whole number from {least} to {most} is wanted here"
    raise ExpressionError(message)


def _to_float(value: Any) -> float | None:
    if isinstance(value, str) and len(value) > 60:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
