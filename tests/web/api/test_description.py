"""The OpenAPI document is kept in the repository, so that a change of the interface is seen."""

from __future__ import annotations

import json
import os
from pathlib import Path

from smr_engine.web.api.description import openapi
from tests.support.web import visit_as

SNAPSHOT = Path(__file__).parents[3] / "schemas" / "openapi.json"


def test_the_snapshot_is_the_document():
    made = json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("SMR_NEW_OPENAPI"):
        SNAPSHOT.write_text(made, encoding="utf-8")
    assert SNAPSHOT.read_text(encoding="utf-8") == made, "make it anew with SMR_NEW_OPENAPI=1"


def test_the_document_is_served_to_anybody(app):
    served = visit_as(app, None).get("/api/openapi.json").json()
    assert served["openapi"].startswith("3.1")
    assert served == openapi()
    assert all(path.startswith("/api/v1/") for path in served["paths"])


def test_every_operation_has_a_name_of_its_own_and_tells_how_it_refuses():
    operations = [each for path in openapi()["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    assert all("default" in each["responses"] for each in operations)
