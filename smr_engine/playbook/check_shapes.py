"""What may stand behind a name: JSON Schemas read as shapes, followed key by key.

A schema without `properties` is open (any name is allowed, unfilled is null); one with
`properties` declares exactly those, whatever `additionalProperties` would default to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smr_engine.playbook.expressions import ELEMENT, Path
from smr_engine.playbook.suggest import did_you_mean

Shape = Mapping[str, Any]

OPEN: Shape = {}
TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
FLAG: Shape = {"type": "boolean"}
_LISTED = 12  # names in a hint
_NESTED = 20  # schemas inside schemas
_WORDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a number",
    "boolean": "a yes/no value",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that leads nowhere: a sentence for people, and what to write instead."""

    message: str
    hint: str = ""


def mapping_of(**properties: Shape) -> Shape:
    """Return the shape of a mapping with exactly these names."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def list_of(element: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": element}


def follow(shape: Shape, keys: Sequence[str], said: Path) -> Shape | Unknown:
    """Return what is behind a dotted name.

    Args:
        shape: where to start.
        keys: the names to follow from there; ``*`` is an element of a list.
        said: the name as far as it led to `shape`, for the message.
    """
    for at, key in enumerate(keys):
        place = (*said, *keys[:at])
        found = _element(shape) if key == ELEMENT else _member(shape, key, place)
        if isinstance(found, Unknown):
            return found
        shape = found
    return shape


def dotted(path: Path) -> str:
    """Return a path as an author writes it."""
    return "".join(f"[{ELEMENT}]" if key == ELEMENT else f".{key}" for key in path).lstrip(".")


def no_such_name(name: str, place: Path, known: Sequence[str]) -> Unknown:
    """Return that a name is not declared, with the nearest right one or the list of all."""
    inside = f"`{dotted(place)}` has no `{name}`" if place else f"there is no name `{name}` here"
    hint = did_you_mean(name, known)
    if not hint and known:
        more = ", ..." if len(known) > _LISTED else ""
        hint = f"there are: {', '.join(sorted(known)[:_LISTED])}{more}"
    return Unknown(inside, hint)


def why_no_list(shape: Shape, said: Path) -> str:
    """Return that what is behind a name is certainly no list; empty if it may be one."""
    kinds = {kind for part in _parts(shape) for kind in _kinds(part)} - {"null"}
    if not kinds or "array" in kinds:
        return ""
    words = _WORDS.get(min(kinds), "a mapping")
    return f"`{dotted(said)}` is {words} and no list"


def _member(shape: Shape, key: str, place: Path) -> Shape | Unknown:
    parts = list(_parts(shape))
    properties = {name: inner for part in parts for name, inner in _properties(part).items()}
    if key in properties:
        found = properties[key]
        return found if isinstance(found, Mapping) else OPEN
    others = [part["additionalProperties"] for part in parts if part.get("additionalProperties")]
    if others:
        return others[0] if isinstance(others[0], Mapping) else OPEN
    if any("patternProperties" in part for part in parts):
        return OPEN
    if properties or any("properties" in part for part in parts):
        return no_such_name(key, place, list(properties))
    kinds = {kind for part in parts for kind in _kinds(part)}
    if kinds and "object" not in kinds:
        words = _WORDS.get(min(kinds - {"null"}, default=""), "null")
        return Unknown(f"`{dotted(place)}` is {words} and has no `{key}`")
    return OPEN


def _element(shape: Shape) -> Shape:
    for part in _parts(shape):
        if isinstance(part.get("items"), Mapping):
            items: Shape = part["items"]
            return items
    return OPEN


def _properties(part: Shape) -> Shape:
    found = part.get("properties")
    return found if isinstance(found, Mapping) else {}


def _kinds(part: Shape) -> tuple[str, ...]:
    kind = part.get("type")
    if isinstance(kind, str):
        return (kind,)
    if isinstance(kind, list | tuple):
        return tuple(entry for entry in kind if isinstance(entry, str))
    return ()


def _parts(shape: Shape, depth: int = 0) -> Iterator[Shape]:
    """Yield a schema and all that it is composed of."""
    if depth > _NESTED:
        return
    yield shape
    for key in ("allOf", "anyOf", "oneOf"):
        entries = shape.get(key)
        for inner in entries if isinstance(entries, list | tuple) else ():
            if isinstance(inner, Mapping):
                yield from _parts(inner, depth + 1)
    for key in ("then", "else"):
        if isinstance(shape.get(key), Mapping):
            yield from _parts(shape[key], depth + 1)
