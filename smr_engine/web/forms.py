"""Forms: a JSON Schema as fields that people fill in, and what they typed back as JSON.

Between the two stands *what is typed*, in the shape of the schema: a dict for an object, a list for
a list, and for each field the texts that a browser sends. A page is always rendered from it, so
that nothing typed is lost when it is shown again: with another row, or a sentence beside a field.
Fields are named by JSON Pointer (RFC 6901): ``/contacts/0/name``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData

from smr_engine.web.form_kinds import Schema, as_text, choices, escaped, kind_of, properties

Typed = Any
"""What is typed: dict[str, Typed], list[Typed] or the list[str] of a field."""

MOST_ROWS = 200
ADD = "add"
"""The button that asks for another row: its value is the list's name."""
COUNT = "#rows"
"""Stands behind a list's name: how many rows the page had, for rows of boxes send nothing."""
_ABSENT = object()
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_EXACT = frozenset({"text", "long", "choice"})
"""Kinds of text in which blanks at the ends belong to the text."""


async def _posted(request: Request) -> FormData:
    """Return the form of a request; its token was checked before (`security.own_form`)."""
    return await request.form()


Posted = Annotated[FormData, Depends(_posted)]
"""A handler's parameter: the form that was sent."""


def text_of(form: FormData, name: str) -> str:
    """Return a text of a form, line breaks as one character; empty where there is none."""
    value = form.get(name, "")
    return _lines(value) if isinstance(value, str) else ""


def wants_row(form: FormData) -> bool:
    """Return whether only another row of a list is asked for."""
    return ADD in form


# --- from values, and from a form --------------------------------------------------------------


def filled_in(schema: Schema, values: Any, zone: tzinfo) -> Typed:
    """Return what a form shows at first: values that are known, defaults, and empty fields."""
    kind = kind_of(schema)
    if kind == "object":
        known = values if isinstance(values, Mapping) else {}
        return {
            name: filled_in(inner, known.get(name, inner.get("default")), zone)
            for name, inner in properties(schema).items()
        }
    if kind == "list":
        rows = values if isinstance(values, list) else []
        return [filled_in(schema["items"], row, zone) for row in rows]
    if values is None:
        return []
    if kind == "choices":
        return [_written(schema["items"], "choice", each, zone) for each in values]
    return [_written(schema, kind, values, zone)]


def typed_in(schema: Schema, form: FormData) -> Typed:
    """Return what was typed; rows left empty are gone, unless another row is asked for."""
    more = text_of(form, ADD)
    typed = _typed(schema, form, "", more)
    return typed if more else _without_empty_rows(typed)


def _typed(schema: Schema, form: FormData, name: str, more: str) -> Typed:
    kind = kind_of(schema)
    if kind == "object":
        return {
            key: _typed(inner, form, f"{name}/{escaped(key)}", more)
            for key, inner in properties(schema).items()
        }
    if kind == "list":
        rows = min(_rows(form, name) + (more == name), MOST_ROWS)
        return [_typed(schema["items"], form, f"{name}/{at}", more) for at in range(rows)]
    return [_lines(text) for text in form.getlist(name) if isinstance(text, str)]


def _rows(form: FormData, name: str) -> int:
    """Return how many rows of a list were sent."""
    inside = f"{name}/"
    numbers = [key.removeprefix(inside).partition("/")[0] for key in form if key.startswith(inside)]
    said = text_of(form, f"{name}{COUNT}")
    counts = [int(said)] if _is_small(said) else []
    return max([0, *counts, *(int(number) + 1 for number in numbers if _is_small(number))])


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5


def _without_empty_rows(typed: Typed) -> Typed:
    if isinstance(typed, dict):
        return {name: _without_empty_rows(inner) for name, inner in typed.items()}
    if _is_rows(typed):
        return [_without_empty_rows(row) for row in typed if _says_something(row)]
    return typed


def _is_rows(typed: Typed) -> bool:
    return bool(typed) and not isinstance(typed, dict) and not isinstance(typed[0], str)


def _says_something(typed: Typed) -> bool:
    inner = typed.values() if isinstance(typed, dict) else typed
    return any(bool(each) if isinstance(each, str) else _says_something(each) for each in inner)


# --- back to values ----------------------------------------------------------------------------


def values_from(schema: Schema, typed: Typed, zone: tzinfo) -> dict[str, Any]:
    """Return the values that were typed, as JSON; what is left empty is left out.

    A text that is not what its field asks for stays a text: the service says what is wrong with it.
    Local times are the reader's.
    """
    found = _value(schema, typed, zone, required=True)
    return found if isinstance(found, dict) else {}


def _value(schema: Schema, typed: Typed, zone: tzinfo, *, required: bool) -> Any:
    if not required and not _says_something(typed):
        return _ABSENT
    kind = kind_of(schema)
    if kind == "object":
        needed = schema.get("required", ())
        inner = {
            name: _value(each, typed.get(name, []), zone, required=name in needed)
            for name, each in properties(schema).items()
        }
        return {name: value for name, value in inner.items() if value is not _ABSENT}
    if kind in {"list", "choices"}:
        rows = typed if kind == "list" else [[text] for text in typed]
        each = (_value(schema["items"], row, zone, required=False) for row in rows)
        return [value for value in each if value is not _ABSENT]
    text = typed[0] if typed else ""
    text = text if kind in _EXACT else text.strip()
    return _READ.get(kind, _read_text)(text, schema, zone) if text else _ABSENT


def _read_text(text: str, schema: Schema, zone: tzinfo) -> Any:
    return text


def _read_number(text: str, schema: Schema, zone: tzinfo) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        number = float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return text
    return number if math.isfinite(number) and "_" not in text else text


def _read_yes_no(text: str, schema: Schema, zone: tzinfo) -> Any:
    return {"yes": True, "no": False}.get(text, text)


def _read_choice(text: str, schema: Schema, zone: tzinfo) -> Any:
    return next((value for value in choices(schema) if as_text(value) == text), text)


def _read_instant(text: str, schema: Schema, zone: tzinfo) -> Any:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) <= len("2026-11-23"):
        return text  # a date is no instant
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def _read_json(text: str, schema: Schema, zone: tzinfo) -> Any:
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # halves of surrogate pairs are no text
    except (ValueError, RecursionError):
        return text
    return value


_READ: Mapping[str, Callable[[str, Schema, tzinfo], Any]] = {
    "number": _read_number,
    "yes_no": _read_yes_no,
    "tick": _read_yes_no,
    "choice": _read_choice,
    "datetime": _read_instant,
    "json": _read_json,
}


def _written(schema: Schema, kind: str, value: Any, zone: tzinfo) -> str:
    """Return a value as its field shows it."""
    if kind in {"yes_no", "tick"} and isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "datetime" and isinstance(value, str):
        return _local(value, zone)
    return json.dumps(value, ensure_ascii=False, indent=1) if kind == "json" else as_text(value)


def _local(text: str, zone: tzinfo) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    local = at.astimezone(zone).replace(tzinfo=None)
    return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")


def _lines(text: str) -> str:
    """Return a text with the line breaks that were typed; forms send them as two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
