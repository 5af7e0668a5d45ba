"""Fifty people decide at the same moment: each decision counts once, nobody meets an error."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from smr_engine.engine.statuses import ItemStatus
from smr_engine.services import cases, items, sessions
from smr_engine.services.stored import EventFilter
from smr_engine.services.transact import case_of
from smr_engine.services.verify import verify
from smr_engine.services.workspace import Actor, Workspace
from smr_engine.web.visit import COOKIE
from tests.support.houses import SetClock, furnish, open_house
from tests.support.html_forms import sent_from
from tests.support.postgres import drop_database, fresh_database
from tests.support.web import served

pytestmark = pytest.mark.untraced

FIFTY = 50
BUSY_S = 8.0
"""Fifty people, fifty pages and the server share one interpreter here, beside other tests. That it
takes less than two seconds otherwise is shown by `test_live.py` and measured by `tests.bench web`."""
LAWYERS = [f"lawyer-{number}" for number in range(FIFTY)]
TLS = ssl.create_default_context()  # costly to make, and shared by all clients
PLAYBOOK = """
playbook: NAME
version: 1.0.0
title: "One note"
owner: smr-lead
documents:
  note: {title: "Note", audience: public, template: "We have corrected the opening hours."}
steps:
  - {id: draft_note, kind: draft, document: note, assign: {role: comms-writer}}
  - id: approve_note
    kind: approval
    documents: [note]
    quorum: [{role: legal, need: NEEDED}]
    on_rejected: {end: rejected}
  - {id: go_on, kind: task, title: "Go on", assign: {role: smr-lead}}
