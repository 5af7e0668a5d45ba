"""Which playbooks Prefect may open, and what it is told about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smr_engine.errors import SmrError
from smr_engine.playbook.model import Playbook
from smr_engine.services import library
from smr_engine.services.workspace import Workspace

MARK = "smr-engine"
"""Tag of the deployments that are ours to change and to remove."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What Prefect is told about one playbook; its name is the deployment's."""

    name: str
    description: str
    tags: list[str]
    version: str
    parameter_openapi_schema: dict[str, Any]
    enforce_parameter_schema: bool = True

    @classmethod
    def of(cls, playbook: Playbook) -> Deployed:
        """Return what is registered for a playbook."""
        return cls(
            name=playbook.name,
            description=f"{playbook.title}\n\n{playbook.summary}".strip(),
            tags=sorted({MARK, *playbook.labels}),
            version=f"{playbook.version}+{playbook.digest[:12]}",
            parameter_openapi_schema=_form(playbook),
        )


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
            wanted.append(Deployed.of(playbook))
        else:
            problems.append(f"{name} has restricted visibility, and Prefect shows everything")
    return wanted, problems
