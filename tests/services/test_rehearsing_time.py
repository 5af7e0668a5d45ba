"""Clocks, break-glass and new severities in rehearsals: what the engine owes in time shows there."""

from __future__ import annotations

import pytest

from smr_engine.services.preview import Ask, preview
from tests.services.company import Company
from tests.services.rehearsing import PLAYBOOK, SIGNAL, try_out, why, write

TIMED = """
playbook: timed
version: 1.0.0
title: Timed
owner: smr-lead
inputs: {fields: {seen: datetime}}
clocks:
  authority:
    title: Tell the authority
    runs_from: "{{ inputs.seen }}"
    due: 72h
    remind: [24h before due]
    escalate: [{at: 12h before due, to: {role: exec-sponsor}}]
    met_by: notified
documents:
  words: {title: The words, audience: public, template: We know.}
steps:
  - {id: write, kind: draft, document: words, assign: {role: comms-writer}}
  - id: check
    kind: approval
    documents: [words]
    quorum: [{role: comms-director}, {role: legal}]
    break_glass: {role: exec-sponsor, ratify_within: 4h}
  - {id: out, kind: publish, document: words, requires: [check], account: newsroom}
  - {id: notified, kind: task, title: Tell the authority, assign: {role: legal}}
"""
SEEN = {"seen": "2026-09-14T08:00:00Z"}  # 10:00 in Berlin
RELEASE = {"who": "eva", "breaks_glass": "check", "after": "10m", "because": "Lives at risk"}


@pytest.fixture
def timed(company: Company) -> Company:
    company.playbook("timed", TIMED)
    return company


def play(timed: Company, **parts):
    path = write(timed, playbook="timed", inputs=SEEN, **parts)
    return try_out(timed, path)


def test_a_clock_reminds_escalates_and_is_met(timed: Company):
    late = {"who": "lea", "completes": "notified", "after": "70h"}
    found = play(
        timed,
        happens=[late],
        expect=[
            {"clock": "authority", "is": "started", "at": "2026-09-14T10:00"},
            {"reminded": "ana", "of": "authority", "at": "2026-09-16T10:00", "times": 1},
            {"escalated": "authority", "to": ["eva"], "at": "2026-09-16T22:00"},
            {"clock": "authority", "is": "met", "within": "71h"},
        ],
    )
    assert why(found.scenarios[0]) == []
    missed = {(each.step, each.which) for each in found.coverage[0].missed}
    assert missed & {("authority", "started"), ("authority", "reminded")} == set()


def test_somebody_can_say_that_a_clock_was_met(timed: Company):
    met = {"who": "ana", "meets": "authority", "after": "5m", "because": "By phone"}
    expect = [{"clock": "authority", "is": "met", "at": "2026-09-14T10:05"}, {"ends": "done"}]
    assert why(play(timed, happens=[met], expect=expect).scenarios[0]) == []


@pytest.mark.parametrize(("silent", "ratified"), [([], 1), (["carl", "nora"], 0)])
def test_what_is_released_is_ratified_or_not(timed: Company, silent, ratified):
    others = {"after": "2h", **({"but_not": silent} if silent else {})}
    writes = {"who": "tom", "writes": "write", "after": "1m"}
    found = play(
        timed,
        others=others,
        happens=[writes, RELEASE],
        expect=[
            {"released": "check", "by": ["eva"], "at": "2026-09-14T10:11"},
            {"published": "words", "within": "15m"},
            {"ratified": "check", "times": ratified},
        ],
    )
    assert why(found.scenarios[0]) == []
    missed = {(each.step, each.which) for each in found.coverage[0].missed}
    assert ("check", "released") not in missed


def test_a_new_severity_moves_what_is_open(company: Company):
    scores = {"who": "ana", "scores": "high", "after": "10m", "because": "It burns"}
    path = write(
        company,
        others={"after": "50m"},
        happens=[scores, SIGNAL | {"after": "5h"}],
        expect=[
            {"severity": "high"},
            {"reminded": "ana", "of": "look", "at": "2026-09-14T10:15", "times": 1},
            {"ends": "done"},
        ],
    )
    text = PLAYBOOK.replace("due: 1h\n", "due: {by_severity: {high: 30m}, default: 1h}\n", 1)
    company.playbook("short", text)
    assert why(try_out(company, path).scenarios[0]) == []


def test_a_preview_shows_the_clocks(timed: Company):
    rows = preview(timed.ws, Ask("timed", "2026-09-14T10:00", SEEN)).rows
    clocks = [(row.what, f"{row.at:%d %H:%M}", row.who) for row in rows if row.step == "authority"]
    assert clocks == [
        ("clock starts", "14 10:00", ()),
        ("clock reminder", "16 08:00", ("ana", "mira")),
        ("clock escalation", "16 20:00", ("eva", "rolf")),
        ("clock is due", "17 08:00", ()),
    ]
