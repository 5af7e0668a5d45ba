"""Finds what is shipped with the program: playbooks and schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from smr_engine.adapters.workspace_files import write_whole
from smr_engine.errors import NotFound

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_path(kind: Literal["playbooks", "schemas"]) -> Path:
    """Return the folder of shipped playbooks or schemas.

    A wheel carries them inside the package (`_data`); in a source checkout, also an editable
    install, they lie beside it.

    Raises:
        NotFound: this installation has neither.
    """
    for folder in (_PACKAGE / "_data" / kind, _PACKAGE.parent / kind):
        if folder.is_dir():
            return folder
    message = f"this installation has no shipped {kind}"
    raise NotFound("shipped-files-missing", message, hint="install smr-engine again")


def lay_out_schemas(state: Path) -> None:
    """Keep the schemas in a workspace's state folder as this version has them.

    The files of a workspace name them there, so that an editor completes and explains.
    """
    for schema in shipped_path("schemas").glob("*.schema.json"):
        target = state / "schemas" / schema.name
        content = schema.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            write_whole(target, content)


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return a shipped JSON Schema by its short name; read once per process, not to be changed.

    Args:
        name: ``playbook``, ``directory`` or ``settings``.

    Raises:
        NotFound: there is no schema of that name.
    """
    path = shipped_path("schemas") / f"{name}.schema.json"
    try:
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        message = f"there is no schema `{name}`"
        raise NotFound("schema-missing", message, hint="install smr-engine again") from fault
    return schema
