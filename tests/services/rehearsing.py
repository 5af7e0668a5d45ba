"""Scenarios for tests: a small playbook, and what it takes to play one sentence of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from smr_engine.bootstrap import rehearsal_house
from smr_engine.services import scenarios
from smr_engine.services.views_ahead import ScenarioResult, Story, Tested
from tests.services.company import Company

PLAYBOOK = """
playbook: short
version: 1.0.0
title: Short
owner: smr-lead
severity: {levels: [high, low], initial: low}
inputs: {fields: {title: text}}
documents:
  words: {title: The words, audience: public, template: "About {{ inputs.title }}"}
steps:
  - id: look
    kind: task
    title: Look
    assign: {role: smr-lead}
    due: 1h
    remind: [50%]
    escalate: [{at: 150%, to: {role: comms-director}}]
    fields: {facts: {type: list, of: text, min: 1}}
  - {id: write, kind: draft, document: words, assign: {role: comms-writer}}
  - id: check
    kind: approval
    documents: [words]
    quorum: [{role: comms-director}, {role: legal}]
    on_changes_requested: {return_to: write}
    on_rejected: {end: rejected}
  - {id: out, kind: publish, document: words, requires: [check], account: newsroom}
  - {id: answer, kind: wait, signal: answered}
  - id: tell
    kind: notify
    to: [{role: smr-lead}, {contact: trade-press}]
    message: {subject: "Out: {{ inputs.title }}", body: Thank you.}
    acknowledge: {due: 1h}
  - {id: big, kind: decision, ask: Is it big?, assign: {role: comms-director}}
"""
HEAD: dict[str, Any] = {
    "scenario": "A rehearsal",
    "playbook": "short",
    "starts": "2026-09-14T10:00",
    "by": "ana",
    "inputs": {"title": "Smoke"},
    "others": {"after": "5m"},
}
SIGNAL = {"who": "ana", "signals": "answered", "after": "2h"}


def write(company: Company, **parts: Any) -> Path:
    """Write a scenario of the short playbook; parts replace those of `HEAD`, None leaves one out."""
    company.playbook("short", PLAYBOOK)
    said = {key: value for key, value in {**HEAD, **parts}.items() if value is not None}
    said.setdefault("expect", [{"ends": "done"}])
    path = company.root / "playbooks" / "tests" / "rehearsal.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return path


def try_out(company: Company, path: Path) -> Tested:
    """Test one scenario, with its coverage."""
    return scenarios.test(company.ws, rehearsal_house, [path])


def play(company: Company, **parts: Any) -> ScenarioResult:
    """Play a scenario of the short playbook."""
    (result,) = try_out(company, write(company, **parts)).scenarios
    return result


def told(company: Company, **parts: Any) -> Story:
    """Play a scenario of the short playbook for its story."""
    return scenarios.simulate(company.ws, rehearsal_house, write(company, **parts), "short")


def why(result: ScenarioResult) -> list[str]:
    """Return what happened instead of what was expected."""
    return [failure.instead for failure in result.failures]
