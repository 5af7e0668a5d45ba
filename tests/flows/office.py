"""A small company at work with a real Prefect, and what Prefect shows of it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from flows import environment
from flows.inline import InlineDispatcher
from smr_engine.bootstrap import conductor, open_workspace, prefect_answers
from smr_engine.engine import commands as c
from smr_engine.services import cases, directory, items, reading
from smr_engine.services.conductor import Conductor
from smr_engine.services.legs import legs_of
from smr_engine.services.ports import Connector, Leg, Publication, Published
from smr_engine.services.stored import ClaimedEffect, EffectRow
from smr_engine.services.transact import Order, apply
from smr_engine.services.workspace import Actor, Workspace
from tests.support.houses import DIRECTORY, NEWSROOM, SETTINGS, furnish

APPROVAL = (Path(__file__).parents[1] / "bench/approval.yaml").read_text(encoding="utf-8")
BLOG = """
  company-blog:
    title: Company blog
    platform: website
    connector: http
    settings: {url: "http://127.0.0.1:%d/posts", idempotency: %s}
    owner: comms-writer
"""
ON_THE_BLOG = """
playbook: on-the-blog
version: 1.0.0
title: A note on the blog
owner: smr-lead
documents:
  note: {title: Note, audience: public, template: "We have corrected the opening hours."}
steps:
  - {id: draft_note, kind: draft, document: note, assign: {role: comms-writer}}
  - {id: approve_note, kind: approval, documents: [note], quorum: [{role: legal, need: 1}]}
  - {id: publish_note, kind: publish, document: note, requires: [approve_note],
     account: company-blog, retry: {attempts: 3, backoff: 1s, timeout: 15s}}
  - {id: tell_lead, kind: notify, to: {role: smr-lead}, message: {subject: Out, body: It is out.}}
"""
THREE_AT_ONCE = """
playbook: three-at-once
version: 1.0.0
title: Three messages
owner: smr-lead
inputs: {fields: {words: {type: text, optional: true}}}
steps:
  - id: everybody
    kind: parallel
    branches:
      - id: lead
        steps:
          - {id: tell_lead, kind: notify, title: "Tell the {lead}", to: {role: smr-lead},
             message: {subject: News, body: "News: {{ inputs.words }}"}}
      - id: legal
        steps:
          - {id: tell_legal, kind: notify, to: {role: legal}, message: {subject: News, body: News.}}
      - id: care
        steps:
          - {id: tell_care, kind: notify, to: {group: frontline},
             message: {subject: News, body: News.}}
  - {id: read_on, kind: task, assign: {role: comms-writer}}
"""
REMINDED_AT_ONCE = """
playbook: reminded-at-once
version: 1.0.0
title: A reminder
owner: smr-lead
steps:
  - {id: read_on, kind: task, assign: {role: comms-writer}, due: 1h, remind: [1s after start]}
