"""Due times of quorum lines: each line is reminded of, and escalated, by its own."""

from __future__ import annotations

from datetime import timedelta

from smr_engine.engine import events as e
from tests.support import company as co
from tests.support.casebook import Casebook

TIMES = {
    "due": co.lasting("4h"),
    "remind": co.at("at due"),
    "escalate": co.escalating(late="exec-sponsor"),
}


def asked(*lines, **more):
    steps = (co.draft("write"), co.approval("approve", *lines, **{**TIMES, **more}))
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Our words.")
    return case


def two():
    return asked(co.line("legal", due=co.lasting("20m")), co.line("comms-director"))


def reminded(case):
    return [set(event.people) for event in case.happened(e.ItemReminded)]


def test_a_line_has_its_due_time_and_the_others_share_the_item_s():
    item = two().item("approve")
    legal, director = item.lines
    assert legal.due_at == item.opened_at + timedelta(minutes=20)
    assert director.due_at is None
    assert item.due_at == item.opened_at + timedelta(hours=4)


def test_people_are_reminded_by_the_due_time_of_their_line():
    case = two()
    case.book.wait(minutes=21)
    assert reminded(case) == [{"lea", "luis"}]
    assert any(words.endswith("Overdue: approve") for words in case.book.told_of("lea"))
    case.book.wait(hours=4)
    assert reminded(case) == [{"lea", "luis"}, {"cora", "carl"}]


def test_nobody_is_reminded_of_a_line_that_is_filled():
    case = two()
    case.approve("approve", "lea")
    case.book.wait(hours=1)
    assert reminded(case) == [set()]
    assert [event.people for event in case.happened(e.ItemEscalated)] == [()]


def test_a_late_line_escalates_for_itself_and_says_who_is_waited_for():
    case = two()
    case.book.wait(minutes=31)
    (event,) = case.happened(e.ItemEscalated)
    assert event.people == ("eve",)
    (message,) = [m for m in case.book.told if "Escalated" in m["subject"]]
    assert "Lea Brandt, Luis" in message["body"]
    assert "Cora" not in message["body"]


def test_where_every_line_has_its_own_nothing_counts_from_the_item_s():
    lines = (
        co.line("legal", due=co.lasting("20m")),
        co.line("comms-director", due=co.lasting("40m")),
    )
    case = asked(*lines)
    assert sorted({timer.line for _, _, timer in case.book.timers()}) == [0, 1]


def test_a_repeated_reminder_stays_with_its_line():
    case = asked(
        co.line("legal", due=co.lasting("20m")),
        co.line("comms-director"),
        remind=co.at("every 1h after due"),
        escalate=None,
    )
    case.book.wait(hours=3)
    assert reminded(case) == [{"lea", "luis"}, {"lea", "luis"}]


def test_a_line_in_business_time_is_reminded_in_business_time():
    case = asked(
        co.line("legal", due=co.lasting("14 business hours")), remind=co.at("50%"), escalate=None
    )
    ((at, _, _),) = case.book.timers()
    assert at.isoformat() == "2026-11-23T16:00:00+00:00"


def test_the_announcement_says_by_when_each_line_is_due():
    case = two()
    case.book.perform()
    (body,) = {m["body"] for m in case.book.told if "Please approve" in m["subject"]}
    assert "Due for legal: 2026-11-23 09:20 UTC" in body
