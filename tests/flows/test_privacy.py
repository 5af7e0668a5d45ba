"""Prefect's server has no sign-in: nothing that a stranger should not read may reach it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smr_engine.services.workspace import Actor
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
    to: {OUTSIDER}
    message: {{subject: "About {{{{ inputs.about }}}}", body: "{CONTENT}"}}
    acknowledge: {{due: 1h}}
"""


def people() -> list[str]:
    """Return the names and addresses of everybody in the directory."""
    lines = [line for line in DIRECTORY.splitlines() if "email:" in line]
    names = [line.split("name: ")[1].split(",")[0] for line in lines]
    return names + [line.split("email: ")[1].split(",")[0] for line in lines]


def test_no_content_and_nobody_s_name_or_address_reaches_prefect(make_office, prefect, blog):
    office = make_office(playbooks={"to-an-outsider": TO_AN_OUTSIDER})
    dispatcher = office.dispatcher(prefect.api_url)
    blog.plan = [403]  # a refusal, with a reason
    case = office.start("on-the-blog")
    office.write(case, CONTENT)
    office.approve(case, COMMENT)
    dispatcher.run_leg(office.leg(case))

    told = office.start("to-an-outsider", about=INPUT)
    dispatcher.run_batch(office.legs(told))

    def broken(_account):
        raise RuntimeError(FAULT)

    office.ws = replace(office.ws, connector_for=broken)
    faulty = office.approved("approval")
    office.dispatcher(prefect.api_url).run_leg(office.leg(faulty))

    for run in [*prefect.runs(case), *prefect.runs(faulty), *prefect.runs("batch")]:
        prefect.tasks(run, 1)  # recorded, so that what is searched is all there is
    assert prefect.keeps("publish note -> company-blog")  # it would be found
    secrets = [CONTENT, COMMENT, INPUT, FAULT, OUTSIDER, *people()]
    assert {words: prefect.keeps(words) for words in secrets if prefect.keeps(words)} == {}


def test_the_one_who_acts_is_not_told_to_prefect(office, prefect, ready):
    case = office.approved("approval")
    ready.run_leg(office.leg(case))
    (run,) = prefect.runs(case)
    assert Actor("lea").id not in str(run)
