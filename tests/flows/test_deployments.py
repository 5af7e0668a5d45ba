"""Playbooks that Prefect may open: its form, its refusals, its starts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from flows.deployments import deploy, serve
from smr_engine.errors import Invalid
from smr_engine.services import reading
from tests.flows.office import PATIENCE_S, Office, Prefect, wait_for

pytestmark = pytest.mark.xdist_group("prefect")

OUTREACH = """
playbook: outreach
version: 2.1.0
title: Blogger outreach
summary: Ask a blogger in the open.
owner: smr-lead
labels: [outreach]
%s
inputs:
  fields:
    blog: url
    tone: [warm, plain]
    why: {type: long_text, optional: true}
steps:
  - {id: read_blog, kind: task, assign: {role: community-manager}}
"""
PLAYBOOKS = {
    "outreach": OUTREACH % "",
    "secret-outreach": OUTREACH.replace("outreach", "secret-outreach")
    % "visibility: {restricted: [smr-lead]}",
}
LISTED = "prefect_start: [outreach]\n"
INPUTS = {"blog": "https://blog.example.test/", "tone": "warm"}


@pytest.fixture
def listing(make_office) -> Office:
    return make_office(settings=LISTED, playbooks=PLAYBOOKS)


def deployment(prefect: Prefect, name: str = "open-case/outreach") -> Any:
    with prefect.client() as client:
        return client.read_deployment_by_name(name)


def names(prefect: Prefect) -> set[str]:
    with prefect.client() as client:
        return {found.name for found in client.read_deployments()}


def relist(office: Office, settings: str) -> None:
    """Change what the settings list, as somebody who edits smr.yaml and starts the program anew."""
    from smr_engine.bootstrap import open_workspace

    path = office.root / "smr.yaml"
    path.write_text(path.read_text().replace(LISTED, settings))
    office.close()
    office.ws = open_workspace(office.root, {})


@contextmanager
def serving(office: Office, prefect: Prefect) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(office.ws, lambda: prefect.api_url, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def ended(prefect: Prefect, run_id: Any) -> Any:
    """Return a flow run once it has ended."""

    def look() -> Any:
        with prefect.client() as client:
            run = client.read_flow_run(run_id)
        return run if run.state.is_final() else None

    return wait_for(look)


def start(prefect: Prefect, inputs: dict[str, Any], **more: Any) -> Any:
    with prefect.client() as client:
        found = client.read_deployment_by_name("open-case/outreach")
        return client.create_flow_run_from_deployment(found.id, parameters=inputs, **more).id


def test_a_listed_playbook_has_a_start_form_in_prefect(listing, prefect):
    assert deploy(listing.ws, prefect.api_url) == ["open-case/outreach"]
    found = deployment(prefect)
    assert found.description == "Blogger outreach\n\nAsk a blogger in the open."
    assert found.version.startswith("2.1.0+")
    assert found.tags == ["outreach", "smr-engine"]
    assert found.enforce_parameter_schema
    form = found.parameter_openapi_schema
    assert list(form["properties"]) == ["blog", "tone", "why"]
    assert form["properties"]["tone"]["enum"] == ["warm", "plain"]
    assert form["required"] == ["blog", "tone"]


def test_the_flows_are_known_to_prefect_before_they_ever_ran(listing, prefect):
    deploy(listing.ws, prefect.api_url)
    with prefect.client() as client:
        known = {flow.name for flow in client.read_flows()}
    assert known >= {"run-leg", "run-batch", "open-case"}


def test_prefect_itself_refuses_inputs_that_do_not_fit(listing, prefect):
    deploy(listing.ws, prefect.api_url)
    with pytest.raises(Exception, match="409"):
        start(prefect, {"blog": "https://blog.example.test/", "tone": "rude"})


def test_a_start_from_prefect_opens_a_case_once(listing, prefect):
    from prefect.states import Scheduled

    with serving(listing, prefect):
        wait_for(lambda: "outreach" in names(prefect))
        run_id = start(prefect, INPUTS, idempotency_key="the form was sent twice")
        assert start(prefect, INPUTS, idempotency_key="the form was sent twice") == run_id
        first = ended(prefect, run_id)
        with prefect.client() as client:  # somebody lets Prefect run it again
            client.set_flow_run_state(run_id, Scheduled(), force=True)
        wait_for(lambda: ended(prefect, run_id).run_count == 2)
    (case,) = reading.case_list(listing.ws)
    assert (first.state.name, first.state.message) == ("Completed", case.case)
    opened = next(reading.timeline(listing.ws, case.case).__iter__())
    assert (opened.kind, opened.actor) == ("CaseOpened", "prefect:outreach")


def test_what_prefect_cannot_check_is_refused_and_says_which_field(listing, prefect):
    with serving(listing, prefect):
        wait_for(lambda: "outreach" in names(prefect))
        run = ended(prefect, start(prefect, {**INPUTS, "blog": "no address"}))
    assert run.state.name == "Failed"
    assert "blog" in run.state.message
    assert reading.case_list(listing.ws) == []


def test_deploying_again_changes_nothing_and_keeps_the_schedules_of_others(listing, prefect):
    from prefect.client.schemas.schedules import IntervalSchedule

    deploy(listing.ws, prefect.api_url)
    with prefect.client() as client:
        weekly = IntervalSchedule(interval=timedelta(days=7))
        client.create_deployment_schedules(deployment(prefect).id, [(weekly, False)])
    before = deployment(prefect)
    deploy(listing.ws, prefect.api_url)
    assert deployment(prefect) == before
    changed = PLAYBOOKS["outreach"].replace("2.1.0", "2.2.0").replace("warm", "kind")
    (listing.root / "playbooks/outreach.yaml").write_text(changed)
    deploy(listing.ws, prefect.api_url)
    after = deployment(prefect)
    assert after.version.startswith("2.2.0+")
    assert after.parameter_openapi_schema["properties"]["tone"]["enum"] == ["kind", "plain"]
    assert (after.id, after.schedules) == (before.id, before.schedules)


def test_a_playbook_that_is_no_longer_listed_loses_its_deployment_and_nobody_else_does(
    listing, prefect
):
    deploy(listing.ws, prefect.api_url)
    with prefect.client() as client:
        flow = client.create_flow_from_name("open-case")
        client.create_deployment(flow, "made-by-hand")
    relist(listing, "")
    assert deploy(listing.ws, prefect.api_url) == []
    assert "outreach" not in names(prefect)
    assert "made-by-hand" in names(prefect)


def test_a_restricted_playbook_is_never_told_to_prefect(listing, prefect):
    relist(listing, "prefect_start: [outreach, secret-outreach]\n")
    with pytest.raises(Invalid, match="secret-outreach has restricted visibility"):
        deploy(listing.ws, prefect.api_url)
    assert "outreach" in names(prefect)
    assert prefect.keeps("secret-outreach") == []


def test_a_playbook_with_errors_does_not_keep_the_others_from_prefect(listing, prefect):
    relist(listing, "prefect_start: [approval, outreach]\n")
    broken = (listing.root / "playbooks/approval.yaml").read_text().replace("legal", "leggal")
    (listing.root / "playbooks/approval.yaml").write_text(broken)
    with pytest.raises(Invalid, match="approval has errors"):
        deploy(listing.ws, prefect.api_url)
    assert "outreach" in names(prefect)
    assert "approval" not in names(prefect)


def test_where_nothing_is_listed_nobody_asks_prefect(office):
    def nobody() -> str:
        raise AssertionError("no server is wanted")

    serve(office.ws, nobody, threading.Event())
    assert "flows.deployments" in sys.modules
