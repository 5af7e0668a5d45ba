"""Scenario files: what is wrong with them is said with line, code and hint, as with playbooks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smr_engine.bootstrap import open_shelf, rehearsal_house
from smr_engine.errors import Invalid, NotFound
from smr_engine.services import scenarios, validation
from tests.services.company import Company
from tests.services.rehearsing import SIGNAL, write

GOOD = """\
scenario: A rehearsal
playbook: holding-statement
company: sample
starts: 2026-11-23T09:00
inputs: {title: Smoke, type: safety}
expect:
  - ends: done
"""


def found(company: Company, **parts):
    """What validation says of a scenario of the short playbook: code, message and hint."""
    path = write(company, **parts)
    return [(p.code, p.message, p.hint) for p in validation.validate(company.ws, [path])]


def test_a_scenario_that_fits_has_no_problem(company: Company):
    assert found(company, happens=[SIGNAL]) == []


WRONG = {
    "a verb is missing": (
        {"happens": [{"who": "ana", "after": "5m"}]},
        "missing-key",
        "this does not say what somebody does",
    ),
    "two verbs": (
        {"happens": [{"who": "lea", "approves": "check", "rejects": "check", "because": "No"}]},
        "too-many-keys",
        "this says twice what somebody does: approves, rejects",
    ),
    "a verb nobody knows": (
        {"happens": [{"who": "lea", "aproves": "check"}]},
        "unknown-key",
        "aproves",
    ),
    "a step nobody knows": (
        {"happens": [{"who": "lea", "approves": "chek"}]},
        "unknown-step",
        "there is no step `chek`",
    ),
    "a verb that does not fit the step": (
        {"happens": [{"who": "ana", "approves": "look"}]},
        "wrong-kind",
        "`look` is not an approval, but of kind task",
    ),
    "an answer the decision does not know": (
        {"happens": [{"who": "carl", "decides": "big", "answer": "perhaps"}]},
        "unknown-answer",
        "there is no answer `perhaps`",
    ),
    "a rejection without a reason": (
        {"happens": [{"who": "lea", "rejects": "check"}]},
        "missing-key",
        "who `rejects` gives a reason",
    ),
    "somebody who is not there": (
        {"happens": [{"who": "leo", "approves": "check"}]},
        "unknown-person",
        "there is no person `leo`",
    ),
    "an instant that is none": ({"starts": "Monday"}, "bad-instant", "'Monday' is no instant"),
    "a duration that is none": (
        {"others": {"after": "soon"}},
        "bad-duration",
        "'soon' is not a duration",
    ),
    "an input the playbook does not ask for": (
        {"inputs": {"titel": "Smoke"}},
        "unknown-key",
        "titel",
    ),
    "a severity the playbook does not have": (
        {"severity": "sev1"},
        "unknown-severity",
        "there is no severity `sev1`",
    ),
    "an account nobody has": (
        {"outages": [{"of": "newsrom"}]},
        "unknown-account",
        "there is no account `newsrom`",
    ),
    "a key that says nothing here": (
        {"expect": [{"ends": "done", "by": ["lea"]}]},
        "no-effect",
        "`by` says nothing about `ends`",
    ),
    "an expectation about nothing": (
        {"expect": [{"times": 2}]},
        "missing-key",
        "this does not say what must hold",
    ),
    "a step without how it ended": (
        {"expect": [{"step": "look"}]},
        "missing-key",
        "the step is named, and not how it ended",
    ),
    "an outcome the decision does not have": (
        {"expect": [{"step": "big", "outcome": "maybe"}]},
        "unknown-outcome",
        "there is no outcome `maybe`",
    ),
    "a document nobody drafts": (
        {"expect": [{"published": "word"}]},
        "unknown-document",
        "there is no document `word`",
    ),
    "a playbook nobody has": (
        {"playbook": "shorts"},
        "unknown-playbook",
        "there is no playbook `shorts`",
    ),
    "absences in the wrong order of nobody": (
        {"people": {"leo": {"quiet": "20:00-07:00"}}},
        "unknown-person",
        "there is no person `leo`",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_in_words(company: Company, fault: str):
    parts, code, message = WRONG[fault]
    (problem,) = found(company, **parts)
    assert problem[0] == code
    assert message in problem[1]
    assert problem[2] or "write" in problem[1]  # what to do


def test_a_problem_has_the_place_of_what_is_wrong(tmp_path: Path):
    path = tmp_path / "night.yaml"
    path.write_text(f"{GOOD}happens:\n  - {{who: lea, approves: aprove_holding}}\n")
    (problem,) = validation.validate(open_shelf(), [path])
    assert (problem.line, problem.column, problem.code) == (9, 26, "unknown-step")
    assert "approve_holding" in problem.hint


def test_a_folder_of_playbooks_is_validated_with_its_scenarios_and_no_other_tests(tmp_path: Path):
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "night.yaml").write_text(GOOD.replace("type: safety", "type: fire"))
    (tests / "wrong-on-purpose.yaml").write_text("playbook: [")
    problems = validation.validate(open_shelf(), [tmp_path])
    assert [(Path(p.file).name, p.code) for p in problems] == [("night.yaml", "not-a-choice")]


def test_a_scenario_with_problems_is_not_played(company: Company):
    path = write(company, severity="sev1")
    with pytest.raises(Invalid, match="there is no severity `sev1`"):
        scenarios.test(company.ws, rehearsal_house, [path])


def test_a_scenario_is_simulated_for_its_own_playbook_only(company: Company):
    path = write(company)
    with pytest.raises(Invalid, match="rehearses short, not crisis-response"):
        scenarios.simulate(company.ws, rehearsal_house, path, "crisis-response")


def test_a_folder_without_scenarios_says_how_to_write_one(tmp_path: Path):
    with pytest.raises(NotFound, match="there are no scenarios"):
        scenarios.test(open_shelf(), rehearsal_house, [tmp_path])
    with pytest.raises(NotFound, match="there is no"):
        scenarios.test(open_shelf(), rehearsal_house, [tmp_path / "none"])


def test_a_playbook_with_errors_is_a_problem_of_its_scenario(company: Company):
    path = write(company)
    text = (company.root / "playbooks/short.yaml").read_text()
    company.playbook("short", text.replace("title: Short\n", ""))
    (problem,) = validation.validate(company.ws, [path])
    assert (problem.code, problem.hint) == ("playbook-invalid", "smr validate short")


def test_the_scenario_in_the_readme_fits(tmp_path: Path):
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(scenario: .*?)```", text, re.DOTALL)
    path = tmp_path / "readme.yaml"
    path.write_text(shown, encoding="utf-8")
    assert validation.validate(open_shelf(), [path]) == []
