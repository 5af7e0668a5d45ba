"""Time as people see it: clocks, expiries and due times of lines, in lists and in the log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from smr_engine.errors import Refusal
from smr_engine.services import auditing, cases, items, reading
from smr_engine.services.workspace import Actor
from tests.services.company import Company

BREACH = """
playbook: breach
version: 1.0.0
title: A breach
owner: smr-lead
case_prefix: BREACH
severity: {levels: [high, low], initial: low}
clocks:
  authority:
    title: Notify the authority
    runs_from: "{{ case.opened_at }}"
    due: 72h
    remind: [24h before due]
  customers: {title: Tell customers, runs_from: "{{ steps.assess.completed_at }}", due: 5d}
documents:
  words: {title: Words, audience: public, template: "We had a breach."}
steps:
  - {id: assess, kind: task, assign: {role: smr-lead}, due: 4h, expires: 1d}
  - {id: write, kind: draft, document: words, assign: {role: comms-writer}}
  - id: approve
    kind: approval
    documents: [words]
    quorum: [{role: comms-director}, {role: legal, due: 20m}]
    due: {by_severity: {high: 1h}, default: 4h}
    on_rejected: {end: rejected}
    break_glass: {role: exec-sponsor, ratify_within: 4h}
"""
DUE = datetime(2026, 9, 17, 8, tzinfo=UTC)


@pytest.fixture
def breach(company: Company) -> str:
    company.playbook("breach", BREACH)
    return company.start("breach")


def verified(company: Company) -> None:
    assert auditing.verify(company.ws).problems == []


def test_a_case_shows_all_its_clocks_also_those_that_wait(company: Company, breach: str):
    clocks = reading.case_view(company.ws, breach).clocks
    assert [(row.clock, row.status, row.due) for row in clocks] == [
        ("authority", "running", DUE),
        ("customers", "waiting", None),
    ]
    verified(company)


def test_lists_show_the_clocks_that_run_and_which_are_late(company: Company, breach: str):
    [row] = reading.case_list(company.ws)
    assert [(clock.title, clock.overdue) for clock in row.clocks] == [
        ("Notify the authority", False)
    ]
    company.clock.move(days=4)
    [row] = reading.case_list(company.ws)
    assert row.clocks[0].overdue


def test_a_clock_lies_in_the_inbox_of_those_who_may_say_that_it_is_met(
    company: Company, breach: str
):
    rows = {row.kind: row for row in reading.inbox(company.ws, "ana")}
    clock = rows["clock"]
    assert (clock.case, clock.step, clock.title, clock.due, clock.may) == (
        breach,
        "authority",
        "Notify the authority",
        DUE,
        True,
    )
    assert reading.inbox(company.ws, "lea") == []
    everybody = reading.inbox(company.ws, None, all_items=True)
    assert [row.step for row in everybody] == ["assess", "authority"]


def test_a_clock_that_is_met_or_whose_case_is_over_is_in_no_list(company: Company, breach: str):
    cases.meet_clock(company.ws, Actor("ana"), breach, "authority", "By phone.")
    view = reading.case_view(company.ws, breach)
    assert (view.clocks[0].status, view.clocks[0].met_at) == ("met", company.clock.now())
    assert [row.kind for row in reading.inbox(company.ws, "ana")] == ["task"]
    verified(company)
    other = company.start("breach")
    cases.cancel(company.ws, Actor("ana"), other, "A mistake.")
    assert reading.case_view(company.ws, other).clocks[0].status == "open"
    assert {row.case for row in reading.inbox(company.ws, "ana")} == {breach}
    verified(company)


def test_an_item_shows_until_when_it_can_be_answered(company: Company, breach: str):
    item = company.item(breach, "assess")
    until = datetime(2026, 9, 15, 8, tzinfo=UTC)
    assert reading.item_view(company.ws, item, "ana").expires == until
    company.clock.move(days=1)
    rows = [row for row in reading.inbox(company.ws, None, all_items=True) if row.item == item]
    assert [row.expires for row in rows] == [until]
    [row] = [r for r in reading.inbox(company.ws, "ana", all_items=True) if r.item == item]
    assert not row.may
    assert "too late" in row.why_not
    with pytest.raises(Refusal, match="too late"):
        items.complete(company.ws, Actor("ana"), item, {})
    verified(company)


def test_each_line_of_a_quorum_shows_by_when_it_is_due(company: Company, breach: str):
    items.complete(company.ws, Actor("ana"), company.item(breach, "assess"), {})
    company.write(company.item(breach, "write"), "We had a breach, and closed it.")
    view = reading.item_view(company.ws, company.item(breach, "approve"), "lea")
    assert [(line.role, line.due) for line in view.quorum] == [
        ("comms-director", datetime(2026, 9, 14, 12, tzinfo=UTC)),
        ("legal", datetime(2026, 9, 14, 8, 20, tzinfo=UTC)),
    ]
    verified(company)


# --- break-glass -------------------------------------------------------------------------------


@pytest.fixture
def released(company: Company, breach: str) -> str:
    items.complete(company.ws, Actor("ana"), company.item(breach, "assess"), {})
    company.write(company.item(breach, "write"), "We had a breach, and closed it.")
    item = company.item(breach, "approve")
    done = items.break_glass(company.ws, Actor("eva"), item, "Customers are being robbed.")
    assert (done.status, done.ratification) == ("completed", company.item(breach, "approve"))
    return breach


def rows(company: Company, case: str) -> list[tuple[str, str, str, bool, str]]:
    found = auditing.who(company.ws, case)
    return [(r.person, r.role, r.decision, r.valid, r.void_reason) for r in found]


def test_who_may_break_the_glass_is_told_so(company: Company, breach: str):
    items.complete(company.ws, Actor("ana"), company.item(breach, "assess"), {})
    company.write(company.item(breach, "write"), "We had a breach, and closed it.")
    item = company.item(breach, "approve")
    may = {who: reading.item_view(company.ws, item, who).may_break_glass for who in ("eva", "lea")}
    assert may == {"eva": True, "lea": False}


def test_a_release_is_a_row_of_its_own_and_its_ratification_too(company: Company, released: str):
    broken = ("eva", "exec-sponsor", "break_glass", True, "")
    assert rows(company, released) == [broken]
    [row] = auditing.who(company.ws, released)
    assert (row.comment, row.assurance) == ("Customers are being robbed.", "asserted")
    for person in ("lea", "carl"):
        company.clock.move(minutes=1)
        company.vote(company.item(released, "approve"), person)
    assert rows(company, released) == [
        broken,
        ("lea", "legal", "approve", True, ""),
        ("carl", "comms-director", "approve", True, ""),
    ]
    assert reading.case_view(company.ws, released).status == "completed"
    verified(company)


def test_a_refused_release_stays_valid_and_is_marked_for_ever(company: Company, released: str):
    company.vote(company.item(released, "approve"), "lea", "reject", "Not so bad.")
    assert rows(company, released)[0] == ("eva", "exec-sponsor", "break_glass", True, "unratified")
    [row] = [row for row in reading.inbox(company.ws, "ana") if row.kind != "clock"]
    assert (row.kind, row.title) == ("repair", "Unratified: Approve")
    verified(company)


# --- severity ----------------------------------------------------------------------------------


def rescored(company: Company, case: str, *, dry_run: bool) -> list[dict[str, str]]:
    view = cases.rescore(company.ws, Actor("ana"), case, "high", "They called.", dry_run=dry_run)
    return view.moved


def test_a_dry_run_says_what_would_move_and_changes_nothing(company: Company, breach: str):
    items.complete(company.ws, Actor("ana"), company.item(breach, "assess"), {})
    company.write(company.item(breach, "write"), "We had a breach, and closed it.")
    item, before = company.item(breach, "approve"), auditing.verify(company.ws).events
    foreseen = rescored(company, breach, dry_run=True)
    assert {
        "item": item,
        "what": "due",
        "from": "2026-09-14T12:00:00Z",
        "to": "2026-09-14T09:00:00Z",
    } in foreseen
    assert reading.case_view(company.ws, breach).severity == "low"
    assert auditing.verify(company.ws).events == before
    assert rescored(company, breach, dry_run=False) == foreseen
    assert reading.case_view(company.ws, breach).severity == "high"
    assert reading.case_list(company.ws)[0].severity == "high"
    assert reading.item_view(company.ws, item, "carl").due == datetime(2026, 9, 14, 9, tzinfo=UTC)
    verified(company)


def test_a_dry_run_is_refused_like_the_real_one(company: Company, breach: str):
    for dry_run in (True, False):
        with pytest.raises(Refusal, match="only Social media relations lead"):
            cases.rescore(company.ws, Actor("lea"), breach, "high", "No.", dry_run=dry_run)


# --- cases of an earlier version ---------------------------------------------------------------


def stored(company: Company, change: str) -> None:
    """Change the stored header of every case."""
    with closing(sqlite3.connect(company.root / ".smr" / "smr.db")) as database:
        database.execute(f"UPDATE cases SET header = {change}")
        database.commit()


def test_a_state_that_an_earlier_version_wrote_still_verifies(company: Company):
    company.start("statement", title="the fire in hall 3")
    stored(company, "json_remove(header, '$.clocks', '$.ratifying', '$.ending')")
    verified(company)


@pytest.mark.parametrize(
    "change",
    ["json_set(header, '$.secret', 1)", "json_remove(header, '$.title')"],
)
def test_what_no_version_wrote_does_not(company: Company, change: str):
    company.start("statement", title="the fire in hall 3")
    stored(company, change)
    assert auditing.verify(company.ws).problems != []
