"""Every file in tests/examples/invalid-meaning has exactly the fault that it is named after."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from smr_engine.playbook.check import CheckContext, DirectoryFacts, check_playbook, roles_used
from smr_engine.playbook.diagram import mermaid
from smr_engine.playbook.fields import title_of
from smr_engine.playbook.model import Playbook, walk
from smr_engine.playbook.parse import parse_playbook

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "tests/examples/invalid-meaning").glob("*.yaml"))
SCHEMA = json.loads((ROOT / "schemas/playbook.schema.json").read_text())

DIRECTORY = DirectoryFacts(
    people=frozenset({"ana", "ben", "lea", "leo", "wim", "kim"}),
    holders={
        "smr-lead": ("ana",),
        "comms-writer": ("wim",),
        "legal": ("lea", "leo"),
        "compliance": ("leo",),
        "hr": ("kim",),
        "privacy": ("kim",),
        "agency": (),
    },
    deputies={"legal": ("ben",)},
    groups={"all-staff": ("ana", "ben", "lea", "leo", "wim", "kim")},
    accounts={"newsroom": "folder"},
    contacts=frozenset({"regulator-desk"}),
    vendors=frozenset({"monitoring-vendor"}),
    calendars=frozenset({"default"}),
)
CHILDREN = """
playbook: {name}
version: 1.0.0
title: Child
owner: smr-lead
inputs:
  fields:
    title: text
    depth: {{type: integer, optional: true}}
steps:
  - {step}
"""


def read(text: str, name: str) -> Playbook:
    playbook, problems = parse_playbook(text.encode(), name, SCHEMA)
    assert playbook is not None, [str(problem) for problem in problems]
    assert not problems, [str(problem) for problem in problems]
    return playbook


def child(name: str, step: str) -> Playbook:
    return read(CHILDREN.format(name=name, step=step), name)


PLAYBOOKS = {
    "after-action": child("after-action", "{id: a, kind: set, values: {x: 1}}"),
    "opens-playbook-that-comes-back": child(
        "opens-playbook-that-comes-back",
        "{id: a, kind: playbook, playbook: playbook-that-comes-back}",
    ),
}


SHOWN_WITH_PROBLEMS = {"every-key"}  # says each key once, whatever the directory holds
RIGHT = {
    path.stem: read(path.read_text(), path.name)
    for path in sorted((ROOT / "tests/examples/valid").glob("*.yaml"))
    if path.stem not in SHOWN_WITH_PROBLEMS
}
_ROLES = roles_used(step for playbook in RIGHT.values() for step in walk(playbook.steps))
SAMPLE = replace(
    DIRECTORY,
    holders={role: (f"{role}-1", f"{role}-2") for role in (*_ROLES, "smr-lead")},
    groups=dict.fromkeys(
        ("all-staff", "all-communicators", "executives", "frontline-care"), ("ana", "ben")
    ),
    accounts={"newsroom": "folder", "company-blog": "http", "outreach-mailbox": "email"},
)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_playbook_with_one_fault_is_told_that_fault_at_its_place_and_nothing_else(path):
    text = path.read_text()
    expected = re.findall(r"^# expected: ([\d:]+) (\w+) ([\w-]+)$", text, re.MULTILINE)
    playbook = read(text, path.name)
    found = check_playbook(playbook, CheckContext(DIRECTORY, PLAYBOOKS, path.name))
    assert expected
    assert {(f"{p.line}:{p.column}", p.severity, p.code) for p in found} == set(expected), list(
        map(str, found)
    )
    assert all(p.file == path.name for p in found)
    assert all(15 < len(p.message) < 300 and "\n" not in p.message for p in found)


@pytest.mark.parametrize("name", RIGHT)
def test_a_playbook_that_uses_the_language_richly_passes_and_can_be_drawn(name):
    context = CheckContext(SAMPLE, {right.name: right for right in RIGHT.values()}, name)
    found = check_playbook(RIGHT[name], context)
    drawn = mermaid(RIGHT[name])

    assert [str(problem) for problem in found] == []
    assert drawn.startswith("flowchart TD\n")
    assert all(title_of(step.id) in drawn or step.id in drawn for step in walk(RIGHT[name].steps))


def test_there_is_an_example_for_every_code_that_a_check_can_give():
    source = "".join(path.read_text() for path in (ROOT / "smr_engine/playbook").glob("check_*.py"))
    codes = set(re.findall(r"\.(?:error|warning)\(\s*f?\"([a-z-]+)\"", source))
    named = {
        code
        for path in EXAMPLES
        for code in re.findall(r"(?:error|warning) ([\w-]+)$", path.read_text(), re.MULTILINE)
    }
    assert codes - named == set()
    assert len(codes) > 35
