"""Break-glass: one person releases content before its quorum is there; others ratify it later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import DecisionKind, ItemKind, ItemStatus
from smr_engine.errors import Refusal
from smr_engine.playbook.model import BreakGlass, Template
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

GLASS = BreakGlass("exec-sponsor", co.lasting("4h"))


def ready(*lines, more=(), **fields):
    steps = (
        co.draft("write"),
        co.approval(
            "approve", *(lines or ("legal", "comms-director")), **{"break_glass": GLASS, **fields}
        ),
        co.publish("send", requires=("approve",)),
        *more,
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Our words.")
    return case


def released(*lines, **fields):
    case = ready(*lines, **fields)
    case.break_glass("approve")
    return case


def ratification(case):
    return case.item("approve", ItemKind.APPROVAL)


def broken(case):
    return next(item.broken for item in case.items("approve", None) if item.broken)


def test_the_present_content_goes_out_at_once_and_the_quorum_is_asked_afterwards():
    case = released(more=(co.task("next"),))
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Our words."]
    assert case.state("approve").output["approved_by"] == ["eve"]
    item = ratification(case)
    assert item.title == "Ratify: approve"
    assert "eve" in item.excluded
    assert item.due_at == item.expires_at == case.book.now + timedelta(hours=4)
    assert case.waits_for() == {"next", "approve"}
    assert any("Ratify: approve" in words for words in case.book.told_of("lea"))


def test_what_is_ratified_is_the_digest_that_was_released():
    case = ready()
    digest = case.item("approve").bundle_digest
    case.break_glass("approve")
    assert ratification(case).bundle_digest == digest == case.state("approve").output["digest"]


def test_a_parent_goes_on_with_what_was_released_and_does_not_wait_for_its_ratification():
    words = co.playbook(
        co.draft("write"),
        co.approval("approve", "legal", "comms-director", break_glass=GLASS),
        co.publish("send", requires=("approve",)),
        name="words",
        results={"digest": Template("{{ steps.send.output.digest }}")},
    )
    outer = co.playbook(co.child("statement", "words"), co.task("tell_the_line"))
    case = Casebook.of(outer, words).start()
    case.book.perform()
    (ref,) = case.header.children
    child = CaseFile(case.book, ref)
    child.write("write", "Our words.")
    child.break_glass("approve")
    case.book.perform()
    assert case.waits_for() == {"tell_the_line"}
    assert case.state("statement").output["digest"] == child.state("send").output["digest"]
    assert (child.closed, child.waits_for()) == (False, {"approve"})
    child.approve("approve", "lea", "cora")
    case.book.perform()
    case.complete("tell_the_line")
    assert (child.closed, case.closed) == (True, True)
    news = child.effects(live=False)
    told = [effect for effect in news if effect.name == f"tell {case.ref}"]
    assert len(told) == 1


def test_the_quorum_ratifies_and_the_case_closes_with_it():
    case = released()
    case.book.perform()
    assert (case.closed, case.header.ending) == (False, "done")
    case.approve("approve", "lea", "cora")
    assert broken(case).verdict == "ratified"
    assert (case.closed, case.header.outcome) == (True, "done")


@pytest.mark.parametrize("decision", [DecisionKind.REJECT, DecisionKind.REQUEST_CHANGES])
def test_a_refused_ratification_is_for_the_owner_and_retracts_nothing(decision):
    case = released(more=(co.task("next"),))
    case.book.perform()
    case.vote("approve", decision, "lea", "This was not needed.")
    (event,) = case.happened(e.Unratified)
    assert event.why == "refused"
    assert "This was not needed." in case.repair_item().message
    assert case.repair_item().offered == ("sam",)
    assert (case.header.status, case.outcome("approve")) == ("open", "approved")
    assert case.outcome("send") == "published"
    case.repair("skip")
    assert case.waits_for() == {"next"}


def test_a_late_ratification_is_for_the_owner():
    case = released()
    case.book.wait(hours=5)
    (event,) = case.happened(e.Unratified)
    assert (event.why, broken(case).verdict) == ("late", "unratified")
    assert not case.closed
    case.repair("skip")
    assert (case.closed, case.header.outcome) == (True, "done")


def test_those_who_have_not_answered_are_warned_what_happens():
    case = released()
    case.book.wait(hours=3.5)
    (warned,) = case.happened(e.ItemWarned)
    assert set(warned.people) == {"lea", "luis", "cora", "carl"}
    assert any("marked as unratified" in m["body"] for m in case.book.told)


def test_where_the_holder_was_the_only_one_it_is_unratified_at_once():
    case = released("legal", "exec-sponsor")
    (event,) = case.happened(e.Unratified)
    assert event.why == "unreachable"
    assert "exec sponsor" in case.repair_item().message
    case.book.perform()
    assert case.outcome("send") == "published"


def test_recusals_that_leave_nobody_make_it_unratified():
    case = released("compliance", more=(co.task("next"),))
    case.vote("approve", DecisionKind.RECUSE, "mo")
    (event,) = case.happened(e.Unratified)
    assert event.why == "unreachable"
    assert case.header.status == "open"


@pytest.mark.parametrize(
    ("by", "why"),
    [("lea", "only exec sponsor may release"), ("nobody", "not in the directory")],
)
def test_only_a_holder_of_the_role_may(by, why):
    with pytest.raises(Refusal, match=why):
        ready().break_glass("approve", by)


def test_an_acting_deputy_may_and_neither_of_the_two_ratifies():
    glass = BreakGlass("legal", co.lasting("4h"))
    case = ready("comms-director", break_glass=glass)
    today = case.book.now.date()
    away = (today, today + timedelta(days=1))
    case.book.world = co.company(lea=away, luis=away)
    case.break_glass("approve", "dora")
    (event,) = case.happened(e.GlassBroken)
    assert event.on_behalf_of == "lea"
    assert {"dora", "lea"} <= set(ratification(case).excluded)


def test_whoever_wrote_it_may_not():
    glass = BreakGlass("comms-writer", co.lasting("4h"))
    case = ready(break_glass=glass)
    with pytest.raises(Refusal, match="had a hand in this content"):
        case.break_glass("approve", "wendy")
    case.break_glass("approve", "will")
    assert case.outcome("approve") == "approved"


@pytest.mark.parametrize(
    ("fields", "reason", "why"),
    [({}, " ", "say why"), ({"break_glass": None}, "Now.", "only the quorum decides")],
)
def test_it_needs_a_reason_and_the_playbook_s_leave(fields, reason, why):
    with pytest.raises(Refusal, match=why):
        ready(**fields).break_glass("approve", reason=reason)


def test_a_ratification_cannot_be_released_in_turn():
    case = released()
    with pytest.raises(Refusal, match="only the quorum decides"):
        case.break_glass("approve")


def test_an_approval_that_has_expired_cannot_be_released():
    case = ready(expires=co.lasting("1h"))
    case.book.now += timedelta(hours=1)
    with pytest.raises(Refusal, match="too late"):
        case.break_glass("approve")


def test_a_change_before_it_is_out_asks_again_and_ends_the_ratification():
    case = released()
    old = ratification(case)
    case.write("write", "Other words.", by="will")
    now = case.item("approve")
    assert (now.ratifies, now.round) == ("", 2)
    assert [i.status for i in case.items("approve", None) if i.id == old.id] == [
        ItemStatus.CANCELLED
    ]
    case.approve("approve", "lea", "cora")
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Other words."]
    assert case.closed


def test_a_case_that_has_ended_waits_and_lets_nothing_else_begin():
    steps = (
        co.draft("write"),
        co.approval("approve", "legal", break_glass=GLASS),
        co.parallel(
            "both",
            left=co.publish("send", requires=("approve",)),
            right=(co.task("decide"), co.end("stop", "stopped")),
        ),
        co.task("never"),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Our words.")
    case.break_glass("approve")
    case.complete("decide")
    assert (case.header.status, case.header.ending) == ("open", "stopped")
    assert case.waits_for() == {"approve"}
    with pytest.raises(Refusal, match="waits only for what was released"):
        case.write("write", "Other words.", by="will")
    case.approve("approve", "lea")
    assert (case.closed, case.header.outcome) == (True, "stopped")


def test_a_cancelled_case_asks_nobody_to_ratify_any_more():
    case = released(more=(co.task("next"),))
    case.book.do(case.ref, c.CancelCase("all over"), "sam")
    assert case.items() == []
    assert case.book.timers() == []


def test_a_ratification_outlives_the_element_it_was_asked_in():
    inner = (
        co.draft("write"),
        co.approval("approve", "legal", break_glass=GLASS),
        co.publish("send", requires=("approve",)),
    )
    steps = (co.foreach("each", "inputs.names", *inner), co.task("next"))
    case = Casebook.of(co.playbook(*steps)).start(names=["kim"])
    case.write("each[0]/write", "Our words.")
    case.break_glass("each[0]/approve")
    case.book.perform()
    case.complete("next")
    assert (case.closed, case.header.ending) == (False, "done")
    case.approve("each[0]/approve", "luis")
    assert case.closed


def test_only_skip_and_cancel_settle_what_is_unratified():
    case = released()
    case.book.wait(hours=5)
    for answer in ("retry", "sent", "not_sent"):
        with pytest.raises(Refusal, match="settled by a person"):
            case.repair(answer)


def test_nobody_left_to_ratify_is_noticed_with_the_next_reminder():
    case = released("compliance", remind=co.at("50%"))
    away = (date(2026, 1, 1), date(2027, 1, 1))
    case.book.world = co.with_person(co.company(mo=away), "mo", roles=())
    case.book.wait(hours=3)
    (event,) = case.happened(e.Unratified)
    assert event.why == "unreachable"
