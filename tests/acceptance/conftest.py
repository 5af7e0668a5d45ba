"""The sample company, fresh for every test."""

from __future__ import annotations

import os

import pytest

from tests.support.program import House, copy_of, sample


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The sample workspace as `smr init --sample` makes it; copied by tests, never used."""
    return sample(tmp_path_factory.mktemp("sample") / "halden")


@pytest.fixture
def house(untouched: House, tmp_path) -> House:
    """A sample workspace of the test's own."""
    return copy_of(untouched, tmp_path / "halden")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing about workspaces."""
    for name in [name for name in os.environ if name.startswith("SMR_")]:
        monkeypatch.delenv(name)
