"""What a scheduled case is opened with: inputs that see the due instant and the last case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from smr_engine.engine.environment import instant
from smr_engine.playbook.expressions import compile_template
from smr_engine.playbook.model import Playbook, ScheduleTrigger, Template, Value
from smr_engine.services import library
from smr_engine.services.stored import ScheduleRow
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Workspace


def problem_of(playbook: Playbook, trigger: ScheduleTrigger) -> str:
    """Return why no case of a schedule could be opened as things are; empty if nothing is known.

    It is told, not refused: what a playbook asks for may change before the first instant.

    Args:
        playbook: what it opens.
        trigger: with its inputs as they were given.
    """
    # Whoever only lists schedules, or waits for one, needs no checks.
    from smr_engine.playbook.check import check_trigger

    inputs = {name: _templates(value) for name, value in trigger.inputs.items()}
    problems = check_trigger(playbook, replace(trigger, inputs=inputs))
    return "; ".join(problem.message for problem in problems)


def _templates(value: Any) -> Value:
    """Return a value with its texts as templates, as a playbook has them."""
    if isinstance(value, Mapping):
        return {key: _templates(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_templates(inner) for inner in value]
    return Template(value) if isinstance(value, str) else value


def inputs_of(
    ws: Workspace, row: ScheduleRow, due: datetime, last: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the inputs of a scheduled case; templates see `due` and `last`."""
    names = {"due": instant(due), "last": last}
    given: Mapping[str, Any] = row.inputs
    if row.source == "trigger":
        playbook = library.read(ws, row.playbook)[0]
        given = next(
            (t.inputs for t in playbook.triggers if t.rrule == row.rrule and t.at == row.at), {}
        )
    filled = {key: _filled(value, names) for key, value in given.items()}
    return {key: value for key, value in filled.items() if value is not None}


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Template):
        return compile_template(value.source).evaluate(names)
    if isinstance(value, str) and "{{" in value:
        return compile_template(value).evaluate(names)
    if isinstance(value, Mapping):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, names) for inner in value]
    return value


def last_case(unit: UnitOfWork, playbook: str) -> dict[str, Any] | None:
    """Return what templates see of a playbook's last completed case; None before the first."""
    rows = unit.queries.cases(playbook=playbook, limit=50)
    row = next((row for row in rows if row.status == "completed" and not row.drill), None)
    if row is None:
        return None
    header = unit.cases.load(row.ref).header
    return {
        "ref": row.ref,
        "closed_at": instant(row.closed_at),
        "outcome": row.outcome,
        "results": header.results,
    }
