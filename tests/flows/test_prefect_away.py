"""Prefect down, booting, overloaded, killed, deleted: a crisis message does not wait for it."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from flows.inline import InlineDispatcher
from smr_engine.adapters.prefect_files import ServerFiles
from smr_engine.adapters.prefect_server import ensure_server, stop_server
from smr_engine.bootstrap import prefect_answers
from smr_engine.errors import SmrError
from smr_engine.services.ports import DispatchUnavailableError
from tests.flows.office import Office, delete_prefect, wait_for
from tests.flows.ways import breaking, now_and_then_busy

pytestmark = pytest.mark.xdist_group("prefect")


def test_while_prefect_boots_a_leg_is_refused_at_once(office):
    booted = threading.Event()

    def find_server() -> str:
        booted.wait()
        raise SmrError("prefect-not-started", "it did not start")

    dispatcher = InlineDispatcher(office.ws, find_server, prefect_answers)
    leg = office.leg(office.approved("approval"))
    begun = time.perf_counter()
    with pytest.raises(DispatchUnavailableError):
        dispatcher.run_leg(leg)
    assert time.perf_counter() - begun < 0.1
    booted.set()
    dispatcher._booting.join()


def test_a_prefect_that_cannot_be_started_is_not_tried_again_at_once(office):
    tried = []

    def find_server() -> str:
        tried.append(1)
        raise SmrError("prefect-not-started", "it did not start")

    dispatcher = InlineDispatcher(office.ws, find_server, prefect_answers)
    leg = office.leg(office.approved("approval"))
    for _ in range(3):
        with pytest.raises(DispatchUnavailableError):
            dispatcher.run_leg(leg)
        dispatcher._booting.join()
    assert len(tried) == 1


def test_a_server_that_is_busy_for_a_moment_is_asked_again_soon(office, prefect):
    with now_and_then_busy(prefect.api_url) as (api_url, answers):
        dispatcher = office.dispatcher(api_url)
        case = office.approved("approval")
        begun = time.monotonic()
        dispatcher.run_leg(office.leg(case))
        took = time.monotonic() - begun
    assert answers.count(503) >= 4
    assert office.status(case) == "completed"
    assert [run.state for run in prefect.runs(case)] == ["Completed"]
    assert took < answers.count(503) * 1.5  # Prefect's own pauses are 2, 4 and 8 seconds


def test_once_a_server_has_moved_legs_run_at_its_new_address(office, prefect):
    with breaking(prefect.api_url) as (before, cut):
        addresses = [before, prefect.api_url]
        dispatcher = InlineDispatcher(office.ws, lambda: addresses.pop(0), prefect_answers)
        dispatcher.prepare()
        dispatcher._booting.join()
        dispatcher.run_leg(office.leg(office.start("three-at-once")))
        cut()
        case = office.start("three-at-once")
        leg = office.leg(case)
        with pytest.raises(DispatchUnavailableError):
            dispatcher.run_leg(leg)
        dispatcher._booting.join()
        dispatcher.run_leg(leg)
    (run,) = prefect.runs(case)
    assert {task.state for task in prefect.tasks(run, 3)} == {"Completed"}


@pytest.mark.parametrize("what", ["cancels", "deletes"])
def test_whoever_stops_a_run_in_prefect_does_not_stop_what_is_owed(office, prefect, what):
    from prefect.states import Cancelled

    gate = office.gate()
    case = office.approved("approval")
    with office.conducting(office.dispatcher(prefect.api_url)):
        assert gate.reached.wait(20)
        (run,) = prefect.runs(case)
        with prefect.client() as client:
            if what == "cancels":
                client.set_flow_run_state(UUID(run.id), Cancelled(), force=True)
            else:
                client.delete_flow_run(UUID(run.id))
        gate.opened.set()
        wait_for(lambda: office.status(case) == "completed")
    assert len(office.pages()) == 1


def test_a_leg_counts_as_use_of_the_embedded_server(office, prefect, ready):
    files = ServerFiles(office.ws.state)
    files.folder.mkdir(exist_ok=True)
    files.last_used.touch()
    os.utime(files.last_used, (0, 0))
    ready.run_leg(office.leg(office.start("three-at-once")))
    assert time.time() - files.last_used.stat().st_mtime < 60


class Lonely:
    """An office with an embedded Prefect of its own, which is lost for good once it is lost."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._started = 0

    def find_server(self) -> str:
        self._started += 1
        if self._started > 1:
            raise SmrError("prefect-not-started", "the embedded Prefect server did not start")
        return ensure_server(self.office.ws.state, os.environ, timeout_s=120)

    def dispatcher(self) -> InlineDispatcher:
        made = InlineDispatcher(self.office.ws, self.find_server, prefect_answers)
        made.prepare()
        made._booting.join()
        return made


@pytest.fixture
def lonely(make_office, prefect) -> Iterator[Lonely]:
    office = make_office(settings="prefect_grace_seconds: 1\n")
    home = ServerFiles(office.ws.state).home
    home.mkdir(parents=True)
    before = sqlite3.connect(ServerFiles(prefect.state_dir).database)
    ours = sqlite3.connect(home / "prefect.db")
    before.backup(ours)  # migrations are half of a first boot
    before.close()
    ours.close()
    yield Lonely(office)
    stop_server(office.ws.state)


def test_a_server_killed_during_a_leg_takes_nothing_with_it(lonely):
    office = lonely.office
    gate = office.gate()
    case = office.approved("approval")
    with office.conducting(lonely.dispatcher()):
        assert gate.reached.wait(20)  # the publication is under way in a flow run
        record = ServerFiles(office.ws.state).read_record()
        os.kill(record.supervisor.pid, signal.SIGKILL)
        os.kill(record.server.pid, signal.SIGKILL)
        gate.opened.set()
        wait_for(lambda: office.status(case) == "completed")
    assert len(office.pages()) == 1
    (run,) = office.publication_runs(case)
    assert run is not None  # the outcome was reported by the flow run, though its server was gone


@pytest.mark.parametrize("server", ["running", "stopped"])
def test_a_case_finishes_although_prefect_is_deleted_in_the_middle(lonely, server):
    office = lonely.office
    with office.conducting(lonely.dispatcher()):
        case = office.start("approval")
        wait_for(lambda: office.settled(case))
        if server == "stopped":
            stop_server(office.ws.state)
        delete_prefect(office.ws.state)
        office.write(case)
        wait_for(lambda: office.settled(case))
        office.approve(case)
        wait_for(lambda: office.status(case) == "completed")
    assert len(office.pages()) == 1
