from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from smr_engine.engine.world import Account
from smr_engine.services.ports import Publication
from tests.adapters.servers import Blog, Canary, Mailroom, running_blog, running_mailroom


class SetClock:
    """A clock that the test sets."""

    def __init__(self, now: datetime) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture
def blog() -> Iterator[Blog]:
    with running_blog() as running:
        yield running


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    listening.close()


@pytest.fixture
def mailroom() -> Iterator[Mailroom]:
    with running_mailroom() as running:
        yield running


@pytest.fixture
def publication() -> Callable[..., Publication]:
    def make(text: str = "We are aware of the false post.\n", **changes: Any) -> Publication:
        fields: dict[str, Any] = {
            "key": "CRISIS-2026-0007/publish_holding/1",
            "case": "CRISIS-2026-0007",
            "account": Account("newsroom", "Newsroom", "website", "folder", {"path": "newsroom"}),
            "document": "holding_statement",
            "title": "Holding statement",
            "text": text,
            "digest": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
        }
        return Publication(**{**fields, **changes})

    return make
