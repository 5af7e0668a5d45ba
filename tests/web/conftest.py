"""The sample company with a short playbook, and its pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.company import Company
from tests.services.playbooks import RESTRICTED, STATEMENT
from tests.support.web import application


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Iterator[Company]:
    """The sample company, shared by a file's tests: each starts cases of its own."""
    made = Company(tmp_path_factory.mktemp("web") / "halden")
    made.playbook("statement", STATEMENT)
    made.playbook("secret", RESTRICTED)
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def app(company):
    """Its pages, asked in this process."""
    return application(company.ws)
