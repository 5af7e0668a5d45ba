"""Expands the short form of fields to the JSON Schema that validates, renders and is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smr_engine.playbook.model import JsonSchema

_TYPES: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "long_text": {"type": "string", "format": "smr-long-text"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "yes_no": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "duration": {"type": "string", "format": "smr-duration"},
    "url": {"type": "string", "format": "uri"},
    "email": {"type": "string", "format": "email"},
    "file": {"type": "string", "format": "smr-attachment"},
    "person": {"type": "string", "format": "smr-person"},
    "account": {"type": "string", "format": "smr-account"},
    "case": {"type": "string", "format": "smr-case"},
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
}
_NUMBER_BOUNDS = ("minimum", "maximum")
_FREE_TEXTS = ("text", "long_text")

NO_FIELDS: JsonSchema = {"type": "object", "properties": {}, "additionalProperties": False}
"""The form of a playbook without inputs and of a task that asks for nothing."""


def title_of(name: str) -> str:
    """Return a name in words: ``first_seen`` gives ``First seen``."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def expand(fields: Mapping[str, Any]) -> JsonSchema:
    """Return the JSON Schema (2020-12) of fields in the short form.

    Args:
        fields: by name: a type, a list of texts for a choice, or a mapping with `type` and
            `title`, `help`, `optional`, `min`, `max`, `of`, `fields`; valid under the playbook
            schema.

    Returns:
        An object schema: every field is required unless it is optional, others are refused.
        Texts that are required must not be empty.
    """
    return _object(fields)


def with_checklist(form: JsonSchema, points: Sequence[str]) -> JsonSchema:
    """Return a form to which each point of a checklist is added as a box that must be ticked.

    The properties are ``done_1``, ``done_2``, ... with the point as title.
    """
    boxes = {
        f"done_{number}": {"type": "boolean", "const": True, "title": point}
        for number, point in enumerate(points, start=1)
    }
    required = [*form.get("required", ()), *boxes]
    properties = {**form.get("properties", {}), **boxes}
    added: dict[str, Any] = {"properties": properties}
    if required:
        added["required"] = required
    return {**form, **added}


def _object(fields: Mapping[str, Any]) -> dict[str, Any]:
    required = [name for name, field in fields.items() if not _optional(field)]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _titled(name, field) for name, field in fields.items()},
    }
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _optional(field: Any) -> bool:
    return isinstance(field, Mapping) and bool(field.get("optional"))


def _titled(name: str, field: Any) -> dict[str, Any]:
    said = field if isinstance(field, Mapping) else {}
    heads = {"title": said.get("title", title_of(name))}
    if "help" in said:
        heads["description"] = said["help"]
    return {**heads, **_value(field)}


def _value(field: Any) -> dict[str, Any]:
    """Return the schema of one field or list element, without its title."""
    if not isinstance(field, Mapping):
        return _value({"type": field})
    kind = field["type"]
    if isinstance(kind, str) and kind in _COMPOUND:
        schema = _COMPOUND[kind](field)
    elif isinstance(kind, str):
        schema = dict(_TYPES[kind])
    else:
        schema = {"type": "string", "enum": list(kind)}
    return {**schema, **_bounds(field, schema)}


def _bounds(field: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    least, most = _BOUNDS.get(schema["type"], _NUMBER_BOUNDS)
    bounds = {}
    if field["type"] in _FREE_TEXTS and not _optional(field):
        bounds[least] = 1
    if "min" in field:
        bounds[least] = field["min"]
    if "max" in field:
        bounds[most] = field["max"]
    return bounds


def _list(field: Mapping[str, Any]) -> dict[str, Any]:
    entry = field["of"]
    said = entry if isinstance(entry, Mapping) else {}
    heads = {"title": said["title"]} if "title" in said else {}
    return {"type": "array", "items": {**heads, **_value(entry)}}


_COMPOUND: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "list": _list,
    "object": lambda field: _object(field["fields"]),
}
