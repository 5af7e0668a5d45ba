"""The library."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from smr_engine.services import cases, library
from smr_engine.services.views import PlaybookRow
from smr_engine.web.api.callers import Reading
from smr_engine.web.api.shapes import AT_ONCE, V1, After, Limit, Name, Page, page_of

router = APIRouter(prefix=f"{V1}/playbooks", tags=["playbooks"])


@router.get("")
def list_playbooks(caller: Reading, after: After = "", limit: Limit = AT_ONCE) -> Page[PlaybookRow]:
    """List the playbooks."""
    return page_of(library.playbooks(caller.ws), lambda row: row.playbook, after, limit)


@router.get("/{name}")
def show_playbook(caller: Reading, name: Name) -> dict[str, Any]:
    """Show a playbook: what it asks at the start, and its steps."""
    return library.show(caller.ws, name)


@router.get("/{name}/inputs")
def show_inputs(caller: Reading, name: Name) -> dict[str, Any]:
    """Return the JSON Schema of what a playbook asks at the start."""
    return cases.input_schema(caller.ws, name)
