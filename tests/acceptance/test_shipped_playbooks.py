"""Each shipped playbook runs to its close in the sample company, through the command line.

The copies that are played differ from the shipped files only in waiting times: seconds, not days.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.answers import (
    ACTION,
    CAMPAIGN,
    LEAK,
    LEFT_OPEN,
    REVIEW,
    SMOKE,
    STATEMENT,
    crisis,
    holding,
    outreach,
    owners,
    review,
)
from tests.support.program import House
from tests.support.story import approves, chooses, play, says

SHIPPED = Path(__file__).parents[2] / "playbooks"
SHORTER = {
    "crisis-response": {"every: {by_severity: {sev1: 1h, sev2: 4h}, default: 1d}": "every: 2s"},
    "blogger-outreach": {"every: 48h": "every: 1s", "for: 6d": "for: 1s"},
    "policy-review": {},
    "holding-statement": {},
}


@pytest.fixture
def quick(house):
    """The sample company with copies of the shipped playbooks whose days are seconds."""
    for name, waits in SHORTER.items():
        text = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
        for long, short in waits.items():
            assert long in text
            text = text.replace(long, short)
        house.playbook(name, text)
    return house


def closed_well(house: House, case: str) -> None:
    """What holds of every case that is over.

    Nothing is open or owed; each page in the newsroom is word for word what a valid approval is
    about, as `audit who` tells; the log verifies.
    """
    shown = house.ask("show", case)
    assert (shown["status"], shown["items"]) == ("completed", [])
    assert {effect["status"] for effect in shown["effects"]} <= {"done"}
    who = house.ask("audit", "who", case)
    let_out = {row["published_url"]: row["digest"] for row in who if row["valid"]}
    for place, text in house.pages().items():
        assert hashlib.sha256(text.encode()).hexdigest() == let_out[place]
    written = " ".join(house.done("audit", "who", case).split())
    assert [place for place in house.pages() if f" at {place} " not in written] == []
    assert house.ask("audit", "verify")["ok"]


def decided(house: House, case: str) -> list[tuple[str, str, str, bool]]:
    """Who decided what about which document, and whether it counts, in order."""
    rows = house.ask("audit", "who", case)
    return [(row["document"], row["person"], row["decision"], row["valid"]) for row in rows]


def acknowledged(house: House, case: str, step: str) -> list[str]:
    """Who has acknowledged the message of a step."""
    opened = house.ask("audit", "log", "--case", case, "--kind", "ItemOpened")
    done = house.ask("audit", "log", "--case", case, "--kind", "ItemCompleted")
    asked = {row["data"]["item"] for row in opened if row["data"]["step"] == step}
    return [row["actor"] for row in done if row["data"]["item"] in asked]


# --- holding-statement -------------------------------------------------------------------------


def test_a_holding_statement_runs_to_its_close(quick):
    case = quick.start("holding-statement", SMOKE)
    shown = play(quick, case, holding())
    assert shown["outcome"] == "done"
    (text,) = quick.pages().values()
    document = quick.ask("document", case, "holding_statement")
    assert (document["text"], document["digest"]) == (text, shown["results"]["digest"])
    assert decided(quick, case) == [
        ("holding_statement", "carl", "approve", True),
        ("holding_statement", "lea", "approve", True),
    ]
    told = quick.mailed(f"{case}: published, Smoke in hall 3")
    assert {"ben@example.test", "kit@brightline.example.test"} <= set(told)
    assert len(told) == len(set(told)) == 13
    closed_well(quick, case)


def test_a_rejected_holding_statement_publishes_nothing(quick):
    case = quick.start("holding-statement", SMOKE)
    no = says("lea", "reject", "We say nothing while the fire service is at work")
    shown = play(quick, case, holding(approve_holding=no))
    assert shown["outcome"] == "rejected"
    assert quick.pages() == {}
    assert quick.mailed("published") == []
    assert decided(quick, case) == [("holding_statement", "lea", "reject", True)]
    closed_well(quick, case)


def test_a_statement_that_apologises_needs_the_executive_sponsor(quick):
    case = quick.start("holding-statement", SMOKE)
    answers = holding(
        weigh_words=chooses("tom", "weigh_words=yes"),
        approve_holding=approves("carl", "lea", "eva"),
        aftermath=chooses("carl", "choice=escalated"),
    )
    assert play(quick, case, answers)["outcome"] == "escalated"
    closed_well(quick, case)


# --- crisis-response ---------------------------------------------------------------------------


def test_a_crisis_runs_to_its_close_with_a_request_for_changes_and_two_updates(quick):
    case = quick.start("crisis-response", LEAK)
    shown = play(quick, case, crisis())
    assert (shown["outcome"], shown["severity"]) == ("done", "sev2")
    assert shown["results"]["open_actions"] == [ACTION]
    pages = list(quick.pages().values())
    assert len(pages) == 4
    assert STATEMENT in pages
    (child,) = shown["children"]
    rows = quick.ask("audit", "who", case)
    first = [(row["person"], row["valid"]) for row in rows if row["case"] == child]
    assert first == [("lea", False), ("carl", True), ("lea", True), ("dara", True)]
    votes = Counter(document for document, _, decision, _ in decided(quick, case))
    assert votes == {
        "holding_statement": 4,
        "message_map": 2,
        "update": 7,
        "closing_update": 4,
        "after_action": 2,
    }
    assert len(quick.mailed(f"{case}: situation report 5")) == 8
    assert quick.mailed("Our statement") == ["petra@summitstores.example.test"]
    told = quick.mailed("Use these words only")
    assert len(told) == len(acknowledged(quick, case, "tell_line")) == 13
    assert case in quick.done("timeline", case)
    clocks = {clock["clock"]: clock["status"] for clock in shown["clocks"]}
    assert clocks == {"gdpr_72h": "met", "first_statement": "met"}
    closed_well(quick, case)


def test_what_is_no_crisis_ends_before_the_team_is_called(quick):
    case = quick.start("crisis-response", LEAK)
    shown = play(quick, case, crisis(declare=chooses("carl", "declare=no")))
    assert shown["outcome"] == "not_a_crisis"
    assert quick.mailed("acknowledge now") == []
    closed_well(quick, case)


@pytest.mark.soak
def test_a_crisis_whose_first_statement_is_rejected_still_runs_to_its_close(quick):
    case = quick.start("crisis-response", LEAK)
    answers = crisis(
        approve_holding=says("paul", "reject", "The police ask us to wait"),
        next_move=chooses("carl", "choice=close"),
        stand_down=chooses("carl", "calm=yes", "promises=yes", "deadlines=yes"),
    )
    shown = play(quick, case, answers)
    assert (shown["outcome"], shown["results"]["first_statement_at"]) == ("done", None)
    (text,) = quick.pages().values()
    assert text.startswith("# Closing update")
    assert "first statement never" in quick.ask("document", case, "after_action")["text"]
    closed_well(quick, case)


# --- blogger-outreach --------------------------------------------------------------------------


def test_an_outreach_campaign_runs_to_its_close(quick):
    case = quick.start("blogger-outreach", CAMPAIGN)
    shown = play(quick, case, outreach())
    assert shown["outcome"] == "done"
    assert shown["results"] == {"invited": 2, "posts": ["https://video.example.test/signe/1"]}
    steps = {step["path"]: step["outcome"] for step in shown["steps"]}
    assert steps["each_creator[0]/first_day"] == "until"
    assert steps["each_creator[0]/once_more/last_reply"] == "skipped"
    assert steps["each_creator[1]/once_more/last_reply"] == "no_answer"
    assert steps["vet_creators[2]/invite"] == "skipped"  # under age
    letters = [m for m in quick.mails() if "creators.example.test" in m["To"]]
    assert len(letters) == 5
    who = quick.ask("audit", "who", case)
    by_url = {row["published_url"]: row["digest"] for row in who if row["valid"]}
    assert len(set(by_url) - {None}) == 4
    closed_well(quick, case)


# --- policy-review -----------------------------------------------------------------------------


@pytest.mark.soak
def test_the_owner_of_a_policy_signs_what_becomes_of_it(quick):
    case = quick.start("policy-review", REVIEW)
    assert play(quick, case, review(**owners()))["outcome"] == "done"
    approved = {(document, person) for document, person, _, valid in decided(quick, case) if valid}
    assert {("redline", "carl"), ("retirement", "dara")} <= approved
    closed_well(quick, case)


def test_a_policy_review_changes_keeps_retires_and_declines(quick):
    case = quick.start("policy-review", REVIEW)
    shown = play(quick, case, review())
    assert shown["outcome"] == "done"
    assert shown["results"] == {
        "open_actions": [REVIEW["open_actions"][1], LEFT_OPEN],
        "reviewed": REVIEW["policies"],
    }
    (text,) = quick.pages().values()
    assert text.startswith("# blogging-policy, version 4")
    news = [m for m in quick.mails() if m["Subject"].startswith("Social media policies: ")]
    assert len(news) == 25
    first, *others = news[0].get_content().splitlines()
    assert first.startswith("- blogging-policy: change, in force from 15 January 2027: newsroom/")
    assert others[:3] == [
        "- outreach-policy: no change",
        "- monitoring-policy: retire",
        "- social-media-policy: declined",
    ]
    entered = [step["outcome"] for step in shown["steps"] if "enter_register" in step["path"]]
    assert entered == ["done", "done", "done", None]
    closed_well(quick, case)
