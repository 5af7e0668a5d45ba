"""Every example file that is wrong says in its first line what is found in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smr_engine.adapters.shipped import load_schema
from smr_engine.playbook.parse import parse_playbook

EXAMPLES = Path(__file__).parents[2] / "examples"
INVALID = sorted((EXAMPLES / "invalid").glob("*.yaml"))
VALID = sorted((EXAMPLES / "valid").glob("*.yaml"))


def expected(text: str) -> list[str]:
    first_line = text.partition("\n")[0]
    return first_line.removeprefix("# expect ").split("; ")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_example_that_is_wrong_is_found_out_at_the_right_place(path):
    text = path.read_bytes()

    playbook, problems = parse_playbook(text, path.name, load_schema("playbook"))

    found = [f"{p.line}:{p.column} {p.severity} {p.code}" for p in problems]
    assert found == expected(text.decode())
    assert (playbook is None) == any(p.severity == "error" for p in problems)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_every_message_is_for_people(path):
    _, problems = parse_playbook(path.read_bytes(), path.name, load_schema("playbook"))

    for problem in problems:
        assert problem.message
        assert "is not valid under any" not in problem.message
        assert "schema" not in problem.message
        assert len(str(problem)) < 700
        assert str(problem).startswith(f"{path.name}:{problem.line}:{problem.column}: ")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_an_example_that_is_right_has_no_problem(path):
    playbook, problems = parse_playbook(path.read_bytes(), path.name, load_schema("playbook"))

    assert problems == []
    assert playbook is not None


def test_there_are_examples_of_both_sorts():
    assert len(INVALID) > 100
    assert VALID
