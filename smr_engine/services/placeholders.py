"""Plausible values for a form, where nobody says what is filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from smr_engine.playbook.model import JsonSchema


@dataclass(frozen=True, slots=True)
class Hints:
    """What placeholders are made of: somebody, somewhere, and an instant."""

    person: str
    account: str
    now: datetime


def filled(
    schema: JsonSchema, given: Mapping[str, Any], hints: Hints
) -> tuple[dict[str, Any], list[str]]:
    """Return values that a form asks for, those given first, and the names that were made up.

    Only what is required is made up: an optional field stays empty, as people leave it.
    """
    made = {
        name: _value(spec, str(spec.get("title") or name), hints)
        for name, spec in (schema.get("properties") or {}).items()
        if name not in given and name in schema.get("required", ())
    }
    return {**made, **given}, list(made)


def _value(spec: JsonSchema, title: str, hints: Hints) -> Any:
    if "const" in spec:
        return spec["const"]
    if "enum" in spec:
        return spec["enum"][0]
    kind = spec.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    return _KINDS[kind](spec, title, hints)


def _text(spec: JsonSchema, title: str, hints: Hints) -> str:
    text = _formatted(spec.get("format", ""), hints) or f"({title})"
    return text.ljust(spec.get("minLength", 0), ".")[: spec.get("maxLength")]


def _number(spec: JsonSchema, title: str, hints: Hints) -> int:
    least = spec.get("minimum", spec.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in spec))
    return int(-(-least // 1))


def _list(spec: JsonSchema, title: str, hints: Hints) -> list[Any]:
    return [_value(spec.get("items") or {}, title, hints)] * spec.get("minItems", 0)


def _object(spec: JsonSchema, title: str, hints: Hints) -> dict[str, Any]:
    return filled(spec, {}, hints)[0]


def _no(spec: JsonSchema, title: str, hints: Hints) -> bool:
    return False


_KINDS: Mapping[str, Callable[[JsonSchema, str, Hints], Any]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": _no,
    "array": _list,
    "object": _object,
}


def _formatted(form: str, hints: Hints) -> str | None:
    """Return a text of a named form; None where any text will do."""
    return {
        "date": (hints.now + timedelta(days=7)).date().isoformat(),
        "date-time": hints.now.isoformat(timespec="seconds"),
        "email": "somebody@example.test",
        "uri": "https://example.test/",
        "smr-duration": "1h",
        "smr-elapsed": "1h",
        "smr-person": hints.person,
        "smr-account": hints.account,
        "smr-case": "CASE-2026-0001",
    }.get(form)
