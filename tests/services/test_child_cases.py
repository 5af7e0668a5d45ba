"""Child cases: what they are handed, and that none is left behind."""

from __future__ import annotations

import pytest

from smr_engine.errors import Refusal
from smr_engine.services import reading
from tests.services.company import Company

WRITES = """
playbook: writes
version: 1.0.0
title: Writes
owner: smr-lead
documents:
  letter: {title: Letter, audience: partner, template: "Dear partner"}
steps:
  - {id: write, kind: draft, document: letter, assign: {role: comms-writer}}
  - {id: hand_on, kind: playbook, playbook: passes, documents: [letter]}
"""
PASSES = """
playbook: passes
version: 1.0.0
title: Passes on
owner: smr-lead
documents:
  letter: {title: Letter, audience: partner}
steps:
  - {id: check, kind: playbook, playbook: checks, documents: [letter]}
"""
CHECKS = """
playbook: checks
version: 1.0.0
title: Checks
owner: smr-lead
documents:
  letter: {title: Letter, audience: partner}
steps:
  - {id: approve, kind: approval, documents: [letter], quorum: [{role: comms-writer}]}
"""


def only_child(company: Company, case: str) -> str:
    [child] = reading.case_view(company.ws, case).children
    return child


def test_whoever_wrote_a_text_does_not_approve_it_in_any_case_that_it_is_handed_to(
    company: Company,
):
    for name, text in (("writes", WRITES), ("passes", PASSES), ("checks", CHECKS)):
        company.playbook(name, text)
    parent = company.start("writes")
    company.write(company.item(parent, "write"), "Dear Kim, here is the sample.", "tom")
    company.work()
    child = only_child(company, parent)
    item = company.item(only_child(company, child), "approve")
    with pytest.raises(Refusal, match="had a hand in this content, so somebody else must decide"):
        company.vote(item, "tom")
    assert company.vote(item, "zoe").granted
