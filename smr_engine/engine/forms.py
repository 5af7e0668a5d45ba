"""Forms: the JSON Schema of what a person fills in, and the sentences when it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry

from smr_engine.engine.world import World
from smr_engine.errors import Invalid
from smr_engine.playbook.model import JsonSchema

CONFIRM: JsonSchema = {"type": "object", "properties": {}, "additionalProperties": False}
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


def check_values(
    schema: JsonSchema, values: Mapping[str, Any], world: World, where: str
) -> dict[str, Any]:
    """Return the values of a filled form, defaults filled in.

    Raises:
        Invalid: they do not fit; the message names every field at fault.
    """
    filled = with_defaults(schema, values)
    problems = [_sentence(error) for error in _validator(schema).iter_errors(filled)]
    problems += _unknown_names(schema, filled, world)
    if problems:
        raise Invalid("form-invalid", "; ".join(problems[:12]), where=where, hint=_hint(schema))
    return filled


def with_defaults(schema: JsonSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the schema's top-level defaults where nothing was given."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    defaults = {k: v["default"] for k, v in properties.items() if "default" in v}
    return {**defaults, **values}


def _validator(schema: JsonSchema) -> Draft202012Validator:
    return _compiled(_Same(schema))


class _Same:
    """A cache key that is one schema object (schemas are mappings and cannot be hashed)."""

    __slots__ = ("schema",)

    def __init__(self, schema: JsonSchema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=1024)
def _compiled(key: _Same) -> Draft202012Validator:
    empty: Registry[Any] = Registry()
    return Draft202012Validator(key.schema, format_checker=FormatChecker(), registry=empty)


def _sentence(error: ValidationError) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "required":
        wanted: list[str] = list(cast(list[str], error.validator_value))
        missing = [name for name in wanted if name not in cast(dict[str, Any], error.instance)]
        fields = [".".join(filter(None, [place, name])) for name in missing]
        return f"{', '.join(fields)} must be filled in"
    if error.validator == "additionalProperties":
        known = cast(dict[str, Any], error.schema).get("properties", {})
        extra = [name for name in cast(dict[str, Any], error.instance) if name not in known]
        return f"unknown field {', '.join(repr(name) for name in extra)}"
    if error.validator == "const":
        return f"{place} must be {error.validator_value!r}: confirm it"
    message = error.message if len(error.message) < 200 else f"does not fit {error.validator}"
    return f"{place or 'the form'}: {message}"


def _hint(schema: JsonSchema) -> str:
    names = ", ".join(schema.get("properties", {}))
    return f"fields: {names}" if names else "this asks for no values"


def _unknown_names(schema: JsonSchema, values: Any, world: World, path: str = "") -> list[str]:
    """Check the formats that the directory answers: people and accounts."""
    known = {"smr-person": world.people, "smr-account": world.accounts}
    table = known.get(schema.get("format", ""))
    if table is not None and isinstance(values, str) and values not in table:
        return [f"{path}: '{values}' is not in the directory"]
    found: list[str] = []
    if isinstance(values, Mapping):
        for name, inner in schema.get("properties", {}).items():
            if name in values:
                inside = f"{path}.{name}" if path else name
                found += _unknown_names(inner, values[name], world, inside)
    if isinstance(values, list) and isinstance(schema.get("items"), Mapping):
        for number, value in enumerate(values):
            found += _unknown_names(schema["items"], value, world, f"{path}[{number}]")
    return found
