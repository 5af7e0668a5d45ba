"""What programs rely on: keys, pages, tags, tokens, problems, figures."""

from __future__ import annotations

import json
import re

import pytest
from starlette.testclient import TestClient

from smr_engine.cli.output import jsonable
from smr_engine.services import reading, tokens
from tests.support.web import KEEPER, visit_as

V1 = "/api/v1"
NEW = {"playbook": "statement", "inputs": {"title": "the fire in hall 3"}}


@pytest.fixture(scope="module")
def client(app):
    """Ana's session, as a page of ours would use it."""
    return _session(app, "ana")


def _session(app, person):
    guest = visit_as(app, person)
    guest.client.headers["x-csrf-token"] = guest.csrf()
    return guest.client


def _token(app, name, *scopes, person="ana"):
    made = tokens.make(app.state.ws, KEEPER, name, tokens.Grant(person, scopes, 30))
    client = visit_as(app, None).client
    client.headers["authorization"] = f"Bearer {made.text}"
    return client


def _code(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_the_same_request_under_the_same_key_opens_one_case(client):
    def start(body, key):
        return client.post(f"{V1}/cases", json=body, headers={"idempotency-key": key})

    first, again = start(NEW, "k1"), start(NEW, "k1")
    assert (first.status_code, first.json()) == (201, again.json())
    assert first.headers["location"] == f"{V1}/cases/{first.json()['case']}"
    assert start(NEW, "k2").json()["case"] != first.json()["case"]
    other = {**NEW, "inputs": {"title": "the flood"}}
    assert _code(start(other, "k1")) == (422, "key-reused")
    assert _code(start({**NEW, "drill": True}, "k1")) == (422, "key-reused")


def test_a_key_is_its_senders_own(app, client):
    headers = {"idempotency-key": "shared"}
    mine = client.post(f"{V1}/cases", json=NEW, headers=headers).json()["case"]
    theirs = _session(app, "carl").post(f"{V1}/cases", json=NEW, headers=headers).json()["case"]
    assert mine != theirs


def test_a_decision_under_a_key_counts_once_and_only_on_what_was_read(app, company):
    case = company.start("statement", title="the fire")
    company.write(company.item(case, "write"), "We know of it.")
    item = company.item(case, "approve")
    lea = _session(app, "lea")
    digest = lea.get(f"{V1}/items/{item}").json()["bundle_digest"]

    def decide(**said):
        body = {"decision": "approve", "seen": digest, **said}
        url = f"{V1}/items/{item}/decision"
        return lea.post(url, json=body, headers={"idempotency-key": "d1"})

    assert _code(decide(seen="0" * 64)) == (409, "other-content")
    first, again = decide(), decide()
    assert (first.status_code, first.json()) == (200, again.json())
    assert _code(decide(decision="reject", comment="no")) == (422, "key-reused")
    assert len(reading.item_view(company.ws, item, "lea").votes) == 1


def test_a_revision_is_written_upon_the_one_that_was_read(app, company):
    case = company.start("statement", title="the fire")
    item, tom = company.item(case, "write"), _session(app, "tom")
    read = tom.get(f"{V1}/cases/{case}/documents/statement")
    tag = read.headers["etag"]
    assert tag == f'"{read.json()["digest"]}"'

    def revise(text, match):
        headers = {"if-match": match} if match else {}
        return tom.post(f"{V1}/items/{item}/revise", json={"text": text}, headers=headers)

    assert revise("First.", tag).json()["revision"] == 2
    assert _code(revise("Mine, unread.", tag)) == (412, "newer-revision")
    assert _code(revise("Without looking.", "")) == (422, "invalid-request")
    assert revise("Whatever is there.", "*").json()["revision"] == 3
    url = f"{V1}/cases/{case}/documents/statement"
    now = tom.get(url).headers["etag"]
    assert tom.get(url, headers={"if-none-match": now}).status_code == 304
    assert "-First." in tom.get(url, params={"since": 2}).json()["diff"]


def test_lists_come_in_pages_that_join_without_gap_or_overlap(client, company):
    for number in range(3):
        company.start("statement", title=f"number {number}")
    whole = [row.case for row in reading.case_list(company.ws, person="ana")]
    found, after = [], ""
    while True:
        page = client.get(f"{V1}/cases", params={"limit": 2, "after": after}).json()
        found += [row["case"] for row in page["rows"]]
        if not (after := page["next"]):
            break
    assert found == whole
    assert _code(client.get(f"{V1}/cases?after=CASE-1999-0001")) == (404, "no-such-case")
    assert _code(client.get(f"{V1}/people?after=nobody")) == (422, "bad-cursor")


def test_the_log_comes_in_pages(client, company):
    seen, after = [], 0
    while after is not None:
        page = client.get(f"{V1}/audit/events", params={"limit": 7, "after": after}).json()
        seen += [row["seq"] for row in page["rows"]]
        after = page["next"]
    assert seen == sorted(set(seen))
    with company.ws.storage.reading() as unit:
        assert len(seen) == unit.queries.counts()["events"]


def test_a_view_reads_as_the_command_line_writes_it(client, company):
    case = company.start("statement", title="the fire")
    for path, view in (
        (f"cases/{case}", reading.case_view(company.ws, case, "ana")),
        (
            f"items/{company.item(case, 'write')}",
            reading.item_view(company.ws, company.item(case, "write"), "ana"),
        ),
    ):
        assert client.get(f"{V1}/{path}").json() == jsonable(view)


def test_a_token_does_what_its_scopes_say_and_never_decides(app, company):
    reads, starts = _token(app, "reads", "read"), _token(app, "starts", "start", "note")
    opened = starts.post(f"{V1}/cases", json=NEW)
    assert opened.status_code == 201, opened.text
    case = opened.json()["case"]
    assert _code(reads.post(f"{V1}/cases", json=NEW)) == (403, "token-may-not")
    assert _code(starts.get(f"{V1}/cases/{case}")) == (403, "token-may-not")
    assert starts.post(f"{V1}/cases/{case}/notes", json={"text": "seen"}).status_code == 201
    company.write(company.item(case, "write"), "We know of it.")
    body = {"decision": "approve", "seen": "0" * 64}
    approve = f"{V1}/items/{company.item(case, 'approve')}/decision"
    assert _code(starts.post(approve, json=body)) == (403, "token-may-not")
    assert reads.get(f"{V1}/me").json()["scopes"] == ["read"]


def test_who_does_not_say_who_they_are_is_told_nothing(app, client):
    stranger = visit_as(app, None).client
    assert _code(stranger.get(f"{V1}/cases")) == (401, "not-signed-in")
    for words in ("Bearer smr_x_y", "Basic YTpi", "Bearer", ""):
        answer = stranger.get(f"{V1}/cases", headers={"authorization": words})
        assert _code(answer) == (401, "bad-token")
    foreign = client.post(f"{V1}/cases", json=NEW, headers={"x-csrf-token": "0" * 64})
    assert _code(foreign) == (403, "foreign-form")
    assert stranger.get(f"{V1}/healthz").json() == {"status": "ok"}
    assert stranger.get(f"{V1}/readyz").json() == {"status": "ready"}


def test_figures_are_for_auditors_administrators_and_the_machine_itself(app, company):
    company.start("statement", title="the fire")
    visit_as(app, None).client.request("MADE-UP", "/sign-in")
    watching = _token(app, "watches", "read")
    assert watching.get(f"{V1}/cases").status_code == 200
    text = watching.get(f"{V1}/metrics").text
    assert float(re.search(r'smr_cases\{status="open"\} (\S+)', text)[1]) >= 1
    assert "smr_conductor_lag_seconds" in text
    assert 'method="MADE-UP"' not in text, "else anybody fills the memory"
    assert f'route="{V1}/cases"' in text, "by the whole route, never by what was asked"
    assert _code(_token(app, "operates", "read", person="tom").get(f"{V1}/metrics")) == (
        403,
        "may-not-audit",
    )
    assert _code(visit_as(app, None).client.get(f"{V1}/metrics")) == (401, "not-signed-in")


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        ("127.0.0.1:8150", "127.0.0.1", 200),
        ("localhost:8150", "::1", 200),
        ("evil.example.test", "127.0.0.1", 401),
        ("127.0.0.1:8150", "192.0.2.7", 401),
    ],
)
def test_figures_need_no_token_on_this_machine_but_not_under_a_name_of_others(
    app, host, peer, status
):
    """A page of theirs may have its name lead to us (DNS rebinding), and read what we answer."""
    client = TestClient(app, base_url=f"http://{host}", client=(peer, 40_000))
    assert client.get(f"{V1}/metrics").status_code == status


