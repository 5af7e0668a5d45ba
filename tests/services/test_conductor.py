"""The conductor as it is: real threads, the machine's clock, and no Prefect to be had."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from smr_engine.adapters.wake_socket import FOLDER
from smr_engine.bootstrap import conductor, open_workspace
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.services import cases, directory, items, legs, schedules
from smr_engine.services.conductor import Conductor
from smr_engine.services.ports import (
    Connector,
    Dispatcher,
    DispatchUnavailableError,
    Leg,
    Message,
    Publication,
    Published,
)
from smr_engine.services.stored import EventFilter
from smr_engine.services.transact import Order, apply
from smr_engine.services.workspace import Actor, Workspace
from tests.support.houses import DirectDispatcher, SetClock, furnish

LEASE = timedelta(seconds=0.6)
NOTE = """
playbook: note
version: 1.0.0
title: A note
owner: smr-lead
inputs: {fields: {words: {type: text, optional: true}}}
documents:
  note: {title: The note, audience: public, template: We have corrected the opening hours.}
steps:
  - {id: write, kind: draft, document: note, assign: {role: comms-writer}}
  - {id: approve, kind: approval, documents: [note], quorum: [{role: legal}]}
  - {id: publish, kind: publish, document: note, requires: [approve], account: newsroom}
"""
PAUSE = """
playbook: pause
version: 1.0.0
title: A pause
owner: smr-lead
steps: [{id: rest, kind: wait, for: 1s}]
"""


class Away:
    """A Prefect that is never there."""

    def run_leg(self, leg: Leg) -> None:
        raise DispatchUnavailableError("it is not there")

    def run_batch(self, owed: Sequence[Leg]) -> None:
        raise DispatchUnavailableError("it is not there")


class Unsure:
    """A Prefect that never says whether it took what was handed over to it."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def run_leg(self, leg: Leg) -> None:
        given = legs.hand_over(self._ws, [leg], "a pool", timedelta(minutes=1))
        legs.release(self._ws, legs.claims_of(given))
        raise DispatchUnavailableError("its disk is full")

    def run_batch(self, owed: Sequence[Leg]) -> None:
        raise AssertionError("there is only one leg")


