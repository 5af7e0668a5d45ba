"""Prefect's server has no sign-in: nothing that a stranger should not read may reach it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smr_engine.services.workspace import Actor
from tests.flows.office import Shown, wait_for
from tests.support.houses import DIRECTORY

pytestmark = pytest.mark.xdist_group("prefect")

CONTENT = "Die Lawine kam um halb neun"
COMMENT = "Fein so, nur zu mit dem Maultier"
INPUT = "Frau Abendroth aus Schwedt"
FAULT = "Zahnrad Nummer siebzehn gebrochen"
OUTSIDER = "jo.abendroth@example.test"
TO_AN_OUTSIDER = f"""
playbook: to-an-outsider
version: 1.0.0
title: A message to somebody outside
owner: smr-lead
inputs: {{fields: {{about: text}}}}
steps:
  - id: tell_her
    kind: notify
    to: {{person: ana}}
    message: {{subject: "About {{{{ inputs.about }}}}", body: "{{{{ inputs.about }}}} waits."}}
  - id: tell_outside
    kind: notify
    title: "Tell them about {{{{ inputs.about }}}}"
    to: {OUTSIDER}
    message: {{subject: "About {{{{ inputs.about }}}}", body: "{CONTENT}"}}
    acknowledge: {{due: 1s, escalate: [{{at: at due, to: {{role: legal}}}}], wait: true}}
"""


def people() -> list[str]:
    """Return the names and addresses of everybody in the directory."""
    lines = [line for line in DIRECTORY.splitlines() if "email:" in line]
    names = [line.split("name: ")[1].split(",")[0] for line in lines]
    return names + [line.split("email: ")[1].split(",")[0] for line in lines]


def searched(prefect, *runs: Shown) -> dict[str, list[Path]]:
    """Return which secrets Prefect's files hold, once they hold all about these runs."""
    for run in runs:
        prefect.tasks(run, 1)
    secrets = [CONTENT, COMMENT, INPUT, FAULT, OUTSIDER, *people()]
    return {words: found for words in secrets if (found := prefect.keeps(words))}


def test_no_content_and_nobody_s_name_or_address_reaches_prefect(office, prefect, ready, blog):
    blog.plan = [403]  # a refusal, with a reason
    case = office.start("on-the-blog")
    office.write(case, CONTENT)
    office.approve(case, COMMENT)
    ready.run_leg(office.leg(case))
    ready.run_batch(office.legs(office.start("three-at-once", words=INPUT)))
    assert searched(prefect, *prefect.runs(case), *prefect.runs("batch")) == {}
    assert prefect.keeps("publish note -> company-blog")  # it would have been found


def test_what_a_broken_part_says_does_not_reach_prefect(office, prefect):
    def broken(_account):
        raise RuntimeError(FAULT)

    office.ws = replace(office.ws, connector_for=broken)
    case = office.approved("approval")
    office.dispatcher(prefect.api_url).run_leg(office.leg(case))
    assert searched(prefect, *prefect.runs(case)) == {}


def test_the_address_of_an_outsider_who_does_not_answer_does_not_reach_prefect(
    make_office, prefect
):
    office = make_office(playbooks={"to-an-outsider": TO_AN_OUTSIDER})
    with office.conducting(office.dispatcher(prefect.api_url)):
        case = office.start("to-an-outsider", about=INPUT)
        name = "escalate tell_outside"
        wait_for(lambda: name in office.effects(case))
        wait_for(lambda: office.effects(case)[name].status == "done")
    assert searched(prefect, *prefect.runs(case)) == {}
    assert prefect.keeps(name)


def test_the_one_who_acts_is_not_told_to_prefect(office, prefect, ready):
    case = office.approved("approval")
    ready.run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    assert Actor("lea").id not in str(run)
