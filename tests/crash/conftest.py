from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.hatchery import Hatchery
from tests.crash.sink import running_sink

MEMORY = Path("/dev/shm")  # killed processes lose nothing that the kernel holds; a disk only waits


@pytest.fixture(scope="session")
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: what is tested here is processes that die."""
    folder = Path(tempfile.mkdtemp(prefix="smr-crash-", dir=MEMORY if MEMORY.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_hatchery(quick_folder: Path) -> Iterator[Hatchery]:
    folder = quick_folder / "sqlite"
    with running_sink(folder) as sink, Hatchery(folder, sink, postgres=False) as hatchery:
        yield hatchery


@pytest.fixture(scope="session")
def postgres_hatchery(quick_folder: Path) -> Iterator[Hatchery]:
    folder = quick_folder / "postgresql"
    with running_sink(folder) as sink, Hatchery(folder, sink, postgres=True) as hatchery:
        yield hatchery


@pytest.fixture(params=["sqlite", "postgresql"])
def hatchery(request: pytest.FixtureRequest) -> Hatchery:
    name = {"sqlite": "sqlite_hatchery", "postgresql": "postgres_hatchery"}[request.param]
    found: Hatchery = request.getfixturevalue(name)
    return found