class Booting:
    """A Prefect that is there from its third leg on."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self.asked = 0
        self.performed: list[str] = []

    def run_leg(self, leg: Leg) -> None:
        self.asked += 1
        if self.asked < 3:
            raise DispatchUnavailableError("it is booting")
        DirectDispatcher(self._ws).run_leg(leg)
        self.performed += [owed.name for owed in leg.owed]

    def run_batch(self, owed: Sequence[Leg]) -> None:
        raise AssertionError("there is only one leg")


class Gate:
    """A connector that waits at a gate before it publishes."""

    def __init__(self, inner: Connector) -> None:
        self._inner = inner
        self.recovery = inner.recovery
        self.reached, self.opened = threading.Event(), threading.Event()

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        self.reached.set()
        assert self.opened.wait(20)
        return self._inner.publish(publication, timeout_s)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


@dataclass
class Place:
    """A workspace whose effects go out without Prefect at once."""

    root: Path
    opened: list[Workspace]

    def open(self, grace_s: int = 0) -> Workspace:
        """Open it as another process does."""
        ws = open_workspace(self.root, {"SMR_PREFECT_GRACE_SECONDS": str(grace_s)})
        self.opened.append(ws)
        return ws


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(legs, "LEASE", LEASE)
    made = Place(furnish(tmp_path / "house", playbooks={"note": NOTE, "pause": PAUSE}), [])
    yield made
    for ws in made.opened:
        ws.storage.close()


@contextmanager
def conducting(ws: Workspace, prefect: Dispatcher | None = None) -> Iterator[Conductor]:
    made = conductor(ws, prefect or Away())
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        ws.waker.wake()
        thread.join()


def until(look: Callable[[], object], patience_s: float = 20) -> None:
    end = time.monotonic() + patience_s
    while not look():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def approved(ws: Workspace, count: int = 1) -> list[str]:
    """Cases whose notes are to be published now, and whose messages are out."""
    refs = [cases.start(ws, Actor("ana"), "note", {}).case for _ in range(count)]
    for case in refs:
        items.revise(ws, Actor("tom"), item(ws, case, ItemKind.DRAFT), "Open 9 to 5.", done=True)
    conductor(ws, Away()).run(until_idle=True)
    for case in refs:
        items.decide(ws, Actor("lea"), item(ws, case, ItemKind.APPROVAL), "approve")
    return refs


def item(ws: Workspace, case: str, kind: ItemKind) -> str:
    with ws.storage.reading() as unit:
        rows = unit.queries.items(case=case, status=ItemStatus.OPEN)
    return next(row.id for row in rows if row.kind is kind)


def happened(ws: Workspace, kind: str, case: str) -> int:
    with ws.storage.reading() as unit:
        return len(unit.events.select(EventFilter(cases=(case,), kinds=(kind,))))


def gated(ws: Workspace) -> tuple[Workspace, Gate]:
    made: list[Gate] = []

    def connector_for(account: object) -> Gate:
        made[:] = made or [Gate(ws.connector_for(account))]
        return made[0]

    with ws.storage.reading() as unit:
        gate = connector_for(directory.world(ws, unit).accounts["newsroom"])
    return replace(ws, connector_for=connector_for), gate


def test_an_effect_that_takes_longer_than_its_lease_is_not_taken_over(place: Place) -> None:
    ws, gate = gated(place.open())
    (case,) = approved(ws)
    other = place.open()
    with conducting(ws):
        assert gate.reached.wait(20)
        with conducting(other):
            time.sleep(LEASE.total_seconds() * 4)
            assert happened(ws, "EffectUnknown", case) == 0
            gate.opened.set()
            until(lambda: happened(ws, "CaseCompleted", case))
    assert happened(ws, "PublicationStarted", case) == 1
    assert happened(ws, "OutcomeNoted", case) == 0
    assert len(list((place.root / "newsroom").rglob("*.md"))) == 1


def test_what_waits_in_line_behind_long_work_is_kept_as_well(place: Place) -> None:
    ws, gate = gated(place.open())
    refs = approved(ws, 6)  # more than there are threads
    with conducting(ws):
        assert gate.reached.wait(20)
        time.sleep(LEASE.total_seconds() * 3)
        with ws.storage.writing() as unit:
            assert unit.claims.effects("another", ws.clock.now(), LEASE, 100) == []
        gate.opened.set()
        until(lambda: all(happened(ws, "CaseCompleted", case) for case in refs))


def test_working_until_idle_waits_for_a_conductor_that_is_at_work(place: Place) -> None:
    ws, gate = gated(place.open())
    (case,) = approved(ws)
    with conducting(ws):
        assert gate.reached.wait(20)
        ended = threading.Event()

        def work_until_idle() -> None:
            conductor(place.open(), Away()).run(until_idle=True)
            ended.set()

        waiting = threading.Thread(target=work_until_idle)
        waiting.start()
        assert not ended.wait(1)
        gate.opened.set()
        assert ended.wait(20)
        assert happened(ws, "CaseCompleted", case) == 1
        waiting.join()


def test_working_until_idle_takes_over_from_a_conductor_that_was_lost(place: Place) -> None:
    ws = place.open()
    (case,) = approved(ws)
    with ws.storage.writing() as unit:
        assert unit.claims.effects("lost", ws.clock.now(), LEASE, 10)
        unit.keep()
    conductor(ws, Away()).run(until_idle=True)
    assert happened(ws, "CaseCompleted", case) == 1


def test_an_effect_that_meets_a_fault_is_left_alone_for_a_while_and_keeps_no_other_waiting(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        """A notifier with a defect."""

        def send(self, message: Message, timeout_s: float) -> str:
            tries.append(message.key)
            raise RuntimeError("a defect")

    tries: list[str] = []
    ws = place.open()
    (case,) = approved(ws)
    cases.start(ws, Actor("ana"), "note", {})  # a writer is to be told
    conductor(replace(ws, notifier=Broken()), Away()).run(until_idle=True)
    assert happened(ws, "CaseCompleted", case) == 1
    assert len(tries) == 1
    time.sleep(LEASE.total_seconds() * 1.5)
    conductor(replace(ws, notifier=Broken()), Away()).run(until_idle=True)
    assert len(tries) == 1
    assert "a defect" in caplog.text


def test_a_timer_that_meets_a_fault_keeps_no_other_from_firing(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = place.open()
    broken, sound = (cases.start(ws, Actor("ana"), "pause", {}).case for _ in range(2))

    def with_a_defect(ws: Workspace, order: Order) -> object:
        if order.case == broken:
            raise RuntimeError("a defect")
        return apply(ws, order)

    monkeypatch.setattr("smr_engine.services.conductor.apply", with_a_defect)
    with conducting(ws):
        until(lambda: happened(ws, "CaseCompleted", sound), 10)
    assert caplog.text.count("met a fault") == 1  # it is not tried again and again


def test_a_schedule_whose_inputs_cannot_be_computed_keeps_no_effect_waiting(place: Place) -> None:
    ws = place.open()
    a_week_ago = replace(ws, clock=SetClock(ws.clock.now() - timedelta(days=7)))
    rule = schedules.Rule("FREQ=DAILY")
    schedules.add(a_week_ago, Actor("ana"), "note", rule, {"words": "{{ 1 / 0 }}"})
    with conducting(ws):
        case = cases.start(ws, Actor("ana"), "note", {}).case
        until(lambda: happened(ws, "EffectDone", case), 10)


def test_what_a_prefect_never_takes_goes_out_without_it(place: Place) -> None:
    ws = place.open()
    case = cases.start(ws, Actor("ana"), "note", {}).case
    with conducting(ws, Unsure(ws)):
        until(lambda: happened(ws, "EffectDone", case), 10)


def test_a_conductor_leaves_no_socket_behind(place: Place) -> None:
    ws = place.open()
    sockets = place.root / ".smr" / FOLDER
    with conducting(ws):
        until(lambda: list(sockets.glob("*")))
    assert list(sockets.glob("*")) == []


def test_what_was_owed_while_nobody_worked_waits_for_a_prefect_that_is_booting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smr_engine.services.conductor.RETRY_S", 0.05)
    ws = place.open(grace_s=30)
    evening = replace(ws, clock=SetClock(ws.clock.now() - timedelta(hours=8)))
    case = cases.start(evening, Actor("ana"), "note", {}).case
    prefect = Booting(ws)
    with conducting(ws, prefect):
        until(lambda: prefect.performed)
    assert prefect.asked == 3
    assert happened(ws, "EffectDone", case) == len(prefect.performed)


def test_what_waits_for_a_prefect_that_is_booting_is_counted_once_and_alarms_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("smr_engine.services.conductor.RETRY_S", 0.05)
    ws = place.open(grace_s=30)
    cases.start(ws, Actor("ana"), "note", {})
    prefect = Booting(ws)
    done = conductor(ws, prefect).run(until_idle=True)
    assert prefect.asked >= 3
    assert done.effects == len(prefect.performed)
    assert caplog.messages == []


def test_what_goes_out_without_prefect_is_told_in_the_log(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    ws = place.open()
    cases.start(ws, Actor("ana"), "note", {})
    done = conductor(ws, Away()).run(until_idle=True)
    assert done.effects == 1
    assert caplog.messages == ["Prefect does not answer: messages go out without it"]
