"""Every page that there is, in light and dark: accessible to all, within a phone, without a complaint.

The pages are the application's own routes: a new one fails here until it is given addresses below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Page

from smr_engine.services import accounts, cases, reading
from smr_engine.services.cases import Opening
from smr_engine.services.workspace import Actor
from smr_engine.web.app import create_app
from tests.services.company import Company
from tests.services.playbooks import EVERYTHING, PAIR, STATEMENT
from tests.support.screens import PHONE, Screens
from tests.support.web import KEEPER

RUN_AXE = "(options) => axe.run(document, options).then((found) => found.violations)"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NO_PAGES = {
    "/live": "a stream of events",
    "/playbooks/{name}/picture.svg": "a picture",
    "/audit/{ref}/decisions.csv": "a table for spreadsheets",
    "/items/{item}/attachments/{digest}": "a download",
}
KINDS_OF_ITEMS = ("task", "draft", "decision", "approval", "publish", "acknowledgement", "repair")
SIDEWAYS = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("main *, header *, footer *")]
    .filter((one) => one.getBoundingClientRect().right > wide + 1)
    .map((one) => one.outerHTML.slice(0, 120)).slice(0, 3);
}"""
"""What makes a page scroll sideways."""
SMALL = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((one) => one.tabIndex >= 0 && one.type !== "hidden" && one.checkVisibility())
  .filter((one) => !one.matches(".skip"))
  .filter((one) => {  // links in a sentence are excepted, as in WCAG 2.5.8
    const around = one.closest("p, li, td, th, dd, small, h1, h2, h3");
    return !(one.matches("a") && getComputedStyle(one).display === "inline"
      && around && around.innerText.trim() !== one.innerText.trim());
  })
  .filter((one) => {
    const box = (one.labels?.[0] ?? one).getBoundingClientRect(), own = one.getBoundingClientRect();
    return Math.max(box.height, own.height) < 24 || Math.max(box.width, own.width) < 24;
  })
  .map((one) => one.outerHTML.slice(0, 160))"""
"""What is smaller than a finger needs it."""
KINDS = """
playbook: kinds
version: 1.0.0
title: All kinds of work
owner: smr-lead
severity: {title: Severity, levels: [sev1, sev2], initial: sev1}
documents:
  post: {title: Post, audience: public, template: Soon.}
  reply: {title: Reply, audience: public, template: We answer.}
clocks: {answer: {title: Answer the regulator, runs_from: "{{ case.opened_at }}", due: 4h}}
steps:
  - {id: brief, kind: draft, document: reply, assign: {role: comms-writer}}
  - id: at_once
    kind: parallel
    branches:
      - id: a
        steps:
          - id: task
            kind: task
            title: Fill in a form
            help: Two sources for each.
            assign: {role: comms-writer}
            evidence: true
            due: 1h
            checklist: [Two sources agree, Nobody is named]
            fields:
              summary: {title: Summary, type: long_text, help: What happened.}
              seen: {title: First seen, type: datetime}
              day: {title: Day, type: date, optional: true}
              who: {title: Who looks after it, type: person}
              hurt: {title: Is anybody hurt?, type: yes_no}
              kind: {title: Kind, type: [recall, breach]}
              urls: {title: Addresses, type: list, of: url, min: 1}
              groups:
                title: Groups
                type: list
                of:
                  type: object
                  fields:
                    group: {title: Group, type: text, help: Partners for example.}
                    state: {title: State, type: [told, acted]}
      - {id: b, steps: [{id: draft, kind: draft, document: post, assign: {role: comms-writer}, checks: [{max_words: 5}]}]}
      - id: c
        steps:
          - id: tree
            kind: decision
            title: Do we answer?
            assign: {role: comms-writer}
            tree:
              - {id: about_us, ask: Is it about us?, if_yes: harmful, if_no: {outcome: ignore}}
              - {id: harmful, ask: Does it do harm?, if_yes: {outcome: answer}, if_no: {outcome: ignore}}
      - {id: d, steps: [{id: choice, kind: decision, title: In which tone?, assign: {role: comms-writer}, choice: [plain, warm]}]}
      - id: e
        steps:
          - id: tell
            kind: notify
            title: Tell the executives
            to: {group: executives}
            message: {subject: It is out, body: Use these words only.}
            acknowledge: {due: 1d, wait: true}
      - id: f
        steps:
          - id: approve
            kind: approval
            title: Approve the reply
            documents: [reply]
            quorum: [{role: legal}]
            due: 2h
            break_glass: {role: exec-sponsor, ratify_within: 4h}
          - {id: post, kind: publish, document: reply, requires: [approve], account: wikipedia-talk}
