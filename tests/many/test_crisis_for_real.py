"""The whole crisis playbook for real: its minutes are seconds, and Prefect does the work.

What is published goes to a blog that counts; clocks run, and an update goes out by break-glass.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smr_engine.adapters.shipped import shipped_path
from smr_engine.services.views import Worked
from tests.acceptance.answers import FACTS, LEAK, crisis
from tests.acceptance.test_with_prefect import PATIENCE_S, Conducted
from tests.adapters.servers import Blog, running_blog
from tests.flows.office import wait_for
from tests.many.site import Machine, running_site, who_talks_to
from tests.support.postgres import drop_database, fresh_database
from tests.support.program import SMR, House, cold, sample
from tests.support.story import Answer, Row, approves, chooses, fills, in_turn, play, writes

FOLDER = "connector: folder\n    settings: {path: newsroom}"
BLOG = 'connector: http\n    settings: {{url: "{url}/posts", idempotency: true}}'
BEAT = "every: {by_severity: {sev1: 1m, sev2: 4m}, default: 1d}"
PLAYBOOKS = ("crisis-response", "holding-statement")
LOOK_S = 0.5
SOON_S = 60.0
DANGER = {**LEAK, "safety_risk": True}
EVERYBODY = approves("carl", "lea", "dara", "eva")
MANY = """
database_url: {database}
prefect_api_url: {api}
dispatcher: work-pool
prefect_hand_over_seconds: 45
"""


class Timed(Conducted):
    """A house that waits for its beat and whatever else comes by the clock."""

    def wait_until_due(self, patience: timedelta) -> None:
        time.sleep(LOOK_S)


class Busy(Timed):
    """A house whose people answer what is there, whatever workers have in hand meanwhile."""

    def work(self) -> Worked:
        return Worked(0, 0, 0)


def sooner(text: str) -> str:
    """Return a playbook whose minutes are seconds, and whose hours are minutes."""
    shorter = {"m": "s", "h": "m"}
    text = re.sub(r"\b(\d+)([mh])\b", lambda found: found[1] + shorter[found[2]], text)
    return text.replace(BEAT, "every: 5s")


def unchased(text: str) -> str:
    """Return a playbook that chases nobody who is late with a step; its clocks still do.

    A leg on a work pool is a process, which takes seconds to begin: reminders that come every few
    seconds would be all that two workers have time for.
    """
    chasing = re.compile(r"^defaults:.*?(?=^documents:)", re.DOTALL | re.MULTILINE)
    assert chasing.search(text)
    return chasing.sub("", text)


def settle(house: House, blog: Blog, changed: Callable[[str], str]) -> None:
    """Give the sample company the blog for a newsroom, and the two playbooks in a changed copy."""
    register = house.root / "directory.yaml"
    text = register.read_text(encoding="utf-8")
    assert FOLDER in text
    register.write_text(text.replace(FOLDER, BLOG.format(url=blog.url)), encoding="utf-8")
    with (house.root / "smr.yaml").open("a", encoding="utf-8") as file:
        file.write("\nconnectors: {allow_inside: [127.0.0.1]}\n")
    for name in PLAYBOOKS:
        shipped = shipped_path("playbooks") / f"{name}.yaml"
        house.playbook(name, changed(shipped.read_text(encoding="utf-8")))


def breaks_glass(house: House, row: Row) -> None:
    """The sponsor releases what waits for its approval."""
    house.done("break-glass", row["item"], "--reason", "The warning cannot wait", who="eva")


def run_to_its_close(house: Conducted, blog: Blog, approve_holding: Answer) -> None:
    """Handle a breach that endangers people, and look that nothing is lost or came twice."""
    case = house.start("crisis-response", DANGER)
    facts = {**FACTS, "aware_at": datetime.now(UTC).isoformat()}
    answers = crisis(
        verify=fills("ana", **facts),
        draft_holding=writes("tom"),
        approve_holding=approve_holding,
        next_move=in_turn(chooses("carl", "choice=update"), chooses("carl", "choice=close")),
        approve_update=in_turn(breaks_glass, approves("carl", "lea", "dara", "rolf")),
        stand_down=chooses("carl", "calm=yes", "promises=yes", "deadlines=yes"),
    )
    play(house, case, answers)
    Conducted.work(house)  # what was still in hand as the case closed
    shown = house.ask("show", case)
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


def flow_runs(house: House, case: str) -> set[str | None]:
    """Return by which flow runs effects of a case were performed; None: without one."""
    done = house.ask("audit", "log", "--case", case, "--kind", "EffectDone")
    return {(row["data"].get("result") or {}).get("flow_run") for row in done}


def keys(blog: Blog) -> list[str]:
    """Return under which keys something was to be published, each time."""
    return [headers["Idempotency-Key"] for verb, _, headers in blog.seen if verb == "POST"]


@contextmanager
def conducted(house: House) -> Iterator[None]:
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
        house = Timed(sample(tmp_path / "halden").root)
        settle(house, blog, sooner)
        with conducted(house):
            run_to_its_close(house, blog, EVERYBODY)
        assert len(keys(blog)) == 3


@contextmanager
def on_many_machines(folder: Path, blog: Blog) -> Iterator[tuple[Busy, list[Machine]]]:
    """Run PostgreSQL, Prefect, a conductor and two workers for the company."""
    with ExitStack() as ended:
        ours, prefects = fresh_database(), fresh_database()
        ended.callback(drop_database, ours)
        ended.callback(drop_database, prefects)
        site = ended.enter_context(running_site(folder, prefects))
        house = Busy(sample(folder / "halden").root)
        with (house.root / "smr.yaml").open("a", encoding="utf-8") as file:
            file.write(MANY.format(database=ours, api=site.api_url))
        settle(house, blog, lambda text: unchased(sooner(text)))
        deployed = cold("--workspace", str(house.root), "deploy")
        assert deployed.status == 0, deployed.err
        workers = [site.worker(name, house.root) for name in ("north", "south")]
        site.conductor("conductor", house.root)
        yield house, workers


def and_its_worker_dies(blog: Blog, workers: list[Machine]) -> Answer:
    """Everybody approves; whoever then publishes is killed before hearing that it has."""

    def answer(house: House, row: Row) -> None:
        blog.plan = ["hang"]
        EVERYBODY(house, row)
        wait_for(lambda: len(blog.posts) == 1, SOON_S)
        wait_for(lambda: who_talks_to(blog.port, workers)).kill()

    return answer


@pytest.mark.soak
@pytest.mark.xdist_group("many")
def test_a_crisis_on_a_work_pool_outlives_a_worker_that_is_killed_in_mid_leg(tmp_path):
    with running_blog() as blog, on_many_machines(tmp_path, blog) as (house, workers):
        run_to_its_close(house, blog, and_its_worker_dies(blog, workers))
        assert len(keys(blog)) == 4  # the killed one's was asked for once more, under its key
