"""What no page of ours sends does nothing, and what goes out carries its headers."""

from __future__ import annotations

import pytest

from tests.support.web import application, visit_as


@pytest.fixture(scope="module")
def lea(app):
    return visit_as(app, "lea")


def test_every_answer_forbids_scripts_and_frames_of_others(lea, app):
    for answer in (
        lea.get("/inbox"),
        lea.get("/nowhere", 404),
        visit_as(app, None).get("/sign-in"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_of_its_own(lea):
    text = lea.get("/inbox").text
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert "onclick" not in text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example.test"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_sent_by_another_site_does_nothing(lea, headers):
    answer = lea.post("/sign-out", status=403, headers=headers)
    assert "another site" in answer.text
    lea.get("/inbox")


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_that_was_not_made_for_this_session_does_nothing(lea, token):
    answer = lea.client.post("/sign-out", data={"csrf": token})
    assert answer.status_code == 409
    assert "out of date" in answer.text
    lea.get("/inbox")


def test_a_form_of_somebody_else_does_nothing(lea, app):
    other = visit_as(app, "tom").csrf()
    assert lea.client.post("/sign-out", data={"csrf": other}).status_code == 409


def test_a_body_that_is_too_long_or_of_unknown_length_is_not_read(lea):
    assert lea.client.post("/sign-out", content=b"x" * (3 << 20)).status_code == 413
    assert lea.client.post("/sign-out", content=iter([b"x"])).status_code == 411


def test_a_stranger_is_led_to_sign_in_and_back(app):
    stranger = visit_as(app, None)
    answer = stranger.get("/items/X-2026-0001.1?a=b&next=//evil", 303)
    assert answer.headers["location"] == (
        "/sign-in?next=/items/X-2026-0001.1%3Fa%3Db%26next%3D//evil"
    )


def test_a_part_of_a_page_is_not_replaced_by_the_sign_in_form(app):
    answer = visit_as(app, None).get("/inbox", 204, headers={"hx-request": "true"})
    assert answer.headers["hx-redirect"] == "/sign-in?next=/inbox"


@pytest.mark.parametrize("path", ["/nowhere", "/cases/NONE-2026-0001"])
def test_what_is_not_there_says_so_and_keeps_the_way_on(app, lea, path):
    text = lea.get(path, 404).text
    assert "<h1>There is nothing at this address</h1>" in text
    assert 'href="/inbox"' in text
    assert 'href="/inbox"' not in visit_as(app, None).get("/nowhere", 404).text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://["}, 403),
        ({"content-length": "9" * 5_000}, 411),
        ({"content-length": b"\xb2"}, 411),
        ({"content-type": "multipart/form-data; boundary=x; charset=punycode"}, 415),
    ],
    ids=["an origin that is none", "a length without end", "a length in other digits", "a codec"],
)
def test_a_header_that_no_browser_sends_is_refused_in_a_sentence(app, headers, status):
    """The last: punycode takes 18 s for the MiB of one field, in which nobody else is answered."""
    answer = visit_as(app, None).client.post("/sign-in", content=b"", headers=headers)
    assert answer.status_code == status
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("path", ["/cases/X-2026-0001/signals/attach", "/playbooks/attach"])
def test_only_an_attachment_may_be_large(lea, path):
    content = {"content": b"x", "headers": {"content-length": str(3 << 20)}}
    assert lea.client.post(path, **content).status_code == 413


def test_a_strangers_form_is_not_read(app):
    """What is read is parsed, on the one thread that all are answered by."""
    answer = visit_as(app, None).client.post("/sign-out", data={f"f{n}": "" for n in range(3_000)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_fault_is_told_with_the_headers_of_every_answer(company, monkeypatch, caplog):
    """Without them it could be kept by a cache and framed by others."""
    guest = visit_as(application(company.ws, "https://desk.example.test/smr"), "lea")
    monkeypatch.setattr(company.ws.files, "names", lambda: 1 / 0)
    answer = guest.get("/playbooks", 500)
    assert "ZeroDivisionError" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert 'href="/smr/"' in answer.text
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/audit/log?before=" + "9" * 30, 422),
        ("/audit?first=0001-01-01", 422),
        ("/audit?last=9999-12-31", 422),
        ("/api/v1/audit/events?since=0001-01-01T00:00:00%2B23:00", 422),
        ("/api/v1/audit/events?until=9999-12-31T23:00:00-23:00", 422),
        ("/playbooks/" + "a" * 300, 404),
        ("/playbooks/" + "a" * 300 + "/picture.svg", 404),
    ],
)
def test_what_lies_beyond_every_bound_is_no_fault_of_ours(app, path, status):
    visit_as(app, "ana" if "events" in path or "log" in path else "lea").get(path, status)
