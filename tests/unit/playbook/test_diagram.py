"""What a diagram shows, and that nothing in a playbook can break it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.playbook.diagram import escape, mermaid
from smr_engine.playbook.model import (
    EndStep,
    Option,
    Playbook,
    SwitchStep,
    TaskStep,
    Template,
    walk,
)
from smr_engine.playbook.parse import parse_playbook

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "schemas/playbook.schema.json").read_text())
PLAYBOOKS = [*sorted((ROOT / "playbooks").glob("*.yaml")), ROOT / "tests/bench/approval.yaml"]

WORDS = r'"[^"<>`]*(?:<br/>[^"<>`]*)*"'
OPENING = r"(?:\(\[|\[\[|\[/|\[|\{\{|\{|\(\(|>)"
CLOSING = r"(?:\]\)|\]\]|/\]|\]|\}\}|\}|\)\))"
BOX = rf"s_\w*{OPENING}{WORDS}{CLOSING}(?::::\w+)?"
LINES = re.compile(
    rf'flowchart TD|subgraph g_\w*\["[^"<>`]+"\]|end|{BOX}'
    r'|s_\w* (?:-->|-- "[^"<>`]+" -->|-\. "[^"<>`]+" \.->) s_\w*|classDef \w+ [\w:#,-]+;'
)


def read(path: Path) -> Playbook:
    playbook, _ = parse_playbook(path.read_bytes(), path.name, SCHEMA)
    assert playbook is not None
    return playbook


def well_formed(text: str) -> bool:
    lines = [line.strip() for line in text.splitlines()]
    opened = sum(line.startswith("subgraph ") for line in lines)
    return all(map(LINES.fullmatch, lines)) and opened == lines.count("end")


SAMPLE = """
playbook: sample
version: 1.0.0
title: Say "sorry" <quickly>
owner: smr-lead
documents: {note: {title: Public note}}
steps:
  - {id: draft_note, kind: draft, document: note, assign: {role: comms-writer}, due: 2h}
  - id: approve_note
    kind: approval
    title: Approve the note
    documents: [note]
    quorum: [{role: comms-director}, {any_of: [legal, privacy], need: 2}]
    on_changes_requested: {return_to: draft_note}
    on_rejected: {end: dropped}
  - {id: publish_note, kind: publish, document: note, requires: [approve_note], account: newsroom}
  - id: over
    kind: decision
    ask: Is it over?
  - id: by_answer
    kind: switch
    on: over
    options:
      "yes":
        - {id: stop, kind: end, outcome: settled}
      "no":
        - id: beat
          kind: repeat
          every: 1h
          until: steps.again.outcome == 'no'
          steps:
            - {id: again, kind: decision, ask: Again?, when: round > 1}
  - id: at_once
    kind: parallel
    join: any
    branches:
      - id: inside
        steps:
          - {id: leave, kind: end, outcome: left, of: inside}
      - id: outside
        steps:
          - {id: tell, kind: notify, to: {group: all-staff}, message: {subject: a, body: b}}
"""


def sample() -> str:
    playbook, _ = parse_playbook(SAMPLE.encode(), "sample", SCHEMA)
    assert playbook is not None
    return mermaid(playbook)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_step_of_a_shipped_playbook_is_drawn_once_and_the_diagram_is_well_formed(path):
    playbook = read(path)
    text = mermaid(playbook)
    assert well_formed(text)
    assert text == mermaid(playbook)
    for step in walk(playbook.steps):
        kind = "g" if step.kind in {"section", "parallel", "foreach", "repeat"} else "s"
        assert (
            len(re.findall(rf"^ *(?:subgraph )?{kind}_{step.id}[\[\(\{{>]", text, re.MULTILINE))
            == 1
        )


def test_who_does_what_stands_in_the_boxes():
    text = sample()
    assert 's_draft_note[/"Draft note<br/>by comms-writer<br/>due 2h"/]' in text
    assert '"Approve the note<br/>Approve: comms-director, 2 legal or privacy"}}:::approval' in text
    assert '"Publish note<br/>Public note → newsroom<br/>after: approve_note"]]:::publish' in text
    assert '"Over<br/>by smr-lead<br/>Is it over?"}:::decision' in text


def test_options_conditions_ways_back_and_ends_are_labelled():
    text = sample()
    assert 's_by_answer -- "yes" --> s_stop' in text
    assert 's_by_answer -- "no" --> s_beat_begin' in text
    assert '"otherwise"' not in text  # both answers have their option
    assert 's_again_when -- "yes" --> s_again' in text
    assert 's_approve_note -. "changes requested" .-> s_draft_note' in text
    assert 's_approve_note -. "rejected" .-> s_approve_note_rejected' in text
    assert 's_beat_until -. "no, again" .-> s_beat_begin' in text
    assert 's_beat_until -- "yes" --> s_at_once_fork' in text
    assert "s_leave --> s_at_once_join" in text
    assert "s_stop -->" not in text


def test_a_title_from_outside_is_text_and_nothing_else():
    assert escape('Say "sorry" <b>`now`</b>; #1 & {x}') == (
        "Say #34;sorry#34; #60;b#62;#96;now#96;#60;/b#62;#59; #35;1 #38; #123;x#125;"
    )
    assert escape("a\u202eb\x07c\nd") == "abc d"
    assert len(escape("long " * 100)) <= 120


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_title_or_id_breaks_the_diagram(title, name):
    steps = (
        TaskStep(id=name, title=Template(title)),
        SwitchStep(
            id="choice",
            title=Template(title),
            options=(Option(title, (EndStep(id="a b", outcome=title),), outcome=title),),
        ),
        TaskStep(id="a-b"),
    )
    playbook = Playbook(name, "1.0.0", title, title, "", steps)
    assert well_formed(mermaid(playbook))
    assert well_formed(mermaid(replace(playbook, steps=())))
