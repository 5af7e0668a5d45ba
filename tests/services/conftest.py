"""A company to read about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.services.company import Company
from tests.services.playbooks import EVERYTHING, PAIR, PARENT, RESTRICTED, STATEMENT


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """The sample company with the playbooks of these tests."""
    made = Company(tmp_path / "halden")
    made.playbook("statement", STATEMENT)
    made.playbook("secret", RESTRICTED)
    made.playbook("everything", EVERYTHING)
    made.playbook("parent", PARENT)
    made.playbook("pair", PAIR)
    yield made
    made.ws.storage.close()


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every SQL statement from now on, as it is sent."""
    sent: list[str] = []

    def note(connection, cursor, statement, *rest):
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)
