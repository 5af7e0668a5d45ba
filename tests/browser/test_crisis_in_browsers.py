"""A crisis through real browsers: from the start form to the page in the newsroom, and who approved it.

Ana leads, Tom writes, Carl and Lea approve; a conductor works beside the server.
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from smr_engine.services import accounts, reading
from tests.services.playbooks import STATEMENT
from tests.support.screens import PHONE, Screens, conducted
from tests.support.web import KEEPER, PASSWORD

WITHIN_MS = 2_000
FACT = "A strap of the Trail 3 helmet can tear."
BLAMING = "A supplier was careless. A strap of the Trail 3 helmet can tear."
CALM = "A strap of the Trail 3 helmet can tear. Please stop wearing it. <b>We are sorry.</b>"
FOCUSED = """() => {
  const one = document.activeElement, look = getComputedStyle(one);
  const words = one.labels?.[0]?.innerText ?? one.innerText;
  return [words.trim(), look.outlineStyle !== "none" || look.boxShadow !== "none"];
}"""
"""What has the focus, and whether that is to be seen."""
REASON = "We do not know who was careless. Say only what is confirmed."


@pytest.fixture(scope="module", autouse=True)
def conductor(company):
    company.playbook("statement", STATEMENT)
    with conducted(company.ws):
        yield


def start(page: Page, title: str) -> str:
    """Fill in the start form; return the reference of the case that it opened."""
    page.goto("/playbooks")
    page.get_by_role("link", name="Holding statement").first.click()
    page.get_by_label("What it is about").fill(title)
    page.get_by_label("Kind of matter").select_option("recall")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/cases/HOLD-*")
    return page.url.rsplit("/", 1)[-1]


def open_item(page: Page, case: str, title: str) -> str:
    """Open what waits for somebody, from the inbox; return the item."""
    card = page.locator("#waiting li", has_text=case).get_by_role("link", name=title, exact=True)
    page.goto("/inbox")
    while not card.count():  # what a conductor owes comes first
        page.wait_for_timeout(100)
        page.goto("/inbox")
    card.click()
    page.wait_for_url("**/items/*")
    return page.url.rsplit("/", 1)[-1]


def verify(page: Page, case: str) -> None:
    open_item(page, case, "Verify what happened")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("group", name="Confirmed facts").get_by_role("textbox").first.fill(FACT)
    page.get_by_label("Where the captures are kept").fill("evidence/1")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_text("Done")).to_be_visible()


def write(page: Page, case: str, text: str) -> None:
    """Write the statement, and answer that it does not apologise."""
    open_item(page, case, "Write the holding statement")
    page.locator("textarea[name=text]").fill(text)
    page.get_by_role("button", name="Save and done").click()
    page.wait_for_load_state()
    open_item(page, case, "Weigh the words")
    page.get_by_role("radio", name="No").check()
    page.get_by_role("button", name="Decide").click()
    page.wait_for_load_state()


def decide(page: Page, case: str, button: str, reason: str = "") -> None:
    open_item(page, case, "Approve the holding statement")
    page.get_by_label("Reason").first.fill(reason)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("status").get_by_text("You ")).to_be_visible()


def to_the_last_approval(screens: Screens, lea: Page, **options) -> tuple[str, Page, Page]:
    """Play until only Carl is missing; return the case, and the pages of Ana and Carl."""
    ana, tom, carl = (screens.of(person, **options) for person in ("ana", "tom", "carl"))
    case = start(ana, "Helmet straps that tear")
    verify(ana, case)
    write(tom, case, BLAMING)
    decide(carl, case, "Approve")
    decide(lea, case, "Request changes", REASON)
    open_item(tom, case, "Write the holding statement")
    expect(tom.get_by_text(REASON).first).to_be_visible()
    write(tom, case, CALM)
    open_item(lea, case, "Approve the holding statement")
    expect(lea.locator(".diff del")).to_contain_text("A supplier was careless.")
    expect(lea.locator(".diff ins")).to_contain_text("Please stop wearing it.")
    decide(lea, case, "Approve")
    open_item(carl, case, "Approve the holding statement")
    return case, ana, carl


def test_from_an_invitation_and_the_start_form_to_the_newsroom(company, screens: Screens):
    lea = screens.of(None)
    lea.goto(accounts.invite(company.ws, KEEPER, "lea").path)
    lea.get_by_label("New password").fill(PASSWORD)
    lea.get_by_role("button", name="Set the password").click()
    case, ana, carl = to_the_last_approval(screens, lea)
    ana.goto(f"/cases/{case}")
    step = ana.locator(".box", has_text="Publish in the newsroom").last
    expect(step).to_contain_text("to come")
    ana.evaluate("window.notReloaded = true")
    carl.get_by_role("button", name="Approve", exact=True).click()
    expect(carl.get_by_role("heading", name="Published: ")).to_be_visible(timeout=WITHIN_MS)
    assert CALM in newsroom(company, case)
    carl.get_by_role("button", name="Who approved it").click()
    expect(carl.locator("article:target")).to_be_in_viewport()
    expect(step).to_contain_text("published", timeout=WITHIN_MS)
    assert ana.evaluate("window.notReloaded")
    ana.goto(f"/audit/{case}")
    shown = ana.locator("main")
    for words in ("Carl Weiss", "Lea Hoffmann", REASON, CALM, BLAMING, "Went live"):
        expect(shown).to_contain_text(words)
    expect(ana.locator("tr.void", has_text="Carl Weiss")).to_contain_text("void: ")


def test_on_phones_and_without_scripts(company, screens: Screens):
    phone = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "java_script_enabled": False}
    case, ana, carl = to_the_last_approval(screens, screens.of("lea", **phone), **phone)
    carl.get_by_role("button", name="Approve", exact=True).tap()
    assert CALM in newsroom(company, case)
    step = ana.locator(".box", has_text="Publish in the newsroom").last
    for _ in range(20):  # without scripts one asks again oneself
        ana.goto(f"/cases/{case}")
        if "published" in (step.text_content() or ""):
            return
        ana.wait_for_timeout(WITHIN_MS / 10)
    pytest.fail("the page never says that it is published")


def test_requesting_changes_by_keyboard_alone(company, screens: Screens):
    case = company.start("statement", title="Stoves")
    company.write(company.item(case, "write"), "We are looking into it.")
    page = screens.of("lea")
    page.goto("/inbox")
    tab_to(page, "Approve the statement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/items/*")
    item = page.url.rsplit("/", 1)[-1]
    tab_to(page, "Reason")
    page.keyboard.type(REASON)
    tab_to(page, "Request changes")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You asked for changes")).to_be_visible()
    [vote] = reading.item_view(company.ws, item, "lea").votes
    assert (vote["decision"], vote["comment"]) == ("request_changes", REASON)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus, and shows that it has."""
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        words, visible = page.evaluate(FOCUSED)
        assert visible, f"no focus to be seen on {words!r}"
        if words == name:
            return
        seen.append(words)
    pytest.fail(f"{name} is not reached by Tab, only {seen}")


def newsroom(company, case: str) -> str:
    """Return what the newsroom says of a case, once it does."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        texts = [path.read_text("utf-8") for path in (company.root / "newsroom").rglob("*.md")]
        if found := [text for text in texts if case in text]:
            return found[0]
        time.sleep(0.02)
    pytest.fail("nothing was published")
