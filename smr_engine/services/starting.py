"""Starting from a form: however often it is sent, it opens one case.

Sent with something else in it (somebody went back and typed anew) it is another start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from smr_engine.services import cases
from smr_engine.services.cases import Opening
from smr_engine.services.views import Started
from smr_engine.services.workspace import Actor, Workspace


def form_key(ws: Workspace) -> str:
    """Return what a form carries so that it opens one case: unpredictable, made for each form."""
    return ws.entropy.salt().hex()


def start_once(
    ws: Workspace,
    actor: Actor,
    playbook: str,
    inputs: Mapping[str, Any],
    opening: Opening,
) -> Started:
    """Open a case, or return the one that this person's form has opened already.

    Args:
        ws: the workspace.
        actor: who opens it; nobody finds another's case by another's key.
        playbook: its name in the library.
        inputs: what the playbook asks for.
        opening: with the form's key, from `form_key`.

    Raises:
        SmrError: as `cases.start`.
    """
    said = json.dumps([playbook, inputs, opening.severity, opening.drill], sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()
    key = f"form:{actor.id}:{opening.key}:{digest}" if opening.key else ""
    return cases.start(ws, actor, playbook, inputs, replace(opening, key=key))
