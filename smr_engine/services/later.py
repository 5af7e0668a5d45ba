"""What the language has and this version does not run yet: refused at the start, by name."""

from __future__ import annotations

from smr_engine.playbook.model import (
    Playbook,
    SetStep,
    Step,
    walk,
)


def not_yet(playbook: Playbook) -> str:
    """Return which keys of a playbook cannot run yet, with their lines; empty if none."""
    found = []
    for step in walk(playbook.steps):
        found += [f"`{key}` at {step.id} (line {step.line})" for key in _keys(step)]
    return ", ".join(found)


def _keys(step: Step) -> list[str]:
    keys = []
    if isinstance(step, SetStep) and step.severity is not None:
        keys.append("severity")
    return keys
