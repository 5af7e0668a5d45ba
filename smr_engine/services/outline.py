"""A playbook in short, for people."""

from __future__ import annotations

from typing import Any

from smr_engine.playbook.diagram_words import details, plain
from smr_engine.playbook.index import entries
from smr_engine.playbook.model import Playbook, Step


def outline(playbook: Playbook) -> dict[str, Any]:
    """Return what a playbook asks, who owns it, and its steps as a tree in words."""
    return {
        "playbook": playbook.name,
        "version": playbook.version,
        "digest": playbook.digest,
        "title": playbook.title,
        "summary": playbook.summary,
        "owner": playbook.owner,
        "severity": list(playbook.severity.levels) if playbook.severity else [],
        "inputs": dict(playbook.inputs),
        "steps": [_step(playbook, step) for step in playbook.steps],
    }


def _step(playbook: Playbook, step: Step) -> dict[str, Any]:
    lists = [
        {"name": name, "steps": [_step(playbook, inner) for inner in steps]}
        for name, steps in entries(step)
    ]
    return {
        "kind": step.kind,
        "title": plain(step.title.source) or step.id,
        "details": list(details(playbook, step)),
        "when": step.when.source if step.when is not None else "",
        "lists": lists,
    }
