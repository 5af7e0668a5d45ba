"""Signing in with a real browser: without scripts on a phone, by keyboard, and for everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from smr_engine.services import accounts, second_factor, sessions
from smr_engine.web.visit import COOKIE
from tests.support.browser import running_browser
from tests.support.web import KEEPER, PASSWORD, served

pytestmark = pytest.mark.untraced

PHONE = {"width": 360, "height": 740}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def site(company) -> Iterator[str]:
    with served(company.ws) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def opened(browser: Browser, **options) -> Page:
    """Return a page of a browser that nobody is signed in with; what is slow fails."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(10_000)
    return page


def code(company, secret: str) -> str:
    company.clock.move(seconds=60)
    return pyotp.TOTP(secret).at(int(company.clock.now().timestamp()))


def fits(page: Page) -> bool:
    """Return whether nothing has to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def sign_in(page: Page, person: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name or mail address").fill(person)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def use_codes(page: Page, digits: str) -> None:
    page.get_by_role("textbox", name="One-time code").fill(digits)
    page.get_by_role("button", name="Use one-time codes").click()


def begin_codes(page: Page, site: str) -> str:
    """Begin to set up one-time codes; return the secret that is shown."""
    page.goto(f"{site}/account")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set up one-time codes").click()
    return page.locator("#second-factor code").inner_text()


@pytest.fixture
def without_codes(company) -> Iterator[None]:
    """Nobody has one-time codes after the test."""
    yield
    for person in ("tom", "lea"):
        second_factor.remove_of(company.ws, KEEPER, person)


@pytest.mark.usefixtures("without_codes")
def test_invitation_and_codes_on_a_phone_without_scripts(company, site, browser):
    page = opened(browser, viewport=PHONE, java_script_enabled=False)
    page.goto(f"{site}{accounts.invite(company.ws, KEEPER, 'tom').path}")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    secret = begin_codes(page, site)
    assert page.locator(".qr svg").bounding_box()["width"] > 150
    use_codes(page, "000000")
    assert "not a code of now" in page.get_by_role("alert").inner_text()
    use_codes(page, code(company, secret))
    assert "From now on" in page.get_by_role("status").inner_text()
    page.wait_for_load_state()
    assert page.get_by_role("banner").bounding_box()["height"] < 100  # two rows of links
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto(f"{site}/inbox?all=1")
    sign_in(page, "tom")
    page.get_by_role("textbox", name="One-time code").fill(code(company, secret))
    page.get_by_role("button", name="Go on").click()
    assert page.url == f"{site}/inbox?all=1"
    [cookie] = [c for c in page.context.cookies() if c["name"] == COOKIE]
    assert sessions.recognise(company.ws, cookie["value"]).assurance == "mfa"


def test_signing_in_by_keyboard_alone(company, site, browser):
    accounts.set_password(company.ws, KEEPER, "lea", PASSWORD)
    page = opened(browser)
    page.goto(f"{site}/inbox")
    page.locator("[name=who]:focus").wait_for()  # browsers give it after they have loaded the page
    page.keyboard.type("lea")
    page.keyboard.press("Tab")
    page.keyboard.type("not this one at all")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Name or mail address").input_value() == "lea"
    page.locator("[name=password]:focus").wait_for()  # the field at fault
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/inbox")


def walk(page: Page, company, site: str) -> Iterator[str]:
    """Go through the pages for signing in, whose names are yielded."""
    page.goto(f"{site}{accounts.invite(company.ws, KEEPER, 'mira').path}")
    yield "invitation"
    page.goto(f"{site}/sign-in")
    sign_in(page, "lea", "wrong")
    yield "sign-in"
    sign_in(page, "lea")
    page.goto(f"{site}/step-up")
    yield "no codes"
    secret = begin_codes(page, site)
    yield "enrolment"
    use_codes(page, code(company, secret))
    page.get_by_text("Remove them").click()
    yield "account"
    page.goto(f"{site}/step-up")
    yield "step-up"
    page.goto(f"{site}/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    sign_in(page, "lea")
    yield "code"
    page.goto(f"{site}/sign-in?next=/account/people")
    sign_in(page, "ana")
    page.get_by_role("button", name="Invite for Hugo").click()
    yield "people"


@pytest.mark.usefixtures("without_codes")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_for_signing_in(company, site, browser, scheme):
    for person in ("lea", "ana"):
        accounts.set_password(company.ws, KEEPER, person, PASSWORD)
    page = opened(browser, color_scheme=scheme, viewport=PHONE, reduced_motion="reduce")
    faults = []
    for name in walk(page, company, site):
        page.wait_for_load_state()
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        faults += [(name, v["id"], [n["html"] for n in v["nodes"]]) for v in found]
        faults += [] if fits(page) else [(name, "scrolls sideways")]
    assert faults == []
