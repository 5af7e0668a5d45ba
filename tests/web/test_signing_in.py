"""Signing in and out over HTTP, without scripts: what the pages say, and what cookies hold."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest

from smr_engine.adapters.passwords import Argon2Passwords
from smr_engine.services import accounts, second_factor, sessions
from smr_engine.web.pages.signing import local
from smr_engine.web.visit import BROWSER_COOKIE, COOKIE
from tests.support.web import KEEPER, PASSWORD, application, session_of, visit_as


@pytest.fixture(scope="module")
def app(company):
    """The pages; hashing is cheap, for nothing is at stake."""
    company.change(passwords=Argon2Passwords(memory_kib=64))
    return application(company.ws)


@pytest.fixture
def stranger(app):
    return visit_as(app, None)


@pytest.fixture
def lea(app):
    return visit_as(app, "lea")


def send(guest, path: str, status: int = 303, **fields: str):
    """Send a form of somebody who is not signed in."""
    answer = guest.client.post(path, data=fields)
    assert answer.status_code == status, answer.text
    return answer


def now(company, secret: str) -> str:
    """Return the code of now; the clock moves on first, for each is taken once."""
    company.clock.move(seconds=60)
    return pyotp.TOTP(secret).at(int(company.clock.now().timestamp()))


def with_codes(company, guest) -> str:
    """Set one-time codes up as people do; return their secret."""
    guest.post("/account/second-factor", {"password": PASSWORD})
    secret = re.search(r"By hand: <code[^>]*>([A-Z2-7]{32})<", guest.get("/account").text)[1]
    guest.post("/account/second-factor/confirm", {"code": now(company, secret)})
    return secret


@pytest.fixture
def codes(company, lea):
    """Lea's secret; she has no codes after the test."""
    yield with_codes(company, lea)
    second_factor.remove_of(company.ws, KEEPER, "lea")


def test_who_is_not_signed_in_is_asked_to_and_comes_back(stranger, app):
    session_of(app.state.ws, "lea")
    asked = stranger.get("/inbox?all=1", 303)
    assert asked.headers["location"].startswith("/sign-in?next=/inbox")
    form = stranger.get(asked.headers["location"])
    back = re.search(r'name="next" value="([^"]+)"', form.text)[1]
    answer = send(stranger, "/sign-in", who="lea", password=PASSWORD, next=back)
    assert answer.headers["location"] == "/inbox?all=1"
    assert "Lea Hoffmann" in stranger.get("/inbox").text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger, app):
    session_of(app.state.ws, "lea")
    answer = send(stranger, "/sign-in", who="lea", password=PASSWORD)
    cookie = answer.headers.get_list("set-cookie")[0]
    assert cookie.startswith(f"{COOKIE}=")
    for word in ("HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={12 * 3600}"):
        assert word in cookie
    assert "Secure" not in cookie  # on http, which is the local machine only
    stranger.client.base_url = "https://testserver"
    answer = send(stranger, "/sign-in", who="lea", password=PASSWORD)
    cookie = answer.headers.get_list("set-cookie")[0]
    assert cookie.startswith(f"__Host-{COOKIE}=")  # no neighbour below the same domain can set it
    assert "Secure" in cookie
    planted = session_of(app.state.ws, "tom")
    stranger.client.cookies.set(COOKIE, planted)
    assert "Lea Hoffmann" in stranger.get("/inbox").text


def test_signing_in_again_ends_the_session_that_this_browser_had(lea, company):
    before = lea.client.cookies[COOKIE]
    send(lea, "/sign-in", who="lea", password=PASSWORD)
    assert sessions.recognise(company.ws, before) is None
    lea.get("/inbox")


