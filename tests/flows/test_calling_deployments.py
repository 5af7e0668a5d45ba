"""A `call` of `prefect.deployment`: started once on a real server, followed until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from smr_engine.adapters.prefect_deployment import DeploymentCaller
from smr_engine.services import effects, legs, reading
from smr_engine.services.ports import EffectRefusedError, EffectUnavailableError
from tests.adapters.servers import free_port, running_blog
from tests.flows.office import LEASE

pytestmark = pytest.mark.xdist_group("prefect")

SAID = "Zahnrad Nummer achtzehn gebrochen"
PRIVATE = "Herr Morgenthau aus Zwickau"
COLLECTING = f"""
playbook: collecting
version: 1.0.0
title: Collect what is said
owner: smr-lead
inputs: {{fields: {{about: {{type: text, optional: true}}}}}}
steps:
  - {{id: remark, kind: set, values: {{seen: "{PRIVATE}, {{{{ inputs.about }}}}"}}}}
  - id: collect
    kind: call
    uses: prefect.deployment
    with:
      deployment: collect-mentions/%s
      parameters: {{since: "{{{{ case.ref }}}}", most: "{{{{ 3 }}}}"}}
  - {{id: told, kind: set, values: {{ended: "{{{{ steps.collect.output.state }}}}"}}}}
"""


@dataclass(frozen=True)
class Deployed:
    """A deployment of a flow that nobody executes: the test says what becomes of its runs."""

    http: httpx.Client
    name: str
    id: str

    def runs(self) -> list[dict[str, Any]]:
        asked = {"deployments": {"id": {"any_": [self.id]}}}
        return self.http.post("flow_runs/filter", json=asked).json()

    def becomes(self, kind: str, name: str = "") -> None:
        """Say how its one run is."""
        state = {"type": kind, "name": name or kind.capitalize(), "message": SAID}
        (run,) = self.runs()
        place = f"flow_runs/{run['id']}/set_state"
        self.http.post(place, json={"state": state, "force": True}).raise_for_status()


@pytest.fixture
def deployed(prefect, request) -> Iterator[Deployed]:
    name = request.node.name.replace("[", " ").replace("]", " ").replace("/", " ").strip()
    wanted = {
        "name": name,
        "parameter_openapi_schema": {
            "type": "object",
            "properties": {"since": {"type": "string"}, "most": {"type": "integer"}},
        },
        "enforce_parameter_schema": True,
    }
    with httpx.Client(base_url=prefect.api_url, timeout=30) as http:
        flow = http.post("flows/", json={"name": "collect-mentions"}).json()
        made = http.post("deployments/", json={**wanted, "flow_id": flow["id"]})
        yield Deployed(http, f"collect-mentions/{name}", made.raise_for_status().json()["id"])


@pytest.fixture
def call(prefect, deployed) -> Callable[..., Any]:
    """Call it as an effect does, each time with the same key."""
    caller = DeploymentCaller(lambda: prefect.api_url, {})
    key = f"CASE-1.7 {deployed.id}"

    def calling(deployment: str = deployed.name, **parameters: Any) -> Any:
        return caller.call(key, {"deployment": deployment, "parameters": parameters}, 30)

    return calling


def test_a_deployment_is_started_once_and_pending_until_its_run_has_ended(call, deployed):
    first = call(since="monday", most=3)
    again = call(since="monday", most=3)
    (run,) = deployed.runs()
    assert first == again == {"flow_run": run["id"], "state": "Scheduled", "pending": True}
    assert run["parameters"] == {"since": "monday", "most": 3}
    for kind in ("RUNNING", "PAUSED"):
        deployed.becomes(kind)
        assert call()["pending"]
    deployed.becomes("COMPLETED")
    assert call() == {"flow_run": run["id"], "state": "Completed"}
    assert len(deployed.runs()) == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [("FAILED", "Failed"), ("CRASHED", "Crashed"), ("CANCELLED", "Cancelled"), ("FAILED", "Late!")],
)
def test_a_run_that_did_not_complete_is_a_refusal_with_its_state_s_name(call, deployed, kind, name):
    call()
    deployed.becomes(kind, name)
    with pytest.raises(EffectRefusedError, match=f"ended: {name}; Prefect shows why") as caught:
        call()
    assert SAID not in str(caught.value), "what a flow says of its failure stays where it ran"


def test_an_unknown_deployment_is_refused_with_what_to_do(call):
    with pytest.raises(
        EffectRefusedError,
        match="no deployment 'collect-mentions/other'; deploy it there, or correct the playbook",
    ):
        call("collect-mentions/other")


@pytest.mark.parametrize("name", ["", "collect", "/x", "x/", "a/b/c", "../../admin/x"])
def test_what_is_no_name_of_a_deployment_is_refused_before_anybody_is_asked(name):
    caller = DeploymentCaller(lambda: pytest.fail("asked"), {})
    with pytest.raises(EffectRefusedError, match="write flow/deployment"):
        caller.call("key", {"deployment": name}, 5)


def test_parameters_that_the_flow_does_not_take_are_refused(call, deployed):
    with pytest.raises(EffectRefusedError, match=r"status 409.*'many' is not valid"):
        call(most="many")
    assert deployed.runs() == []


def test_a_parameter_that_prefect_would_carry_out_is_refused(call, deployed):
    asked = {"__prefect_kind": "workspace_variable", "variable_name": "password"}
    with pytest.raises(EffectRefusedError, match="would carry it out"):
        call(since=[asked])
    assert deployed.runs() == []


@pytest.mark.parametrize("status", [503, 500, 502])
def test_a_server_that_is_busy_for_longer_than_a_moment_is_unavailable(status):
    with running_blog() as server:
        server.plan = [status] * 3
        caller = DeploymentCaller(lambda: f"{server.url}/api", {})
        with pytest.raises(EffectUnavailableError, match=f"status {status}"):
            caller.call("key", {"deployment": "a/b"}, 5)
        assert [path for _, path, _ in server.seen] == ["/api/flow_runs/filter"] * 3


def test_a_server_that_is_not_there_is_unavailable():
    for url in ("", f"http://127.0.0.1:{free_port()}/api"):
        with pytest.raises(EffectUnavailableError, match=r"No Prefect server|does not answer"):
            DeploymentCaller(lambda url=url: url, {}).call("key", {"deployment": "a/b"}, 5)


def test_what_is_not_prefect_is_refused():
    with running_blog() as server:
        server.plan = [404]
        with pytest.raises(EffectRefusedError, match="status 404"):
            DeploymentCaller(lambda: server.url, {}).call("key", {"deployment": "a/b"}, 5)


@dataclass
class Ahead:
    """A clock that goes before the machine's."""

    by: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