"""


Address = tuple[str | None, str]
"""Who opens a page, and where; None: a stranger."""


class House:
    """A company with a case in every state and an item of every kind."""

    def __init__(self, company: Company) -> None:
        self.company = company
        texts = {"statement": STATEMENT, "kinds": KINDS, "everything": EVERYTHING, "pair": PAIR}
        for name, text in texts.items():
            company.playbook(name, text)
        self.rewritten = self._rewritten()
        self.closed = self._closed()
        self.held = self._held()
        self.late = company.start("statement", title="Stoves that burn")
        company.clock.move(hours=3)
        drill = cases.start(company.ws, Actor("ana"), "kinds", {}, Opening(drill=True))
        self.drill = drill.case
        self.open = company.start("kinds")
        for case in (self.drill, self.open):
            company.write(company.item(case, "brief"), "We answer.\n\nAll of it.")
        company.work()
        self.manual = self._manual()

    def _rewritten(self) -> str:
        """Return a case whose second text waits, with a decision on the first."""
        case = self.company.start("statement", title="Helmets that tear")
        for text in ("A supplier was careless.\nWe look.", "A strap can tear.\nWe look."):
            self.company.write(self.company.item(case, "write"), text)
            approval = self.company.item(case, "approve")
            if "careless" in text:
                self.company.vote(approval, "carl")
                self.company.vote(approval, "lea", "request_changes", "Only what is confirmed.")
        return case

    def _closed(self) -> str:
        case = self.company.start("statement", title="Tents that leak")
        self.company.write(self.company.item(case, "write"), "A seam can leak.")
        self.company.vote(self.company.item(case, "approve"), "lea", "reject", "Not yet.")
        return case

    def _held(self) -> str:
        """Return a case that waits for a repair, as nobody is left to approve."""
        case = self.company.start("statement", title="Ropes that slip")
        self.company.write(self.company.item(case, "write"), "A rope can slip.")
        for person in ("lea", "paul"):
            self.company.vote(self.company.item(case, "approve"), person, "recuse", "My brother's.")
        return case

    def _manual(self) -> str:
        """Return a case whose reply is to be posted by hand."""
        case = self.company.start("kinds")
        self.company.write(self.company.item(case, "brief"), "We answer.")
        self.company.vote(self.company.item(case, "approve"), "lea")
        return case

    def items(self) -> list[Address]:
        """Return one item of every kind and state, with somebody whom it asks or asked."""
        with self.company.ws.storage.reading() as unit:
            rows = [row for case in self.cases for row in unit.queries.items(case=case)]
        found = {(row.kind, row.status): row.id for row in rows}
        assert {kind for kind, _ in found} == set(KINDS_OF_ITEMS)
        return [self._asked(item) for item in found.values()]

    def waiting(self, step: str) -> Address:
        """Return the item of a step of the drill, with somebody whom it asks."""
        return self._asked(self.company.item(self.drill, step))

    def _asked(self, item: str) -> Address:
        offered = reading.item_view(self.company.ws, item, None).offered
        return (offered or ["lea"])[0], f"/items/{item}"

    @property
    def cases(self) -> Sequence[str]:
        return (
            self.open,
            self.late,
            self.rewritten,
            self.held,
            self.closed,
            self.drill,
            self.manual,
        )

    def approval(self) -> str:
        return f"/items/{self.company.item(self.rewritten, 'approve')}"


ADDRESSES: Mapping[str, Callable[[House], Iterable[Address]]] = {
    "/": lambda _: [("ana", "/")],
    "/inbox": lambda _: [("tom", "/inbox"), ("kit", "/inbox")],
    "/cases": lambda _: [("ana", "/cases"), ("ana", "/cases?q=nothing-like-it")],
    "/cases/{ref}": lambda house: (
        [("ana", f"/cases/{ref}") for ref in house.cases] + [("kit", f"/cases/{house.open}")]
    ),
    "/cases/{ref}/documents/{name}": lambda house: [
        ("ana", f"/cases/{house.rewritten}/documents/statement"),
        ("ana", f"/cases/{house.rewritten}/documents/statement?old=2&new=3"),
    ],
    "/items/{item}": lambda house: [*house.items(), ("ana", house.approval())],
    "/playbooks": lambda _: [("ana", "/playbooks")],
    "/playbooks/{name}": lambda _: [
        ("ana", f"/playbooks/{name}") for name in ("crisis-response", "blogger-outreach", "kinds")
    ],
    "/schedules": lambda _: [("ana", "/schedules"), ("lea", "/schedules")],
    "/audit": lambda _: [("ana", "/audit"), ("ana", "/audit?words=nothing-like-it")],
    "/audit/log": lambda _: [("ana", "/audit/log")],
    "/audit/verify": lambda _: [("ana", "/audit/verify")],
    "/audit/{ref}": lambda house: (
        [("ana", f"/audit/{ref}") for ref in (house.closed, house.late)]
        + [("ana", f"/audit/{house.rewritten}")]
    ),
    "/system": lambda _: [("ana", "/system")],
    "/sign-in": lambda _: [(None, "/sign-in")],
    "/sign-in/code": lambda _: [(None, "/sign-in/code")],
    "/invitation/{token}": lambda house: [
        (None, accounts.invite(house.company.ws, KEEPER, "zoe").path),
        (None, "/invitation/unknown"),
    ],
    "/step-up": lambda _: [("lea", "/step-up")],
    "/account": lambda _: [("lea", "/account")],
    "/account/people": lambda _: [("ana", "/account/people")],
}
MORE: Sequence[Address] = (("lea", "/nothing-here"), (None, "/nothing-here"), ("lea", "/system"))
"""Pages that say that something is not there, or not for this person."""


@pytest.fixture(scope="module")
def house(company) -> House:
    return House(company)


def routes(app) -> set[str]:
    """Return the paths of all pages for people."""
    found = {each.path for each in iter_route_contexts(app.routes) if "GET" in (each.methods or ())}
    return {path for path in found if not path.startswith("/api/")} - set(NO_PAGES)


def test_every_page_is_looked_at(company):
    assert routes(create_app(company.ws)) == set(ADDRESSES)


def faults(page: Page, name: str) -> list[tuple[str, ...]]:
    """Return what is wrong with the page that is open, in light and in dark."""
    page.evaluate(AXE_SCRIPT)
    found: list[tuple[str, ...]] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        only = RULES if scheme == "light" else {"type": "rule", "values": ["color-contrast"]}
        options = {"runOnly": only, "resultTypes": ["violations"]}
        violations = page.evaluate(RUN_AXE, options)
        found += [(name, scheme, v["id"], n["html"][:200]) for v in violations for n in v["nodes"]]
    found += [(name, "sideways", wide) for wide in page.evaluate(SIDEWAYS)]
    found += [(name, "small", small) for small in page.evaluate(SMALL)]
    return found


SPOIL = """() => {
  const main = document.querySelector("main");
  const add = (tag, style, text = "") =>
    Object.assign(main.appendChild(document.createElement(tag)), {textContent: text}).style.cssText = style;
  add("img", "width: 30px; height: 30px");
  add("p", "color: #777; background: #888", "Hard to read");
  add("button", "width: 10px; height: 10px; min-width: 0; padding: 0", "x");
  add("p", "width: 900px", "Too wide for a phone");
}"""


def test_what_is_looked_for_would_be_found(house, screens: Screens):
    page = screens.of("ana", viewport=PHONE)
    page.goto("/inbox")
    assert faults(page, "before") == []
    page.evaluate(SPOIL)
    found = {tuple(fault[1:3] if len(fault) > 3 else fault[1:2]) for fault in faults(page, "after")}
    contrast = {("light", "color-contrast"), ("dark", "color-contrast")}
    assert found >= {("light", "image-alt"), ("sideways",), ("small",), *contrast}


def test_nothing_is_wrong_with_any_page(house, screens: Screens):
    pages: dict[str | None, Page] = {}
    found: list[tuple[str, ...]] = []
    for route, addresses in (*ADDRESSES.items(), ("", lambda _: MORE)):
        for person, address in addresses(house):
            page = pages.get(person) or pages.setdefault(person, screens.of(person, viewport=PHONE))
            answer = page.goto(address)
            assert answer is not None
            assert answer.ok or not route or "unknown" in address, (address, answer.status)
            found += faults(page, f"{address} for {person}")
    assert found == [], "\n".join(map(str, found))


def test_nothing_is_wrong_with_what_comes_after_a_button(house, screens: Screens):
    """Previews, refusals and forms with faults."""
    found: list[tuple[str, ...]] = []
    for (person, address), button in (
        (("ana", "/playbooks/kinds"), "Preview reminders and escalations"),
        (("ana", "/playbooks/crisis-response"), "Start"),
        (("lea", house.approval()), "Reject"),
        (house.waiting("task"), "Done"),
        (house.waiting("tree"), "Decide"),
        (house.waiting("draft"), "Check and preview"),
    ):
        page = screens.of(person, viewport=PHONE)
        page.goto(address)
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_load_state()
        found += faults(page, f"{button} at {address}")
    assert found == [], "\n".join(map(str, found))
