"""Case events to and from what is stored: facts for the leaf, erasable content by subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

import msgspec

from smr_engine.engine.commands import Actor
from smr_engine.engine.events import EVENTS, Event, content_fields
from smr_engine.errors import SmrError

OS_USER = "os_user"
"""The key of the operating system's user among a person's content; no event has such a field."""

_EMPTY: tuple[Any, ...] = (None, "", (), [], {})


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event as JSON data; `content` goes by subject."""

    kind: str
    path: str
    facts: dict[str, Any]
    content: dict[str, dict[str, Any]]


def encode(event: Event, ref: str, actor: str) -> Encoded:
    """Return an event of a case as JSON data.

    Args:
        event: the event.
        ref: the case's reference.
        actor: who caused it: whose content a field of the subject `actor` is.

    Optional fields with an empty default are left out where they have it; it fills them in again.
    """
    data: dict[str, Any] = msgspec.to_builtins(event)
    path = data.pop("path")
    content: dict[str, dict[str, Any]] = {}
    for name, default in _OPTIONAL_EMPTIES[type(event)].items():
        if data[name] == default:  # another empty value says something else: {} is no null
            del data[name]
    for name, subject in content_fields(type(event)).items():
        if name in data:
            whose = person_or_case(ref, actor) if subject == "actor" else case_subject(ref)
            content.setdefault(whose, {})[name] = data.pop(name)
    return Encoded(event.kind(), path, data, content)


def decode(kind: str, path: str, facts: Mapping[str, Any], content: Mapping[str, Any]) -> Event:
    """Return the event that facts and content (of all subjects, merged) say.

    Raises:
        SmrError: `unreadable-event`: an unknown kind, or fields that are missing (their content
            was erased), unknown or of the wrong type.
    """
    cls = EVENTS.get(kind)
    if cls is None:
        raise SmrError("unreadable-event", f"No event is called {kind}")
    data = {**facts, **content, "path": path}
    unknown = data.keys() - _NAMES[cls]
    if unknown:
        raise SmrError("unreadable-event", f"{kind} has no {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert(data, cls)
    except msgspec.ValidationError as error:
        raise SmrError("unreadable-event", f"{kind} cannot be read: {error}") from error


def case_subject(ref: str) -> str:
    """Return the subject of what belongs to a case as a whole."""
    return f"case:{ref}"


def person_or_case(ref: str, actor: str) -> str:
    """Return the subject of what an actor said: the person, or the case if it is none."""
    return f"person:{actor}" if Actor(actor).is_person else case_subject(ref)


def _default(spec: Field[Any]) -> Any:
    """Return a field's default; MISSING for none."""
    return spec.default if spec.default_factory is MISSING else spec.default_factory()


_NAMES: dict[type[Event], frozenset[str]] = {
    cls: frozenset(f.name for f in fields(cls)) for cls in EVENTS.values()
}
_OPTIONAL_EMPTIES: dict[type[Event], dict[str, Any]] = {
    cls: {
        f.name: msgspec.to_builtins(_default(f))
        for f in fields(cls)
        if f.name != "path" and _default(f) in _EMPTY
    }
    for cls in EVENTS.values()
}
