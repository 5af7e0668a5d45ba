"""People before their screens: one browser context each, and everything that a browser complains of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page

from smr_engine.services.workspace import Workspace
from smr_engine.web.visit import COOKIE
from tests.support.houses import work
from tests.support.web import session_of

PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 10_000


@dataclass
class Screens:
    """Opens pages of a served workspace, and keeps what went wrong on any of them."""

    browser: Browser
    ws: Workspace
    site: str
    complaints: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)

    def of(self, person: str | None, **options: Any) -> Page:
        """Return a new page in a browser of somebody's own; None: of a stranger."""
        context = self.browser.new_context(base_url=self.site, reduced_motion="reduce", **options)
        if person is not None:
            if person not in self.sessions:
                self.sessions[person] = session_of(self.ws, person)
            context.add_cookies(
                [{"name": COOKIE, "value": self.sessions[person], "url": self.site}]
            )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda m: self._heard(page, m.type, m.text))
        page.on("pageerror", lambda error: self._heard(page, "error", str(error)))
        return page

    def _heard(self, page: Page, kind: str, text: str) -> None:
        refused = "the server responded with a status of 4" in text  # said of every refusal
        if kind in {"error", "warning"} and not refused:
            self.complaints.append(f"{page.url}: {text}")


@contextmanager
def conducted(ws: Workspace) -> Iterator[None]:
    """Let a conductor do what is owed, as soon as it is, in a thread of its own."""
    stopped = threading.Event()

    def conduct() -> None:
        while not stopped.wait(0.2):
            work(ws)

    thread = threading.Thread(target=conduct, name="conductor")
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
