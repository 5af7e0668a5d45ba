"""Says in plain words what a JSON Schema validator found.

Every keyword that our schemas use has a function in `schema_keys` or `schema_values`. A schema may
word a message itself with `errorMessage` or `patternErrorMessage`, which editors show too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jsonschema.exceptions import ValidationError

from smr_engine.playbook import schema_keys as keys
from smr_engine.playbook import schema_values as values
from smr_engine.playbook.schema_faults import Fault, Finding, Path, owner
from smr_engine.playbook.yaml_nodes import Located

_KEY_CHOICES = {"oneOf", "anyOf", "minProperties", "maxProperties"}
_WORDED_HERE = {"required", "enum", "type"}  # these say more than a message of the schema can

WORDS: dict[str, Callable[[Fault], Finding]] = {
    "required": keys.missing,
    "dependentRequired": keys.missing_partner,
    "oneOf": keys.choose,
    "anyOf": keys.choose,
    "type": values.wrong_type,
    "enum": values.not_a_choice,
    "const": values.not_constant,
    "pattern": values.bad_pattern,
    "format": values.bad_format,
    "minItems": values.too_short,
    "minLength": values.too_short,
    "minProperties": values.too_short,
    "uniqueItems": values.twice,
    **dict.fromkeys(values.BOUNDS, values.bound),
}


def findings_of(errors: Iterable[ValidationError], located: Located | None) -> list[Finding]:
    """Return the validator's errors in words, without those that only follow from others.

    Args:
        errors: from the validator, in any order.
        located: the file they are about; None for values that somebody filled in.
    """
    faults = [Fault.of(error, located) for error in errors]
    mistyped = _mistyped(faults)
    telling = (
        fault for fault in faults if fault.about_key or mistyped.get(fault.path, fault) is fault
    )
    found = list(dict.fromkeys(finding for fault in telling for finding in _in_words(fault)))
    meant = {(finding.path, finding.suggested) for finding in found if finding.suggested}
    return [
        finding
        for finding in found
        if not any((finding.path, key) in meant for key in finding.wanted)
    ]


def _mistyped(faults: list[Fault]) -> dict[Path, Fault]:
    """Return, for each value of a wrong type, its first fault: it names all the right types."""
    first: dict[Path, Fault] = {}
    for fault in faults:
        if fault.keyword == "type":
            first.setdefault(fault.path, fault)
    return first


def _in_words(fault: Fault) -> list[Finding]:
    if fault.keyword == "additionalProperties":
        return keys.unknown_keys(fault)
    if fault.about_key:
        return [keys.bad_key(fault)]
    if fault.own_words and fault.keyword not in _WORDED_HERE:
        return [_in_the_schemas_words(fault)]
    return [WORDS.get(fault.keyword, values.unforeseen)(fault)]


def _in_the_schemas_words(fault: Fault) -> Finding:
    about_keys = fault.keyword in _KEY_CHOICES or (
        fault.keyword == "not" and "required" in fault.limit
    )
    code = "choose-one" if about_keys else "not-allowed"
    return Finding(fault.path, code, f"{owner(fault)}: {fault.own_words}")
