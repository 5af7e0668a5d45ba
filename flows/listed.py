"""Which playbooks Prefect may open, and what it is told about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.errors import SmrError
from smr_engine.playbook.model import Playbook
from smr_engine.services import library, scheduled_outside
from smr_engine.services.scheduled_outside import Recurrence
from smr_engine.services.workspace import Workspace

MARK = "smr-engine"
"""Tag of the deployments that are ours to change and to remove."""
OPEN_CASE = "open-case"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What Prefect is told about one deployment.

    Args:
        flow: name of its flow.
        name: its own.
        told: all else, by Prefect's words.
        recurrences: our schedules that start it; those of others are left alone.
    """

    flow: str
    name: str
    told: Mapping[str, Any]
    recurrences: tuple[Recurrence, ...] = ()

    @property
    def full_name(self) -> str:
        """Return the name under which Prefect finds it."""
        return f"{self.flow}/{self.name}"


def start_of(playbook: Playbook, recurrences: tuple[Recurrence, ...] = ()) -> Deployed:
    """Return the deployment that opens a playbook."""
    told = {
        "description": f"{playbook.title}\n\n{playbook.summary}".strip(),
        "tags": sorted({MARK, *playbook.labels}),
        "version": f"{playbook.version}+{playbook.digest[:12]}",
        "parameter_openapi_schema": _form(playbook),
        "enforce_parameter_schema": True,
    }
    return Deployed(OPEN_CASE, playbook.name, told, recurrences)


def _form(playbook: Playbook) -> dict[str, Any]:
    """Return a playbook's inputs as Prefect's start form wants them, fields in their order."""
    schema = playbook.inputs or {}
    fields = schema.get("properties", {}).items()
    placed = {
        name: {"title": name, **field, "position": place}
        for place, (name, field) in enumerate(fields)
    }
    return {**schema, "title": "Parameters", "type": "object", "properties": placed}


def listed(ws: Workspace) -> tuple[list[Deployed], list[str]]:
    """Return what is registered of the playbooks in the settings, and why some are not."""
    wanted, problems = [], []
    for name in ws.options.prefect_start:
        try:
            playbook, _ = library.startable(ws, name)[name]
        except SmrError as problem:
            problems.append(str(problem))
            continue
        if playbook.visibility is None:
            wanted.append(start_of(playbook, tuple(scheduled_outside.recurrences(ws, name))))
        else:
            problems.append(f"{name} has restricted visibility, and Prefect shows everything")
    return wanted, problems
