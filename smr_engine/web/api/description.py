"""The API in one router, and its OpenAPI document: exact, for it is what tests hold us to."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from smr_engine import __version__
from smr_engine.web.api import audit, cases, items, operations, people, playbooks, schedules
from smr_engine.web.api.shapes import Problem

ABOUT = """The nouns and verbs of the `smr` command line, in the same words.

Instants are RFC 3339 in UTC. Errors are problem documents (RFC 9457) with a stable `code`. Lists
come in pages: `after` is the `next` of the page before. What somebody may not see does not exist
for them. With a session, whatever changes something needs the header `X-CSRF-Token`; tokens never
decide."""
_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}

router = APIRouter()
for _part in (playbooks, cases, items, schedules, audit, people, operations):
    router.include_router(
        _part.router,
        responses=_PROBLEM,
        generate_unique_id_function=lambda route: route.name,
    )


@router.get("/api/openapi.json", include_in_schema=False)
def description() -> dict[str, Any]:
    """Return the OpenAPI document of this version."""
    return openapi()


def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, the same on every machine."""
    made = get_openapi(
        title="SMR engine",
        version=__version__,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=router.routes,
    )
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    made["components"]["schemas"]["Problem"] = schema
    return made
