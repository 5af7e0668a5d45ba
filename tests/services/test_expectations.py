"""Expectations: each that does not hold is named by its line, with what happened instead."""

from __future__ import annotations

from tests.services.company import Company
from tests.services.rehearsing import SIGNAL, play

HAPPENS = [
    {"who": "ana", "completes": "look", "after": "40m"},
    {"who": ["carl", "lea"], "approves": "check", "after": "5m"},
    SIGNAL,
]
WRONG = [
    ({"ends": "rejected"}, "it ended: done (Mon 2026-09-14 12:05)"),
    ({"still": "open"}, "the case is completed: done"),
    ({"severity": "high"}, "it is low"),
    ({"step": "big", "outcome": "no"}, "yes (Mon 2026-09-14 12:05)"),
    ({"path": ["write", "look"]}, "look did not begin where it should; these began: look, write"),
    ({"published": "words", "says": "Fire"}, "words on newsroom (Mon 2026-09-14 10:50)"),
    ({"published": "words", "times": 2}, "this happened 1 times: words on newsroom"),
    ({"published": "words", "within": "10m"}, "it came later: words on newsroom"),
    ({"published": "words", "at": "2026-09-14T10:20"}, "it came at another time: words"),
    ({"approved": "words", "by": ["nora"]}, "approved by carl, lea (Mon 2026-09-14 10:50)"),
    ({"reminded": "lea"}, "ana, mira of look (Mon 2026-09-14 10:30)"),
    ({"reminded": "ana", "times": 0}, "this happened 1 times: ana, mira of look"),
    ({"warned": "lea"}, "nothing of the kind happened"),
    ({"asked": "greta", "of": "check"}, "carl, nora, lea, paul of check"),
    ({"escalated": "look"}, "nothing of the kind happened"),
    ({"expired": "look"}, "nothing of the kind happened"),
    ({"told": "trade-press", "says": "Sorry"}, "'Out: Smoke' (Mon 2026-09-14 12:00)"),
]


def test_what_does_not_hold_is_said_with_its_line_and_what_happened_instead(company: Company):
    holds = {"step": "look", "outcome": "done"}
    result = play(company, happens=HAPPENS, expect=[holds, *(wrong for wrong, _ in WRONG)])
    lines = (company.root / "playbooks/tests/rehearsal.yaml").read_text().splitlines()
    assert len(result.failures) == len(WRONG)
    for failure, (wrong, instead) in zip(result.failures, WRONG, strict=True):
        subject = next(iter(wrong))
        assert lines[failure.line - 1].startswith(f"- {subject}:")
        assert failure.expected.startswith(f"{subject}: ")
        assert failure.instead.startswith(instead)


def test_a_case_that_waits_says_for_what(company: Company):
    result = play(company, others={"after": "5m", "but_not": ["check"]}, expect=[{"ends": "done"}])
    (failure,) = result.failures
    assert failure.instead == "the case is open and waits for: Check"
