"""A conductor is killed with `kill -9` in the middle of a publication; another goes on with it.

Both are processes of their own that work without Prefect, with the leases of the program as it is.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from smr_engine.bootstrap import open_workspace
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.services import cases, items
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Workspace, actor
from tests.adapters.servers import Blog, running_blog
from tests.support.houses import DIRECTORY, furnish

CONDUCTOR = """
import sys
from pathlib import Path
from smr_engine.bootstrap import conductor, open_workspace
from smr_engine.services.ports import DispatchUnavailableError

class Away:
    def run_leg(self, leg):
        raise DispatchUnavailableError("it is not there")

    run_batch = run_leg

ws = open_workspace(Path(sys.argv[1]), {"SMR_PREFECT_GRACE_SECONDS": "0"})
made = conductor(ws, Away())
print("at work", flush=True)
made.run()
"""
BLOG = """
accounts:
  company-blog:
    title: Company blog
    platform: website
    connector: http
    settings: {{url: "{url}/posts", idempotency: true, body: {{text: "{{{{ text }}}}"}}}}
"""
NOTE = """
playbook: note
version: 1.0.0
title: A note
owner: smr-lead
documents:
  note: {title: The note, audience: public, template: We have corrected the opening hours.}
steps:
  - {id: write, kind: draft, document: note, assign: {role: comms-writer}}
  - {id: approve, kind: approval, documents: [note], quorum: [{role: legal}]}
  - {id: publish, kind: publish, document: note, requires: [approve], account: company-blog}
"""
GOAL_S = 10.0
"""From the kill until somebody else is at it."""
PATIENCE_S = 60.0


def until(look: Callable[[], object]) -> None:
    begun = time.monotonic()
    while not look():
        assert time.monotonic() - begun < PATIENCE_S, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def at_work(house: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CONDUCTOR, str(house)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "at work\n"
            yield process
        finally:
            process.kill()


def approve_note(ws: Workspace) -> None:
    def item(kind: ItemKind) -> str:
        with ws.storage.reading() as unit:
            rows = unit.queries.items(status=ItemStatus.OPEN)
        return next(row.id for row in rows if row.kind is kind)

    cases.start(ws, actor(ws, "ana"), "note", {})
    items.revise(ws, actor(ws, "tom"), item(ItemKind.DRAFT), "Open 9 to 5.", done=True)
    items.decide(ws, actor(ws, "lea"), item(ItemKind.APPROVAL), "approve")


def happened(ws: Workspace, kind: str) -> int:
    with ws.storage.reading() as unit:
        return len(unit.events.select(EventFilter(kinds=(kind,))))


def sent(blog: Blog) -> list[str]:
    """Return the idempotency keys of what the blog was sent."""
    return [headers["Idempotency-Key"] for method, _, headers in blog.seen if method == "POST"]


@pytest.fixture
def blog() -> Iterator[Blog]:
    """A blog that takes the first post and never says so."""
    with running_blog() as running:
        running.plan = ["hang"]
        yield running


@pytest.fixture
def house(tmp_path: Path, blog: Blog) -> Path:
    directory = DIRECTORY + BLOG.format(url=blog.url)
    return furnish(tmp_path / "house", directory=directory, playbooks={"note": NOTE})


@pytest.fixture
def ws(house: Path) -> Iterator[Workspace]:
    opened = open_workspace(house, {})
    yield opened
    opened.storage.close()


@pytest.mark.parametrize("beside", [True, False], ids=["beside it", "afterwards"])
def test_a_publication_is_taken_over_within_seconds_and_not_doubled(
    house: Path, blog: Blog, ws: Workspace, beside: bool
) -> None:
    with at_work(house) as first:
        approve_note(ws)
        until(lambda: len(sent(blog)) == 1)
        with ExitStack() as later:
            if beside:
                later.enter_context(at_work(house))
            first.kill()
            first.wait()
            killed_at = time.monotonic()
            if not beside:
                later.enter_context(at_work(house))
            until(lambda: len(sent(blog)) == 2)
            assert time.monotonic() - killed_at < GOAL_S
            until(lambda: happened(ws, "CaseCompleted") == 1)
    assert len(set(sent(blog))) == 1  # the same key: the blog knew it and did nothing
    assert len(blog.posts) == 1
    assert happened(ws, "PublicationStarted") == 1
    assert happened(ws, "EffectUnknown") == 0
