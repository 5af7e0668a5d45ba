"""Checks of inputs given by a playbook: to the cases it opens, and by its own schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from smr_engine.playbook.check_inspection import Inspection
from smr_engine.playbook.check_shapes import Shape
from smr_engine.playbook.expressions import ExpressionError, compile_template
from smr_engine.playbook.model import (
    JsonSchema,
    Playbook,
    PlaybookStep,
    Step,
    Template,
    Value,
    walk,
)
from smr_engine.playbook.names import inputs_shape
from smr_engine.playbook.suggest import did_you_mean

_UNKNOWN = object()  # stands for what only a case knows


def check_children(inspection: Inspection) -> None:
    """Report unknown playbooks, cycles of them, and inputs that they or schedules refuse."""
    check_trigger_inputs(inspection)
    known = {**inspection.context.playbooks, inspection.playbook.name: inspection.playbook}
    for step in inspection.steps():
        if isinstance(step, PlaybookStep):
            _check_child(inspection, step, known)


def check_trigger_inputs(inspection: Inspection) -> None:
    """Report what a playbook's schedules give that it does not ask for, and what they leave out."""
    for trigger in inspection.playbook.triggers:
        schema = inputs_shape(inspection.playbook)
        _check_inputs(inspection, schema, trigger.inputs, trigger.line)


def _check_child(inspection: Inspection, step: PlaybookStep, known: Mapping[str, Playbook]) -> None:
    child = known.get(step.playbook)
    if child is None:
        message = f"there is no playbook `{step.playbook}`"
        hint = did_you_mean(step.playbook, known)
        inspection.error("unknown-playbook", step.line_of("playbook"), message, hint)
        return
    circle = _circle(child, known, (inspection.playbook.name,), set())
    if circle:
        message = f"cases would open each other without end: {' -> '.join(circle)}"
        inspection.error(
            "playbook-cycle", step.line_of("playbook"), message, "open it from one side only"
        )
        return
    _check_inputs(inspection, inputs_shape(child), step.inputs, step.line_of("inputs"))
    for document in step.hands_over:
        if document not in child.documents:
            message = f"the playbook `{child.name}` has no document `{document}`"
            hint = did_you_mean(document, child.documents)
            inspection.error("unknown-document", step.line_of("documents"), message, hint)


def _circle(
    playbook: Playbook, known: Mapping[str, Playbook], opened: tuple[str, ...], cleared: set[str]
) -> tuple[str, ...]:
    """Return the names of a way that comes back to one already opened; empty if there is none."""
    trail = (*opened, playbook.name)
    if playbook.name in opened:
        return trail
    for name in _opens(playbook.steps):
        child = known.get(name)
        if child is None or name in cleared:
            continue
        if circle := _circle(child, known, trail, cleared):
            return circle
    cleared.add(playbook.name)
    return ()


def _opens(steps: tuple[Step, ...]) -> Iterator[str]:
    names = (step.playbook for step in walk(steps) if isinstance(step, PlaybookStep))
    yield from dict.fromkeys(names)


# --- inputs --------------------------------------------------------------------------------------


def _check_inputs(
    inspection: Inspection, schema: JsonSchema, inputs: Mapping[str, Value], line: int
) -> None:
    properties = _mapping(schema.get("properties"))
    for name in inputs:
        if properties and name not in properties and not schema.get("additionalProperties"):
            message = f"there is no input `{name}`"
            hint = did_you_mean(name, properties) or f"there are: {', '.join(properties)}"
            inspection.error("bad-input", line, message, hint)
    for name in schema.get("required", ()):
        if name not in inputs:
            message = f"the input `{name}` is required and missing"
            inspection.error("bad-input", line, message, f"add {name} to `inputs`")
    for name, value in inputs.items():
        inner = properties.get(name)
        constant = constant_value(value)
        if isinstance(inner, Mapping) and constant is not _UNKNOWN:
            _check_value(inspection, name, inner, constant, _line(value) or line)


def _check_value(inspection: Inspection, name: str, schema: Shape, value: Any, line: int) -> None:
    try:
        Draft202012Validator.check_schema(schema)
        faults = list(Draft202012Validator(schema).iter_errors(value))
    except SchemaError:
        return  # reported where the schema itself is checked
    for fault in faults[:1]:
        message = f"the input `{name}` is refused: {fault.message[:200]}"
        inspection.error("bad-input", line, message)


def constant_value(value: Value) -> Any:
    """Return a value whose texts have no names in them, as plain data; else a marker."""
    if isinstance(value, Template):
        try:
            compiled = compile_template(value.source)
            return compiled.evaluate({}) if compiled.constant else _UNKNOWN
        except ExpressionError:
            return _UNKNOWN
    if isinstance(value, Mapping):
        inner = {key: constant_value(entry) for key, entry in value.items()}
        return _UNKNOWN if any(entry is _UNKNOWN for entry in inner.values()) else inner
    if isinstance(value, list | tuple):
        entries = [constant_value(entry) for entry in value]
        return _UNKNOWN if any(entry is _UNKNOWN for entry in entries) else entries
    return value


def _line(value: Value) -> int:
    return value.line if isinstance(value, Template) else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
