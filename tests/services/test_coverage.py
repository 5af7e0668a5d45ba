"""Coverage: what the scenarios of a playbook take of it."""

from __future__ import annotations

from tests.services.company import Company
from tests.services.rehearsing import SIGNAL, try_out, write


def missed(company: Company, **parts) -> set[str]:
    """What a scenario of the short playbook leaves out."""
    (coverage,) = try_out(company, write(company, **parts)).coverage
    return {f"{each.step}: {each.which or each.kind}" for each in coverage.missed}


def test_all_that_can_be_taken_is_missed_by_a_scenario_in_which_nobody_acts(company: Company):
    assert missed(company, others=None, until="1m", expect=[{"still": "open"}]) == {
        *("write: step", "check: step", "out: step", "answer: step", "tell: step", "big: step"),
        *("look: reminded", "look: escalation 1"),
        *("check: approved", "check: rejected", "check: changes requested"),
        *("big: yes", "big: no"),
    }


def test_what_was_taken_is_not_missed(company: Company):
    happens = [
        {"who": "ana", "completes": "look", "after": "2h"},
        {"who": "lea", "requests_changes": "check", "because": "No"},
        SIGNAL | {"after": "5h"},
    ]
    assert missed(company, happens=happens) == {"check: rejected", "big: no"}


def test_the_percentage_is_of_all_that_there_is_and_counted_by_kind(company: Company):
    (coverage,) = try_out(company, write(company, happens=[SIGNAL])).coverage
    kinds = {row.kind: (row.taken, row.of) for row in coverage.kinds}
    assert kinds == {
        "step": (7, 7),
        "outcome": (2, 3),
        "rejection": (0, 2),
        "reminder": (0, 1),
        "escalation": (0, 1),
    }
    assert coverage.percent == round(100 * 9 / 14, 1)


def test_what_is_missed_has_its_line(company: Company):
    (coverage,) = try_out(company, write(company, happens=[SIGNAL])).coverage
    lines = (company.root / "playbooks/short.yaml").read_text().splitlines()
    for each in coverage.missed:
        assert f"id: {each.step}" in lines[each.line - 1]
