"""All problems of a file come at once: those of form do not hide those of meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.shipped import load_schema
from smr_engine.playbook.check import CheckContext, DirectoryFacts, check_playbook
from smr_engine.playbook.salvage import salvage

pytestmark = pytest.mark.untraced

SCHEMA = load_schema("playbook")
EXAMPLES = Path(__file__).parents[2] / "examples"
DIRECTORY = DirectoryFacts(
    people=frozenset({"ana", "lea"}),
    holders={"smr-lead": ("ana",), "legal": ("lea",)},
    accounts={"newsroom": "folder"},
)
GOOD = """
playbook: example
version: 1.0.0
title: Example
owner: smr-lead
documents: {note: {}}
steps:
  - {id: write, kind: draft, document: note}
  - {id: approve, kind: approval, documents: [note], quorum: [{role: legal}]}
  - {id: post, kind: publish, document: note, requires: [approve], account: newsroom}
"""


def of_the_rest(text: str) -> list[str]:
    rest = salvage(text.encode(), "f.yaml", SCHEMA)
    assert rest is not None
    found = check_playbook(rest.playbook, CheckContext(DIRECTORY, file="f.yaml"))
    return [problem.message for problem in found if not rest.caused(problem)]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("documents: {note: {}}", "documents: {note: {}}\nownr: x"),
        ("version: 1.0.0", "version: 1.10"),
        ("title: Example\n", ""),
        ("document: note}", "document: note, due: soon}"),
        ("requires: [approve]", "requries: [approve]"),
        ("kind: draft", "kind: drafft"),
        ("quorum: [{role: legal}]", "quorum: [{role: legal}, {need: 2}]"),
        ("  - {id: write", "  - {id: write, kind: task}\n  - {id: write"),
    ],
)
def test_a_fault_of_form_hides_no_fault_of_meaning_and_makes_none(right, wrong):
    assert right in GOOD
    text = GOOD.replace(right, wrong)

    assert of_the_rest(text) == []
    assert of_the_rest(text.replace("account: newsroom", "account: newsrom")) == [
        "the directory has no account `newsrom`"
    ]


def test_what_depends_on_a_part_that_cannot_be_read_is_not_reported():
    text = GOOD.replace("kind: approval", "kind: aproval").replace("newsroom}", "nowhere}")

    assert of_the_rest(text) == ["the directory has no account `nowhere`"]


@pytest.mark.parametrize(
    "path", sorted((EXAMPLES / "invalid").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_faulty_file_is_read_as_far_as_it_goes_and_never_raises(path):
    rest = salvage(path.read_bytes(), path.name, SCHEMA)

    if rest is not None:
        check_playbook(rest.playbook, CheckContext(file=path.name))


@given(st.data())
def test_a_playbook_with_any_line_spoilt_is_read_without_raising(data):
    lines = (EXAMPLES / "valid" / "every-key.yaml").read_text().splitlines()
    at = data.draw(st.integers(2, len(lines) - 1))
    lines[at] = lines[at].replace(": ", data.draw(st.sampled_from(["x: ", ": 1 #", ": [x, ", ":"])))
    rest = salvage("\n".join(lines).encode(), "f.yaml", SCHEMA)

    if rest is not None:
        check_playbook(rest.playbook, CheckContext(file="f.yaml"))
