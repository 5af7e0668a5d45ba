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

VERIFIED = {
    "confirmed": ["Smoke was seen in hall 3 at 14:05.", "Hall 3 was evacuated; nobody is hurt."],
    "unknown": ["What caused the smoke."],
    "captures": "evidence/hall-3",
}
SMOKE = {"title": "Smoke in hall 3", "type": "safety"}
GROUPS = [
    {"group": "frontline care", "state": "acted"},
    {"group": "Summit Stores", "state": "told", "note": "Ben calls Petra Lang"},
]


def holding(**others):
    """What people do in a holding statement at sev2."""
    return {
        "verify": fills("ana", **VERIFIED),
        "draft_holding": writes("tom"),
        "weigh_words": chooses("tom", "weigh_words=no"),
        "approve_holding": approves("carl", "lea"),
        "engagement": fills("ana", groups=GROUPS, promises=["Answer Petra Lang by Friday"]),
        "aftermath": chooses("carl", "choice=settled"),
        **others,
    }


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

LEAK = {
    "title": "Customer addresses on a public page",
    "type": "breach",
    "first_seen": "2026-11-23T08:40:00+01:00",
    "source_urls": ["https://forum.example.test/t/9912"],
    "safety_risk": False,
}
FACTS = {
    "confirmed": ["A page with 1,200 addresses of customers was public from 7:10 to 8:55."],
    "unknown": ["Who has read it."],
    "rumours": ["That card numbers were on it"],
    "affected": "everybody whose address was on the page",
    "finding_out": "Our security team reads the logs of the shop.",
    "doing": "The page is gone, and we write to everybody who was on it.",
    "captures": "evidence/forum-9912",
    "log_keeper": "max",
    "spokesperson": "nora",
}
SITUATION = {
    "situation": "Posts have slowed down.",
    "status": "watching",
    "done": "Everybody who was on the page has been written to.",
    "engagement": GROUPS,
}
PRESS = [
    {"name": "Petra Lang", "email": "petra@summitstores.example.test", "asked": "Link our page."},
]
ACTION = {"action": "Shop pages need a second look", "owner": "sam", "due": "2027-01-15"}
FIRST_TRY = "# Customer addresses on a public page\n\nOur supplier was careless with a page.\n"


def crisis(**others):
    """What people do in a breach at sev2, with two public updates before it is over."""
    return {
        "verify": fills("ana", **FACTS),
        "declare": chooses("carl", "declare=yes"),
        "freeze_posts": fills("ida", paused="All; Ida resumes", terms="halden leak", ordinary=40),
        "open_legal": fills("lea", hold=True, deadlines=["Authority, aware 8:40, until 8:40"]),
        "draft_holding": in_turn(writes("tom", FIRST_TRY), writes("tom")),
        "weigh_words": chooses("tom", "weigh_words=no"),
        "approve_holding": in_turn(
            says("lea", "request-changes", "We do not know that a supplier was careless"),
            approves("carl", "lea", "dara"),
        ),
        "predict_reaction": fills("ben", mood="sceptical", likely="Many ask.", advice="say more"),
        "draft_map": writes("tom"),
        "approve_map": approves("nora", "paul"),
        "frontline_acted": fills("elif", acted="acted"),
        "list_outside": fills("ana", groups=PRESS),
        "outside_acted": fills("ben", state="acted"),
        "gather": fills("ana", **SITUATION),
        "write_sitrep": writes("max" if False else "ida"),
        "next_move": in_turn(
            chooses("carl", "choice=update"),
            chooses("carl", "choice=apologise"),
            chooses("carl", "choice=close"),
            chooses("carl", "choice=hold"),
            chooses("carl", "choice=close"),
        ),
        "draft_update": writes("tom"),
        "approve_update": in_turn(
            approves("carl", "lea", "greta"), approves("eva", "carl", "lea", "hugo")
        ),
        "stand_down": in_turn(
            chooses("carl", "calm=yes", "promises=no"),
            chooses("carl", "calm=yes", "promises=yes", "deadlines=yes"),
        ),
        "draft_closing": writes("zoe"),
        "approve_closing": approves("carl", "lea", "eva", "dara"),
        "resume_posts": fills("ben"),
        "debrief": fills("ana", happened="A page was public.", keep="Speed", causes="No review"),
        "draft_after_action": writes("ana"),
        "approve_after_action": approves("carl", "rolf"),
        "assign_actions": fills("ana", actions=[{**ACTION, "proof": "Minutes"}]),
        **others,
    }


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
    assert by_document == {}
    closed_well(house, case)
