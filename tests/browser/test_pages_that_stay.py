"""A page that reads itself again does not take away what somebody has in hand."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from smr_engine.services import cases
from smr_engine.services.workspace import Actor
from tests.services.playbooks import STATEMENT
from tests.support.screens import Screens

TWO_AT_ONCE = """
playbook: two
version: 1.0.0
title: Two things at once
owner: smr-lead
steps:
  - id: both
    kind: parallel
    branches:
      - {id: find, steps: [{id: ask, kind: task, assign: {role: comms-writer}}]}
      - {id: tell, steps: [{id: call, kind: task, assign: {role: comms-writer}}]}
"""
FOCUSED = "() => document.activeElement.getAttribute('href') ?? document.activeElement.tagName"


def asked(company, title: str, hours: int = 0) -> str:
    """Ask for an approval; return the reference of its case."""
    company.clock.move(hours=hours)
    case = company.start("statement", title=title)
    company.write(company.item(case, "write"), "We are looking into it.")
    return case


def test_the_focus_stays_on_its_line(company, screens: Screens):
    company.playbook("statement", STATEMENT)
    first, second = asked(company, "Stoves"), asked(company, "Tents", hours=1)
    page = screens.of("lea")
    page.goto("/inbox")
    address = f"/items/{company.item(second, 'approve')}"
    page.locator(f"h2 a[href='{address}']").focus()
    company.vote(company.item(first, "approve"), "lea")  # the line above it goes
    expect(page.locator(".card")).to_have_count(1)
    assert page.evaluate(FOCUSED) == address


def test_the_focus_stays_when_a_line_comes_before_it(company, screens: Screens):
    company.playbook("statement", STATEMENT)
    case = asked(company, "Ropes", hours=1)
    page = screens.of("ana")
    page.goto("/")
    page.get_by_role("link", name="Ropes").focus()
    heard_of(page, asked(company, "Helmets"))
    assert page.evaluate(FOCUSED) == f"/cases/{case}"


def heard_of(page: Page, case: str) -> None:
    expect(page.locator(f"h2 a[href='/cases/{case}']")).to_be_visible()


def test_what_was_opened_or_folded_stays_so(company, screens: Screens):
    company.playbook("two", TWO_AT_ONCE)
    case = company.start("two")
    page = screens.of("ana")
    page.goto(f"/cases/{case}")
    shut = page.locator(".box details").first
    expect(shut).to_have_attribute("open", "")
    shut.locator("summary").first.press("Enter")
    cases.note(company.ws, Actor("ana"), case, "The press calls")
    expect(page.get_by_text("The press calls")).to_be_visible()
    expect(shut).not_to_have_attribute("open", "")
