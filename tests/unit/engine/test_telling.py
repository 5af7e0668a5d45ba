"""Notifications, acknowledgements, reminders and escalations: who hears what, and when no more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, DecisionKind, EffectKind, ItemKind, StepStatus
from smr_engine.errors import Refusal
from smr_engine.playbook.durations import parse_duration
from smr_engine.playbook.model import Acknowledge, DueAt, Template, Varied
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

ASKS = Acknowledge()
WAITS = Acknowledge(wait=True)


def opened(*steps, more=None, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps)).start(more=more, **inputs)


def after(**span: float) -> datetime:
    return co.MONDAY + timedelta(**span)


# --- notify ------------------------------------------------------------------------------------


def test_everybody_named_is_told_once_and_the_list_goes_on():
    case = opened(co.notify("tell", "group:frontline", "legal", "address:desk@x.example.test"))
    (effect,) = case.effects()
    assert [r["id"] for r in effect.payload["to"]] == [
        "lea",
        "wendy",
        "will",
        "luis",
        "desk@x.example.test",
    ]
    case.book.perform()
    assert case.state("tell").output == {
        "told": ["lea", "wendy", "will", "luis", "address:desk@x.example.test"],
        "acknowledged": [],
    }
    assert case.header.status is CaseStatus.COMPLETED


def test_the_step_is_done_only_when_the_messages_are_out():
    case = opened(co.notify("tell"), co.task("after"))
    assert case.state("tell").status is StepStatus.ACTIVE
    case.book.perform(EffectKind.NOTIFICATION)
    assert case.waits_for() == {"after"}


def test_a_message_to_nobody_fails():
    assert "nobody to tell" in opened(co.notify("tell", "group:nobody")).repair_item().message


def test_a_message_that_cannot_be_delivered_holds_the_case():
    case = opened(co.notify("tell", "address:x@example.test", acknowledge=WAITS))
    (effect,) = case.effects()
    case.report(effect, "refused", reason="no such mailbox")
    assert "no such mailbox" in case.repair_item("tell").message
    assert [i.kind for i in case.items()] == [ItemKind.REPAIR]
    case.repair("retry")
    case.book.perform()
    case.complete("tell", "sam")
    assert case.header.status is CaseStatus.COMPLETED


def test_without_waiting_acknowledgements_come_in_after_the_step_is_done():
    case = opened(co.notify("tell", acknowledge=ASKS), co.task("after"))
    case.book.perform()
    assert case.outcome("tell") == "done"
    for person in ("will", "lea"):
        item = next(i for i in case.items("tell") if i.subject == person)
        case.book.do(case.ref, c.CompleteItem(item.id), person)
    assert case.state("tell").output == {
        "told": ["lea", "wendy", "will"],
        "acknowledged": ["will", "lea"],
    }
    case.complete("after")
    assert case.items() == []
    (closed,) = [i for i in case.items("tell", None) if i.subject == "wendy"]
    assert closed.outcome == "the case ended"


@pytest.mark.parametrize("first", ["messages", "people"])
def test_with_waiting_it_is_done_when_all_are_told_and_have_acknowledged(first):
    case = opened(co.notify("tell", acknowledge=WAITS), co.task("after"))
    if first == "messages":
        case.book.perform()
    for item in case.items("tell"):
        assert case.state("tell").status is StepStatus.ACTIVE
        case.book.do(case.ref, c.CompleteItem(item.id), item.subject)
    if first == "people":
        assert case.state("tell").status is StepStatus.ACTIVE
        case.book.perform()
    assert case.waits_for() == {"after"}
    assert case.state("tell").output["acknowledged"] == ["lea", "wendy", "will"]


def test_the_owner_records_what_outsiders_acknowledge():
    case = opened(co.notify("tell", "contact:regulator-desk", "legal", acknowledge=WAITS))
    case.book.perform()
    item = next(i for i in case.items() if i.subject == "contact:regulator-desk")
    assert item.offered == ("sam",)
    assert item.title == "tell (Regulator)"
    with pytest.raises(Refusal, match="was not asked"):
        case.book.do(case.ref, c.CompleteItem(item.id), "lea")
    case.book.do(case.ref, c.CompleteItem(item.id), "sam")
    assert case.state("tell").detail["acknowledged"] == ["contact:regulator-desk"]


def test_an_outsider_who_is_asked_is_called_as_the_directory_does_and_an_address_as_it_is():
    to = ("vendor:monitoring", "contact:gone", "address:x@example.test", "legal")
    case = opened(co.notify("tell", *to, acknowledge=WAITS))
    titles = {item.subject: item.title for item in case.items()}
    assert titles == {
        "vendor:monitoring": "tell (Monitoring)",
        "contact:gone": "tell (gone)",
        "address:x@example.test": "tell (x@example.test)",
        "lea": "tell",
        "luis": "tell",
    }


def test_an_acknowledgement_in_an_element_that_is_over_is_still_taken_and_closes_with_the_case():
    case = opened(
        co.foreach("each", "[1, 2]", co.notify("tell", "legal", acknowledge=ASKS)),
        co.task("after"),
    )
    case.book.perform()
    assert case.outcome("each") == "done"
    asked = case.items("each[0]/tell")
    case.book.do(case.ref, c.CompleteItem(asked[0].id), asked[0].subject)
    assert case.state("each[0]/tell").output["acknowledged"] == [asked[0].subject]
    case.complete("after")
    assert case.items() == []
    assert case.book.timers() == []


def test_no_reminder_is_sent_for_a_case_that_is_closed():
    asks = Acknowledge(due=co.lasting("1h"), remind=co.at("every 1h after due"))
    case = opened(
        co.repeat("beat", co.notify("tell", "legal", acknowledge=asks), max_rounds=1),
        co.task("after"),
    )
    case.book.wait(hours=3)
    assert len(case.happened(e.ItemReminded)) == 4
    case.complete("after")
    case.book.wait(days=2)
    assert len(case.happened(e.ItemReminded)) == 4


def test_in_a_drill_nothing_goes_to_outsiders():
    to = ("contact:regulator-desk", "vendor:monitoring", "address:x@example.test", "legal")
    case = opened(co.notify("tell", *to), more={"drill": True})
    (effect,) = case.effects()
    assert [r["id"] for r in effect.payload["to"]] == ["lea", "luis"]
    assert [r["id"] for r in effect.payload["withheld"]] == [
        "regulator-desk",
        "monitoring",
        "x@example.test",
    ]


def test_in_a_drill_a_message_to_outsiders_only_is_recorded_and_passed():
    case = opened(co.notify("tell", "contact:regulator-desk"), more={"drill": True})
    assert case.header.status is CaseStatus.COMPLETED
    (done,) = case.happened(e.EffectDone)
    assert done.result == {"told": [], "withheld": ["contact:regulator-desk"]}


# --- due ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "severity", "hours"),
    [
        (co.lasting("4h"), "sev2", 4),
        (co.lasting("4h", sev1="15m"), "sev1", 0.25),
        (co.lasting("4h", sev1="15m"), "sev2", 4),
        (co.lasting("1 business hour"), "sev2", 1),
    ],
)
def test_an_item_is_due_as_its_step_says_at_the_cases_severity(due, severity, hours):
    case = opened(co.task("call", due=due), more={"severity": severity})
    assert case.item("call").due_at == after(hours=hours)


def test_a_due_time_may_be_anchored_to_a_recorded_instant():
    due = Varied(DueAt(Template("{{ inputs.seen }}"), parse_duration("72h")))
    case = opened(co.task("report", due=due), seen="2026-11-22T20:00:00+01:00")
    assert case.item("report").due_at == datetime(2026, 11, 25, 19, tzinfo=co.MONDAY.tzinfo)


@pytest.mark.parametrize(
    "step",
    [
        co.task("late", due=co.lasting("99999 business days")),
        co.task("late", due=co.lasting("1 business hour"), calendar="never"),
        co.task("late", due=co.lasting("1h"), remind=co.at("99999 business hours before due")),
        co.task("late", due=Varied(DueAt(Template("{{ inputs.nothing }}")))),
        co.wait("late", "1 business hour", calendar="never"),
        co.wait("late", until=Template("soon")),
    ],
    ids=["too far", "never open", "reminder too far", "no instant", "wait", "until"],
)
def test_a_time_that_cannot_be_reckoned_fails_its_step_and_not_the_answer_before_it(step):
    case = opened(co.task("first"), step, co.task("after"))
    case.complete("first")
    assert case.outcome("first") == "done"
    assert case.state("late").status is StepStatus.FAILED
    case.repair("skip")
    assert case.waits_for() == {"after"}


# --- reminders ---------------------------------------------------------------------------------


def test_reminders_come_at_their_times_and_repeat_until_it_is_done():
    remind = co.at("50%", "at due", "every 2h after due")
    case = opened(co.task("call", due=co.lasting("4h"), remind=remind))
    case.book.wait(hours=9)
    assert [at for at, _, _ in case.book.fired] == [after(hours=h) for h in (2, 4, 6, 8)]
    subjects = [s for s in case.book.told_of("will") if "call" in s]
    assert [s.split("] ")[1] for s in subjects] == [
        "Please do: call",
        "Reminder: call",
        "Overdue: call",
        "Overdue: call",
        "Overdue: call",
    ]
    case.complete("call")
    assert case.book.timers() == []


def test_repeats_that_were_missed_are_not_made_up_for():
    case = opened(
        co.task("call", due=co.lasting("1h"), remind=co.at("every 1h after due")), co.task("after")
    )
    case.book.now = after(hours=10, minutes=30)
    case.book.fire_next()
    assert len(case.happened(e.ItemReminded)) == 1
    assert case.book.timers()[0][0] == after(hours=11)


def test_only_those_are_reminded_who_have_not_answered():
    approval = co.approval(
        "check", "legal", "comms-director", due=co.lasting("2h"), remind=co.at("50%", "at due")
    )
    case = opened(co.draft("write"), approval)
    case.write("write", "Text.")
    case.approve("check", "lea")
    case.vote("check", DecisionKind.RECUSE, "luis")
    case.book.wait(hours=1)
    (reminded,) = case.happened(e.ItemReminded)
    assert reminded.people == ("carl", "cora")


def test_whoever_wrote_the_text_is_not_reminded_to_approve_it():
    approval = co.approval("check", due=co.lasting("2h"), remind=co.at("at due"))
    case = opened(co.draft("write", "statement", "legal"), approval)
    case.write("write", "Text.", by="lea")
    case.book.wait(hours=2)
    assert case.happened(e.ItemReminded)[0].people == ("luis",)


def test_a_stale_timer_is_a_no_op():
    case = opened(co.task("call", due=co.lasting("1h"), remind=co.at("at due")), co.task("after"))
    (_, _, timer), *_ = case.book.timers()
    assert case.book.do(case.ref, c.FireTimer(timer.id)) == (), "too early"
    case.complete("call")
    case.book.now = after(hours=2)
    assert case.book.do(case.ref, c.FireTimer(timer.id)) == (), "gone"
    assert case.book.do(case.ref, c.FireTimer(f"{case.ref}.999")) == ()


# --- escalations -------------------------------------------------------------------------------


def test_an_escalation_adds_people_and_tells_them_for_whom_it_waits():
    case = opened(
        co.task("call", due=co.lasting("2h"), escalate=co.escalating(late="exec-sponsor"))
    )
    case.book.wait(hours=3)
    (escalated,) = case.happened(e.ItemEscalated)
    assert escalated.people == ("eve",)
    assert case.item("call").escalated == ("eve",)
    told = next(m for m in case.book.told if "Escalated to you" in m["subject"])
    assert "This waits for Wendy, Will since 2026-11-23 09:00 UTC" in told["body"]
    case.complete("call", "eve")
    assert case.state("call").completed_by == "eve"


def test_levels_follow_each_other_and_a_repeated_one_adds_nobody_twice():
    rules = co.escalating(due="comms-director", late="exec-sponsor", often="legal")
    case = opened(co.task("call", due=co.lasting("2h"), escalate=rules))
    case.book.wait(hours=5)
    assert [ev.people for ev in case.happened(e.ItemEscalated)] == [
        ("carl", "cora"),
        ("eve",),
        ("lea", "luis"),
        ("lea", "luis"),
        ("lea", "luis"),
    ]
    assert case.item("call").escalated == ("carl", "cora", "eve", "lea", "luis")


@pytest.mark.parametrize("to", ["group:nobody", "person:mallory", "person:{{ 1 / 0 }}"])
def test_an_escalation_that_reaches_nobody_goes_to_the_owner(to):
    case = opened(co.task("call", due=co.lasting("1h"), escalate=co.escalating(due="exec-sponsor")))
    rules = Varied(
        tuple(type(rule)(rule.at, co.parties(to)) for rule in co.escalating(due="x").default)
    )
    case = opened(co.task("call", due=co.lasting("1h"), escalate=rules))
    case.book.wait(hours=1)
    assert case.happened(e.ItemEscalated)[0].people == ("sam",)


def test_an_escalated_approval_says_who_may_decide():
    approval = co.approval(
        "check", due=co.lasting("1h"), escalate=co.escalating(due="exec-sponsor")
    )
    case = opened(co.draft("write"), approval)
    case.write("write", "Text.")
    case.book.wait(hours=1)
    told = next(m for m in case.book.told if "Escalated to you" in m["subject"])
    assert "deputies of those asked may decide themselves" in told["body"]


def test_acknowledgements_have_times_of_their_own():
    asks = Acknowledge(
        due=co.lasting("30m"), remind=co.at("50%"), escalate=co.escalating(late="smr-lead")
    )
    case = opened(co.notify("tell", "legal", acknowledge=asks), co.task("after"))
    case.book.perform()
    item = next(i for i in case.items("tell") if i.subject == "lea")
    assert item.due_at == after(minutes=30)
    case.book.do(case.ref, c.CompleteItem(item.id), "lea")
    case.book.wait(hours=1)
    assert [r.people for r in case.happened(e.ItemReminded)] == [("luis",)]
    assert [r.people for r in case.happened(e.ItemEscalated)] == [("sam",)]


# --- announcements -----------------------------------------------------------------------------


def test_people_are_told_what_is_asked_until_when_and_how_to_open_it():
    case = opened(
        co.task("call", help=Template("Ring the three largest customers."), due=co.lasting("4h"))
    )
    item = case.item("call")
    case.book.perform()
    (told,) = case.book.told
    assert told["subject"] == f"[{case.ref}] Please do: call"
    assert "Ring the three largest customers." in told["body"]
    assert "Due: 2026-11-23 13:00 UTC" in told["body"]
    assert f"smr item {item.id}" in told["body"]


def test_an_announcement_that_is_still_owed_when_the_case_closes_can_be_reported():
    case = opened(co.task("call"))
    (announcement,) = case.effects()
    case.complete("call")
    assert case.header.status is CaseStatus.COMPLETED
    case.report(announcement, "unavailable", reason="mail server is down")
    case.book.wait(minutes=5)
    assert case.effects() == []
    assert case.header.status is CaseStatus.COMPLETED


def test_an_announcement_that_fails_does_not_fail_the_step():
    case = opened(co.task("call"))
    (announcement,) = case.effects()
    case.report(announcement, "refused", reason="no such mailbox")
    assert case.state("call").status is StepStatus.ACTIVE


def test_effects_of_one_command_are_one_leg_and_what_follows_from_them_goes_on_in_it():
    case = opened(co.draft("write"), co.approval("check"), co.publish("out", requires=["check"]))
    case.book.perform()
    case.write("write", "Text.")
    case.approve("check", "lea")
    legs = {f.name: (f.leg, f.after) for f in case.effects(live=False)}
    assert [leg for leg, _ in legs.values()] == [1, 2, 3]
    assert legs["publish statement -> newsroom"] == (3, "check")
