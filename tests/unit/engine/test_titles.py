"""Titles and helps are templates: whoever is asked sees which creator, policy or action it is."""

from __future__ import annotations

from datetime import UTC, datetime

from smr_engine.adapters.shipped import load_schema
from smr_engine.engine import commands as c
from smr_engine.engine.decide import open_case
from smr_engine.engine.run import Situation
from smr_engine.engine.world import Person, Role, World
from smr_engine.playbook.diagram import mermaid
from smr_engine.playbook.index import index_of
from smr_engine.playbook.parse import parse_playbook

PLAYBOOK = b"""
playbook: vetting
version: 1.0.0
title: Vetting
owner: lead
inputs: {fields: {names: {type: list, of: text}}}
steps:
  - id: each_creator
    kind: foreach
    in: inputs.names
    as: creator
    steps:
      - {id: vet, kind: task, title: "Vet {{ creator }}", help: "Read {{ creator }} first."}
"""
WORLD = World(
    people={"ana": Person("ana", "Ana", roles=("lead",))}, roles={"lead": Role("lead", "L")}
)


def test_where_no_case_fills_names_in_a_title_has_gaps():
    playbook, problems = parse_playbook(PLAYBOOK, "vetting.yaml", load_schema("playbook"))
    assert playbook is not None, problems
    assert "Vet …" in mermaid(playbook)
    assert "creator }}" not in mermaid(playbook)
    assert index_of(playbook).of("vet").step.title.source == "Vet {{ creator }}"


def test_a_title_and_a_help_name_the_element_they_are_about():
    playbook, problems = parse_playbook(PLAYBOOK, "vetting.yaml", load_schema("playbook"))
    assert playbook is not None, problems
    now = Situation(WORLD, datetime(2026, 11, 23, 9, tzinfo=UTC), c.Actor("ana"))
    opened = open_case(playbook, c.OpenCase("CASE-2026-0001", {"names": ["Kim", "Lee"]}), now)
    items = [item for scope in opened.case.scopes.values() for item in scope.items.values()]
    assert [item.title for item in items] == ["Vet Kim", "Vet Lee"]
    assert [item.message for item in items] == ["Read Kim first.", "Read Lee first."]
