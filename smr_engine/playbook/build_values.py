"""Builds the small values of the model (templates, times, people) from nodes of a valid file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from smr_engine.playbook.durations import Duration, Offset, parse_duration, parse_offset
from smr_engine.playbook.model import (
    Assignment,
    Due,
    DueAt,
    Escalation,
    Exclusion,
    ExclusionKind,
    Expression,
    Party,
    PartyKind,
    Template,
    Value,
    Varied,
)
from smr_engine.playbook.problems import Line
from smr_engine.playbook.yaml_nodes import Node

Keys = Mapping[str, Node]
_PARTY_KEYS = {kind.value for kind in PartyKind}
T = TypeVar("T")
D = TypeVar("D")


def optional(keys: Keys, name: str, read: Callable[[Node], T], default: D) -> T | D:
    """Return a key's value as `read` makes it, or the default where the key is missing."""
    node = keys.get(name)
    return default if node is None else read(node)


def lines(keys: Keys) -> dict[str, Line]:
    """Return where the value of every key begins."""
    return {name: node.line for name, node in keys.items()}


def text(node: Node) -> str:
    """Return a text."""
    return str(node.value)


def flag(node: Node) -> bool:
    """Return true or false."""
    return bool(node.value)


def number(node: Node) -> int:
    """Return a whole number (YAML's 2.0 is one, too)."""
    return int(node.value)


def texts(node: Node) -> tuple[str, ...]:
    """Return a list of texts."""
    return tuple(str(entry.value) for entry in node.value)


def template(node: Node) -> Template:
    """Return a text as a template, with the line its text begins on."""
    return Template(str(node.value), node.first_line)


def expression(node: Node) -> Expression:
    """Return a bare expression."""
    return Expression(str(node.value), node.first_line)


def value(node: Node) -> Value:
    """Return any JSON value, every text in it as a template."""
    if isinstance(node.value, dict):
        return values(node)
    if isinstance(node.value, list):
        return [value(entry) for entry in node.value]
    return template(node) if isinstance(node.value, str) else node.value


def values(node: Node) -> dict[str, Value]:
    """Return a mapping of names to values."""
    return {name: value(entry) for name, entry in node.value.items()}


def duration(node: Node) -> Duration:
    """Return a duration."""
    return parse_duration(node.value)


def seconds(node: Node) -> int:
    """Return an elapsed time in seconds."""
    return parse_duration(node.value).amount


def due(node: Node) -> Due:
    """Return a duration, or a time anchored to an instant."""
    if isinstance(node.value, dict):
        keys = node.value
        return DueAt(at=template(keys["at"]), plus=optional(keys, "plus", duration, None))
    return duration(node)


def offsets(node: Node) -> tuple[Offset, ...]:
    """Return a list of offsets."""
    return tuple(parse_offset(entry.value) for entry in node.value)


def varied(read: Callable[[Node], T]) -> Callable[[Node], Varied[T]]:
    """Return a reader of values that may differ by severity."""

    def read_varied(node: Node) -> Varied[T]:
        if not (isinstance(node.value, dict) and "by_severity" in node.value):
            return Varied(read(node))
        labels = node.value["by_severity"].value
        return Varied(
            default=optional(node.value, "default", read, None),
            by_severity={label: read(entry) for label, entry in labels.items()},
        )

    return read_varied


# --- who ---------------------------------------------------------------------------------------


def party(node: Node) -> Party:
    """Return one party; a text is an address."""
    if isinstance(node.value, str):
        return Party(PartyKind.ADDRESS, template(node), node.line)
    name, said = next((key, said) for key, said in node.value.items() if key in _PARTY_KEYS)
    return Party(PartyKind(name), template(said), node.line)


def parties(node: Node) -> tuple[Party, ...]:
    """Return one party or a list of them."""
    if isinstance(node.value, list):
        return tuple(party(entry) for entry in node.value)
    return (party(node),)


def exclusions(node: Node) -> tuple[Exclusion, ...]:
    """Return the entries of `except`."""
    return tuple(_exclusion(entry.value) for entry in node.value)


def _exclusion(said: Any) -> Exclusion:
    if isinstance(said, str):
        return Exclusion(ExclusionKind(said))
    kind, name = next(iter(said.items()))
    return Exclusion(ExclusionKind(kind), text(name))


def assignment(node: Node) -> Assignment:
    """Return who is asked."""
    if isinstance(node.value, list):
        return Assignment(parties(node))
    keys = node.value
    each = keys.get("each")
    asked = parties(each) if each is not None else (party(node),)
    return Assignment(asked, each is not None, optional(keys, "except", exclusions, ()))


def escalations(node: Node) -> tuple[Escalation, ...]:
    """Return the entries of `escalate`."""
    return tuple(
        Escalation(parse_offset(entry.value["at"].value), parties(entry.value["to"]))
        for entry in node.value
    )


varied_due = varied(due)
varied_duration = varied(duration)
varied_offsets = varied(offsets)
varied_escalations = varied(escalations)
varied_text = varied(text)
