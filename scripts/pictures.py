"""`make pictures`: the pictures of README.md, from the real pages in the middle of the exercise."""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page
from story import ROOT, Stage
from up import Rehearsal, prepare

sys.path.insert(0, str(ROOT))

from smr_engine.bootstrap import open_workspace
from tests.support.browser import running_browser
from tests.support.screens import Screens
from tests.support.web import served

PICTURES = ROOT / "docs" / "pictures"
DESK = {"width": 800, "height": 720}
LONG = {"width": 800, "height": 860}
PHONE = {"width": 390, "height": 844}
SCALE = 1.5
AS_WEBP = """async (png) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.7).split(",")[1];
}"""
"""The browser writes WebP itself, a quarter of the size."""


def main() -> int:
    """Prepare the sample company, open its pages as its people, and keep what they see."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Rehearsal(Path(folder) / "halden")
        stage.smr("init", str(stage.workspace), "--sample")
        prepare(stage)
        ws = open_workspace(stage.workspace, {})
        with served(ws) as site, running_browser() as browser:
            photograph(Screens(browser, ws, site), stage)
        ws.storage.close()
    return 0


def photograph(screens: Screens, stage: Stage) -> None:
    """Take the pictures; between them Lea approves, and what is owed is done."""
    [item] = [row for row in stage.ask("inbox", "--all") if row["kind"] == "approval"]
    ana = screens.of("ana", viewport=DESK, device_scale_factor=SCALE)
    take(ana, "/", "situation")
    take(ana, f"/cases/{item['case']}", "case")
    lea = screens.of("lea", viewport=PHONE, device_scale_factor=SCALE, is_mobile=True)
    take(lea, f"/items/{item['item']}", "approval", "#changes")
    lea.get_by_role("button", name="Approve", exact=True).click()
    lea.wait_for_load_state()
    stage.smr("work", "--until-idle")
    ana.set_viewport_size(LONG)
    take(ana, f"/audit/{item['case']}", "who-approved-what", "article:first-of-type")


def take(page: Page, path: str, name: str, part: str = "h1") -> None:
    """Keep what the screen shows of a page, with a part of it at the top, as a small picture."""
    page.goto(path)
    page.locator(part).evaluate("(one) => window.scrollTo(0, one.offsetTop - 12)")
    page.wait_for_load_state("load")
    png = base64.b64encode(page.screenshot()).decode()
    blank = page.context.new_page()  # our own pages let no script fetch a picture
    small = base64.b64decode(blank.evaluate(AS_WEBP, png))
    blank.close()
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.webp").write_bytes(small)
    print(f"  docs/pictures/{name}.webp  {len(small) // 1024} KiB")


if __name__ == "__main__":
    sys.exit(main())
