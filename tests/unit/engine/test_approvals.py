"""Approvals: who may decide, what their decisions do, what is refused in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, DecisionKind, ItemKind, ItemStatus, StepStatus
from smr_engine.errors import Refusal
from smr_engine.playbook.model import Exclusion, ExclusionKind, Varied
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

APPROVE, CHANGES, REJECT, RECUSE = DecisionKind
TODAY = (date(2026, 11, 23), date(2026, 11, 23))


def asked(*lines, by="wendy", world=None, start=None, **more) -> CaseFile:
    """A case that waits for the approval of a text that `by` wrote."""
    steps = (
        co.draft("write", "statement", f"person:{by}"),
        co.approval("check", *lines, **more),
        co.task("after"),
    )
    case = Casebook.of(co.playbook(*steps), world=world or co.company()).start(**(start or {}))
    case.write("write", "We know about the fire in our warehouse.", by=by)
    return case


def refused(case: CaseFile, decision: DecisionKind, by: str, comment: str = "because") -> Refusal:
    with pytest.raises(Refusal) as caught:
        case.vote("check", decision, by, comment)
    assert "\n" not in caught.value.message
    return caught.value


# --- who may decide ----------------------------------------------------------------------------


def test_one_of_each_role_approves_and_the_list_goes_on():
    case = asked("legal", "comms-director")
    case.approve("check", "lea")
    assert case.state("check").status is StepStatus.ACTIVE
    case.approve("check", "cora")
    state = case.state("check")
    assert state.outcome == "approved"
    assert state.output["approved_by"] == ["lea", "cora"]
    assert case.waits_for() == {"after"}


def test_a_decision_records_the_exact_content_and_the_roles_held():
    case = asked("compliance")
    item = case.item("check")
    case.approve("check", "mo")
    (decision,) = case.happened(e.DecisionRecorded)
    assert decision.digest == item.bundle_digest
    assert decision.roles == ("compliance", "privacy")
    assert case.state("check").output["digest"] == item.bundle_digest


def test_nobody_approves_what_they_wrote():
    case = asked("legal", by="lea")
    assert "lea" not in case.item("check").offered
    assert "had a hand in this content" in refused(case, APPROVE, "lea").message
    case.approve("check", "luis")
    assert case.outcome("check") == "approved"


def test_whoever_finished_the_draft_without_a_change_had_a_hand_in_it():
    steps = (co.draft("write", "statement", "legal"), co.approval("check", "legal"))
    case = Casebook.of(co.playbook(*steps)).start()
    text = case.case.scopes[""].documents["statement"].text
    case.write("write", text, by="lea")
    assert [r.author for r in case.case.scopes[""].documents["statement"].revisions] == [""]
    assert "had a hand" in refused(case, APPROVE, "lea").message


def test_an_earlier_author_is_kept_out_as_well():
    steps = (
        co.draft("first", "statement", "legal"),
        co.draft("second", "statement", "comms-writer"),
        co.approval("check", "legal"),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("first", "Ours.", by="luis")
    case.write("second", "Yours.", by="will")
    assert case.item("check").excluded == ("luis", "will")


def test_an_author_may_approve_where_except_leaves_authors_out():
    case = asked("legal", by="lea", exclude=(co.REQUESTER,))
    case.approve("check", "lea")
    assert case.outcome("check") == "approved"


def test_except_keeps_out_the_requester():
    case = asked("smr-lead", by="will", exclude=(co.AUTHOR, co.REQUESTER), start={"by": "ben"})
    assert case.item("check").excluded == ("ben", "will")
    case = asked("legal", exclude=(co.REQUESTER,), start={"by": "lea"})
    assert "had a hand" in refused(case, APPROVE, "lea").message


def test_except_keeps_out_everybody_of_a_role():
    case = asked("compliance", "legal", exclude=(Exclusion(ExclusionKind.ROLE, "exec-sponsor"),))
    assert case.item("check").excluded == ("eve",)


@pytest.mark.parametrize("each", [False, True])
def test_except_keeps_out_whoever_did_a_step(each):
    did = co.task("vet", assign=co.who("legal", each=each))
    steps = (co.draft("write"), did, co.approval("check", "compliance", exclude=(co.did("vet"),)))
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Text.")
    doers = ("lea", "luis") if each else ("luis",)
    for person in doers:
        item = next(i for i in case.items("vet") if person in i.offered)
        case.book.do(case.ref, c.CompleteItem(item.id), person)
    assert case.item("check").excluded == doers


def test_except_keeps_out_all_who_granted_an_earlier_approval():
    steps = (
        co.draft("write"),
        co.approval("first", "legal", "comms-director"),
        co.approval("check", "legal", "comms-director", exclude=(co.did("first"),)),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Text.")
    case.approve("first", "lea", "cora")
    assert case.item("check").excluded == ("cora", "lea")
    assert case.item("check").offered == ("luis", "carl")


def test_somebody_without_any_of_the_roles_is_told_which_are_asked():
    case = asked("legal", co.line("compliance", "privacy"))
    told = refused(case, APPROVE, "eve").message
    assert told == "this asks for legal or compliance or privacy; Eve holds none of these roles"


def test_somebody_outside_the_directory_may_not_decide():
    assert "not in the directory" in refused(asked("legal"), APPROVE, "mallory").message


def test_nobody_decides_twice():
    case = asked(co.line("legal", need=2))
    case.approve("check", "lea")
    assert "has decided on this already" in refused(case, APPROVE, "lea").message
    assert "has decided on this already" in refused(case, REJECT, "lea").message


def test_two_people_of_one_role_do_not_fill_two_roles():
    case = asked("legal", "comms-director")
    case.approve("check", "lea", "luis")
    assert case.state("check").status is StepStatus.ACTIVE
    case.approve("check", "carl")
    assert case.outcome("check") == "approved"


def test_a_person_with_two_roles_fills_one_line():
    world = co.with_person(co.company(), "carl", roles=("comms-director", "legal"))
    case = asked("legal", "comms-director", world=world)
    case.approve("check", "carl")
    assert case.state("check").status is StepStatus.ACTIVE
    case.approve("check", "cora")
    assert case.outcome("check") == "approved"


def test_the_role_counts_that_somebody_holds_when_they_decide():
    case = asked("legal")
    case.book.world = co.with_person(case.book.world, "will", roles=("legal",))
    case.book.world = co.with_person(case.book.world, "lea", roles=())
    assert "none of these roles" in refused(case, APPROVE, "lea").message
    case.approve("check", "will")
    assert case.outcome("check") == "approved"


def test_an_approval_stays_granted_when_the_role_is_lost_later():
    case = asked("legal", "comms-director")
    case.approve("check", "lea")
    case.book.world = co.with_person(case.book.world, "lea", roles=())
    case.approve("check", "cora")
    assert case.outcome("check") == "approved"


@pytest.mark.parametrize(
    ("step", "playbook", "workspace", "wanted"),
    [
        (None, None, "asserted", "asserted"),
        ("session", None, "asserted", "session"),
        (None, "mfa", "asserted", "mfa"),
        ("session", "mfa", "asserted", "mfa"),
        ("session", "asserted", "passkey", "passkey"),
    ],
)
def test_the_strongest_proof_of_identity_that_anybody_asks_for_is_needed(
    step, playbook, workspace, wanted
):
    approval = co.approval("check", "legal", assurance=Varied(step) if step else None)
    more = {"assurance": Varied(playbook)} if playbook else {}
    book = Casebook.of(
        co.playbook(co.draft("write"), approval, **more),
        world=replace(co.company(), assurance=workspace),
    )
    case = book.start()
    case.write("write", "Text.")
    item = case.item("check")
    assert item.assurance == wanted
    weaker = c.ASSURANCES[: c.ASSURANCES.index(wanted)]
    for proof in weaker:
        with pytest.raises(Refusal, match=f"needs the proof of identity '{wanted}'"):
            book.do(case.ref, c.Decide(item.id, APPROVE), c.Actor("lea", proof))
    book.do(case.ref, c.Decide(item.id, APPROVE), c.Actor("lea", wanted))
    assert case.outcome("check") == "approved"


def test_severity_may_ask_for_more_proof_of_identity():
    varied = Varied("asserted", {"sev1": "mfa"})
    for severity, wanted in (("sev1", "mfa"), ("sev2", "asserted")):
        case = asked("legal", assurance=varied, start={"more": {"severity": severity}})
        assert case.item("check").assurance == wanted


# --- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("severity", "asked_too"), [("sev1", True), ("sev2", False)])
def test_a_line_may_apply_at_one_severity_only(severity, asked_too):
    sponsor = co.line("exec-sponsor", when=co.when("case.severity.rank == 1"))
    case = asked("legal", sponsor, start={"more": {"severity": severity}})
    assert ("eve" in case.item("check").offered) is asked_too
    case.approve("check", "lea")
    assert (case.outcome("check") is None) is asked_too


def test_a_quorum_of_which_no_line_applies_fails_and_never_passes():
    case = asked(co.line("legal", when=co.when("false")))
    assert case.state("check").status is StepStatus.FAILED
    assert case.header.status is CaseStatus.HELD
    assert "no line of the quorum applies" in case.repair_item().message


def test_a_quorum_that_nobody_can_fill_fails_with_the_roles_that_lack():
    case = asked(co.line("compliance", need=2))
    assert "1 more of compliance" in case.repair_item("check").message


def test_all_means_every_holder():
    case = asked(co.line("legal", need=None))
    case.approve("check", "lea")
    assert case.outcome("check") is None
    case.approve("check", "luis")
    assert case.outcome("check") == "approved"


def test_any_of_two_roles_will_do():
    case = asked(co.line("compliance", "privacy"))
    case.approve("check", "mo")
    assert case.outcome("check") == "approved"


# --- what is not an approval -------------------------------------------------------------------


@pytest.mark.parametrize("decision", [CHANGES, REJECT, RECUSE])
@pytest.mark.parametrize("comment", ["", "  \n"])
def test_everything_but_an_approval_needs_a_reason(decision, comment):
    case = asked("legal")
    assert refused(case, decision, "lea", comment).code == "reason-missing"


def test_one_rejection_ends_the_round_at_once():
    case = asked(co.line("legal", need=2))
    case.approve("check", "lea")
    case.vote("check", REJECT, "luis")
    state = case.state("check")
    assert (state.status, state.outcome) == (StepStatus.FAILED, "rejected")
    assert case.header.status is CaseStatus.HELD
    assert case.repair_item().offered == ("sam",)


def test_a_rejection_ends_the_case_where_the_playbook_says_so():
    case = asked("legal", on_rejected=co.ending("stopped"))
    case.vote("check", REJECT, "lea")
    assert (case.header.status, case.header.outcome) == (CaseStatus.COMPLETED, "stopped")
    assert case.outcome("check") == "rejected"
    assert case.items() == []


def test_a_request_for_changes_goes_back_to_the_writer_with_the_reason():
    case = asked("legal", on_changes_requested=co.back_to("write"))
    first = case.item("check")
    case.vote("check", CHANGES, "lea", "Do not guess the cause.")
    again = case.item("write", ItemKind.DRAFT)
    assert again.message == "Lea Brandt asks for changes: Do not guess the cause."
    assert again.round == 2
    assert case.state("check").round == 2
    case.write("write", "The cause is being looked into.")
    second = case.item("check")
    assert second.id != first.id
    assert second.round == 2
    case.approve("check", "lea")
    assert case.waits_for() == {"after"}


def test_steps_between_are_done_again():
    steps = (
        co.draft("write"),
        co.task("proofread", "legal"),
        co.section("inner", co.task("translate")),
        co.approval("check", "legal", on_changes_requested=co.back_to("write")),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    for _ in range(2):
        case.write("write", "Text.")
        case.complete("proofread", "lea")
        case.complete("translate")
        case.vote("check", CHANGES, "luis")
    assert case.state("inner/translate").round == 3
    assert case.state("write").status is StepStatus.ACTIVE


def test_a_request_for_changes_without_a_way_back_holds_the_case():
    case = asked("legal")
    case.vote("check", CHANGES, "lea")
    state = case.state("check")
    assert (state.status, state.outcome) == (StepStatus.FAILED, "failed")
    assert case.header.status is CaseStatus.HELD


def test_after_the_last_round_a_request_for_changes_holds_the_case():
    case = asked("legal", on_changes_requested=co.back_to("write", 2))
    case.vote("check", CHANGES, "lea")
    case.write("write", "Second.")
    case.vote("check", CHANGES, "lea")
    assert case.header.status is CaseStatus.HELD
    assert case.waits_for() == {"check"}


def test_a_failed_approval_is_passed_over_where_the_playbook_says_continue():
    for decision in (CHANGES, REJECT):
        case = asked("legal", on_failure="continue")
        case.vote("check", decision, "lea")
        assert case.waits_for() == {"after"}


# --- recusal -----------------------------------------------------------------------------------


def test_after_a_recusal_the_others_are_still_asked():
    case = asked("legal")
    case.vote("check", RECUSE, "lea", "My brother owns the warehouse.")
    assert case.state("check").status is StepStatus.ACTIVE
    case.approve("check", "luis")
    assert case.state("check").output["approved_by"] == ["luis"]


def test_when_nobody_is_left_after_recusals_it_escalates_and_holds():
    case = asked("legal", due=co.lasting("1h"), escalate=co.escalating(due="exec-sponsor"))
    case.vote("check", RECUSE, "lea")
    case.vote("check", RECUSE, "luis")
    assert case.header.status is CaseStatus.HELD
    assert "1 more of legal" in case.repair_item().message
    case.book.perform()
    assert any("Escalated to you" in subject for subject in case.book.told_of("eve"))


def test_who_has_approved_already_counts_when_somebody_recuses():
    case = asked("legal", "comms-director")
    case.approve("check", "lea")
    case.book.world = co.company(lea=TODAY)  # she approved, and then she left for the day
    case.vote("check", RECUSE, "cora")
    assert case.state("check").status is StepStatus.ACTIVE
    case.approve("check", "carl")
    assert case.outcome("check") == "approved"


def test_an_approval_that_nobody_is_left_to_complete_is_held_with_what_lacks():
    case = asked("legal", co.line("comms-director", need=None))
    whole = case.book.world
    case.book.world = co.with_person(whole, "carl", roles=("legal",))
    case.approve("check", "carl")
    case.book.world = whole  # he is a director again, and has decided as somebody of legal
    case.approve("check", "cora")
    assert case.header.status is CaseStatus.HELD
    assert "1 more of comms director" in case.repair_item().message


@pytest.mark.parametrize("rule", ["remind", "escalate"])
def test_a_reminder_notices_that_nobody_is_left_to_decide(rule):
    times = {"remind": co.at("at due"), "escalate": co.escalating(due="exec-sponsor")}
    lines = ("comms-director", co.line("legal", need=None))
    case = asked(*lines, due=co.lasting("1h"), **{rule: times[rule]})
    case.approve("check", "lea", "cora")
    assert case.state("check").status is StepStatus.ACTIVE
    case.book.world = co.with_person(case.book.world, "luis", roles=())
    case.book.world = co.with_person(case.book.world, "carl", roles=())
    case.book.wait(hours=1)
    assert case.header.status is CaseStatus.HELD
    assert "nobody is left to decide" in case.repair_item().message
    case.repair("retry")
    case.approve("check", "lea", "cora")
    assert case.outcome("check") == "approved"


def test_somebody_who_is_away_for_now_is_waited_for():
    case = asked(co.line("legal", need=2))
    case.book.world = co.company(luis=TODAY, dora=TODAY)
    case.approve("check", "lea")
    assert case.state("check").status is StepStatus.ACTIVE
    case.book.world = co.company()
    case.approve("check", "luis")
    assert case.outcome("check") == "approved"


# --- absence -----------------------------------------------------------------------------------


def test_a_deputy_is_asked_when_the_holder_is_away():
    case = asked("comms-director", world=co.company(cora=TODAY))
    assert case.item("check").offered == ("carl", "dora")
    case.approve("check", "dora")
    (decision,) = case.happened(e.DecisionRecorded)
    assert decision.on_behalf_of == "cora"
    assert case.outcome("check") == "approved"


def test_a_deputy_may_not_decide_while_everybody_is_there():
    assert "none of these roles" in refused(asked("comms-director"), APPROVE, "dora").message


def test_each_of_two_absent_holders_has_a_deputy():
    world = co.company(lea=TODAY, luis=TODAY)
    case = asked(co.line("legal", need=2), world=world)
    case.approve("check", "dora", "dirk")
    decisions = case.happened(e.DecisionRecorded)
    assert [d.on_behalf_of for d in decisions] == ["lea", "luis"]
    assert case.outcome("check") == "approved"


def test_one_deputy_does_not_stand_for_two():
    world = co.company(cora=TODAY, carl=TODAY)
    case = asked(co.line("comms-director", need=2), world=world)
    assert "1 more of comms director" in case.repair_item().message


@pytest.mark.parametrize("lines", [("legal", "comms-director"), ("comms-director", "legal")])
@pytest.mark.parametrize("order", [("dora", "dirk"), ("dirk", "dora")])
def test_a_deputy_in_two_roles_is_heard_for_the_one_that_nobody_else_fills(lines, order):
    world = co.company(lea=TODAY, luis=TODAY, cora=TODAY, carl=TODAY)
    case = asked(*lines, world=world)
    case.approve("check", *order)
    assert {d.person: d.on_behalf_of for d in case.happened(e.DecisionRecorded)} == {
        "dora": "carl",
        "dirk": "luis",
    }
    assert case.outcome("check") == "approved"


@pytest.mark.parametrize("order", [("dora", "carl"), ("carl", "dora")])
def test_a_deputy_does_not_take_the_seat_of_somebody_who_is_there(order):
    world = co.company(lea=TODAY, luis=TODAY, dirk=TODAY, cora=TODAY)
    case = asked("comms-director", "legal", world=world)
    case.approve("check", *order)
    assert case.outcome("check") == "approved"


def test_nobody_decides_for_an_author_who_is_away():
    world = co.company(lea=TODAY, luis=TODAY)
    case = asked("legal", by="lea", world=world)
    assert "who had a hand in this content" in refused(case, APPROVE, "dora").message
    case.approve("check", "dirk")  # for Luis, who had none
    assert case.outcome("check") == "approved"


def test_a_deputy_of_an_author_counts_in_their_own_role_only():
    world = co.with_person(co.company(cora=TODAY), "dora", roles=("legal",))
    case = asked("legal", "comms-director", by="cora", world=world)
    case.approve("check", "dora", "lea")
    assert case.outcome("check") is None, "Dora would fill a seat for the author"
    case.approve("check", "carl")
    assert case.outcome("check") == "approved"


def test_a_deputy_with_a_role_of_their_own_fills_whichever_line_lacks():
    world = co.with_person(co.company(cora=TODAY, carl=TODAY), "dora", roles=("legal",))
    case = asked("legal", "comms-director", world=world)
    case.approve("check", "dora", "lea")
    assert case.outcome("check") == "approved"


def test_a_deputy_whom_it_escalated_to_may_decide_although_nobody_is_away():
    case = asked("legal", due=co.lasting("1h"), escalate=co.escalating(due="deputy_of:legal"))
    case.book.wait(hours=1)
    assert case.item("check").escalated == ("dora", "dirk")
    case.approve("check", "dirk")
    (decision,) = case.happened(e.DecisionRecorded)
    assert decision.on_behalf_of in {"lea", "luis"}
    assert case.outcome("check") == "approved"


def test_two_escalated_deputies_stand_for_two_holders():
    case = asked(
        co.line("legal", need=2),
        due=co.lasting("1h"),
        escalate=co.escalating(due="deputy_of:legal"),
    )
    case.book.wait(hours=1)
    case.approve("check", "dora", "dirk")
    assert case.outcome("check") == "approved"


def test_whoever_it_escalated_to_without_a_role_still_may_not_decide():
    case = asked("legal", due=co.lasting("1h"), escalate=co.escalating(due="exec-sponsor"))
    case.book.wait(hours=1)
    assert "none of these roles" in refused(case, APPROVE, "eve").message


def test_the_date_of_the_absent_person_decides():
    abroad = co.with_person(co.company(cora=(TODAY[0], TODAY[0])), "cora", timezone="Asia/Tokyo")
    late = co.MONDAY.replace(hour=16)  # Tuesday already in Tokyo: Cora is back
    case = asked("comms-director", world=abroad)
    case.book.now = late
    assert "none of these roles" in refused(case, APPROVE, "dora").message


# --- wrong commands ----------------------------------------------------------------------------


def test_an_approval_is_neither_completed_nor_handed_over():
    case = asked("legal")
    item = case.item("check")
    for command in (
        c.CompleteItem(item.id),
        c.Reassign(item.id, "eve"),
        c.ReviseDocument(item.id, "x"),
    ):
        with pytest.raises(Refusal) as caught:
            case.book.do(case.ref, command, "lea")
        assert caught.value.code == "wrong-command"


def test_only_an_approval_is_decided():
    case = Casebook.of(co.playbook(co.task("do"))).start()
    with pytest.raises(Refusal, match="is no approval but a task"):
        case.book.do(case.ref, c.Decide(case.item("do").id, APPROVE), "wendy")


def test_a_decided_approval_takes_no_more_decisions():
    case = asked("legal")
    item = case.item("check")
    case.approve("check", "lea")
    with pytest.raises(Refusal, match="is completed already"):
        case.book.do(case.ref, c.Decide(item.id, APPROVE), "luis")
    assert case.items("check", ItemStatus.COMPLETED) != []