"""
PLAYBOOKS = {
    "approval": APPROVAL,
    "on-the-blog": ON_THE_BLOG,
    "three-at-once": THREE_AT_ONCE,
    "reminded-at-once": REMINDED_AT_ONCE,
}
PATIENCE_S = 30.0
LEASE = timedelta(minutes=2)
"""Of what tests claim themselves: nobody renews it."""

T = TypeVar("T")


def wait_for(look: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """Return what `look` finds as soon as it finds something."""
    until = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return found


class Gate:
    """A connector that waits at a gate before it publishes."""

    def __init__(self, connector: Connector) -> None:
        self.recovery = connector.recovery
        self.read_back = connector.read_back
        self.look_up = connector.look_up
        self._connector = connector
        self.reached = threading.Event()
        self.opened = threading.Event()

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        self.reached.set()
        assert self.opened.wait(20)
        return self._connector.publish(publication, timeout_s)


@dataclass
class Office:
    """A workspace on the machine's clock, and what its people do."""

    root: Path
    blog_port: int = 9
    honours_key: bool = True
    settings: str = ""
    playbooks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounts = NEWSROOM + BLOG % (self.blog_port, str(self.honours_key).lower())
        furnish(
            self.root,
            directory=DIRECTORY + accounts,
            playbooks=PLAYBOOKS | self.playbooks,
            settings=SETTINGS + self.settings,
        )
        self.ws: Workspace = open_workspace(self.root, {})

    def start(self, playbook: str, **inputs: Any) -> str:
        return cases.start(self.ws, Actor("ana"), playbook, inputs).case

    def item(self, case: str, step: str) -> str:
        with self.ws.storage.reading() as unit:
            rows = unit.queries.items(case=case)
        return next(row.id for row in rows if row.step == step and row.status == "open")

    def write(self, case: str, text: str = "We are open from nine to five.") -> None:
        items.revise(self.ws, Actor("tom"), self.item(case, "draft_note"), text, done=True)

    def approve(self, case: str, comment: str = "") -> None:
        items.decide(self.ws, Actor("lea"), self.item(case, "approve_note"), "approve", comment)

    def fire(self) -> None:
        """Fire all timers that are due."""
        with self.ws.storage.writing() as unit:
            due = unit.claims.timers("test", self.ws.clock.now(), LEASE, 100)
            unit.keep()
        for timer in due:
            apply(self.ws, Order(timer.case, c.FireTimer(timer.id), c.ENGINE, timer.id))

    def approved(self, playbook: str) -> str:
        """Bring a case to where its publication is owed, and nothing else is."""
        case = self.start(playbook)
        self.write(case)
        with self.ws.storage.writing() as unit:  # messages about items are somebody else's
            now = self.ws.clock.now()
            unit.claims.effects("somebody else", now, LEASE * 10, 10, case)
            unit.keep()
        self.approve(case)
        return case

    def leg(self, case: str = "", lease: timedelta = LEASE) -> Leg:
        """Claim what a case owes, as the conductor does."""
        (found,) = legs_of(self.claims(case, lease))
        return found

    def gate(self) -> Gate:
        """Put a gate before the newsroom."""
        with self.ws.storage.reading() as unit:
            newsroom = directory.world(self.ws, unit).accounts["newsroom"]
        gate = Gate(self.ws.connector_for(newsroom))
        self.ws = replace(self.ws, connector_for=lambda _: gate)
        return gate

    def legs(self, case: str = "") -> list[Leg]:
        return legs_of(self.claims(case, LEASE))

    def claims(self, case: str, lease: timedelta) -> Sequence[ClaimedEffect]:
        """Claim what one case owes, or all of them."""
        with self.ws.storage.writing() as unit:
            claimed = unit.claims.effects("test", self.ws.clock.now(), lease, 2000, case)
            unit.keep()
        return claimed

    def publish_note(self, playbook: str = "approval") -> str:
        """Take a case to its end, step by step, while a conductor works."""
        case = self.start(playbook)
        wait_for(lambda: self.settled(case))
        self.write(case)
        wait_for(lambda: self.settled(case))
        self.approve(case)
        wait_for(lambda: self.status(case) == "completed")
        return case

    def effects(self, case: str) -> dict[str, EffectRow]:
        """Return the effects of a case by name."""
        with self.ws.storage.reading() as unit:
            return {row.name: row for row in unit.queries.effects(case=case)}

    def status(self, case: str) -> str:
        return reading.case_view(self.ws, case).status

    def publication_runs(self, case: str) -> list[str | None]:
        """Return by which flow runs the publications of a case went out."""
        done = [row for row in reading.timeline(self.ws, case) if row.kind == "EffectDone"]
        results = [row.data.get("result") or {} for row in done]
        return [result["flow_run"] for result in results if "url" in result]

    def pages(self) -> list[Path]:
        return sorted((self.root / "newsroom").rglob("*.md"))

    def dispatcher(self, api_url: str) -> InlineDispatcher:
        """Return a dispatcher that is ready."""
        made = InlineDispatcher(self.ws, lambda: api_url, prefect_answers)
        made.prepare()
        assert made._booting is not None
        made._booting.join()
        return made

    @contextmanager
    def conducting(self, dispatcher: InlineDispatcher) -> Iterator[Conductor]:
        """Let a conductor work in a thread, as it does in `smr work`."""
        made = conductor(self.ws, dispatcher)
        thread = threading.Thread(target=made.run)
        thread.start()
        try:
            yield made
        finally:
            made.stop()
            self.ws.waker.wake()
            thread.join()
            made._listener.close()  # type: ignore[attr-defined]

    def settled(self, case: str) -> bool:
        """Return whether all that the case owed so far is over."""
        return {effect.status for effect in self.effects(case).values()} <= {"done", "failed"}

    def close(self) -> None:
        self.ws.storage.close()


@dataclass(frozen=True)
class Shown:
    """A run as Prefect shows it to whoever looks."""

    name: str
    state: str
    message: str
    tags: frozenset[str]
    run_count: int
    id: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prefect:
    """The embedded server of a test session, and what it knows."""

    state_dir: Path
    api_url: str
    since: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    @contextmanager
    def client(self) -> Iterator[Any]:
        environment.prepare(self.state_dir)
        from flows.client import PrefectServer

        with PrefectServer(self.api_url).connected() as client:
            yield client

    def runs(self, *tags: str) -> list[Shown]:
        """Return the flow runs with all these tags, the oldest first."""
        from prefect.client.schemas.filters import FlowRunFilter

        asked = FlowRunFilter.model_validate({"tags": {"all_": list(tags)}})
        with self.client() as client:
            found = client.read_flow_runs(flow_run_filter=asked)
        new = [run for run in found if run.created >= self.since]
        return [_shown(run, run.parameters) for run in sorted(new, key=lambda run: run.created)]

    def tasks(self, run: Shown, count: int) -> list[Shown]:
        """Return the task runs of a flow run, in order, once there are so many and all ended.

        Prefect records them a moment after they ran.
        """
        from prefect.client.schemas.filters import TaskRunFilter

        asked = {"flow_run_id": {"any_": [run.id]}}

        def ended() -> list[Any]:
            with self.client() as client:
                found = client.read_task_runs(task_run_filter=TaskRunFilter.model_validate(asked))
            all_over = all(task.state and task.state.is_final() for task in found)
            return found if len(found) >= count and all_over else []

        found = sorted(wait_for(ended), key=lambda task: task.start_time)
        return [_shown(task) for task in found]

    def keeps(self, words: str) -> list[Path]:
        """Return the files of Prefect (database, logs, the client's own) that hold some words."""
        files = [path for path in (self.state_dir / "prefect").rglob("*") if path.is_file()]
        return [path for path in files if words.encode() in path.read_bytes()]


def _shown(run: Any, parameters: dict[str, Any] | None = None) -> Shown:
    return Shown(
        name=run.name,
        state=run.state.name,
        message=run.state.message or "",
        tags=frozenset(run.tags),
        run_count=run.run_count,
        id=str(run.id),
        parameters=parameters or {},
    )


def delete_prefect(state_dir: Path) -> None:
    """Delete Prefect's folder, which its server may be writing to."""
    while (state_dir / "prefect").exists():
        shutil.rmtree(state_dir / "prefect", ignore_errors=True)
