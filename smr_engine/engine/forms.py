"""Forms: the JSON Schema of what a person fills in, and the sentences when it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smr_engine.engine.world import World
from smr_engine.errors import Invalid
from smr_engine.playbook.fields import NO_FIELDS
from smr_engine.playbook.model import JsonSchema

__all__ = ["NO_FIELDS", "POSTED", "check_values"]

MOST_TOLD = 12
POSTED: JsonSchema = {
    "type": "object",
    "title": "Posted",
    "properties": {
        "url": {"type": "string", "format": "uri", "title": "Address of the post"},
        "capture": {"type": "string", "title": "Where the capture (screenshot) is kept"},
    },
    "required": ["url"],
    "additionalProperties": False,
}
"""What a person records who posted an approved text by hand."""


def check_values(
    schema: JsonSchema, values: Mapping[str, Any], world: World, where: str
) -> dict[str, Any]:
    """Return the values of a filled form, defaults filled in and nulls left out.

    Raises:
        Invalid: they do not fit; the message names every field at fault.
    """
    # Only answering a form needs the schema library; it takes a tenth of a second to load.
    from smr_engine.playbook.schema_check import value_problems, without_unfilled

    properties: Mapping[str, Any] = schema.get("properties", {})
    defaults = {name: inner["default"] for name, inner in properties.items() if "default" in inner}
    filled: dict[str, Any] = without_unfilled(schema, {**defaults, **values})
    found = value_problems(schema, filled)
    strangers = _unknown_names(schema, filled, world, "")
    problems = [*((p.path, p.message + _asked(properties, p.missing)) for p in found), *strangers]
    if problems:
        told = "; ".join(_told(path, text) for path, text in problems[:MOST_TOLD])
        hint = f"fields: {', '.join(properties)}" if properties else "this asks for no values"
        fields = {**dict(strangers), **{p.field: p.message for p in reversed(found)}}
        raise Invalid("form-invalid", told, where=where, hint=hint, fields=fields)
    return filled


def _told(path: str, text: str) -> str:
    """Return a problem with its place, unless its sentence begins with that."""
    return text if not path or text.startswith(f"`{path}`") else f"{path}: {text}"


def _asked(properties: Mapping[str, Any], missing: str) -> str:
    """Return the title of what is missing where its name says something else (`done_1`)."""
    title = str(properties.get(missing, {}).get("title", ""))
    same = title.lower().replace(" ", "_").replace("-", "_") == missing
    return f" ({title})" if title and not same else ""


def _unknown_names(
    schema: JsonSchema, values: Any, world: World, path: str
) -> list[tuple[str, str]]:
    """Check the formats that the directory answers: people and accounts."""
    tables: Mapping[str, Mapping[str, Any]] = {
        "smr-person": world.people,
        "smr-account": world.accounts,
    }
    table = tables.get(str(schema.get("format", "")))
    if table is not None and isinstance(values, str) and values not in table:
        return [(path, f"'{values}' is not in the directory")]
    found: list[tuple[str, str]] = []
    if isinstance(values, Mapping):
        for name, inner in schema.get("properties", {}).items():
            if name in values:
                inside = f"{path}.{name}" if path else name
                found += _unknown_names(inner, values[name], world, inside)
    if isinstance(values, list) and isinstance(schema.get("items"), Mapping):
        for number, value in enumerate(values):
            found += _unknown_names(schema["items"], value, world, f"{path}[{number}]")
    return found
