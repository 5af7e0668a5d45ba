"""Each shipped playbook runs to its close in the sample company, through the command line.

The copies that are played differ from the shipped files only in waiting times: seconds, not days.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.program import House, sample
from tests.support.story import (
    approves,
    chooses,
    fills,
    in_turn,
    play,
    says,
    writes,
)

SHIPPED = Path(__file__).parents[2] / "playbooks"
SHORTER = {
    "crisis-response": {"every: {by_severity: {sev1: 1h, sev2: 4h}, default: 1d}": "every: 2s"},
    "blogger-outreach": {"every: 48h": "every: 1s", "for: 6d": "for: 1s"},
    "policy-review": {},
    "holding-statement": {},
}


@pytest.fixture
def house(tmp_path):
    made = sample(tmp_path / "halden")
    for name, waits in SHORTER.items():
        text = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
        for long, short in waits.items():
            assert long in text
            text = text.replace(long, short)
        made.playbook(name, text)
    return made


def closed_well(house: House, case: str) -> None:
    """What holds of every case that is over: the log verifies, and nothing is owed or open."""
    assert house.ask("audit", "verify") == {
        **house.ask("audit", "verify"),
        "ok": True,
        "problems": [],
    }
    assert house.items(case) == []
    assert {effect["status"] for effect in house.ask("show", case)["effects"]} <= {"done"}


# --- holding statement -------------------------------------------------------------------------

def test_a_holding_statement_runs_to_its_close(house):
    case = house.start("holding-statement", SMOKE)
    shown = play(house, case, holding())
    assert (shown["status"], shown["outcome"]) == ("completed", "done")
    (page,) = house.pages()
    document = house.ask("document", case, "holding_statement")
    assert page.endswith(document["text"])
    assert shown["results"]["digest"] == document["digest"]
    who = house.ask("audit", "who", case)
    assert [(row["person"], row["valid"]) for row in who] == [("carl", True), ("lea", True)]
    assert {row["published_url"] for row in who} == {shown["results"]["url"]}
    closed_well(house, case)


def test_a_rejected_holding_statement_publishes_nothing(house):
    case = house.start("holding-statement", SMOKE)
    no = says("lea", "reject", "We say nothing while the fire service is at work")
    shown = play(house, case, holding(approve_holding=no))
    assert (shown["status"], shown["outcome"]) == ("completed", "rejected")
    assert house.pages() == []
    (row,) = house.ask("audit", "who", case)
    assert (row["person"], row["decision"], row["published_url"]) == ("lea", "reject", None)
    closed_well(house, case)


def test_a_statement_that_apologises_needs_the_executive_sponsor(house):
    case = house.start("holding-statement", SMOKE)
    answers = holding(
        weigh_words=chooses("tom", "weigh_words=yes"),
        approve_holding=approves("carl", "lea", "eva"),
        aftermath=chooses("carl", "choice=escalated"),
    )
    shown = play(house, case, answers)
    assert (shown["status"], shown["outcome"]) == ("completed", "escalated")
    closed_well(house, case)


# --- crisis response ---------------------------------------------------------------------------

def test_a_crisis_runs_to_its_close_with_updates_and_a_request_for_changes(house):
    case = house.start("crisis-response", LEAK)
    shown = play(house, case, crisis())
    assert (shown["status"], shown["outcome"], shown["severity"]) == ("completed", "done", "sev2")
    (child,) = shown["children"]
    who = house.ask("audit", "who", case)
    by_document = {}
    for row in who:
        found = by_document.setdefault((row["case"], row["document"]), [])
        found.append((row["person"], row["decision"], row["valid"]))
    assert by_document == {}  # TODO
    closed_well(house, case)


# --- outreach ----------------------------------------------------------------------------------

def test_an_outreach_campaign_runs_to_its_close(house):
    case = house.start("blogger-outreach", CAMPAIGN)
    shown = play(house, case, outreach())
    assert (shown["status"], shown["outcome"]) == ("completed", "done")
    assert shown["results"] == {"invited": 2, "posts": ["https://video.example.test/signe/1"]}
    closed_well(house, case)


# --- policy review -----------------------------------------------------------------------------

def test_a_policy_review_runs_to_its_close_and_carries_open_actions_over(house):
    case = house.start("policy-review", REVIEW)
    shown = play(house, case, review())
    assert (shown["status"], shown["outcome"]) == ("completed", "done")
    assert shown["results"] == {
        "open_actions": [REVIEW["open_actions"][1], LEFT_OPEN],
        "reviewed": REVIEW["policies"],
    }
    closed_well(house, case)