@pytest.mark.parametrize("who", ["lea", "nobody", "", "<script>alert(1)</script>", "\u202e"])
def test_a_wrong_name_and_a_wrong_password_look_the_same(stranger, company, who):
    session_of(company.ws, "lea")
    answer = send(stranger, "/sign-in", 409, who=who, password="wrong pass phrase")
    fault = re.search(r'<small id="password-fault"[^>]*role="alert">([^<]+)<', answer.text)[1]
    assert fault.startswith("The name or the password is not right.")
    assert 'aria-describedby="password-fault" aria-invalid="true"' in answer.text
    assert "wrong pass phrase" not in answer.text
    assert "<script>alert" not in answer.text
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example.test",
        "https://evil.example.test/",
        "/\\evil.example.test",
        "\\\\evil.example.test",
        "/\t/evil.example.test",
        "/\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "",
        "inbox",
    ],
)
def test_what_leads_elsewhere_leads_to_the_situation(path):
    assert local(path) == "/"


def test_signing_in_leads_to_our_own_pages_only(stranger, app):
    session_of(app.state.ws, "lea")
    there = "//evil.example.test"
    assert f'name="next" value="{there}"' not in stranger.get(f"/sign-in?next={there}").text
    answer = send(stranger, "/sign-in", who="lea", password=PASSWORD, next=there)
    assert answer.headers["location"] == "/"
    assert local("/items/CRISIS-2026-0001.3?x=1&y=ä") == "/items/CRISIS-2026-0001.3?x=1&y=ä"


def test_opening_an_invitation_changes_nothing_and_its_form_works_once(stranger, company):
    invited = accounts.invite(company.ws, KEEPER, "tom")
    for _ in range(3):
        page = stranger.get(invited.path)
        stranger.client.head(invited.path)
    assert "Welcome, Tom" in page.text
    assert 'autocomplete="new-password"' in page.text
    weak = send(stranger, invited.path, 422, password="short")
    assert 'id="password-fault" class="fault" role="alert">A password has at least 12' in weak.text
    send(stranger, invited.path, password=PASSWORD)
    assert "Tom" in stranger.get("/inbox").text
    assert "used already" in stranger.get(invited.path, 409).text
    assert "used already" in send(stranger, invited.path, 409, password=PASSWORD).text


def test_signing_out_ends_the_session_and_not_only_the_cookie(lea, company):
    token = lea.client.cookies[COOKIE]
    answer = lea.post("/sign-out")
    assert answer.headers["location"] == "/sign-in?done=left"
    assert COOKIE not in lea.client.cookies
    assert sessions.recognise(company.ws, token) is None
    assert "You are signed out." in lea.get("/sign-in?done=left").text
    lea.client.cookies.set(COOKIE, token)
    lea.get("/inbox", 303)


def test_signing_out_everywhere_ends_all_sessions(lea, company):
    elsewhere = accounts.sign_in(company.ws, "lea", PASSWORD)
    lea.post("/account/sign-out-everywhere")
    assert sessions.recognise(company.ws, elsewhere.token) is None
    lea.get("/inbox", 303)


def test_a_session_ends_when_nobody_uses_it(lea, company):
    company.clock.move(minutes=119)
    lea.get("/inbox")
    company.clock.move(hours=2)
    lea.get("/inbox", 303)


def test_a_page_that_renews_itself_is_nobodys_use_of_a_session(lea, company):
    """Else a screen that was left alone in a crisis, when pages change all day, stays open."""
    for asked in ({"hx-request": "true"}, {"accept": "text/event-stream"}):
        company.clock.move(minutes=59)
        lea.get("/inbox", headers=asked)
    company.clock.move(minutes=2)
    lea.get("/inbox", 303)


