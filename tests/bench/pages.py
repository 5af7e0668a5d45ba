"""What pages cost: a served `smr web` in a process of its own, asked by some clients at once."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from queue import Queue
from socket import SHUT_RDWR
from threading import Thread
from urllib.parse import urlencode

from smr_engine.services import cases, reading, sessions
from smr_engine.services.workspace import Workspace, actor
from smr_engine.web.visit import COOKIE
from tests.bench import ground
from tests.bench.ground import HERE, PROGRAM, p50, p99, row

CLIENTS = 4
OPEN_PAGES = 50
LIFE_S = 60.0
FORM = {"content-type": "application/x-www-form-urlencoded"}
Ask = Callable[[HTTPConnection, int], HTTPResponse]


@dataclass(frozen=True)
class _Reader:
    """Somebody who is signed in, as their browser is."""

    cookie: dict[str, str]
    csrf: str


def pages(database: str, few: int, many: int, samples: int) -> None:
    """Requests a second and how long they take, with few and with many open cases."""
    with ground.workspace(database) as ws:
        for count in (few, many):
            ground.start(ws, count - ground.open_cases(ws))
            ground.look_through(ws)
            _measure(database, ws, samples)


def told(database: str, changes: int) -> None:
    """From a change in another process to each of the open pages being told."""
    with ground.workspace(database) as ws:
        ground.start(ws, 1)
        lea = _signed_in(ws, "lea")
        with _smr_web(ws) as address, _open_pages(address, lea) as heard:
            seconds = [taken for _ in range(changes) for taken in _change(ws, heard)]
    row(
        f"{database}: change to page told, {OPEN_PAGES} pages open, p50 / p99",
        f"{p50(seconds):.0f} / {p99(seconds):.0f} ms",
    )


def _measure(database: str, ws: Workspace, samples: int) -> None:
    ground.draft(ws, samples)
    approvals = ground.open_items(ws, "approval")[:samples]
    open_cases, ref = ground.open_cases(ws), approvals[0].rpartition(".")[0]
    lea, tom = _signed_in(ws, "lea"), _signed_in(ws, "tom")
    seen = {item: reading.item_view(ws, item, "lea").bundle_digest for item in approvals}
    url = ws.storage.engine.url.render_as_string(hide_password=False)
    with _served(sys.executable, "-m", "tests.bench.bare_route", url) as address:
        bare = _rate(address, partial(_get, {}, f"/cases/{ref}"), samples)[0]
    gets = {
        "situation": partial(_get, lea.cookie, "/"),
        "inbox": partial(_get, lea.cookie, "/inbox"),
        "inbox of whom all others wait for": partial(_get, tom.cookie, "/inbox"),
        "case": partial(_get, lea.cookie, f"/cases/{ref}"),
    }
    decide = partial(_decide, lea, list(seen.items()))
    with _smr_web(ws) as address:
        for ask in gets.values():
            _rate(address, ask, CLIENTS)  # what is loaded and compiled once
        measured = {what: _rate(address, ask, samples) for what, ask in gets.items()}
        measured["decide"] = _rate(address, decide, len(approvals))
    for what, (rate, seconds) in measured.items():
        row(
            f"{database}: {what}, {open_cases:,} open cases: requests/s, p50 / p99",
            f"{rate:.0f} ({rate / bare:.2f} of a bare route's {bare:.0f}),"
            f" {p50(seconds):.0f} / {p99(seconds):.0f} ms",
        )


def _rate(address: str, ask: Ask, count: int) -> tuple[float, list[float]]:
    """Ask so often, some clients at once; return requests a second and the seconds of each."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [
            pool.submit(_client, address, ask, range(n, count, CLIENTS)) for n in range(CLIENTS)
        ]
        seconds = [taken for client in clients for taken in client.result()]
    return count / (time.perf_counter() - began), seconds


def _client(address: str, ask: Ask, numbers: Sequence[int]) -> list[float]:
    connection = _connected(address)
    seconds = [ground.timed(lambda n=n: ask(connection, n)) for n in numbers]
    connection.close()
    return seconds


def _get(cookie: dict[str, str], path: str, connection: HTTPConnection, _: int) -> HTTPResponse:
    connection.request("GET", path, headers=cookie)
    return _read(connection, 200)


def _decide(
    lea: _Reader, approvals: Sequence[tuple[str, str | None]], connection: HTTPConnection, n: int
) -> HTTPResponse:
    item, digest = approvals[n]
    form = {"csrf": lea.csrf, "seen": digest, "decision": "approve"}
    connection.request("POST", f"/items/{item}/decide", urlencode(form), {**FORM, **lea.cookie})
    return _read(connection, 303)


def _read(connection: HTTPConnection, status: int) -> HTTPResponse:
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == status, (answer.status, body[:500])
    return answer


def _connected(address: str) -> HTTPConnection:
    return HTTPConnection(address.removeprefix("http://"), timeout=LIFE_S)


def _signed_in(ws: Workspace, person: str) -> _Reader:
    with ws.storage.writing() as unit:
        token = sessions.begin(ws, unit, person).token
        unit.keep()
    visitor = sessions.recognise(ws, token)
    assert visitor
    return _Reader({"cookie": f"{COOKIE}={token}"}, visitor.csrf)


def _smr_web(ws: Workspace):
    return _served(*PROGRAM, "--workspace", str(ws.root), "web", "--port", "0")


@contextmanager
def _served(*command: str) -> Iterator[str]:
    """Run a server that prints its address; end it afterwards."""
    root = HERE.parents[1]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, cwd=root, **pipe) as process:
        assert process.stdout
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        try:
            assert found, "the server did not start"
            _wait_for(found[0])
            yield found[0]
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    """Let it answer for the first time: what it loads then is no page's cost."""
    connection = _connected(address)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    connection.close()


# --- pages that are open -------------------------------------------------------------------------


@contextmanager
def _open_pages(address: str, reader: _Reader) -> Iterator[list[Queue[float]]]:
    """Hold pages open; give a queue for each of when it was told that something changed."""
    heard: list[Queue[float]] = []
    with ExitStack() as stack:
        for _ in range(OPEN_PAGES):
            connection = _connected(address)
            connection.request("GET", "/live", headers=reader.cookie)
            stream = connection.getresponse()
            heard.append(Queue())
            thread = Thread(target=_pass_on, args=(stream, heard[-1]), daemon=True)
            stack.callback(thread.join)  # the stream ends with its server, or here
            stack.callback(_shut, connection)
            thread.start()
        yield heard


def _shut(connection: HTTPConnection) -> None:
    with suppress(OSError):  # the server went first
        connection.sock.shutdown(SHUT_RDWR)


def _pass_on(stream: HTTPResponse, heard: Queue[float]) -> None:
    for line in stream:
        if line.startswith(b"event: changed"):
            heard.put(time.perf_counter())


def _change(ws: Workspace, heard: Sequence[Queue[float]]) -> list[float]:
    """Change something once all pages are quiet; return how long each took to be told."""
    time.sleep(1.5)
    for page in heard:
        while not page.empty():
            page.get()
    case = reading.case_list(ws, limit=1)[0].case
    began = time.perf_counter()
    cases.note(ws, actor(ws, "ana"), case, "Somebody looks")
    return [page.get(timeout=LIFE_S) - began for page in heard]
