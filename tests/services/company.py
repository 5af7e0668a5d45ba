"""The sample company at work: a real workspace on SQLite, a clock that tests move, and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smr_engine.bootstrap import open_workspace
from smr_engine.engine.statuses import ItemStatus
from smr_engine.services import cases, effects, items, setup
from smr_engine.services.stored import Claim
from smr_engine.services.views import ItemRow, Voted
from smr_engine.services.workspace import Actor

MONDAY = datetime(2026, 9, 14, 8, 0, tzinfo=UTC)
"""A working day on which nobody of the sample company is away."""


@dataclass
class Clock:
    """A clock that stands still until somebody moves it."""

    at: datetime = MONDAY

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Company:
    """A sample workspace with what a test needs to act as its people."""

    root: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        setup.init(self.root, sample=True)
        self.ws = open_workspace(self.root, {}, clock=self.clock)

    def reopen(self) -> None:
        """Close the workspace, and open it as another process would."""
        self.ws.storage.close()
        self.ws = open_workspace(self.root, {}, clock=self.clock)

    def playbook(self, name: str, text: str) -> None:
        (self.root / "playbooks" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def directory(self, old: str, new: str) -> None:
        """Change the directory file; it is taken over as the workspace is opened again."""
        path = self.root / "directory.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.reopen()

    def start(self, playbook: str, **inputs: object) -> str:
        return self.start_as("ana", playbook, **inputs)

    def start_as(self, person: str, playbook: str, **inputs: object) -> str:
        return cases.start(self.ws, Actor(person), playbook, inputs).case

    def item(self, case: str, step: str) -> str:
        """Return the newest open item of a step."""
        with self.ws.storage.reading() as unit:
            rows = [row for row in unit.queries.items(case=case) if row.step == step]
        return [row.id for row in rows if row.status == "open"][-1]

    def item_at(self, case: str, path: str) -> str:
        """Return the open item of the step at a path."""
        with self.ws.storage.reading() as unit:
            rows = unit.queries.items(case=case, status=ItemStatus.OPEN)
        [found] = [row.id for row in rows if row.path == path]
        return found

    def write(self, item: str, text: str, person: str = "tom") -> None:
        """Save a text, which completes the draft if it is open."""
        items.revise(self.ws, Actor(person), item, text, done=True)

    def vote(self, item: str, person: str, decision: str = "approve", why: str = "") -> Voted:
        return items.decide(self.ws, Actor(person), item, decision, why)

    def change(self, **parts: Any) -> None:
        """Put something else in the place of parts of the outside world."""
        self.ws = replace(self.ws, **parts)

    def work(self, run: str = "") -> None:
        """Perform all that is owed now, in the flow run of that name."""
        while claims := self.claim():
            for claim in claims:
                effects.perform(self.ws, claim, run)

    def claim(self) -> Sequence[Claim]:
        """Claim all that is owed now, for two minutes."""
        with self.ws.storage.writing() as unit:
            claims = unit.claims.effects("test", self.clock.now(), timedelta(minutes=2), limit=100)
            unit.keep()
        return claims


def by_step(rows: list[ItemRow]) -> dict[str, ItemRow]:
    return {row.step: row for row in rows}
