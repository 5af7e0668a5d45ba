"""The whole crisis playbook for real: its minutes are seconds, and Prefect does the work.

What is published goes to a blog that counts; clocks run, and an update goes out by break-glass.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smr_engine.adapters.shipped import shipped_path
from tests.acceptance.answers import FACTS, LEAK, crisis
from tests.acceptance.test_with_prefect import PATIENCE_S, Conducted
from tests.adapters.servers import Blog, running_blog
from tests.many.site import Machine
from tests.support.program import SMR, cold, sample
from tests.support.story import Row, approves, chooses, fills, in_turn, play, writes

FOLDER = "connector: folder\n    settings: {path: newsroom}"
BLOG = 'connector: http\n    settings: {{url: "{url}/posts", idempotency: true}}'
BEAT = "every: {by_severity: {sev1: 1m, sev2: 4m}, default: 1d}"
LOOK_S = 0.5
DANGER = {**LEAK, "safety_risk": True}


class Timed(Conducted):
    """A house that waits for its beat and whatever else comes by the clock."""

    def wait_until_due(self, patience: timedelta) -> None:
        time.sleep(LOOK_S)


def sooner(text: str) -> str:
    """Return a playbook whose minutes are seconds, and whose hours are minutes."""
    shorter = {"m": "s", "h": "m"}
    text = re.sub(r"\b(\d+)([mh])\b", lambda found: found[1] + shorter[found[2]], text)
    return text.replace(BEAT, "every: 5s")


def company(root: Path, blog: Blog) -> Timed:
    """Make the sample company, whose newsroom is the blog and whose minutes are seconds."""
    house = Timed(sample(root).root)
    register = root / "directory.yaml"
    text = register.read_text(encoding="utf-8")
    assert FOLDER in text
    register.write_text(text.replace(FOLDER, BLOG.format(url=blog.url)), encoding="utf-8")
    with (root / "smr.yaml").open("a", encoding="utf-8") as file:
        file.write("\nconnectors: {allow_inside: [127.0.0.1]}\n")
    for name in ("crisis-response", "holding-statement"):
        shipped = shipped_path("playbooks") / f"{name}.yaml"
        house.playbook(name, sooner(shipped.read_text(encoding="utf-8")))
    return house


def breaks_glass(house: Timed, row: Row) -> None:
    """The sponsor releases what waits for its approval."""
    house.done("break-glass", row["item"], "--reason", "The warning cannot wait", who="eva")


def run_to_its_close(house: Timed, blog: Blog) -> None:
    """Handle a breach that endangers people, and look that nothing is lost or came twice."""
    case = house.start("crisis-response", DANGER)
    facts = {**FACTS, "aware_at": datetime.now(UTC).isoformat()}
    answers = crisis(
        verify=fills("ana", **facts),
        draft_holding=writes("tom"),
        approve_holding=approves("carl", "lea", "dara", "eva"),
        next_move=in_turn(chooses("carl", "choice=update"), chooses("carl", "choice=close")),
        approve_update=in_turn(breaks_glass, approves("carl", "lea", "dara", "rolf")),
        stand_down=chooses("carl", "calm=yes", "promises=yes", "deadlines=yes"),
    )
    shown = play(house, case, answers)
    assert (shown["outcome"], shown["items"]) == ("done", [])
    assert {clock["status"] for clock in shown["clocks"]} == {"met"}
    assert len(house.ask("audit", "log", "--case", case, "--kind", "Ratified")) == 1
    for ref in (case, *shown["children"]):
        ended = {effect["status"] for effect in house.ask("show", ref)["effects"]}
        assert ended <= {"done", "cancelled"}  # what reminds of work that is done is cancelled
        assert None not in flow_runs(house, ref)
    urls = {row["published_url"] for row in house.ask("audit", "who", case)} - {None}
    assert len(urls) == len(blog.posts) == len(set(keys(blog))) == 3
    told = house.mailed("Use these words only")
    assert len(told) == len(set(told)) == 13
    assert house.ask("audit", "verify")["ok"]


def flow_runs(house: Timed, case: str) -> set[str | None]:
    """Return by which flow runs effects of a case were performed; None: without one."""
    done = house.ask("audit", "log", "--case", case, "--kind", "EffectDone")
    return {(row["data"].get("result") or {}).get("flow_run") for row in done}


def keys(blog: Blog) -> list[str]:
    """Return under which keys something was to be published, each time."""
    return [headers["Idempotency-Key"] for verb, _, headers in blog.seen if verb == "POST"]


@contextmanager
def conducted(house: Timed) -> Iterator[None]:
    """Let `smr work` do the work, and then stop the Prefect server that it started."""
    command = [str(SMR), "--workspace", str(house.root), "work"]
    environ = {**os.environ, "SMR_PREFECT_GRACE_SECONDS": str(PATIENCE_S)}
    quiet = subprocess.DEVNULL
    machine = Machine(subprocess.Popen(command, env=environ, stdout=quiet, stderr=quiet))
    try:
        yield
    finally:
        machine.stop()
        cold("--workspace", str(house.root), "down")


@pytest.mark.xdist_group("prefect")
@pytest.mark.soak
def test_a_crisis_with_clocks_and_break_glass_runs_to_its_close_through_prefect(tmp_path):
    with running_blog() as blog:
        house = company(tmp_path / "halden", blog)
        with conducted(house):
            run_to_its_close(house, blog)
        assert len(keys(blog)) == 3
