"""The API does what its document says, whatever is sent: Schemathesis.

Each operation is asked with and without sense, as somebody who may do much, of cases that are there
and of some that are not.
"""

from __future__ import annotations

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from smr_engine.services import sessions
from smr_engine.web.api.description import openapi
from smr_engine.web.visit import COOKIE
from tests.support.web import served, session_of

pytestmark = pytest.mark.untraced

EXAMPLES = 10
OURS = {"authorization", "cookie", "x-csrf-token"}
"""Headers that say who asks: nobody is guessed."""
OPERATIONS = [(path, method) for path, each in openapi()["paths"].items() for method in each]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def site(company):
    with served(company.ws) as address:
        yield address


@pytest.fixture(scope="module")
def api(site):
    return schemathesis.openapi.from_url(f"{site}/api/openapi.json")


@pytest.fixture(scope="module")
def somebody(company):
    """The session of the owner of most cases, an administrator."""
    token = session_of(company.ws, "ana")
    visitor = sessions.recognise(company.ws, token)
    with requests.Session() as session:
        session.headers.update({"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": visitor.csrf})
        yield session


@pytest.fixture(scope="module")
def there(company):
    """What can be asked about: an approval that waits in a case."""
    ref = company.start("statement", title="the fire in hall 3")
    company.write(company.item(ref, "write"), "We know of the fire.")
    item = company.item(ref, "approve")
    return {"ref": ref, "item": item}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@given(data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_the_api_does_what_its_document_says(api, somebody, there, path, method, data):
    mode = data.draw(st.sampled_from(GenerationMode))
    case = data.draw(api[path][method].as_strategy(generation_mode=mode))
    real = {name: value for name, value in there.items() if name in case.path_parameters}
    if real and data.draw(st.booleans()):
        case.path_parameters |= real
    case.headers = {k: v for k, v in (case.headers or {}).items() if k.lower() not in OURS}
    case.cookies = {}
    answer = case.call_and_validate(session=somebody, checks=CHECKS, timeout=20)
    assert answer.status_code != 401, "we are somebody"
