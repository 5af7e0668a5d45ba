"""Expiry: what happens when nobody answers in time; silence never approves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import DecisionKind, ItemKind, ItemStatus
from smr_engine.errors import Refusal
from smr_engine.playbook.model import Acknowledge, DueAt, OnExpiry, Template, Varied
from tests.support import company as co
from tests.support.casebook import Casebook

SOON = {"expires": co.lasting("4h")}


def published(**approval):
    steps = (
        co.draft("write"),
        co.approval("approve", "legal", "comms-director", **{**SOON, **approval}),
        co.publish("send", requires=("approve",)),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Our words.")
    return case


def closed(case, where):
    return [item for item in case.items(where, None) if item.kind is not ItemKind.REPAIR]


def test_an_approval_that_nobody_answers_fails_and_holds_the_case():
    case = published()
    case.approve("approve", "lea")
    case.book.wait(hours=5)
    assert case.outcome("approve") == "expired"
    assert case.header.status == "held"
    assert [item.status for item in closed(case, "approve")] == [ItemStatus.EXPIRED]
    assert "not answered in time" in case.repair_item().message
    assert case.book.published == []


def test_a_rejecting_expiry_ends_as_a_rejection_would():
    rejecting = {"on_expiry": OnExpiry.REJECT, "on_rejected": co.ending("declined")}
    case = published(**rejecting)
    case.book.wait(hours=5)
    assert (case.outcome("approve"), case.header.outcome) == ("rejected", "declined")
    case = published(on_expiry=OnExpiry.REJECT)
    case.book.wait(hours=5)
    assert (case.outcome("approve"), case.header.status) == ("rejected", "held")


def test_a_skipped_approval_skips_the_publication_that_requires_it():
    case = published(on_expiry=OnExpiry.SKIP)
    case.book.wait(hours=5)
    assert (case.outcome("approve"), case.outcome("send")) == ("skipped", "skipped")
    assert case.closed
    assert case.book.published == []


def test_an_escalating_expiry_asks_the_quorum_again_without_an_end():
    steps = (
        co.draft("write"),
        co.approval(
            "approve",
            "legal",
            **SOON,
            on_expiry=OnExpiry.ESCALATE,
            escalate=co.escalating(late="exec-sponsor deputy_of:legal"),
        ),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Our words.")
    case.book.wait(hours=5)
    again = case.item("approve")
    assert (again.expires_at, again.escalated) == (None, ("eve", "dora", "dirk"))
    assert [line.roles for line in again.lines] == [("legal",)]
    assert any("Escalated to you" in words for words in case.book.told_of("eve"))
    case.book.wait(days=30)
    case.approve("approve", "dora")
    assert case.outcome("approve") == "approved"


@pytest.mark.parametrize("kind", ["task", "draft", "decision"])
def test_an_escalating_expiry_asks_the_last_target_instead(kind):
    more = {
        **SOON,
        "on_expiry": OnExpiry.ESCALATE,
        "escalate": co.escalating(due="legal", late="exec-sponsor"),
    }
    steps = {
        "task": co.task("work", **more),
        "draft": co.draft("work", **more),
        "decision": co.question("work", **more),
    }
    case = Casebook.of(co.playbook(steps[kind])).start()
    before = case.item("work")
    case.book.wait(hours=5)
    now = case.item("work")
    assert (now.kind, now.title) == (before.kind, before.title)
    assert (now.offered, now.expires_at, now.previous) == (("eve",), None, before.id)
    case.book.wait(days=30)
    assert case.item("work").id == now.id


def test_without_an_escalation_the_owner_is_asked():
    case = Casebook.of(co.playbook(co.task("work", **SOON, on_expiry=OnExpiry.ESCALATE))).start()
    case.book.wait(hours=5)
    assert case.item("work").offered == ("sam",)


def test_too_late_is_refused_even_if_the_timer_has_not_fired():
    case = published()
    approval = case.item("approve")
    case.book.now = approval.expires_at
    with pytest.raises(Refusal, match="too late"):
        case.approve("approve", "lea")
    case = Casebook.of(co.playbook(co.draft("write", **SOON))).start()
    case.book.now += timedelta(hours=4)
    with pytest.raises(Refusal, match="too late"):
        case.write("write", "Late words.")
    with pytest.raises(Refusal, match="too late"):
        case.book.do(case.ref, c.Reassign(case.item("write").id, "sam"), "sam")


def test_one_moment_before_it_can_still_be_answered():
    case = published()
    case.book.now = case.item("approve").expires_at - timedelta(seconds=1)
    case.approve("approve", "lea", "cora")
    assert case.outcome("approve") == "approved"


def test_people_who_are_waited_for_are_warned_once_of_when_and_what():
    case = published(on_expiry=OnExpiry.REJECT)
    case.approve("approve", "lea")
    case.book.wait(hours=3)
    (warned,) = case.happened(e.ItemWarned)
    assert set(warned.people) == {"cora", "carl"}, "for Legal, Lea has spoken"
    expiring = [m for m in case.book.told if m["subject"].partition("] ")[2].startswith("Expir")]
    assert {m["to"][0]["id"] for m in expiring} == {"cora", "carl"}
    message = expiring[0]
    assert "13:00 UTC" in message["subject"]
    assert "it counts as rejected" in message["body"]
    case.book.wait(hours=0.9)
    assert len(case.happened(e.ItemWarned)) == 1


def test_a_reminder_of_the_same_instant_is_not_sent_but_the_item_expires():
    times = {"due": co.lasting("4h"), "remind": co.at("at due"), **SOON}
    case = Casebook.of(co.playbook(co.task("work", **times))).start()
    case.book.wait(hours=5)
    assert case.happened(e.ItemReminded) == []
    assert case.outcome("work") == "expired"


def test_on_failure_continue_passes_over_what_expired():
    steps = (co.task("work", **SOON, on_failure="continue"), co.task("next"))
    case = Casebook.of(co.playbook(*steps)).start()
    case.book.wait(hours=5)
    assert case.outcome("work") == "expired"
    assert case.waits_for() == {"next"}


def test_a_retry_asks_again_with_a_new_expiry():
    case = published()
    case.book.wait(hours=5)
    case.repair("retry")
    assert case.item("approve").expires_at == case.book.now + timedelta(hours=4)


def test_an_anchored_expiry_in_the_past_is_over_at_once():
    anchored = Varied(DueAt(Template("{{ case.opened_at }}")))
    case = Casebook.of(co.playbook(co.task("work", expires=anchored))).start()
    case.book.wait(seconds=1)
    assert case.outcome("work") == "expired"
    assert case.happened(e.ItemWarned) == []


# --- several items -----------------------------------------------------------------------------


def each(**more):
    step = co.task("read", assign=co.who("group:frontline", each=True), **{**SOON, **more})
    return Casebook.of(co.playbook(step, co.task("next"))).start()


def complete_as(case, person):
    item = next(i for i in case.items("read") if i.offered == (person,))
    case.book.do(case.ref, c.CompleteItem(item.id), person)


def test_with_each_the_answers_of_those_in_time_are_kept_and_the_rest_skipped():
    case = each(on_expiry=OnExpiry.SKIP)
    complete_as(case, "will")
    case.book.wait(hours=5)
    assert case.outcome("read") == "done"
    assert [a["by"] for a in case.state("read").output["answers"]] == ["will"]
    assert case.waits_for() == {"next"}


def test_with_each_a_task_that_nobody_did_is_skipped():
    case = each(on_expiry=OnExpiry.SKIP)
    case.book.wait(hours=5)
    assert case.outcome("read") == "skipped"


def test_with_each_one_who_is_late_fails_the_step():
    case = each()
    complete_as(case, "will")
    case.book.wait(hours=5)
    assert case.outcome("read") == "expired"


def test_with_each_everybody_who_is_late_is_replaced():
    case = each(on_expiry=OnExpiry.ESCALATE, escalate=co.escalating(late="exec-sponsor"))
    complete_as(case, "will")
    case.book.wait(hours=5)
    assert [i.offered for i in case.items("read")] == [("eve",), ("eve",)]


@pytest.mark.parametrize(("then", "outcome"), [(OnExpiry.SKIP, "done"), (OnExpiry.FAIL, "expired")])
def test_a_message_that_waits_for_acknowledgements_does_not_wait_for_ever(then, outcome):
    asks = Acknowledge(wait=True)
    step = co.notify("tell", "legal", acknowledge=asks, **SOON, on_expiry=then)
    case = Casebook.of(co.playbook(step, co.task("next"))).start()
    case.book.wait(hours=5)
    assert case.outcome("tell") == outcome


def test_an_acknowledgement_nobody_waits_for_just_expires():
    step = co.notify("tell", "legal", acknowledge=Acknowledge(), **SOON)
    case = Casebook.of(co.playbook(step, co.task("next"))).start()
    case.book.wait(hours=5)
    assert case.outcome("tell") == "done"
    assert {item.status for item in case.items("tell", None)} == {ItemStatus.EXPIRED}
    assert case.header.status == "open"


def manual(**more):
    steps = (
        co.draft("write"),
        co.approval("approve", "legal"),
        co.publish("send", "wikipedia-talk", requires=("approve",), **SOON, **more),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Our words.")
    case.approve("approve", "lea")
    return case


def test_a_posting_that_expires_is_skipped_or_asked_of_somebody_else():
    case = manual(on_expiry=OnExpiry.SKIP)
    case.book.wait(hours=5)
    assert (case.outcome("send"), case.closed) == ("skipped", True)
    case = manual(on_expiry=OnExpiry.ESCALATE)
    case.book.wait(hours=5)
    assert case.item("send").offered == ("sam",)
    case.complete("send", "sam", url="https://wikipedia.example.test/talk")
    assert case.outcome("send") == "published"


# --- waits -------------------------------------------------------------------------------------


def waiting(**more):
    step = co.wait("reply", signal="answered", **{**SOON, **more})
    return Casebook.of(co.playbook(step, co.task("next"))).start()


def test_a_signal_that_does_not_come_fails_the_wait_or_skips_it():
    case = waiting()
    case.book.wait(hours=5)
    assert (case.outcome("reply"), case.header.status) == ("expired", "held")
    assert dict(case.header.waits) == {}
    case = waiting(on_expiry=OnExpiry.SKIP)
    case.book.wait(hours=5)
    assert case.outcome("reply") == "skipped"
    assert case.waits_for() == {"next"}


def test_a_signal_in_time_ends_the_wait_and_its_timer():
    case = waiting()
    case.book.wait(hours=3)
    case.book.do(case.ref, c.Signal("answered"), "sam")
    assert case.outcome("reply") == "signalled"
    assert case.book.timers() == []


def test_a_signal_that_comes_too_late_is_refused_even_if_the_timer_has_not_fired():
    case = waiting()
    case.book.now += timedelta(hours=4)
    with pytest.raises(Refusal, match="too late"):
        case.book.do(case.ref, c.Signal("answered"), "sam")
    assert case.state("reply").status == "active"


def test_decisions_of_an_expired_approval_do_not_count_for_the_next_item():
    case = published(on_expiry=OnExpiry.ESCALATE)
    case.approve("approve", "lea")
    case.book.wait(hours=5)
    case.vote("approve", DecisionKind.APPROVE, "cora")
    assert case.state("approve").status == "active"