def test_due_dates_go_to_a_calendar_program(app, company):
    company.start("statement", title="the fire")
    feed = _token(app, "calendar", "read", person="tom").get(f"{V1}/calendar.ics")
    assert feed.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in feed.text


HALF = "\\ud800"
"""Half of a surrogate pair, as JSON can say it."""
DAILY = {"playbook": "statement", "rrule": "FREQ=DAILY", "at": "09:00", "timezone": "Europe/Oslo"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("cases", {**NEW, "inputs": {"title": "HALF"}}),
        ("cases", {**NEW, "inputs": {"title": "a", "HALF": 1}}),
        ("cases", {**NEW, "HALF": 1}),
        ("schedules", {**DAILY, "inputs": {"title": "HALF"}}),
        ("schedules", {**DAILY, "timezone": "Europe"}),
    ],
    ids=["a value", "a key", "an unknown field", "of a schedule", "a folder of time zones"],
)
def test_what_nothing_can_keep_is_refused_and_is_no_fault(client, path, body):
    sent = json.dumps(body).replace("HALF", HALF)
    headers = {"content-type": "application/json"}
    answer = client.post(f"{V1}/{path}", content=sent, headers=headers)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("name", "data", "url", "code"),
    [
        ("page.html", b"<script>", "", "unknown-kind"),
        ("capture.png", b"MZ", "", "other-kind"),
        ("capture.pdf", b"%PDF-1", "javascript:alert(1)", "not-an-address"),
        ("../\u202ecapture.pdf", b"%PDF-1", "https://example.org/post", None),
    ],
)
def test_a_program_attaches_what_a_page_would(app, company, name, data, url, code):
    item = company.item(company.start("statement", title="the fire"), "write")
    sent = {"files": {"file": (name, data)}, "data": {"url": url}}
    tom = _session(app, "tom")
    assert tom.post(f"{V1}/items/{item}/attach", **sent).json().get("code") == code
    shown = [each["name"] for each in tom.get(f"{V1}/items/{item}").json()["attachments"]]
    assert shown == ([] if code else ["\\u202ecapture.pdf"])
