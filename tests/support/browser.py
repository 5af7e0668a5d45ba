"""A real browser for the tests: Debian's Chromium, driven by Playwright; installed if it is missing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

SWITCHES = (  # nothing of the browser's own goes out, and it runs where root runs it
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run one browser; contexts of it are as separate as the machines of several people."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(SWITCHES))
        try:
            yield browser
        finally:
            browser.close()


def chromium() -> str:
    """Return the path of Chromium, installed from Debian's package where there is none.

    Raises:
        RuntimeError: there is none and it cannot be installed; the tests fail then, on purpose.
    """
    with (Path(tempfile.gettempdir()) / f"smr-chromium-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _found()
        if found is None:
            _install()
            found = _found()
    if found is None:
        message = "Chromium is needed for the tests: apt-get install chromium"
        raise RuntimeError(message)
    return found


def _found() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def _install() -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ("apt-get", "update", "-qq"),
        ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"),
    ):
        subprocess.run(command, check=False, env=environ, stdout=subprocess.DEVNULL)
