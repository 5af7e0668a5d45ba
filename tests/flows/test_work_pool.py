"""Handing legs over to a work pool: who may perform them, and when. The workers are in tests/many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.deployments import deploy, drift
from smr_engine.adapters.prefect_pool import WorkPoolDispatcher
from smr_engine.services import legs
from smr_engine.services.ports import DispatchUnavailableError
from tests.flows.office import Office, Prefect, wait_for

pytestmark = pytest.mark.xdist_group("prefect")

ROOT = Path(__file__).resolve().parents[2]
NO_WORKER, POOL = "nobody-there", "pool-of-tests"
LEASE = timedelta(seconds=45)


@dataclass
class Pool:
    """A pool of which Prefect believes that a worker is at work; the test is the worker."""

    office: Office
    prefect: Prefect
    dispatcher: WorkPoolDispatcher

    def handed_over(self, case: str) -> dict[str, Any]:
        """Return the newest flow run of a case."""
        with httpx.Client(base_url=self.prefect.api_url) as http:
            asked = {"flow_runs": {"tags": {"all_": [case]}}, "sort": "EXPECTED_START_TIME_DESC"}
            return http.post("flow_runs/filter", json=asked).json()[0]

    def begin(self, run: dict[str, Any]) -> str:
        """Execute a flow run as a worker's process does; return its state."""
        with self.prefect.client() as client:
            from prefect.flow_engine import run_flow
            from prefect.states import Scheduled

            from flows.run_batch import run_batch
            from flows.run_leg import run_leg

            flow = run_leg if "leg" in run["parameters"] else run_batch
            client.set_flow_run_state(run["id"], Scheduled(), force=True)
            return run_flow(
                flow,
                flow_run=client.read_flow_run(run["id"]),
                parameters=run["parameters"],
                return_type="state",
            ).name


@pytest.fixture
def make_pool(office, prefect) -> Callable[..., Pool]:
    def make(name: str = POOL, lease: timedelta = LEASE) -> Pool:
        office.dispatcher(prefect.api_url)  # flow runs of this process work on the office
        deploy(office.ws, prefect.api_url, name)
        if name == POOL:
            with httpx.Client(base_url=prefect.api_url) as http:
                beat = http.post(f"work_pools/{name}/workers/heartbeat", json={"name": "test"})
                beat.raise_for_status()
        dispatcher = WorkPoolDispatcher(office.ws, prefect.api_url, name, lease, {})
        return Pool(office, prefect, dispatcher)

    return make


@pytest.fixture
def pool(make_pool) -> Pool:
    return make_pool()


def test_without_a_worker_nothing_is_handed_over_and_the_conductor_keeps_it(make_pool, office):
    pool = make_pool(NO_WORKER)
    leg = office.leg(office.approved("approval"))
    with pytest.raises(DispatchUnavailableError, match="no worker is ready"):
        pool.dispatcher.run_leg(leg)
    with office.ws.storage.reading() as unit:
        (claim,) = legs.claims_of([leg])
        assert unit.claims.in_time("effect", claim, office.ws.clock.now())


def test_where_no_worker_comes_everything_goes_out_without_a_flow_run(make_office, prefect):
    office = make_office(settings="prefect_grace_seconds: 0\n")
    deploy(office.ws, prefect.api_url, NO_WORKER)
    dispatcher = WorkPoolDispatcher(office.ws, prefect.api_url, NO_WORKER, LEASE, {})
    with office.conducting(dispatcher):
        case = office.publish_note()
    assert office.publication_runs(case) == [None]
    assert prefect.runs(case) == []


def test_a_prefect_that_knows_no_such_pool_says_what_to_do(office, prefect):
    dispatcher = WorkPoolDispatcher(office.ws, prefect.api_url, "unheard-of", LEASE, {})
    with pytest.raises(DispatchUnavailableError, match="404"):
        dispatcher.run_leg(office.leg(office.approved("approval")))


def test_what_is_handed_over_is_done_by_whoever_begins_it_and_once(pool, office):
    case = office.approved("approval")
    leg = office.leg(case)
    pool.dispatcher.run_leg(leg)
    run = pool.handed_over(case)
    assert (run["name"], set(run["tags"])) == (leg.name, {*leg.tags, "smr-engine"})
    assert office.claims(case, LEASE) == []  # it waits for its worker
    assert pool.begin(run) == "Completed"
    assert office.status(case) == "completed"
    assert office.publication_runs(case) == [run["id"]]
    assert pool.begin(run) == "Completed"  # somebody lets Prefect run it again
    assert len(office.pages()) == 1


def test_whoever_handed_a_leg_over_can_no_longer_perform_it(pool, office):
    leg = office.leg(office.approved("approval"))
    pool.dispatcher.run_leg(leg)
    (claim,) = legs.claims_of([leg])
    with office.ws.storage.reading() as unit:
        assert not unit.claims.in_time("effect", claim, office.ws.clock.now())


