"""Words for faults of values: of the wrong type, form or size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smr_engine.playbook.schema_faults import (
    MOST_SHOWN,
    Fault,
    Finding,
    example,
    short,
    show,
    subject,
)
from smr_engine.playbook.suggest import did_you_mean

LONGEST_CAUSE = 240  # characters

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}
_SWITCH_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_FORMAT_CODES = {
    "smr-duration": "bad-duration",
    "smr-elapsed": "bad-duration",
    "smr-retention": "bad-duration",
    "smr-offset": "bad-offset",
    "smr-expression": "template-in-expression",
}
_SHORTEST = {
    "minItems": "has too few entries",
    "minLength": "is too short",
    "minProperties": "is too small",
}
BOUNDS = {
    "minimum": "must be {limit} or more",
    "maximum": "must be {limit} or less",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "multipleOf": "must be a multiple of {limit}",
    "maxItems": "has more than {limit} entries",
    "maxLength": "has more than {limit} characters",
    "maxProperties": "has more than {limit} keys",
}


def wrong_type(fault: Fault) -> Finding:
    """Word `type`."""
    wanted = [fault.limit] if isinstance(fault.limit, str) else list(fault.limit)
    value = fault.value
    if value is None:
        message = f"{subject(fault)} has no value"
        return Finding(fault.path, "no-value", message, example(fault))
    worded = fault.own_words
    message = worded or f"{subject(fault)} must be {_either(_TYPES[name] for name in wanted)}"
    number = "integer" in wanted or "number" in wanted
    if "string" in wanted and not number and isinstance(value, bool | int | float):
        kind = "read as true or false" if isinstance(value, bool) else "a number"
        message = f"{subject(fault)} must be text, but {fault.written} is {kind}"
        return Finding(fault.path, "quote-it", message, f'quote it: "{fault.written}"')
    return Finding(fault.path, "wrong-type", message, _type_hint(wanted, value, fault))


def _type_hint(wanted: list[str], value: Any, fault: Fault) -> str:
    if wanted == ["boolean"] and isinstance(value, str):
        word = _SWITCH_WORDS.get(value.lower())
        return f"write {word}" if word else "write true or false"
    if wanted == ["array"] and not isinstance(value, dict):
        of = fault.schema.get("examples", [[value]])[0]
        alike = isinstance(of, list) and all(isinstance(entry, type(value)) for entry in of)
        return f"write it as a list: [{short(value)}]" if alike else example(fault)
    if "string" in wanted and isinstance(value, dict | list):
        return "if this is meant as text, put it in quotes"
    if isinstance(value, str) and wanted[0] in {"integer", "number"}:
        return "write the number without quotes" if value.isdigit() else ""
    return example(fault)


def _either(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def not_a_choice(fault: Fault) -> Finding:
    """Word `enum`."""
    choices = [str(choice) for choice in fault.limit]
    value = fault.value
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    if fault.path[-1:] == ("kind",) and "foreach" in choices:
        message = f"`{short(value)}` is not a kind of step"
        return Finding(fault.path, "unknown-kind", message, hint or f"one of {', '.join(choices)}")
    message = f"{subject(fault)} cannot be {show(value)}"
    hint = hint or fault.own_words or f"write {' or '.join(choices[:MOST_SHOWN])}"
    return Finding(fault.path, "not-a-choice", message, hint)


def not_constant(fault: Fault) -> Finding:
    """Word `const`; a box that must be ticked is called by its title."""
    wanted = fault.limit
    if wanted is True:
        title = fault.schema.get("title")
        what = f"`{short(title)}`" if isinstance(title, str) else subject(fault)
        return Finding(fault.path, "not-done", f"{what} must be true")
    return Finding(fault.path, "not-a-choice", f"{subject(fault)} must be {show(wanted)}")


def bad_pattern(fault: Fault) -> Finding:
    """Word `pattern`."""
    words = fault.schema.get("patternErrorMessage", "this is not the form that is asked for")
    value = str(fault.value)
    return Finding(fault.path, "bad-format", f"`{short(value)}`: {words}", _respelt(value, fault))


def _respelt(value: str, fault: Fault) -> str:
    """Return the nearest spelling that the pattern takes, if hyphens and case are the fault."""
    examples = " ".join(map(str, fault.schema.get("examples", ())))
    lowered = value.strip().lower().replace(" ", "_")
    if not lowered.replace("-", "").replace("_", "").isalnum():
        return ""
    wanted = lowered.replace("-", "_") if "_" in examples else lowered.replace("_", "-")
    return f"write `{short(wanted)}`" if wanted != value and _joined(examples) else ""


def _joined(examples: str) -> bool:
    return "_" in examples or "-" in examples


def bad_format(fault: Fault) -> Finding:
    """Word `format`; the checks of ours say themselves what is wrong."""
    name = str(fault.limit)
    code = _FORMAT_CODES.get(name, "bad-format")
    hint = ""
    if name == "smr-expression":
        hint = f"write {_bare(fault.value)}"
    cause = (
        fault.cause if len(fault.cause) <= LONGEST_CAUSE else f"{fault.cause[:LONGEST_CAUSE]}..."
    )
    return Finding(fault.path, code, f"{subject(fault)}: {cause}", hint)


def _bare(text: str) -> str:
    text = text.strip()
    if text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1:
        return short(text[2:-2].strip())
    return "the expression without {{ }}"


def bound(fault: Fault) -> Finding:
    """Word a limit of size or number."""
    words = BOUNDS[fault.keyword].format(limit=fault.limit)
    return Finding(fault.path, "out-of-range", f"{subject(fault)} {words}")


def too_short(fault: Fault) -> Finding:
    """Word a least size."""
    if fault.limit == 1:
        return Finding(fault.path, "empty", f"{subject(fault)} is empty", example(fault))
    words = f"{_SHORTEST[fault.keyword]}: at least {fault.limit}"
    return Finding(fault.path, "out-of-range", f"{subject(fault)} {words}")


def twice(fault: Fault) -> Finding:
    """Word `uniqueItems`; our validator points at the second of two."""
    return Finding(fault.path, "duplicate", f"{show(fault.value)} stands twice in this list")


def unforeseen(fault: Fault) -> Finding:
    """Word any other keyword of an author's form."""
    return Finding(
        fault.path, "not-allowed", f"{subject(fault)} is not allowed here: {fault.keyword}"
    )
