"""One embedded Prefect server for all tests of a session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smr_engine.adapters.prefect_server import ensure_server, stop_server
from tests.adapters.servers import Blog, running_blog
from tests.flows.office import Office, Prefect


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory) -> Iterator[Prefect]:
    state_dir = tmp_path_factory.mktemp("prefect") / ".smr"
    before = dict(os.environ)
    try:
        yield Prefect(state_dir, ensure_server(state_dir, os.environ, timeout_s=180))
    finally:
        stop_server(state_dir)
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def prefect(prefect_server: Prefect) -> Prefect:
    """The server, as if it had begun with this test: cases of all tests are named alike."""
    return replace(prefect_server, since=datetime.now(UTC))


@pytest.fixture
def blog() -> Iterator[Blog]:
    with running_blog() as running:
        yield running


@pytest.fixture
def make_office(tmp_path: Path, blog: Blog) -> Iterator[Callable[..., Office]]:
    with ExitStack() as made:

        def make(**given: Any) -> Office:
            office = Office(tmp_path / "house", blog.port, **given)
            made.callback(office.close)
            return office

        yield make


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office()


@pytest.fixture
def ready(office: Office, prefect: Prefect) -> Any:
    return office.dispatcher(prefect.api_url)