def test_a_leg_that_no_worker_began_is_handed_over_anew_and_the_first_run_finds_nothing(
    make_pool, office
):
    pool = make_pool(lease=timedelta(seconds=0.2))
    case = office.approved("approval")
    pool.dispatcher.run_leg(office.leg(case))
    first = pool.handed_over(case)
    again = wait_for(lambda: office.legs(case))
    make_pool().dispatcher.run_leg(*again)
    second = pool.handed_over(case)
    assert second["id"] != first["id"]
    assert pool.begin(first) == "Completed"
    assert office.pages() == []
    assert pool.begin(second) == "Completed"
    assert office.publication_runs(case) == [second["id"]]


def test_what_prefect_did_not_take_may_be_claimed_at_once_and_by_nobody_begun(pool, office):
    case = office.approved("approval")
    leg = office.leg(case)
    too_long = replace(leg.owed[0], name="x" * 600_000)  # Prefect takes half a megabyte
    with pytest.raises(DispatchUnavailableError, match="422"):
        pool.dispatcher.run_leg(replace(leg, owed=(too_long,)))
    (again,) = office.legs(case)
    assert again.owed[0].epoch > leg.owed[0].epoch
    pool.dispatcher.run_leg(again)
    assert pool.begin(pool.handed_over(case)) == "Completed"


def test_a_batch_is_handed_over_as_one_flow_run_as_long_as_prefect_takes_it(
    pool, office, prefect, monkeypatch
):
    cases = [office.start("three-at-once") for _ in range(3)]
    pool.dispatcher.run_batch(office.legs())
    run = prefect.runs("batch")[-1]
    assert run.name == "batch of 9 effects"
    assert pool.begin({"id": run.id, "parameters": run.parameters}) == "Completed"
    monkeypatch.setattr("smr_engine.adapters.prefect_pool.MOST", 7)
    cases += [office.start("three-at-once") for _ in range(3)]
    pool.dispatcher.run_batch(office.legs())
    for part in prefect.runs("batch")[1:]:
        assert part.name in {"batch of 6 effects", "batch of 3 effects"}
        assert pool.begin({"id": part.id, "parameters": part.parameters}) == "Completed"
    for case in cases:
        messages = [e for name, e in office.effects(case).items() if name.startswith("notify")]
        assert {effect.status for effect in messages} == {"done"}


def test_deploying_for_a_pool_makes_what_is_missing_and_takes_away_what_is_of_no_use(
    office, prefect
):
    with httpx.Client(base_url=prefect.api_url) as http:
        http.post("work_pools/", json={"name": "ours-by-hand", "type": "docker"})
        assert deploy(office.ws, prefect.api_url, "ours-by-hand") == [
            "run-leg/ours-by-hand",
            "run-batch/ours-by-hand",
        ]
        assert http.get("work_pools/ours-by-hand").json()["type"] == "docker"
        found = http.get("deployments/name/run-leg/ours-by-hand").json()
        assert found["entrypoint"] == "flows.run_leg.run_leg"
        assert found["job_variables"]["env"]["PREFECT_LOGGING_TO_API_ENABLED"] == "false"
        assert not any(str(office.root) in str(value) for value in found.values())
        assert deploy(office.ws, prefect.api_url) == []
        assert http.get("deployments/name/run-leg/ours-by-hand").status_code == 404


def test_prefect_s_own_tool_makes_of_prefect_yaml_what_smr_deploy_makes(office, prefect, tmp_path):
    with httpx.Client(base_url=prefect.api_url) as http:
        http.post("work_pools/", json={"name": "smr", "type": "process"})
    deploy(office.ws, prefect.api_url)
    missing = drift(office.ws, prefect.api_url, "smr")
    program = Path(sys.executable).with_name("prefect")
    subprocess.run(
        [program, "--no-prompt", "deploy", "--all"],
        cwd=ROOT,
        env={**os.environ, "PREFECT_API_URL": prefect.api_url, "PREFECT_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    assert "the deployment run-leg/smr is missing" in missing
    assert drift(office.ws, prefect.api_url, "smr") == []
    with httpx.Client(base_url=prefect.api_url) as http:
        found = http.get("deployments/name/run-batch/smr").text
    assert str(ROOT) not in found


def test_smr_doctor_tells_what_prefect_lacks_and_smr_deploy_mends_it(make_office, prefect):
    settings = f"prefect_api_url: {prefect.api_url}\ndispatcher: work-pool\n"
    office = make_office(settings=f"{settings}prefect_start: [three-at-once]\n")
    deploy(
        replace(office.ws, options=replace(office.ws.options, prefect_start=())), prefect.api_url
    )

    def smr(*words: str) -> Any:
        program = Path(sys.executable).with_name("smr")
        command = [program, "--workspace", office.root, *words, "--json"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        return json.loads(said.stdout)

    def finding() -> dict[str, Any]:
        return next(found for found in smr("doctor") if found["what"] == "deployments")

    assert not finding()["ok"]
    assert "open-case/three-at-once is missing" in finding()["message"]
    assert finding()["hint"] == "smr deploy"
    everything = {"open-case/three-at-once", "run-leg/smr", "run-batch/smr"}
    assert set(smr("deploy")["deployments"]) == everything
    assert finding()["ok"]
