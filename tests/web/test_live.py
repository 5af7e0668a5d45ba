"""Open pages hear of changes within two seconds, whoever made them, and of nothing else."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from queue import Empty, Queue
from time import sleep

import httpx
import pytest

from smr_engine.bootstrap import open_workspace
from smr_engine.services import cases
from smr_engine.services.workspace import Actor
from smr_engine.web.visit import COOKIE
from tests.services.company import Company
from tests.services.playbooks import STATEMENT
from tests.support.web import served, session_of

WITHIN_S = 2.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def company(request, tmp_path_factory):
    made = Company(tmp_path_factory.mktemp("live") / "halden")
    made.playbook("statement", STATEMENT)
    if request.param == "postgresql":
        from tests.support.postgres import fresh_database

        made.ws.storage.close()
        environ = {"SMR_DATABASE_URL": fresh_database()}
        made.ws = open_workspace(made.root, environ, clock=made.clock)
        made.environ = environ
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def site(company):
    with served(company.ws) as address:
        yield address


@pytest.fixture(scope="module")
def cookie(company):
    return {COOKIE: session_of(company.ws, "lea")}


def another_process(company):
    """The same workspace as another process opens it: other connections, other caches."""
    return open_workspace(company.root, getattr(company, "environ", {}), clock=company.clock)


@contextmanager
def listening(site, cookie, case=""):
    """Give a queue of what a page hears, once it has heard what was before it was connected."""
    address = f"{site}/live" + (f"?case={case}" if case else "")
    heard = Queue()
    with httpx.Client(cookies=cookie, timeout=20) as client:
        with client.stream("GET", address) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            pool = ThreadPoolExecutor(1)
            pool.submit(pass_on, stream, heard)
            while told(heard, within_s=1):
                pass
            yield heard
            raw = stream.extensions["network_stream"].get_extra_info("socket")
            raw.shutdown(socket.SHUT_RDWR)
        pool.shutdown()


def pass_on(stream, heard):
    with suppress(httpx.HTTPError):  # the page goes
        for line in stream.iter_lines():
            if line.startswith("event"):
                heard.put(line)


def told(heard, within_s=WITHIN_S):
    """Whether a page hears something in time."""
    try:
        return heard.get(timeout=within_s) == "event: changed"
    except Empty:
        return False


def start(ws):
    return cases.start(ws, Actor("ana"), "statement", {"title": "Stoves"}).case


def test_a_page_hears_of_what_another_process_did(company, site, cookie):
    other = another_process(company)
    with closing(other.storage), listening(site, cookie) as heard:
        start(other)
        assert told(heard)


def test_the_page_of_a_case_hears_of_its_case_only(company, site, cookie):
    case, other = start(company.ws), start(company.ws)
    with listening(site, cookie, case) as heard:
        cases.note(company.ws, Actor("ana"), other, "Nothing to do with it")
        assert not told(heard)
        cases.note(company.ws, Actor("ana"), case, "The press calls")
        assert told(heard)


def test_nobody_hears_anything_without_a_session(site):
    assert httpx.get(f"{site}/live").status_code == 204


def test_one_person_cannot_take_every_connection(company, site, cookie, monkeypatch):
    monkeypatch.setattr("smr_engine.web.live.MOST_PAGES", 2)
    other = {COOKIE: session_of(company.ws, "tom")}
    asked = {"method": "GET", "url": f"{site}/live", "timeout": 20}
    with ExitStack() as pages:
        mine = [pages.enter_context(httpx.stream(**asked, cookies=other)) for _ in range(2)]
        heard = [page.iter_text() for page in mine]
        assert all(next(words) for words in heard)  # each listens by now
        third = pages.enter_context(httpx.stream(**asked, cookies=other))
        somebody = pages.enter_context(httpx.stream(**asked, cookies=cookie))
        assert (third.status_code, somebody.status_code) == (429, 200)


def test_nothing_of_the_change_itself_is_sent(company, site, cookie):
    address = f"{site}/live"
    with httpx.stream("GET", address, cookies=cookie, timeout=20) as stream:
        first = next(stream.iter_text())
        assert set(first.split()) <= {"retry:", "1000", "event:", "changed", "data:"}


def test_a_server_that_stops_lets_its_pages_go(company, cookie):
    with served(company.ws) as address:
        client = httpx.Client(cookies=cookie, timeout=20)
        with client, client.stream("GET", f"{address}/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            began = time.monotonic()
    assert time.monotonic() - began < WITHIN_S


def test_pages_hear_again_after_the_database_was_away(company, site, cookie, monkeypatch):
    monkeypatch.setattr("smr_engine.web.live.AGAIN_S", 0.2)
    with listening(site, cookie) as heard:
        reading = company.ws.storage.reading
        with monkeypatch.context() as away:
            away.setattr(company.ws.storage, "reading", lambda: 1 / 0)
            sleep(1)
        assert company.ws.storage.reading == reading
        start(company.ws)
        assert told(heard)
