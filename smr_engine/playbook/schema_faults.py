"""One fault that the validator found, what is said about it, and how things are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema.exceptions import ValidationError

from smr_engine.playbook.yaml_nodes import Located

Path = tuple[str | int, ...]

MOST_SHOWN = 20  # names in a list, or keys of one mapping: more do not help anybody


@dataclass(frozen=True, slots=True)
class Fault:
    """What a validator found, without its machinery.

    Args:
        path: the value it is about; of a key, the mapping that holds the key.
        keyword: the schema's keyword that does not hold.
        limit: what the keyword says.
        value: the value, or key, that is wrong.
        written: a scalar as its author wrote it.
        whole: what people call the whole thing that was checked.
        schema: the part of the schema that the keyword stands in.
        about_key: whether it is about a key's name.
        message: the validator's own words.
        cause: why a format does not hold; empty if that is not known.
    """

    path: Path
    keyword: str
    limit: Any
    value: Any
    written: str
    whole: str
    schema: Mapping[str, Any]
    about_key: bool
    message: str
    cause: str

    @classmethod
    def of(cls, error: ValidationError, located: Located | None) -> Fault:
        """Return the fault that an error of the validator reports, in a file or in a form."""
        path = tuple(error.absolute_path)
        return cls(
            path=path,
            keyword=str(error.validator),
            limit=error.validator_value,
            value=error.instance,
            written=located.node(path).written if located else str(error.instance)[:60],
            whole="the file" if located else "the form",
            schema=error.schema if isinstance(error.schema, Mapping) else {},
            about_key="propertyNames" in error.absolute_schema_path,
            message=error.message,
            cause=str(error.cause) if error.cause else "",
        )

    @property
    def own_words(self) -> str | None:
        """The message that the schema itself words; None if it does not."""
        words = self.schema.get("errorMessage")
        return words if isinstance(words, str) else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in words.

    Args:
        path: the value it is about; with `key`, the mapping that holds the key.
        key: the key it is about.
        code, message, hint: as in `Problem`.
        wanted: keys that are missing.
        suggested: the key that an unknown one was probably meant to be.
    """

    path: Path
    code: str
    message: str
    hint: str = ""
    key: str | None = None
    wanted: tuple[str, ...] = ()
    suggested: str | None = None


def subject(fault: Fault) -> str:
    """Return how a person would call the value at a path."""
    path = fault.path
    if not path:
        return fault.whole
    last = path[-1]
    if isinstance(last, str):
        return f"`{short(last)}`"
    names = [part for part in path if isinstance(part, str)]
    return f"entry {last + 1} of `{short(names[-1])}`" if names else f"entry {last + 1}"


def owner(fault: Fault) -> str:
    """Return how a person would call what is at fault; a step by its kind and id."""
    said = fault.value if isinstance(fault.value, dict) and fault.path else {}
    if isinstance(said.get("id"), str) and isinstance(said.get("kind"), str):
        return f"{said['kind']} `{short(said['id'])}`"
    return subject(fault)


def short(value: object) -> str:
    """Return a value's text on one line, cut where it is long."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."


def show(value: Any) -> str:
    """Return how a message names a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return "this list" if isinstance(value, list) else "this mapping"
    return f"`{short(value)}`"


def example(fault: Fault) -> str:
    """Return an example of what is wanted, from the schema; empty if it has none."""
    examples = fault.schema.get("examples")
    return f"for example {_inline(examples[0])}" if examples else ""


def _inline(value: Any) -> str:
    """Return a short example in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(entry) for entry in value) + "]"
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