"""


def person(name: str, role: str) -> dict[str, object]:
    return {"id": name, "name": name.title(), "email": f"{name}@example.test", "roles": [role]}


def directory() -> str:
    roles = ("smr-lead", "comms-writer", "legal")
    everybody = [person("ana", "smr-lead"), person("tom", "comms-writer")]
    return json.dumps(
        {
            "people": [*everybody, *(person(name, "legal") for name in LAWYERS)],
            "roles": {role: {"title": role} for role in roles},
            "calendars": {"default": {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:30"}}},
        }
    )


@dataclass(frozen=True)
class Firm:
    """The workspace, the address of its pages, and the session of each lawyer."""

    ws: Workspace
    site: str
    tokens: dict[str, str]

    def browser(self, name: str) -> httpx.Client:
        cookies = {COOKIE: self.tokens[name]}
        return httpx.Client(base_url=self.site, cookies=cookies, timeout=30, verify=TLS)

    def approval(self, playbook: str) -> str:
        """Open a case and draft its note; return the approval that is then asked for."""
        case = cases.start(self.ws, Actor("ana"), playbook, {}).case
        [draft] = self.open_items(case, "draft_note")
        items.revise(self.ws, Actor("tom"), draft, "The hours are right now.", done=True)
        [approval] = self.open_items(case, "approve_note")
        return approval

    def open_items(self, case: str, step: str) -> list[str]:
        with self.ws.storage.reading() as unit:
            rows = unit.queries.items(case=case, status=ItemStatus.OPEN)
        return [row.id for row in rows if row.step == step]

    def decided(self, case: str) -> list[str]:
        """Return who decided in a case, in the order of the log, as often as it stands there."""
        which = EventFilter(cases=(case,), kinds=("DecisionRecorded",))
        with self.ws.storage.reading() as unit:
            return [event.actor for event in unit.events.select(which)]

    def opened(self, case: str, step: str) -> int:
        """Return how often an item of a step was opened."""
        with self.ws.storage.reading() as unit:
            return sum(row.step == step for row in unit.queries.items(case=case))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def firm(request, tmp_path_factory) -> Iterator[Firm]:
    url = fresh_database() if request.param == "postgresql" else ""
    playbooks = {
        name: PLAYBOOK.replace("NAME", name).replace("NEEDED", str(needed))
        for name, needed in (("alone", 1), ("together", FIFTY))
    }
    root = furnish(
        tmp_path_factory.mktemp("fifty") / "firm", directory=directory(), playbooks=playbooks
    )
    ws = open_house(root, SetClock(), url)
    with ws.storage.writing() as unit:
        tokens = {name: sessions.begin(ws, unit, name).token for name in LAWYERS}
        unit.keep()
    with served(ws) as site:
        yield Firm(ws, site, tokens)
    ws.storage.close()
    if url:
        drop_database(url)


def decide_at_once(firm: Firm, approvals: Sequence[str]) -> list[tuple[float, float]]:
    """Let each lawyer read an approval, and all decide at the same moment.

    Returns:
        When each decision was sent, and when it was answered.
    """
    ready = threading.Barrier(FIFTY)

    def decide(name: str, item: str) -> tuple[float, float]:
        with firm.browser(name) as browser:
            page = browser.get(f"/items/{item}")
            assert page.status_code == 200, page.text
            form = {**sent_from(page.text), "decision": "approve"}
            ready.wait(30)
            sent = time.monotonic()
            answer = browser.post(f"/items/{item}/decide", data=form)
            answered = time.monotonic()
            assert answer.status_code == 303, (answer.status_code, answer.text)
            assert browser.get(answer.headers["location"]).status_code == 200
        return sent, answered

    with ThreadPoolExecutor(FIFTY) as pool:
        return list(pool.map(decide, LAWYERS, approvals))


def test_fifty_people_decide_on_fifty_cases_at_once(firm):
    approvals = [firm.approval("alone") for _ in LAWYERS]
    decide_at_once(firm, approvals)
    for name, approval in zip(LAWYERS, approvals, strict=True):
        case = case_of(approval)
        assert firm.decided(case) == [name]
        assert firm.opened(case, "go_on") == 1
    assert verify(firm.ws).ok


def test_fifty_people_decide_on_one_case_at_once_and_fifty_open_pages_hear_of_it(firm):
    approval = firm.approval("together")
    with open_pages(firm) as heard:
        decided = decide_at_once(firm, [approval] * FIFTY)
        last_sent, until = max(sent for sent, _ in decided), time.monotonic() + BUSY_S
        while min(page[-1] for page in heard.values()) < last_sent and time.monotonic() < until:
            time.sleep(0.05)
    assert sorted(firm.decided(case_of(approval))) == sorted(LAWYERS)
    assert firm.opened(case_of(approval), "go_on") == 1
    assert verify(firm.ws).ok
    for page in heard.values():
        for sent, answered in decided:
            assert any(sent <= told <= answered + BUSY_S for told in page)


@contextmanager
def open_pages(firm: Firm) -> Iterator[dict[str, list[float]]]:
    """Hold a page of every lawyer open; give when each was told that something changed."""
    heard: dict[str, list[float]] = {name: [] for name in LAWYERS}
    loop = asyncio.new_event_loop()
    reading = loop.create_task(_read_all(firm, heard))
    thread = threading.Thread(target=_run, args=(loop, reading))
    thread.start()
    try:
        until = time.monotonic() + 20
        while not all(heard.values()):  # each is told at once as it connects
            assert time.monotonic() < until
            time.sleep(0.05)
        yield heard
    finally:
        loop.call_soon_threadsafe(reading.cancel)
        thread.join()
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, reading: asyncio.Task[None]) -> None:
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(reading)


async def _read_all(firm: Firm, heard: dict[str, list[float]]) -> None:
    limits = httpx.Limits(max_connections=FIFTY)
    async with httpx.AsyncClient(base_url=firm.site, timeout=30, verify=TLS, limits=limits) as web:

        async def read(name: str) -> None:
            cookie = {"cookie": f"{COOKIE}={firm.tokens[name]}"}
            async with web.stream("GET", "/live", headers=cookie) as stream:
                async for line in stream.aiter_lines():
                    if line == "event: changed":
                        heard[name].append(time.monotonic())

        async with asyncio.TaskGroup() as pages:
            for name in LAWYERS:
                pages.create_task(read(name))
