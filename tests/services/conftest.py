"""A company to read about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.services.company import Company
from tests.services.playbooks import EVERYTHING, PAIR, PARENT, RESTRICTED, STATEMENT
from tests.services.signing import Signing, signing_house
from tests.support.postgres import drop_database, fresh_database


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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def signing(request, tmp_path_factory) -> Iterator[Signing]:
    """A house full of people who sign in, on both databases; a file's tests share it."""
    root = tmp_path_factory.mktemp("signing")
    if request.param == "sqlite":
        with signing_house(root) as house:
            yield house
        return
    url = fresh_database()
    with signing_house(root, url) as house:
        yield house
    drop_database(url)
