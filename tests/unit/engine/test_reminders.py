"""Messages of ours: in whose time, not while somebody sleeps, once, and for those who are away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import DecisionKind, EffectKind, EffectStatus
from smr_engine.engine.world import World
from smr_engine.playbook.model import SeverityScale, Template
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

NIGHT = (time(22), time(7))
BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"
EVENING = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
"""Half past eleven at night in Berlin, half past four in the afternoon in Chicago."""
MORNING = datetime(2026, 11, 24, 6, tzinfo=UTC)
"""The end of the night in Berlin."""


def sleepers(world: World | None = None) -> World:
    """Wendy sleeps in Berlin, Will in Chicago; so does Lea, who shares legal with Luis."""
    world = world or co.company()
    for name, zone in {"wendy": BERLIN, "lea": BERLIN, "will": CHICAGO, "luis": CHICAGO}.items():
        world = co.with_person(world, name, timezone=zone, quiet=NIGHT)
    return world


def opened(*steps, at=EVENING, world=None, **more) -> CaseFile:
    book = co.playbook(*steps, **more)
    return Casebook.of(book, world=world or sleepers(), now=at).start()


def heard(case: CaseFile, person: str) -> list[tuple[datetime, str]]:
    """When a person was told, and what in a word."""
    return [
        (told["at"], told["subject"].partition("] ")[2].partition(":")[0])
        for told in case.book.told
        if {"kind": "person", "id": person} in told["to"]
    ]


# --- whose time --------------------------------------------------------------------------------


def test_everybody_reads_times_in_their_own_zone():
    case = opened(co.task("call", due=co.lasting("12h")), at=co.MONDAY.replace(hour=14))
    case.book.perform()
    bodies = {told["to"][0]["id"]: told["body"] for told in case.book.told}
    assert "Due: 2026-11-24 03:00 CET" in bodies["wendy"]
    assert "Due: 2026-11-23 20:00 CST" in bodies["will"]


def test_people_who_read_the_same_clock_share_a_message():
    case = opened(co.task("call"), at=co.MONDAY, world=co.company())
    assert [len(effect.payload["to"]) for effect in case.effects()] == [2]


def test_a_reminder_says_why_since_when_what_comes_next_and_where():
    case = opened(
        co.task(
            "call",
            help=Template("Ring the three largest customers."),
            due=co.lasting("4h"),
            remind=co.at("50%"),
            escalate=co.escalating(late="exec-sponsor"),
            expires=co.lasting("8h"),
        ),
        at=co.MONDAY,
        world=replace(co.company(), public_url="https://smr.example.test/"),
    )
    case.book.wait(hours=2)
    body = case.book.told[-1]["body"]
    item = case.item("call").id
    assert "Ring the three largest customers." in body
    assert "Waiting since 2026-11-23 09:00 UTC." in body
    assert "Unless it is answered, Eve will be told at 2026-11-23 15:00 UTC." in body
    assert "It can be answered until 2026-11-23 17:00 UTC. After that it has failed" in body
    assert f"Or in a terminal: smr item {item}" in body
    assert f"https://smr.example.test/items/{item}" in body
    assert f"Response, case {case.ref}: Response (opened by Sam Okafor)" in body


# --- quiet hours -------------------------------------------------------------------------------


def test_whoever_sleeps_is_asked_when_their_night_is_over_and_the_others_at_once():
    case = opened(co.task("call"))
    case.book.wait(hours=10)
    assert heard(case, "will") == [(EVENING, "Please do")]
    assert heard(case, "wendy") == [(MORNING, "Please do")]


def test_a_night_in_two_zones_has_two_ends():
    case = opened(co.task("call"), at=datetime(2026, 11, 24, 5, tzinfo=UTC))
    case.book.wait(hours=24)
    assert heard(case, "wendy") == [(MORNING, "Please do")]
    assert heard(case, "will") == [(datetime(2026, 11, 24, 13, tzinfo=UTC), "Please do")]


def test_a_severity_that_overrides_quiet_hours_wakes_people():
    scale = SeverityScale(("sev1", "sev2"), initial=Template("sev1"), override_quiet=("sev1",))
    case = opened(co.task("call"), severity=scale)
    case.book.perform()
    assert heard(case, "wendy") == [(EVENING, "Please do")]


def test_the_words_of_a_notify_step_are_the_authors_and_wait_for_nobody():
    case = opened(co.notify("tell", "comms-writer"))
    case.book.perform()
    assert [at for at, _ in heard(case, "wendy")] == [EVENING]


def test_nobody_is_woken_in_the_morning_for_what_was_settled_in_the_night():
    case = opened(co.task("call"), co.task("after", "smr-lead"))
    case.book.perform()
    case.complete("call", "will")
    case.book.wait(hours=10)
    assert heard(case, "wendy") == []
    (cancelled,) = [f for f in case.effects(live=False) if f.status is EffectStatus.CANCELLED]
    assert cancelled.reason == "nobody needs to be told any more"


def test_whoever_slept_through_an_item_does_not_hear_that_it_is_no_longer_needed():
    case = opened(co.task("call"))
    case.book.perform()
    case.book.do(case.ref, c.CancelCase("It was a joke."), "sam")
    case.book.wait(hours=10)
    assert heard(case, "wendy") == []
    assert [word for _, word in heard(case, "will")] == ["Please do", "No longer needed"]


def test_whoever_was_handed_something_over_in_the_night_is_asked_and_the_others_are_not():
    case = opened(co.task("call"))
    case.book.do(case.ref, c.Reassign(case.item("call").id, "will"), "sam")
    case.book.wait(hours=10)
    assert heard(case, "wendy") == []
    assert [at for at, _ in heard(case, "will")] == [EVENING] * 2


def test_whoever_decided_in_the_night_is_not_asked_to_in_the_morning():
    both = co.line("legal", need=2)
    case = opened(co.draft("write", "statement", "comms-director"), co.approval("check", both))
    case.write("write", "Text.", by="cora")
    case.approve("check", "lea")
    case.book.wait(hours=10)
    assert heard(case, "lea") == []
    assert heard(case, "luis") == [(EVENING, "Please approve")]


def test_an_escalation_to_somebody_who_sleeps_comes_later_and_says_so():
    world = co.with_person(sleepers(), "eve", timezone=BERLIN, quiet=NIGHT)
    case = opened(
        co.task("call", due=co.lasting("1h"), escalate=co.escalating(due="exec-sponsor")),
        world=world,
    )
    case.book.wait(hours=10)
    (escalated,) = case.happened(e.ItemEscalated)
    assert escalated.later == {"eve": MORNING}
    assert heard(case, "eve") == [(MORNING, "Escalated to you")]


def test_of_the_reminders_of_a_night_the_newest_comes_in_the_morning():
    remind = co.at("at due", "every 1h after due")
    case = opened(co.task("call", due=co.lasting("1h"), remind=remind))
    case.book.wait(hours=7, minutes=30)
    assert heard(case, "wendy") == [(MORNING, "Please do"), (MORNING, "Overdue")]
    assert len([word for _, word in heard(case, "will") if word == "Overdue"]) == 5


# --- once --------------------------------------------------------------------------------------


def test_reminders_that_fall_together_are_one_message():
    remind = co.at("at due", "100%", "2m after due", "10m after due")
    case = opened(co.task("call", due=co.lasting("4h"), remind=remind), at=co.MONDAY)
    case.book.wait(hours=5)
    due = co.MONDAY + timedelta(hours=4)
    overdue = [at for at, word in heard(case, "will") if word == "Overdue"]
    assert overdue == [due, due + timedelta(minutes=10)]


def test_after_an_outage_of_three_days_everybody_is_reminded_once():
    remind = co.at("50%", "at due", "every 4h after due", "every 1d after due")
    task = co.task("call", due=co.lasting("4h"), remind=remind)
    case = opened(task, at=co.MONDAY, world=co.company())
    case.book.perform()
    case.book.now += timedelta(hours=72)
    case.book.wait(minutes=1)
    assert [word for _, word in heard(case, "will")] == ["Please do", "Overdue"]


def test_a_warning_that_falls_on_a_reminder_is_not_a_second_message():
    times = {"due": co.lasting("3h"), "remind": co.at("at due"), "expires": co.lasting("4h")}
    case = opened(co.task("call", **times), at=co.MONDAY, world=co.company())
    case.book.wait(hours=3, minutes=30)
    assert len(heard(case, "will")) == 2
    assert "It can be answered until" in case.book.told[-1]["body"]


# --- away --------------------------------------------------------------------------------------

TODAY = (date(2026, 11, 23), date(2026, 11, 27))


def test_whoever_is_away_is_asked_together_with_their_deputy_who_is_told_why():
    world = co.company(sam=TODAY)
    case = opened(co.task("call", "person:sam"), at=co.MONDAY, world=world)
    case.book.perform()
    assert heard(case, "sam") == heard(case, "ben") == [(co.MONDAY, "Please do")]
    body = next(m["body"] for m in case.book.told if m["to"][0]["id"] == "ben")
    assert "You are asked in place of Sam Okafor (away)." in body
    case.complete("call", "ben")


def test_each_of_several_has_their_own_deputies():
    world = co.company(sam=TODAY, luis=TODAY)
    both = co.who("person:sam", "person:luis", each=True)
    case = opened(co.task("call", assign=both), at=co.MONDAY, world=world)
    case.book.perform()
    assert len(heard(case, "ben")) == len(heard(case, "dora")) == len(heard(case, "dirk")) == 1


def test_an_absence_that_begins_while_an_item_waits_reminds_the_deputy_as_well():
    later = (date(2026, 11, 24), date(2026, 11, 27))
    task = co.task("call", "person:sam", due=co.lasting("24h"), remind=co.at("at due"))
    case = opened(task, at=co.MONDAY, world=co.company(sam=later))
    case.book.wait(hours=25)
    assert case.happened(e.ItemReminded)[0].people == ("sam", "ben")
    assert [word for _, word in heard(case, "ben")] == ["Overdue"]


def test_a_deputy_who_is_away_too_is_not_asked():
    world = co.company(sam=TODAY, ben=TODAY)
    case = opened(co.task("call", "person:sam"), at=co.MONDAY, world=world)
    case.book.perform()
    assert heard(case, "ben") == []


# --- who is waited for -------------------------------------------------------------------------


def under_approval(world: World) -> CaseFile:
    """A text that Legal (Lea or Luis) and a director (Cora or Carl) have to approve."""
    check = co.approval(
        "check", "legal", "comms-director", due=co.lasting("6h"), remind=co.at("50%")
    )
    case = opened(co.draft("write"), check, at=co.MONDAY, world=world)
    case.write("write", "Text.")
    return case


def test_whose_role_has_spoken_is_not_reminded():
    case = under_approval(co.company())
    case.vote("check", DecisionKind.APPROVE, "lea")
    case.book.wait(hours=3)
    assert set(case.happened(e.ItemReminded)[0].people) == {"cora", "carl"}


def test_after_somebody_who_counts_in_either_role_both_are_reminded():
    case = under_approval(co.with_person(co.company(), "lea", roles=("legal", "comms-director")))
    case.vote("check", DecisionKind.APPROVE, "lea")
    case.book.wait(hours=3)
    assert set(case.happened(e.ItemReminded)[0].people) == {"luis", "cora", "carl"}


# --- laws --------------------------------------------------------------------------------------

ACTS = st.lists(
    st.tuples(st.sampled_from(["lea", "luis", "cora", "carl"]), st.integers(0, 600)), max_size=4
)


@settings(max_examples=30, deadline=None)
@given(ACTS, st.integers(0, 23), st.sampled_from([None, NIGHT]))
def test_nobody_who_has_answered_is_ever_told_to(acts, hour, quiet):
    world = sleepers()
    for name in ("cora", "carl"):
        world = co.with_person(world, name, timezone=CHICAGO, quiet=quiet)
    approval = co.approval(
        "check",
        co.line("legal", need=2),
        co.line("comms-director", need=2),
        due=co.lasting("6h"),
        remind=co.at("25%", "50%", "at due", "every 45m after due"),
        escalate=co.escalating(late="exec-sponsor"),
    )
    case = opened(co.draft("write"), approval, at=co.MONDAY.replace(hour=hour), world=world)
    case.write("write", "Text.")
    answered: dict[str, datetime] = {}
    for person, minutes in acts:
        case.book.wait(minutes=minutes)
        if person not in answered and not case.closed:
            case.vote("check", DecisionKind.APPROVE, person)
            answered[person] = case.book.now
    case.book.wait(hours=24)
    for told in case.book.told:
        for ref in told["to"]:
            told_after = told["asks"] and told["at"] > answered.get(ref["id"], told["at"])
            assert not told_after, f"{ref['id']} was told {told['subject']}"


def test_each_reminder_is_one_persons_and_names_none_of_them():
    case = opened(co.task("call", due=co.lasting("4h"), remind=co.at("50%")), at=co.MONDAY)
    case.book.now += timedelta(hours=2)
    case.book.fire_next()
    reminders = case.effects(EffectKind.REMINDER)
    assert [effect.payload["to"][0]["id"] for effect in reminders] == ["wendy", "will"]
    assert {effect.name for effect in reminders} == {"remind of call"}
