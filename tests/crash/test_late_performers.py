"""A performer that was given up for lost comes back: it does no harm, and what it says is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.services import cases, effects, items
from smr_engine.services.legs import LEASE
from smr_engine.services.ports import Connector, Publication, Published
from smr_engine.services.stored import Claim, EventFilter
from smr_engine.services.workspace import Workspace, actor
from tests.crash.sink import accounts_at, posts, running_sink
from tests.crash.story import PLACES
from tests.support.houses import DIRECTORY, SetClock, furnish, open_house, work

NOTE = """
playbook: note
version: 1.0.0
title: A note to one place
owner: smr-lead
documents:
  note: {{title: The note, audience: public, template: We have corrected the opening hours.}}
steps:
  - {{id: write, kind: draft, document: note, assign: {{role: comms-writer}}}}
  - id: approve
    kind: approval
    documents: [note]
    quorum: [{{role: legal, need: 1}}]
    on_rejected: {{end: rejected}}
  - {{id: publish, kind: publish, document: note, requires: [approve], account: {account}}}
"""
WITH_MEMORY = ["company-blog", "partner-feed"]


@dataclass
class House:
    """A house where a note to one account is approved and its publication owed."""

    folder: Path
    ws: Workspace
    clock: SetClock
    account: str

    def outlive_the_lease(self) -> None:
        self.clock.move_to(self.clock.now() + LEASE + timedelta(minutes=1))

    def posts(self) -> int:
        return sum(not post.again for post in posts(self.folder, PLACES[self.account]))

    def happened(self) -> Counter[str]:
        with self.ws.storage.reading() as unit:
            return Counter(event.kind for event in unit.events.select(EventFilter()))


@pytest.fixture
def owing(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    with running_sink(tmp_path) as sink:
        made = []

        def make(account: str) -> House:
            directory = DIRECTORY + accounts_at(sink, "house")
            note = {"note": NOTE.format(account=account)}
            clock = SetClock()
            ws = open_house(furnish(tmp_path / "house", directory=directory, playbooks=note), clock)
            made.append(ws)
            cases.start(ws, actor(ws, "ana"), "note", {})
            items.revise(
                ws, actor(ws, "tom"), item_of(ws, ItemKind.DRAFT), "Open 9 to 5.", done=True
            )
            work(ws)
            items.decide(ws, actor(ws, "lea"), item_of(ws, ItemKind.APPROVAL), "approve")
            return House(tmp_path / "house", ws, clock, account)

        yield make
        for ws in made:
            ws.storage.close()


def item_of(ws: Workspace, kind: ItemKind) -> str:
    with ws.storage.reading() as unit:
        rows = unit.queries.items(status=ItemStatus.OPEN)
    return next(row.id for row in rows if row.kind is kind)


def interrupted(ws: Workspace, *, before: Any = None, after: Any = None) -> Workspace:
    """The same workspace; while a publication goes out something else happens, once."""
    return replace(ws, connector_for=lambda a: Interrupted(ws.connector_for(a), before, after))


class Interrupted:
    def __init__(self, inner: Connector, before: Any, after: Any) -> None:
        self._inner, self._before, self._after = inner, before, after
        self.recovery = inner.recovery

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        if self._before:
            self._before()
        published = self._inner.publish(publication, timeout_s)
        if self._after:
            self._after()
        return published

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def claim(ws: Workspace, owner: str) -> Claim:
    with ws.storage.writing() as unit:
        claimed = unit.claims.effects(owner, ws.clock.now(), LEASE, 1)
        unit.keep()
    return claimed[0]


@pytest.mark.parametrize("account", PLACES)
def test_who_stood_still_before_beginning_does_not_send_beside_the_successor(
    owing: Callable[[str], House], account: str
) -> None:
    house = owing(account)
    late = claim(house.ws, "late")
    house.outlive_the_lease()
    tried = []
    work(interrupted(house.ws, before=lambda: tried.append(effects.perform(house.ws, late))))
    assert tried == [None]
    assert len(posts(house.folder, PLACES[account])) == 1
    assert house.happened()["EffectUnknown"] == 0
    assert house.happened()["CaseCompleted"] == 1


@pytest.mark.parametrize("account", WITH_MEMORY)
def test_who_stood_still_after_sending_reports_evidence_and_nothing_moves_twice(
    owing: Callable[[str], House], account: str
) -> None:
    house = owing(account)

    def meanwhile() -> None:
        house.outlive_the_lease()
        work(house.ws, "successor")

    work(interrupted(house.ws, after=meanwhile), "late")
    assert house.posts() == 1
    happened = house.happened()
    assert happened["OutcomeNoted"] == 1
    assert happened["CaseCompleted"] == happened["PublicationStarted"] == 1


def test_a_late_answer_about_an_unknown_outcome_is_kept_for_the_person_who_looks(
    owing: Callable[[str], House],
) -> None:
    house = owing("old-board")

    def meanwhile() -> None:
        house.outlive_the_lease()
        work(house.ws, "successor")

    work(interrupted(house.ws, after=meanwhile), "late")
    happened = house.happened()
    assert house.posts() == 1
    assert happened["EffectUnknown"] == happened["OutcomeNoted"] == 1
    repair = item_of(house.ws, ItemKind.REPAIR)
    items.repair(
        house.ws, actor(house.ws, "ana"), repair, "sent", "it is there", url="https://b.test"
    )
    assert house.posts() == 1
    assert house.happened()["CaseCompleted"] == 1
