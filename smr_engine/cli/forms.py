"""Forms in words: the fields of a JSON Schema as a person has to fill them in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.cli.text import listed

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
    "date-time": ("date and time", "'2026-01-15 16:11'"),
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
    """Return the fields of a form, in its order; none for what is no object schema."""
    if not isinstance(form, Mapping) or not isinstance(form.get("properties"), Mapping):
        return []
    required = form.get("required") or ()
    return [
        _field(name, schema, required=name in required)
        for name, schema in form["properties"].items()
        if isinstance(schema, Mapping)
    ]


def _field(name: str, schema: Schema, *, required: bool) -> FormField:
    words, example = _how(schema)
    title = str(schema.get("title") or name)
    return FormField(name, title, str(schema.get("description") or ""), required, words, example)


def _how(schema: Schema) -> tuple[str, str]:
    """Return how a value is written, and an example."""
    if schema.get("const") is True:
        return "yes, once it is done", "yes"
    choices = schema.get("enum")
    if choices:
        names = [str(choice) for choice in choices]
        return f"one of {listed(names, 'or')}", names[0]
    kind = schema.get("type")
    if kind == "array":
        entry = schema.get("items")
        words, example = _how(entry if isinstance(entry, Mapping) else {})
        return f"{words}; again for each further one", example
    if kind == "string" and schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[str(schema["format"])]
    return _BY_TYPE.get(str(kind), ("text, or JSON", "VALUE"))
