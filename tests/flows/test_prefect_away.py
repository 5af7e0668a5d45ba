"""Prefect down, booting, overloaded, killed, deleted: a crisis message does not wait for it."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from flows.inline import InlineDispatcher
from smr_engine.adapters.prefect_files import ServerFiles
from smr_engine.adapters.prefect_server import ensure_server, stop_server
from smr_engine.bootstrap import find_prefect, prefect_answers
from smr_engine.errors import SmrError
from smr_engine.services.ports import DispatchUnavailableError
from tests.flows.office import Office, delete_prefect, wait_for

pytestmark = pytest.mark.xdist_group("prefect")


def test_while_prefect_boots_a_leg_is_refused_at_once(office):
    booted = threading.Event()

    def find_server() -> str:
        booted.wait()
        raise SmrError("prefect-not-started", "it did not start")

    dispatcher = InlineDispatcher(office.ws, find_server, prefect_answers)
    leg = office.leg(office.approved("approval"))
    begun = time.perf_counter()
    with pytest.raises(DispatchUnavailableError):
        dispatcher.run_leg(leg)
    assert time.perf_counter() - begun < 0.1
    booted.set()
    dispatcher._booting.join()


def test_a_prefect_that_cannot_be_started_is_not_tried_again_at_once(office):
    tried = []

    def find_server() -> str:
        tried.append(1)
        raise SmrError("prefect-not-started", "it did not start")

    dispatcher = InlineDispatcher(office.ws, find_server, prefect_answers)
    leg = office.leg(office.approved("approval"))
    for _ in range(3):
        with pytest.raises(DispatchUnavailableError):
            dispatcher.run_leg(leg)
        dispatcher._booting.join()
    assert len(tried) == 1


def test_a_server_that_is_busy_for_a_moment_is_asked_again_soon(office, prefect):
    with _now_and_then_busy(prefect.api_url) as (api_url, answers):
        dispatcher = office.dispatcher(api_url)
        case = office.approved("approval")
        begun = time.monotonic()
        dispatcher.run_leg(office.leg(case))
        took = time.monotonic() - begun
    assert answers.count(503) >= 4
    assert office.status(case) == "completed"
    assert [run.state for run in prefect.runs(case)] == ["Completed"]
    assert took < answers.count(503) * 1.5  # Prefect's own pauses are 2, 4 and 8 seconds


@pytest.fixture
def lonely(make_office) -> Iterator[Office]:
    """An office with an embedded Prefect of its own, to be maltreated."""
    office = make_office(settings="prefect_grace_seconds: 1\n")
    yield office
    stop_server(office.ws.state)


def _own_dispatcher(office: Office) -> InlineDispatcher:
    made = InlineDispatcher(office.ws, lambda: find_prefect(office.ws, os.environ), prefect_answers)
    made.prepare()
    made._booting.join()
    return made


def test_a_server_killed_during_a_leg_loses_no_outcome_and_keeps_nothing_back(lonely, blog):
    dispatcher = _own_dispatcher(lonely)
    case = lonely.approved("on-the-blog")
    blog.plan = ["hang"]
    with lonely.conducting(dispatcher):
        wait_for(lambda: len(blog.seen) == 1)  # the publication is under way in a flow run
        record = ServerFiles(lonely.ws.state).read_record()
        os.kill(record.supervisor.pid, signal.SIGKILL)
        os.kill(record.server.pid, signal.SIGKILL)
        blog.stop.set()  # hangs up: it may be out, so it is sent again under its key
        wait_for(lambda: lonely.status(case) in {"completed", "held"}, 60)
    effects = lonely.effects(case)
    assert len(blog.posts) == 1
    assert effects["publish note -> company-blog"].status in {"done", "unknown"}


@pytest.mark.parametrize("server", ["running", "stopped"])
def test_a_case_finishes_although_prefect_is_deleted_in_the_middle(lonely, server):
    ensure_server(lonely.ws.state, os.environ)
    dispatcher = _own_dispatcher(lonely)
    with lonely.conducting(dispatcher):
        case = lonely.start("approval")
        wait_for(lambda: lonely.settled(case))
        if server == "stopped":
            stop_server(lonely.ws.state)
        delete_prefect(lonely.ws.state)
        lonely.write(case)
        wait_for(lambda: lonely.settled(case))
        lonely.approve(case)
        wait_for(lambda: lonely.status(case) == "completed")
    assert len(lonely.pages()) == 1


@contextmanager
def _now_and_then_busy(api_url: str) -> Iterator[tuple[str, list[int]]]:
    """A way to the server on which every second request but health checks meets a 503."""
    behind = urlsplit(api_url)
    answers: list[int] = []

    class Busy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.endswith("/health") and answers[-1:] != [503]:
                return self._answer(503, b"{}", {})
            line = http.client.HTTPConnection(behind.hostname, behind.port, timeout=20)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "accept-encoding"}
            line.request(self.command, self.path, body, headers)
            response = line.getresponse()
            content = response.read()
            line.close()
            return self._answer(response.status, content, {"Content-Type": "application/json"})

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            if not self.path.endswith("/health"):
                answers.append(status)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _pass_on

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api", answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
