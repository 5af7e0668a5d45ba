"""Looking ahead: what would come if nobody answered."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smr_engine.errors import Invalid
from smr_engine.services.preview import Ask, preview
from tests.services.company import Company
from tests.services.playbooks import PARENT

EVE = "2026-12-24T16:30"
LATE = """
playbook: late
version: 1.0.0
title: Late
owner: smr-lead
steps:
  - id: look
    kind: task
    title: Look
    due: 1h
    remind: [50%, every 1h after due]
    escalate: [{at: 150%, to: {person: kit}}]
    expires: 3h
    on_expiry: skip
  - {id: pause, kind: wait, for: 2h}
  - {id: look_again, kind: task, title: Look again, due: 4 business hours}
"""
LINES = """
playbook: lines
version: 1.0.0
title: Lines
owner: smr-lead
documents: {word: {title: Word, audience: internal, template: We look into it.}}
steps:
  - {id: write, kind: draft, title: Write, document: word, assign: {person: tom}}
  - id: approve
    kind: approval
    title: Approve
    documents: [word]
    quorum: [{role: comms-director, due: 1h}, {role: legal, due: 4h}]
    remind: [50%]
"""


@pytest.fixture
def late(company: Company) -> Company:
    company.playbook("late", LATE)
    return company


def told(rows) -> list[tuple[str, str, str]]:
    """When, in Berlin, what comes at which step."""
    zone = ZoneInfo("Europe/Berlin")
    return [(f"{row.at.astimezone(zone):%d %H:%M}", row.what, row.step) for row in rows]


def test_everything_that_comes_if_nobody_answers_is_there_in_order(late: Company):
    found = preview(late.ws, Ask("late", EVE))
    assert told(found.rows) == [
        ("24 16:30", "asked", "look"),
        ("24 17:00", "reminder", "look"),
        ("24 17:30", "due", "look"),
        ("24 18:00", "escalation", "look"),
        ("24 18:30", "reminder", "look"),
        ("24 18:45", "warning", "look"),
        ("24 19:30", "expiry", "look"),
        ("24 21:30", "wait ends", "pause"),
        ("24 21:30", "asked", "look_again"),
        ("28 13:00", "due", "look_again"),
    ]
    expiry = found.rows[6]
    assert "the case goes on without it" in expiry.why
    assert found.whole


def test_each_row_has_the_time_on_the_clocks_of_those_it_concerns(late: Company):
    rows = preview(late.ws, Ask("late", EVE)).rows
    escalation = next(row for row in rows if row.what == "escalation")
    assert escalation.who == ("kit",)
    assert escalation.local == {"kit": "2026-12-24T12:00-05:00"}


def test_a_preview_shows_what_really_comes(late: Company):
    """The same timers that a real case of the same instant has."""
    late.clock.at = datetime.fromisoformat(EVE).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    case = late.start("late")
    with late.ws.storage.reading() as unit:
        real = {(timer.at, timer.purpose) for timer in unit.queries.timers(case=case)}
    words = {"remind": "reminder", "escalate": "escalation", "warn": "warning", "expire": "expiry"}
    shown = {(row.at, row.what) for row in preview(late.ws, Ask("late", EVE)).rows}
    assert {(at, words[purpose]) for at, purpose in real} <= shown


def test_to_the_end_what_comes_for_every_line_of_a_quorum_has_come(company: Company):
    company.playbook("lines", LINES)
    rows = preview(company.ws, Ask("lines", EVE, to_the_end=True)).rows
    assert told(row for row in rows if row.step == "approve") == [
        ("24 16:30", "asked", "approve"),
        ("24 17:00", "reminder", "approve"),
        ("24 18:30", "reminder", "approve"),
        ("24 18:30", "answered", "approve"),
    ]


SLEEPERS = """
playbook: sleepers
version: 1.0.0
title: Sleepers
owner: smr-lead
severity: {levels: [sev1, sev2], initial: sev2, override_quiet: [sev1]}
steps:
  - {id: look, kind: task, title: Look, assign: {role: legal}, due: 1h, remind: [50%, 80%]}
  - {id: pause, kind: wait, for: 2h}
"""


@pytest.fixture
def sleepers(company: Company) -> Company:
    company.directory(
        "    roles: [legal]\n  - id: paul\n",
        '    roles: [legal]\n    quiet: "17:00-07:00"\n  - id: paul\n',
    )
    company.playbook("sleepers", SLEEPERS)
    return company


def test_whoever_is_in_quiet_hours_hears_of_it_after_them(sleepers: Company):
    rows = preview(sleepers.ws, Ask("sleepers", "2026-12-21T18:00")).rows
    assert [(*w[:2], row.who) for row, w in zip(rows, told(rows), strict=True)] == [
        ("21 18:00", "asked", ("paul",)),
        ("21 18:30", "reminder", ("paul",)),
        ("21 18:48", "reminder", ("paul",)),
        ("21 19:00", "due", ("lea", "paul")),
        ("22 07:00", "asked", ("lea",)),
        ("22 07:00", "reminder", ("lea",)),
    ]
    assert [row.at for row in rows if "after quiet hours" in row.why] == [rows[-1].at] * 2


def test_a_severity_that_overrides_quiet_hours_keeps_nobody_waiting(sleepers: Company):
    rows = preview(sleepers.ws, Ask("sleepers", "2026-12-21T18:00", severity="sev1")).rows
    assert {row.who for row in rows} == {("lea", "paul")}


def test_nobody_hears_after_quiet_hours_of_what_is_over_by_then(sleepers: Company):
    brief = SLEEPERS.replace("due: 1h", "due: 1h, expires: 4h, on_expiry: skip")
    sleepers.playbook("sleepers", brief)
    rows = preview(sleepers.ws, Ask("sleepers", "2026-12-21T18:00")).rows
    assert not any("after quiet hours" in row.why for row in rows)


def test_nothing_starts_and_nothing_is_written(late: Company):
    database = late.ws.state / "smr.db"
    before = database.read_bytes()
    preview(late.ws, Ask("crisis-response", EVE, to_the_end=True))
    assert database.read_bytes() == before


def test_inputs_that_nobody_gave_are_made_up_and_named(company: Company):
    found = preview(company.ws, Ask("holding-statement", EVE, {"title": "Smoke"}))
    assert found.made_up == ("type",)
    assert found.severity == "sev2"
    assert preview(company.ws, Ask("holding-statement", EVE, severity="sev1")).severity == "sev1"


@pytest.mark.parametrize(
    "playbook", ["holding-statement", "crisis-response", "policy-review", "blogger-outreach"]
)
def test_to_the_end_each_item_is_answered_after_the_last_that_comes_for_it(
    company: Company, playbook: str
):
    rows = preview(company.ws, Ask(playbook, EVE, to_the_end=True)).rows
    assert [row.why for row in rows if row.what == "fault"] == []
    assert len({row.step for row in rows if row.what == "answered"}) > 5
    assert [row.at for row in rows] == sorted(row.at for row in rows)


def test_a_case_that_the_playbook_opens_is_looked_at_as_well(company: Company):
    company.playbook("parent", PARENT)
    asked = [row.step for row in preview(company.ws, Ask("parent", to_the_end=True)).rows]
    assert len(set(asked)) > 1


def test_what_is_no_instant_is_refused(late: Company):
    with pytest.raises(Invalid, match="'tomorrow' is no instant"):
        preview(late.ws, Ask("late", "tomorrow"))
