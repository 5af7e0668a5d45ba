"""A playbook as plain data, for `smr playbook show` and other programs."""

from __future__ import annotations

from typing import Any

from smr_engine.playbook.index import entries
from smr_engine.playbook.model import Assignment, Playbook, Step


def outline(playbook: Playbook) -> dict[str, Any]:
    """Return what a playbook asks, who owns it, and its steps as a tree."""
    return {
        "playbook": playbook.name,
        "version": playbook.version,
        "digest": playbook.digest,
        "title": playbook.title,
        "summary": playbook.summary,
        "owner": playbook.owner,
        "labels": list(playbook.labels),
        "visibility": list(playbook.visibility) if playbook.visibility else "open",
        "severity": list(playbook.severity.levels) if playbook.severity else [],
        "inputs": dict(playbook.inputs),
        "documents": [
            {"document": d.id, "title": d.title, "audience": d.audience}
            for d in playbook.documents.values()
        ],
        "steps": [_step(step) for step in playbook.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": step.id, "kind": step.kind, "title": step.title.source}
    if step.when is not None:
        shown["when"] = step.when.source
    if step.assign is not None:
        shown["assign"] = _who(step.assign)
    inner = entries(step)
    if inner:
        lists = [{"name": name, "steps": [_step(s) for s in steps]} for name, steps in inner]
        shown["lists"] = lists
    return shown


def _who(assign: Assignment) -> list[str]:
    return [f"{party.kind.value}:{party.name.source}" for party in assign.parties]
