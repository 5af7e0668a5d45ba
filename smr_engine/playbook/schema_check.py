"""Checks data against a JSON Schema 2020-12 and says in plain words what is wrong, and where.

One validator serves playbooks, directories, settings and the forms people fill. Its registry is
empty, so references are resolved inside the schema and nothing is fetched. Formats are asserted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from smr_engine.playbook.formats import CHECKER
from smr_engine.playbook.model import JsonSchema
from smr_engine.playbook.problems import Problem, Problems
from smr_engine.playbook.schema_faults import Finding
from smr_engine.playbook.schema_messages import findings_of
from smr_engine.playbook.yaml_nodes import Located

MOST_FAULTS = 200  # enough to mend a file with; a hostile one could have a million

_Faults = Iterator[ValidationError]


class ValueProblem(NamedTuple):
    """What is wrong with one value of a form.

    `path` is where in the form (``source_urls[0]``), empty for the form as a whole; `field` leads
    to the value at fault itself, also where it is missing from the object at `path`.
    """

    path: str
    code: str
    message: str
    hint: str = ""
    missing: str = ""

    @property
    def field(self) -> str:
        """Return where the value is, or would be."""
        return f"{self.path}.{self.missing}".strip(".") if self.missing else self.path


def schema_problems(located: Located, schema: JsonSchema, file: str) -> list[Problem]:
    """Return everything in a file that its schema refuses, in the order of the file.

    Args:
        located: the file as `yaml_source.load` returned it.
        schema: a JSON Schema 2020-12 without references to other files.
        file: the name to use in problems.
    """
    problems = Problems(file)
    for finding in schema_findings(located, schema):
        node = located.node(finding.path)
        place = node.keys.get(finding.key, node.place) if finding.key is not None else node.place
        problems.error(finding.code, finding.message, place, finding.hint)
    return problems.sorted()


def schema_findings(located: Located, schema: JsonSchema) -> list[Finding]:
    """Return everything in a file that its schema refuses, with the path of each fault."""
    return findings_of(_faults(schema, located.data), located)


def value_problems(schema: JsonSchema, value: Any) -> list[ValueProblem]:
    """Return what is wrong with values that somebody filled in (inputs, forms, payloads).

    A property that is null although it need not be filled counts as not filled. Pure.

    Args:
        schema: a JSON Schema such as `fields.expand` returns.
        value: plain JSON data.
    """
    filled = without_unfilled(schema, value)
    return [_value_problem(finding) for finding in findings_of(_faults(schema, filled), None)]


def without_unfilled(schema: JsonSchema, value: Any) -> Any:
    """Return the value without nulls for properties that the schema does not require. Pure."""
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [without_unfilled(schema["items"], entry) for entry in value]
    declared = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(declared, Mapping):
        return value
    needed = schema.get("required", ())
    kept = {
        name: entry
        for name, entry in value.items()
        if entry is not None or name in needed or name not in declared
    }
    return {
        name: without_unfilled(declared[name], entry)
        if isinstance(declared.get(name), Mapping)
        else entry
        for name, entry in kept.items()
    }


def _value_problem(finding: Finding) -> ValueProblem:
    parts = [*finding.path, *([finding.key] if finding.key is not None else [])]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    missing = finding.wanted[0] if finding.wanted and finding.key is None else ""
    return ValueProblem(
        path.removeprefix("."), finding.code, finding.message, finding.hint, missing
    )


def _faults(schema: JsonSchema, data: Any) -> list[ValidationError]:
    validator = _Validator(schema, registry=Registry(), format_checker=CHECKER)
    return list(islice(validator.iter_errors(data), MOST_FAULTS))


def _required(validator: Any, required: list[str], instance: Any, _: JsonSchema) -> _Faults:
    """Report one fault for each missing key, with nothing but the key as its message."""
    if validator.is_type(instance, "object"):
        yield from (ValidationError(key) for key in required if key not in instance)


def _unique_items(validator: Any, unique: object, instance: Any, _: JsonSchema) -> _Faults:
    """Find doubles in linear time; the library compares every pair where types are mixed."""
    if not (unique and validator.is_type(instance, "array")):
        return
    seen: set[str] = set()
    for at, entry in enumerate(instance):
        form = json.dumps(entry, sort_keys=True, default=str)
        if form in seen:
            yield ValidationError("twice", path=[at], instance=entry)
        seen.add(form)


def _pattern(validator: Any, pattern: str, instance: Any, _: JsonSchema) -> _Faults:
    """Match as ECMA 262 has it, where `$` does not also stand before a last line break."""
    if validator.is_type(instance, "string"):
        strict = re.sub(r"\$\Z", r"\\Z", pattern)
        if not re.search(strict, instance):
            yield ValidationError("pattern")


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"required": _required, "uniqueItems": _unique_items, "pattern": _pattern},
)
