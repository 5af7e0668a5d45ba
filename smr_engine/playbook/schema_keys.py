"""Words for faults of keys: unknown, missing, of the wrong form, too many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from smr_engine.playbook.schema_faults import MOST_SHOWN, Fault, Finding, owner, short, subject
from smr_engine.playbook.schema_values import bad_pattern
from smr_engine.playbook.suggest import nearest

RESERVED = {"extends", "insert", "logs", "cleared", "freeze", "injects", "languages"}
REFUSED = {
    "pattern": "a regular expression can run without end",
    "patternProperties": "a regular expression can run without end",
    "$ref": "references are not followed; write it out here",
}


def unknown_keys(fault: Fault) -> list[Finding]:
    """Word `additionalProperties`: one finding for each key."""
    known = [key for key in fault.schema.get("properties", {}) if isinstance(key, str)]
    unknown = [key for key in fault.value if key not in known]
    return [_unknown_key(key, known, fault) for key in unknown[:MOST_SHOWN]]


def _unknown_key(key: str, known: list[str], fault: Fault) -> Finding:
    if key in RESERVED:
        message = f"`{key}` is reserved for later and does nothing yet"
        return Finding(fault.path, "reserved-key", message, "leave it out", key)
    if key in REFUSED and "minLength" in known:
        return Finding(
            fault.path, "refused-key", f"`{key}` is not accepted: {REFUSED[key]}", "", key
        )
    message = f"unknown key `{short(key)}`"
    if fault.path == ("inputs",) and known == ["fields"]:
        hint = "name the inputs under `fields:`"
        return Finding(fault.path, "unknown-key", message, hint, key, suggested="fields")
    unused = [name for name in known if name not in fault.value]
    meant = nearest(key, unused)
    hint = f"did you mean `{meant}`?" if meant else _known_here(key, fault.schema)
    return Finding(fault.path, "unknown-key", message, hint, key, suggested=meant)


def _known_here(key: str, schema: Mapping[str, Any]) -> str:
    """Return what may stand here instead of a key that is like no other."""
    if " " in key or "{{" in key:
        return "if this is meant as text, put it in quotes"
    properties = schema["properties"].items()
    own = [name for name, meaning in properties if meaning is not True]
    common = " and what every step may say" if len(own) < len(properties) else ""
    return f"known here: {', '.join(own)}{common}" if len(own) <= MOST_SHOWN else ""


def bad_key(fault: Fault) -> Finding:
    """Word `propertyNames`: a key that is known by its form alone."""
    key = str(fault.value)
    if fault.keyword == "pattern":
        found = bad_pattern(fault)
        return replace(found, key=key)
    worded = fault.own_words or "this key may not stand here"
    return Finding(fault.path, "not-allowed", f"`{short(key)}`: {worded}", key=key)


def missing(fault: Fault) -> Finding:
    """Word `required`; our validator puts the missing key where the message would be."""
    key = fault.message
    message = f"{owner(fault)} needs `{key}`"
    return Finding(fault.path, "missing-key", message, wanted=(key,))


def missing_partner(fault: Fault) -> Finding:
    """Word `dependentRequired`: a key that makes no sense alone."""
    pairs = fault.limit.items()
    lacking = [
        (key, need)
        for key, needs in pairs
        if key in fault.value
        for need in needs
        if need not in fault.value
    ]
    key, need = lacking[0]
    message = f"`{key}` needs `{need}` beside it"
    return Finding(fault.path, "missing-key", message, key=key, wanted=(need,))


def choose(fault: Fault) -> Finding:
    """Word `oneOf` and `anyOf`; our own schemas use them over required keys only."""
    keys = [key for part in fault.limit for key in _only_required(part)]
    if not keys or not isinstance(fault.value, dict):
        message = f"{subject(fault)} fits none, or several, of the allowed forms"
        return Finding(fault.path, "not-allowed", message)
    listed = ", ".join(f"`{key}`" for key in keys)
    present = [key for key in keys if key in fault.value]
    if len(present) > 1:
        doubled = " and ".join(f"`{key}`" for key in present)
        message = f"{owner(fault)} says {doubled}: only one of {listed} is possible"
        return Finding(fault.path, "choose-one", message, "keep one of them", present[1])
    message = f"{owner(fault)} needs one of {listed}"
    return Finding(fault.path, "choose-one", message, wanted=tuple(keys))


def _only_required(part: Any) -> list[str]:
    """Return the keys of a schema that says nothing but `required`."""
    return part["required"] if isinstance(part, dict) and part.keys() == {"required"} else []
