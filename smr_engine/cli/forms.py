"""Forms in words: the fields of a JSON Schema as a person has to fill them in. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.services.text import listed

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FormField:
    """One field: what it is called, what it asks, how it is written, and an example."""

    name: str
    title: str
    help: str
    required: bool
    words: str
    example: str


_BY_FORMAT: Mapping[str, tuple[str, str]] = {
    "date": ("a date", "2026-01-15"),
    "date-time": ("date and time", "2026-01-15 16:11"),
    "email": ("an email address", "name@example.org"),
    "uri": ("a web address", "https://..."),
    "smr-duration": ("a duration such as 30m, 4h, 2d", "2h"),
    "smr-person": ("a person's id (smr people)", "PERSON"),
    "smr-account": ("an account's id", "ACCOUNT"),
    "smr-case": ("a case", "CASE"),
    "smr-attachment": ("a file's name", "FILE"),
    "smr-long-text": ("text", "TEXT"),
}
_BY_TYPE: Mapping[str, tuple[str, str]] = {
    "boolean": ("yes or no", "yes"),
    "integer": ("a whole number", "1"),
    "number": ("a number", "1"),
    "string": ("text", "TEXT"),
    "object": ("an object in JSON", "{}"),
}


def fields_of(form: Any) -> list[FormField]:
    """Return the fields of a form, in its order; none for what is no object schema.

    Those of an object stand for it, each under the name that leads to it: `contact.name`.
    """
    return list(_fields(form, "", "", required=True)) if isinstance(form, Mapping) else []


def _fields(form: Schema, path: str, about: str, *, required: bool) -> Iterator[FormField]:
    for name, schema in _properties(form).items():
        needed = required and name in (form.get("required") or ())
        title = f"{about}{schema.get('title') or name}"
        if _properties(schema):
            yield from _fields(schema, f"{path}{name}.", f"{title}: ", required=needed)
        else:
            told = str(schema.get("description") or "")
            yield FormField(f"{path}{name}", title, told, needed, *_how(schema))


def _properties(schema: Schema) -> Mapping[str, Schema]:
    found = schema.get("properties")
    found = found if isinstance(found, Mapping) else {}
    return {name: inner for name, inner in found.items() if isinstance(inner, Mapping)}


def _how(schema: Schema) -> tuple[str, str]:
    """Return how a value is written, and an example."""
    if schema.get("const") is True:
        return "yes, once it is done", "yes"
    choices = schema.get("enum")
    if choices:
        names = [str(choice) for choice in choices]
        return f"one of {listed(names, 'or')}", names[0]
    inner = _properties(schema)
    if inner:
        return f"an object in JSON: {listed(list(inner))}", _example(schema, inner)
    kind = schema.get("type")
    if kind == "array":
        entry = schema.get("items")
        words, example = _how(entry if isinstance(entry, Mapping) else {})
        return f"{words}; again for each further one", example
    if kind == "string" and schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[str(schema["format"])]
    return _BY_TYPE.get(str(kind), ("text, or JSON", "VALUE"))


def _example(schema: Schema, inner: Mapping[str, Schema]) -> str:
    """Return an object in JSON with what it needs at least."""
    needed = [name for name in inner if name in (schema.get("required") or ())]
    return json.dumps({name: _in_json(inner[name]) for name in needed or inner})


def _in_json(schema: Schema) -> Any:
    kind = schema.get("type")
    if kind == "boolean":
        return True
    if kind in {"integer", "number"}:
        return 1
    if kind == "array":
        return [_in_json(schema.get("items") or {})]
    inner = _properties(schema)
    return {name: _in_json(each) for name, each in inner.items()} or _how(schema)[1]
