"""The sample company before its screens: one browser and one server for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.services.company import Company
from tests.support.browser import running_browser
from tests.support.screens import Screens
from tests.support.web import served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Iterator[Company]:
    made = Company(tmp_path_factory.mktemp("screens") / "halden")
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def site(company) -> Iterator[str]:
    with served(company.ws) as address:
        yield address


@pytest.fixture
def screens(browser, company, site) -> Iterator[Screens]:
    """Contexts for people; a complaint of the browser about any page fails the test."""
    opened = Screens(browser, company.ws, site)
    yield opened
    for context in browser.contexts:
        context.close()
    assert opened.complaints == []
