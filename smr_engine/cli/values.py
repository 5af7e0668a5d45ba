"""Turns `key=value` words into what a JSON Schema asks for. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from smr_engine.errors import Invalid

Schema = Mapping[str, Any]

_YES = frozenset({"yes", "true"})
_NO = frozenset({"no", "false"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_LONGEST_PATH = 8
_DEEPEST = 32


class MisfitError(ValueError):
    """A text is not what its schema asks for, or no JSON; says what is wanted, after its key."""


def values_from(
    pairs: Iterable[str], schema: Schema, given: Mapping[str, Any], zone: tzinfo
) -> dict[str, Any]:
    """Return the values that `key=value` words say, laid over those given otherwise.

    Args:
        pairs: words such as ``title=Fire``; a dot leads into an object (``contact.name=Ana``), the
            same key again adds to a list, objects and lists may be written as JSON.
        schema: of the object they fill; a value without a schema is text, unless it is JSON in
            its shortest form (``5``, ``true``, ``["a"]``).
        given: values that a file gave. What people write there for yes and no (text in YAML 1.2),
            for a choice and for an instant is read like a word.
        zone: of instants that name none.

    Returns:
        New values. Only types are looked at: whether they are complete is for the service to say.

    Raises:
        Invalid: ``value-invalid``, values do not have the type asked for; all are named.
    """
    problems: list[str] = []
    said: dict[str, Any] = {}
    for key, texts in _grouped(pairs).items():
        path = key.split(".")
        try:
            _put(said, path, _value(texts, _schema_at(schema, path), zone), key)
        except MisfitError as fault:
            problems.append(f"{key} {fault}")
    if problems:
        raise Invalid("value-invalid", f"{'; '.join(problems)}.", hint=_fields(schema))
    inner = _properties(schema)
    merged = _over(given, said)
    return {key: _as_written(each, inner.get(key, {}), zone) for key, each in merged.items()}


def parsed_json(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: (MisfitError among them) it is not JSON (RFC 8259), a key stands twice in an
            object, it is nested too deeply, or a text in it holds half of a surrogate pair.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except RecursionError as fault:
        raise MisfitError(_TOO_DEEP) from fault
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise MisfitError(_TOO_DEEP)


_TOO_DEEP = f"it is nested more than {_DEEPEST} levels deep"


def _inside(value: Any) -> list[Any]:
    if isinstance(value, str):
        value.encode()  # a UnicodeEncodeError is a ValueError
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        message = f"it says `{twice}` twice"
        raise MisfitError(message)
    return found


def _no_constant(name: str) -> Any:
    message = f"{name} is not JSON"
    raise MisfitError(message)


# --- key=value ---------------------------------------------------------------------------------


def _grouped(pairs: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        path = key.strip().split(".")
        if not sign or not all(path) or len(path) > _LONGEST_PATH:
            message = f"`{pair[:60]}` is not of the form key=value."
            raise Invalid("value-invalid", message, hint="for example: title='Fire in hall 3'")
        grouped.setdefault(key.strip(), []).append(text)
    return grouped


def _put(target: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    for part in path[:-1]:
        inner = target.setdefault(part, {})
        if not isinstance(inner, dict):
            message = f"cannot be filled in, because {part} is filled in itself"
            raise MisfitError(message)
        target = inner
    if path[-1] in target:
        message = "is filled in twice"
        raise MisfitError(message)
    target[path[-1]] = value


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _over(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _as_written(value: Any, schema: Schema, zone: tzinfo) -> Any:
    """Return a value of a file or of JSON, its texts read like words where no text is asked."""
    if isinstance(value, Mapping):
        inner = _properties(schema)
        return {key: _as_written(each, inner.get(key, {}), zone) for key, each in value.items()}
    if isinstance(value, list):
        entries = schema.get("items")
        entry: Schema = entries if isinstance(entries, Mapping) else {}
        return [_as_written(each, entry, zone) for each in value]
    if not isinstance(value, str):
        return value
    if _types(schema) == ("boolean",) and value.strip().lower() in _YES | _NO:
        return _boolean(value, schema, zone)
    return _text(value, schema, zone) if "string" in _types(schema) else value


def _fields(schema: Schema) -> str:
    names = ", ".join(_properties(schema))
    return f"fields: {names}" if names else ""


# --- what a value must be ----------------------------------------------------------------------


def _schema_at(schema: Schema, path: list[str]) -> Schema:
    for part in path:
        schema = _properties(schema).get(part, {})
    return schema


def _properties(schema: Schema) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _types(schema: Schema) -> tuple[str, ...]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def _value(texts: list[str], schema: Schema, zone: tzinfo) -> Any:
    """Return the value of a key that was given once or, for a list, several times."""
    if "array" in _types(schema):
        return _list(texts, schema, zone)
    if len(texts) > 1 and _types(schema):
        message = "takes one value and was given several times"
        raise MisfitError(message)
    values = [_single(text, schema, zone) for text in texts]
    return values[0] if len(values) == 1 else values


def _list(texts: list[str], schema: Schema, zone: tzinfo) -> Any:
    entries = schema.get("items")
    entry: Schema = entries if isinstance(entries, Mapping) else {}
    if len(texts) == 1 and texts[0].lstrip().startswith("["):
        return _json(texts[0], list, "a list")
    return [_single(text, entry, zone) for text in texts]


def _single(text: str, schema: Schema, zone: tzinfo) -> Any:
    types = _types(schema)
    if not types:
        return _one_of(text, schema) if "enum" in schema else _guessed(text)
    if text == "null" and "null" in types:
        return None
    faults: list[MisfitError] = []
    for kind in sorted(types, key=_READERS_IN_ORDER.index):
        try:
            return _READERS[kind](text, schema, zone)
        except MisfitError as fault:
            faults.append(fault)
    raise faults[0]


def _one_of(text: str, schema: Schema) -> Any:
    """Return the choice that a text names; a stranger stays text and is refused by the service."""
    named = {
        value if isinstance(value, str) else json.dumps(value): value for value in schema["enum"]
    }
    return named.get(text, text)


def _guessed(text: str) -> Any:
    """Return JSON in its shortest form as what it says (`5`, but not `1.10`), all else as text."""
    try:
        value = parsed_json(text)
    except ValueError:
        return text
    if isinstance(value, dict | list | str):
        return value
    return value if json.dumps(value) == text and _is_finite(value) else text


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _text(text: str, schema: Schema, zone: tzinfo) -> str:
    if "enum" in schema:
        return _choice(text, schema)
    if schema.get("format") != "date-time":
        return text
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return text  # the service says what an instant looks like
    if len(text.strip()) <= len("2026-11-23"):
        return text  # a date is no instant
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def _choice(text: str, schema: Schema) -> str:
    """Return the choice that a text names, in whatever case; the service refuses a stranger."""
    said = text.strip().casefold()
    near = [each for each in schema["enum"] if str(each).casefold() == said]
    return str(near[0]) if len(near) == 1 else text


def _integer(text: str, _: Schema, __: tzinfo) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        message = f"must be a whole number, not `{text[:40]}`"
        raise MisfitError(message)
    return int(text)


def _number(text: str, schema: Schema, zone: tzinfo) -> int | float:
    if _WHOLE.fullmatch(text.strip()):
        return _integer(text, schema, zone)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in text:
        message = f"must be a number, not `{text[:40]}`"
        raise MisfitError(message)
    return number


def _boolean(text: str, _: Schema, __: tzinfo) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        message = f"must be yes or no, not `{text[:40]}`"
        raise MisfitError(message)
    return word in _YES


def _object(text: str, _: Schema, __: tzinfo) -> Any:
    return _json(text, dict, "an object")


def _array(text: str, _: Schema, __: tzinfo) -> Any:
    return _json(text, list, "a list")


def _null(text: str, _: Schema, __: tzinfo) -> None:
    message = f"must be null, not `{text[:40]}`"
    raise MisfitError(message)


def _json(text: str, kind: type, words: str) -> Any:
    try:
        value = parsed_json(text)
    except ValueError:
        value = None
    if not isinstance(value, kind):
        message = f"must be {words} in JSON, not `{text[:40]}`"
        raise MisfitError(message)
    return value


_READERS: Mapping[str, Callable[[str, Schema, tzinfo], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "object": _object,
    "array": _array,
    "string": _text,  # takes anything, so the last to be tried but null
    "null": _null,
}
_READERS_IN_ORDER = list(_READERS)