def test_one_time_codes_are_asked_for_on_a_page_of_their_own(stranger, company, codes):
    answer = send(stranger, "/sign-in", who="lea", password=PASSWORD, next="/inbox")
    assert answer.headers["location"] == "/sign-in/code?next=/inbox"
    stranger.get("/inbox", 303)  # the password alone opens nothing
    form = stranger.get("/sign-in/code?next=/inbox").text
    assert 'autocomplete="one-time-code"' in form
    assert 'inputmode="numeric"' in form
    wrong = send(stranger, "/sign-in/code", 409, code="000000", next="/inbox")
    assert 'id="code-fault" class="fault" role="alert">This is not a code of now.' in wrong.text
    done = send(stranger, "/sign-in/code", code=now(company, codes), next="/inbox")
    assert done.headers["location"] == "/inbox"
    stranger.get("/inbox")


def test_a_code_that_comes_too_late_leads_back_to_the_password(stranger, company, codes):
    send(stranger, "/sign-in", who="lea", password=PASSWORD)
    company.clock.move(minutes=5)
    late = send(stranger, "/sign-in/code", 409, code=now(company, codes))
    assert "The code came too late" in late.text
    assert 'autocomplete="current-password"' in late.text
    assert (
        visit_as(stranger.client.app, None)
        .get("/sign-in/code", 303)
        .headers["location"]
        .startswith("/sign-in")
    )


def test_setting_codes_up_shows_a_picture_and_then_never_again(lea, company, codes):
    page = lea.get("/account?done=second-factor").text
    assert "From now on you sign in with one-time codes." in page
    assert codes not in page
    assert "<svg" not in page


def test_a_wrong_password_or_first_code_stands_beside_its_field(lea, company):
    answer = lea.post("/account/second-factor", {"password": "not it at all"}, 409)
    assert 'id="begin-password-fault"' in answer.text
    assert "<svg" not in answer.text
    lea.post("/account/second-factor", {"password": PASSWORD})
    page = lea.get("/account").text
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert " style=" not in page
    answer = lea.post("/account/second-factor/confirm", {"code": "000000"}, 409)
    assert 'id="confirm-code-fault"' in answer.text


def test_stepping_up_gives_a_stronger_proof_under_a_new_token(lea, company, codes):
    company.clock.move(minutes=31)
    before = lea.client.cookies[COOKIE]
    assert sessions.recognise(company.ws, before).assurance == "session"
    form = lea.get("/step-up?next=/inbox").text
    assert "asks for a one-time code" in form
    assert lea.post("/step-up", {"code": "000000"}, 409).text.count('role="alert"') == 1
    done = lea.post("/step-up", {"code": now(company, codes), "next": "/inbox"})
    assert done.headers["location"] == "/inbox"
    after = lea.client.cookies[COOKIE]
    assert after != before
    assert sessions.recognise(company.ws, before) is None
    assert sessions.recognise(company.ws, after).assurance == "mfa"


def test_who_has_no_codes_is_led_to_where_they_are_set_up(lea):
    assert "/account#second-factor" in lea.get("/step-up").text


def test_codes_are_removed_by_password_and_code(lea, company, codes):
    remove = "/account/second-factor/remove"
    wrong = lea.post(remove, {"password": "not it at all", "code": now(company, codes)}, 409)
    assert 'id="remove-password-fault"' in wrong.text
    wrong = lea.post(remove, {"password": PASSWORD, "code": "000000"}, 409)
    assert 'id="remove-code-fault"' in wrong.text
    lea.post(remove, {"password": PASSWORD, "code": now(company, codes)})
    assert accounts.sign_in(company.ws, "lea", PASSWORD).assurance == "session"


def test_ones_account_names_ones_roles_by_their_titles(app):
    assert "Roles: Social media relations lead" in visit_as(app, "ana").get("/account").text


def test_a_changed_password_keeps_this_session_and_ends_the_others(lea, company):
    other = accounts.sign_in(company.ws, "lea", PASSWORD)
    fields = {"present": PASSWORD, "password": "another long pass phrase"}
    wrong = lea.post("/account/password", {**fields, "present": "wrong"}, 409)
    assert 'id="present-fault"' in wrong.text
    weak = lea.post("/account/password", {**fields, "password": "lea hoffmann"}, 422)
    assert 'id="new-password-fault"' in weak.text
    done = lea.post("/account/password", fields)
    assert "Your password is changed" in lea.get(done.headers["location"]).text
    assert sessions.recognise(company.ws, other.token) is None


