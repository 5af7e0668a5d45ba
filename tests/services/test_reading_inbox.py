"""Inboxes: what waits for whom, and why somebody may not act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smr_engine.errors import Invalid, NotFound
from smr_engine.services import cases, items, reading
from smr_engine.services.views import ItemRow
from smr_engine.services.workspace import Actor
from tests.services.company import Company, by_step

SCORED = """
playbook: scored
version: 1.0.0
title: Scored
owner: smr-lead
severity: {levels: [sev1, sev2], initial: sev2}
documents: {reply: {title: Reply, audience: public, template: We answer.}}
steps:
  - {id: write, kind: draft, document: reply, assign: {role: comms-writer}}
  - id: approve
    kind: approval
    documents: [reply]
    quorum:
      - {role: comms-director}
      - {role: legal}
      - {role: exec-sponsor, when: case.severity.rank == 1}
  - {id: publish, kind: publish, document: reply, requires: [approve], account: newsroom}
"""


def under_approval(company: Company) -> tuple[str, str]:
    """Start a case whose statement waits for its approval; return the case and the item."""
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), "We know of the fire in hall 3.")
    return case, company.item(case, "approve")


def test_an_item_lies_in_the_inbox_of_everybody_who_was_asked(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    for person in ("tom", "zoe"):
        [row] = reading.inbox(company.ws, person)
        assert (row.case, row.step, row.kind) == (case, "write", "draft")
        assert row.may
        assert row.why_not == ""
        assert row.waiting_for == ["tom", "zoe"]
    assert reading.inbox(company.ws, "lea") == []


def test_an_item_is_overdue_from_its_due_time_on(company: Company):
    company.start("statement", title="the fire in hall 3")
    [row] = reading.inbox(company.ws, "tom")
    assert row.due == datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
    assert not row.overdue
    company.clock.move(minutes=61)
    assert [row.overdue for row in reading.inbox(company.ws, "tom")] == [True]


def test_what_is_due_first_stands_first(company: Company):
    late = under_approval(company)[1]
    company.clock.move(hours=3)
    later = under_approval(company)[1]
    assert [row.item for row in reading.inbox(company.ws, "lea")] == [late, later]


def test_a_decided_approval_leaves_the_inbox_of_those_who_decided(company: Company):
    _, item = under_approval(company)
    company.vote(item, "lea")
    assert reading.inbox(company.ws, "lea") == []
    [row] = reading.inbox(company.ws, "carl")
    assert row.may
    assert "lea" not in row.waiting_for


def test_however_much_somebody_has_answered_the_rest_is_found_behind_it(company: Company):
    waiting = [under_approval(company)[1] for _ in range(12)]
    for item in waiting[:10]:
        company.vote(item, "lea")  # each still waits for Carl
    assert [row.item for row in reading.inbox(company.ws, "lea", most=1)] == waiting[10:11]
    assert [row.item for row in reading.inbox(company.ws, "lea", most=5)] == waiting[10:]
    assert [row.item for row in reading.inbox(company.ws, "carl", most=5)] == waiting[:5]


def test_an_approval_waits_for_those_only_who_can_fill_what_is_missing(company: Company):
    case, item = under_approval(company)
    company.vote(item, "lea")

    def waits() -> list[list[str]]:
        [row] = reading.inbox(company.ws, "carl")
        listed = [row.waiting_for for row in reading.case_list(company.ws) if row.case == case]
        return [row.waiting_for, *listed, reading.case_view(company.ws, case).items[0].waiting_for]

    assert all("carl" in found and "paul" not in found for found in waits()), "Legal has spoken"
    [row] = reading.inbox(company.ws, "paul")
    assert row.may, "and may still object"


def test_a_new_severity_asks_others_and_their_inboxes_know_that_they_may(company: Company):
    company.playbook("scored", SCORED)
    case = company.start("scored")
    company.write(company.item(case, "write"), "We answer.")
    assert reading.inbox(company.ws, "eva") == []
    cases.rescore(company.ws, Actor("ana"), case, "sev1", "it spreads")
    [row] = reading.inbox(company.ws, "eva")
    assert (row.step, row.may, row.why_not) == ("approve", True, "")
    assert "eva" in row.waiting_for


def test_every_open_item_says_in_words_why_somebody_may_not_act(company: Company):
    _, item = under_approval(company)
    company.vote(item, "lea")

    def why(person: str) -> str:
        [row] = reading.inbox(company.ws, person, all_items=True)
        assert not row.may
        return row.why_not

    assert why("tom") == "Tom Becker had a hand in this content, so somebody else must decide"
    assert "decided on this already" in why("lea")
    assert "asks for Communications director or Legal" in why("pia")


def test_who_wrote_the_text_and_holds_the_role_may_not_decide(company: Company):
    company.directory("roles: [comms-writer]", "roles: [comms-writer, legal]")
    under_approval(company)
    assert reading.inbox(company.ws, "tom") == []
    [row] = reading.inbox(company.ws, "tom", all_items=True)
    assert "had a hand in this content" in row.why_not


def test_a_deputy_finds_the_work_of_somebody_who_is_away(company: Company):
    case = company.start("everything", creators=[])
    assert by_step(reading.inbox(company.ws, "stella")) == {}
    company.directory(
        "email: tom@example.test\n",
        "email: tom@example.test\n    away: [{from: 2026-09-14, until: 2026-09-15}]\n",
    )
    row = by_step(reading.inbox(company.ws, "stella"))["check"]
    assert row.case == case
    assert row.may
    company.clock.move(days=3)
    assert by_step(reading.inbox(company.ws, "stella")) == {}


def test_a_holder_finds_what_others_were_asked_while_they_were_away(company: Company):
    company.directory(
        "    email: lea@example.test\n    roles: [legal]\n",
        "    email: lea@example.test\n    roles: [legal]\n"
        "    away: [{from: 2026-09-14, until: 2026-09-15}]\n",
    )
    _, item = under_approval(company)
    company.clock.move(days=3)
    [row] = reading.inbox(company.ws, "lea")
    assert row.item == item
    assert row.waiting_for == ["carl", "nora", "paul"]
    assert row.may
    company.vote(item, "lea")


def test_a_new_holder_of_a_role_finds_approvals_opened_before(company: Company):
    _, item = under_approval(company)
    company.directory("roles: [compliance]\n    access: auditor", "roles: [compliance, legal]")
    [row] = reading.inbox(company.ws, "greta")
    assert (row.item, row.may) == (item, True)
    company.vote(item, "greta")


def test_who_has_lost_the_role_is_told_so(company: Company):
    _, item = under_approval(company)
    company.directory(
        "email: lea@example.test\n    roles: [legal]", "email: lea@example.test\n    roles: [hr]"
    )
    [row] = reading.inbox(company.ws, "lea")
    assert (row.item, row.may) == (item, False)
    assert "Lea Hoffmann holds none of these roles" in row.why_not


def test_an_approval_that_demands_more_proof_says_so(company: Company):
    company.playbook(
        "strict",
        (company.root / "playbooks/statement.yaml")
        .read_text(encoding="utf-8")
        .replace("playbook: statement", "playbook: strict\nassurance: mfa"),
    )
    case = company.start("strict", title="the fire in hall 3")
    company.write(company.item(case, "write"), "We know of the fire in hall 3.")
    [row] = reading.inbox(company.ws, "lea")
    assert not row.may
    assert "proof of identity 'mfa'" in row.why_not


def test_items_of_restricted_cases_are_shown_to_the_few_only(company: Company):
    case = company.start_as("ruth", "secret")
    for person, sees in {"ruth": True, "jan": True, "ana": False, "lea": False}.items():
        rows = reading.inbox(company.ws, person, all_items=True)
        assert [row.case for row in rows] == ([case] if sees else []), person
    assert [row.case for row in reading.inbox(company.ws, None, all_items=True)] == [case]


def test_the_owner_finds_repair_items(company: Company):
    case, item = under_approval(company)
    for person in ("carl", "nora"):
        company.vote(item, person, "recuse", "I know the people involved.")
    repair = by_step(reading.inbox(company.ws, "ana"))["approve"]
    assert (repair.kind, repair.case, repair.may) == ("repair", case, True)
    assert by_step(reading.inbox(company.ws, "ben", all_items=True))["approve"].may, "a deputy"
    assert not by_step(reading.inbox(company.ws, "lea", all_items=True))["approve"].may


def test_without_a_person_only_the_list_of_all_items_can_be_read(company: Company):
    company.start("statement", title="the fire in hall 3")
    with pytest.raises(Invalid, match="say whose inbox"):
        reading.inbox(company.ws, None)
    [row] = reading.inbox(company.ws, None, all_items=True)
    assert not row.may
    with pytest.raises(NotFound, match="'nobody-known' is not in the directory"):
        reading.inbox(company.ws, "nobody-known")


def test_lists_agree_with_the_items_themselves(company: Company):
    _, item = under_approval(company)
    company.vote(item, "carl")
    company.start("everything", creators=["Kim"])
    company.start_as("ruth", "secret")
    for person in ("ana", "ben", "carl", "lea", "nora", "stella", "tom", "ruth"):
        for row in reading.inbox(company.ws, person, all_items=True):
            view = reading.item_view(company.ws, row.item, person)
            assert (view.may, view.why_not) == (row.may, row.why_not), (person, row)
            assert (view.due, view.title, view.kind) == (row.due, row.title, row.kind)


def test_reading_an_inbox_takes_as_many_statements_for_many_items_as_for_few(
    company: Company, statements: list[str]
):
    def cost() -> int:
        statements.clear()
        rows: list[ItemRow] = reading.inbox(company.ws, "lea", all_items=True)
        assert all(row.may for row in rows)
        return len(statements)

    under_approval(company)
    few = cost()
    for _ in range(7):
        under_approval(company)
    assert cost() == few


def test_a_reassigned_item_moves_from_one_inbox_to_another(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    items.reassign(company.ws, Actor("ana"), company.item(case, "write"), "stella")
    assert reading.inbox(company.ws, "tom") == []
    assert [row.step for row in reading.inbox(company.ws, "stella")] == ["write"]
