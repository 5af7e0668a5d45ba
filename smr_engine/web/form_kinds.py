"""How the value that a schema asks for is typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_BY_FORMAT: Mapping[str, str] = {
    "smr-long-text": "long",
    "date": "date",
    "date-time": "datetime",
    "uri": "url",
    "email": "email",
    "smr-duration": "duration",
    "smr-person": "person",
    "smr-account": "account",
    "smr-case": "case",
    "smr-attachment": "file",
}
_BY_TYPE: Mapping[str, str] = {
    "string": "text",
    "boolean": "yes_no",
    "integer": "number",
    "number": "number",
}


def kind_of(schema: Schema) -> str:
    """Return how a value is typed; `json` where no field of ours fits."""
    if schema.get("const") is True:
        return "tick"
    if "enum" in schema or "const" in schema:
        return "choice"
    kind = _type(schema)
    if kind == "object":
        return "object" if properties(schema) else "json"
    if kind == "array":
        entry = schema.get("items")
        if not isinstance(entry, Mapping):
            return "json"
        return "choices" if "enum" in entry else "list"
    if kind == "string":
        return _BY_FORMAT.get(str(schema.get("format", "")), "text")
    return _BY_TYPE.get(kind, "json")


def _type(schema: Schema) -> str:
    said = schema.get("type", "object" if "properties" in schema else "")
    kinds = [said] if isinstance(said, str) else [kind for kind in said if kind != "null"]
    return kinds[0] if len(kinds) == 1 else ""


def properties(schema: Schema) -> Mapping[str, Schema]:
    """Return what an object holds."""
    found = schema.get("properties")
    found = found if isinstance(found, Mapping) else {}
    return {name: inner for name, inner in found.items() if isinstance(inner, Mapping)}


def choices(schema: Schema) -> Sequence[Any]:
    """Return the values that may be chosen."""
    return schema["enum"] if "enum" in schema else (schema["const"],)


def escaped(key: str) -> str:
    """Return a name as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def as_text(value: Any) -> str:
    """Return a choice as it is sent: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
