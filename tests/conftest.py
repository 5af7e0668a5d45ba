"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import settings
from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.support.postgres import drop_database, fresh_database, postgres_session

# Laws are about answers, not about how long a shared machine takes for one of them. `make test`
# looks at the same examples each time, so that a red run is about the change; `make soak` at new ones.
settings.register_profile("test", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None)
settings.load_profile("soak" if os.environ.get("SMR_SOAK") else "test")

# The rooms whose tests run the whole house again and again: tracing doubles what they take and tells
# nothing that the small tests do not.
UNTRACED = {"acceptance", "browser", "crash", "many", "simulation"}
ROOMS = Path(__file__).parent

OPEN = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """The process that runs the tests owns what they share; xdist's workers inherit it."""
    if not hasattr(config, "workerinput"):
        config.stash[OPEN] = ExitStack()
        config.stash[OPEN].enter_context(postgres_session())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops what was started, after failures and Ctrl-C as well."""
    if OPEN in config.stash:
        config.stash[OPEN].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Stops coverage around untraced tests and their fixtures. pytest-cov's own `no_cover` does not:
    it leaves fixtures traced, and stops one of the two measurements that it starts in a worker of xdist."""
    paused: list[Coverage] = []
    room = item.path.relative_to(ROOMS).parts[0]
    if room in UNTRACED or item.get_closest_marker("untraced"):
        while (measuring := Coverage.current()) is not None:
            measuring.stop()
            paused.append(measuring)
    try:
        return (yield)
    finally:
        for measuring in reversed(paused):
            measuring.start()


@pytest.fixture(scope="module", autouse=True)
def _databases_are_closed() -> Iterator[None]:
    """Fails a file that leaves database connections open, and says which test opened them. From 3.13
    on Python warns of such on SQLite, but only in whatever test runs as they are collected."""
    opened: dict[object, str] = {}

    def note(connection: object, _record: object) -> None:
        opened[connection] = os.environ.get("PYTEST_CURRENT_TEST", "a fixture")

    def forget(connection: object, _record: object) -> None:
        opened.pop(connection, None)

    event.listen(Pool, "connect", note)
    event.listen(Pool, "close", forget)
    yield
    event.remove(Pool, "connect", note)
    event.remove(Pool, "close", forget)
    assert not opened, f"database connections left open since {sorted(set(opened.values()))}"


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a database that all tests of a run share: look, do not write."""
    return fresh_database()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    url = fresh_database()
    yield url
    drop_database(url)