def test_guessing_locks_and_the_page_says_for_how_long(stranger, company):
    session_of(company.ws, "tom")
    for _ in range(5):
        send(stranger, "/sign-in", 409, who="tom", password="a wrong pass phrase")
    locked = send(stranger, "/sign-in", 409, who="tom", password=PASSWORD)
    assert "wait a minute" in locked.text
    company.clock.at += timedelta(minutes=1)
    send(stranger, "/sign-in", who="tom", password=PASSWORD)


def test_who_has_signed_in_there_before_signs_in_while_strangers_are_locked_out(app, company):
    """By form and cookie alone; a sign-out leaves the browser known, one everywhere does not."""
    session_of(company.ws, "tom")
    desk, stranger = visit_as(app, None), visit_as(app, None)
    fields = {"who": "tom", "password": PASSWORD}
    answer = send(desk, "/sign-in", **fields)
    cookie = answer.headers.get_list("set-cookie")[1]
    for word in (f"{BROWSER_COOKIE}=", "HttpOnly", "SameSite=lax", f"Max-Age={365 * 86_400}"):
        assert word in cookie
    desk.post("/sign-out")
    for _ in range(5):
        send(stranger, "/sign-in", 409, who="tom", password="a wrong pass phrase")
    locked = send(stranger, "/sign-in", 409, **fields).text
    assert "Next: use a browser in which you have signed in before." in locked
    send(desk, "/sign-in", **fields)
    assert desk.client.cookies[BROWSER_COOKIE] not in cookie  # a new one each time
    desk.post("/account/sign-out-everywhere")
    send(desk, "/sign-in", 409, **fields)


def test_the_browsers_cookie_lets_nobody_in_and_goes_over_https_only_where_there_is_any(app):
    desk = visit_as(app, None)
    desk.client.base_url = "https://testserver"
    session_of(app.state.ws, "lea")
    answer = send(desk, "/sign-in", who="lea", password=PASSWORD)
    cookie = answer.headers.get_list("set-cookie")[1]
    assert cookie.startswith(f"__Host-{BROWSER_COOKIE}=")
    assert "Secure" in cookie
    known = desk.client.cookies[f"__Host-{BROWSER_COOKIE}"]
    thief = visit_as(app, None)
    for name in (BROWSER_COOKIE, COOKIE):
        thief.client.cookies.set(name, known)
    thief.get("/inbox", 303)


# --- administrators ----------------------------------------------------------------------------


def test_administrators_invite_from_a_page_and_see_the_link_once(app, company, stranger):
    ana = visit_as(app, "ana")
    assert "/account/people" in ana.get("/account").text
    ana.get("/account/people")
    shown = ana.post("/account/people/greta/invite", status=200)
    link = re.search(r"<code[^>]*>(http[^<]+)<", shown.text)[1]
    assert link.startswith("http://testserver/invitation/")
    assert "/invitation/" not in ana.get("/account/people").text
    send(stranger, link.removeprefix("http://testserver"), password=PASSWORD)
    assert accounts.sign_in(company.ws, "greta", PASSWORD).person == "greta"


def test_administrators_remove_the_codes_of_who_lost_their_phone(app, company, codes):
    ana = visit_as(app, "ana")
    assert "Remove codes" in ana.get("/account/people").text
    ana.post("/account/people/lea/remove-codes")
    assert not second_factor.is_set(company.ws, "lea")


def test_nobody_else_lets_people_in(lea):
    assert "/account/people" not in lea.get("/account").text
    for path in ("/account/people/tom/invite", "/account/people/ana/remove-codes"):
        assert "only administrators" in lea.post(path, status=403).text.lower()
    assert "only administrators" in lea.get("/account/people", 403).text.lower()
