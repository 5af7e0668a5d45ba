"""Behind a proxy that serves us under a prefix, whether it takes the prefix off or not."""

from __future__ import annotations

import re

import pytest

from tests.support.web import PASSWORD, application, session_of, visit_as

PUBLIC = "https://desk.example.test/smr"
WAYS = pytest.mark.parametrize("kept", ["", "/smr"], ids=["taken off", "left on"])


@pytest.fixture(scope="module")
def lea(company):
    return visit_as(application(company.ws, PUBLIC), "lea")


@WAYS
def test_every_address_of_a_page_lies_below_the_prefix(lea, kept):
    text = lea.get(f"{kept}/inbox").text
    found = re.findall(r'(?:href|src|action|hx-get|sse-connect)="(/[^"]*)"', text)
    assert found
    assert [address for address in found if not address.startswith("/smr/")] == []


@WAYS
def test_style_and_scripts_are_found(lea, kept):
    lea.get(f"{kept}/static/smr.css")


@WAYS
def test_a_stranger_is_led_to_sign_in_below_the_prefix(company, kept):
    stranger = visit_as(application(company.ws, PUBLIC), None)
    to = stranger.get(f"{kept}/inbox", 303).headers["location"]
    assert to == "/smr/sign-in?next=/inbox"


@WAYS
def test_a_form_comes_from_the_address_that_people_know(company, kept):
    guest = visit_as(application(company.ws, PUBLIC), "tom")
    sent = {"csrf": guest.csrf()}
    known = {"origin": "https://desk.example.test"}
    foreign = {"origin": "https://desk.example.test.evil.example.test"}
    assert guest.client.post(f"{kept}/sign-out", data=sent, headers=foreign).status_code == 403
    answer = guest.client.post(f"{kept}/sign-out", data=sent, headers=known)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/smr/")


def test_cookies_are_secure_where_people_come_by_https_whatever_the_proxy_says(company):
    """The proxy may hand on plain HTTP and say nothing: then the request looks unencrypted."""
    session_of(company.ws, "lea")
    stranger = visit_as(application(company.ws, PUBLIC), None)
    sent = {"who": "lea", "password": PASSWORD}
    answer = stranger.client.post("/sign-in", data=sent)
    cookie = answer.headers.get_list("set-cookie")[0]
    assert cookie.startswith("__Secure-smr_session=")  # `__Host-` needs the path `/`
    assert "Path=/smr;" in cookie
    assert "; Secure" in cookie
    assert "strict-transport-security" in answer.headers