def perform_owed(office, case: str) -> None:
    for claim in map(legs.claim_of, office.leg(case).as_json()["owed"]):
        effects.perform(office.ws, claim, "a-leg-s-run")


@pytest.fixture
def collecting(make_office, prefect, deployed) -> tuple[Any, str]:
    """A case that waits for a run of the deployment, under the address of the settings."""
    office = make_office(
        settings=f"prefect_api_url: {prefect.api_url}\n",
        playbooks={"collecting": COLLECTING % deployed.name.partition("/")[2]},
    )
    case = office.start("collecting", about=PRIVATE)
    perform_owed(office, case)
    return office, case


def test_a_case_waits_for_the_run_and_goes_on_with_what_became_of_it(collecting, deployed):
    office, case = collecting
    assert office.status(case) == "open"
    deployed.becomes("COMPLETED")
    assert office.legs(case) == [], "it is asked again by timer, not at once"
    office.ws = replace(office.ws, clock=Ahead(LEASE + timedelta(minutes=1)))
    perform_owed(office, case)
    (run,) = deployed.runs()
    done = [row.data for row in reading.timeline(office.ws, case) if row.kind == "EffectDone"]
    assert done[-1]["result"] == {"flow_run": run["id"], "state": "Completed"}
    assert run["parameters"] == {"since": case, "most": 3}
    assert office.status(case) == "completed"


def test_a_run_that_failed_holds_the_case(collecting, deployed):
    office, case = collecting
    deployed.becomes("FAILED")
    office.ws = replace(office.ws, clock=Ahead(LEASE + timedelta(minutes=1)))
    perform_owed(office, case)
    assert office.status(case) == "held"


def test_only_what_the_author_wrote_into_the_parameters_reaches_prefect(collecting, prefect):
    _, case = collecting
    assert prefect.keeps(case)  # it would have been found
    assert prefect.keeps(PRIVATE) == []
