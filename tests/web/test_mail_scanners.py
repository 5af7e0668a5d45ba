"""Mail scanners open every link of a message, and some press what they find: nothing is decided.

They come with GET, HEAD and prefetching, run the scripts of a page, and send its forms; without a
session, and (as scanners in somebody's browser do) with one, but without what our forms carry.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from smr_engine.services.stored import EventFilter
from tests.support.web import application, visit_as

PUBLIC = "https://smr.example.test"
LOOKS = [
    {"user-agent": "Mozilla/5.0 (compatible; MailScanner)"},
    {"purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender", "sec-fetch-mode": "navigate"},
    {"x-moz": "prefetch"},
    {"x-purpose": "preview"},
]
DECISION = {"decision": "approve", "comment": "", "action": "done", "answer": "retry", "text": "x"}
VERBS = ("", "/decide", "/complete", "/acknowledge", "/revise", "/break-glass", "/repair")


@pytest.fixture(scope="module")
def links(company):
    """The paths of all addresses in the messages about a statement that waits to be approved."""
    ws = company.ws
    company.change(options=replace(ws.options, public_url=PUBLIC))
    company.ws.caches.worlds.clear()
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), "We know of the fire.")
    company.work()
    mails = [path.read_bytes() for path in (company.root / "outbox").rglob("*.eml")]
    text = b"\n".join(mails).decode("utf-8", "replace").replace("=\r\n", "").replace("=\n", "")
    found = {urlsplit(url).path for url in re.findall(re.escape(PUBLIC) + r"[^\s\"'<>)\]]*", text)}
    assert any(path.startswith("/items/") for path in found), text[:3000]
    return case, sorted(found)


@pytest.fixture(scope="module")
def scanners(company, links):
    app = application(company.ws, PUBLIC)
    return [visit_as(app, who).client for who in (None, "lea")]


def decisions(company) -> int:
    """Return how many events there are of what people did to cases."""
    with company.ws.storage.reading() as unit:
        events = unit.events.select(EventFilter())
    return sum(event.stream.startswith("case:") for event in events)


def test_looking_at_a_link_decides_nothing_however_one_looks(company, links, scanners):
    before = decisions(company)
    asked = next(path for path in links[1] if path.startswith("/items/"))
    assert [client.get(asked).status_code for client in scanners] == [303, 200]
    for client in scanners:
        for path in links[1]:
            for headers in LOOKS:
                for method in ("GET", "HEAD", "OPTIONS"):
                    assert client.request(method, path, headers=headers).status_code < 500
    assert decisions(company) == before


def test_what_a_script_sends_without_our_forms_token_decides_nothing(company, links, scanners):
    before = decisions(company)
    mine = {"origin": PUBLIC, "sec-fetch-site": "same-origin"}
    for client in scanners:
        for path in links[1]:
            for verb in VERBS:
                for extra in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
                    for headers in ({}, mine):
                        sent = {**DECISION, **extra}
                        answer = client.post(path + verb, data=sent, headers=headers)
                        assert answer.status_code in {303, 404, 405, 409, 403}, answer.text
    assert decisions(company) == before


def test_a_program_in_the_browser_needs_the_token_as_well(company, links, scanners):
    before = decisions(company)
    for item in (path.removeprefix("/items/") for path in links[1] if "/items/" in path):
        for client in scanners:
            body = {"decision": "approve", "seen": "0" * 64}
            for headers in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "0" * 64}):
                url = f"/api/v1/items/{item}/decision"
                answer = client.post(url, json=body, headers=headers)
                assert answer.status_code in {401, 403}, answer.text
    assert decisions(company) == before
