"""Cases that open by themselves: the quarterly policy review on a clock that is moved."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.answers import LEFT_OPEN, REVIEW, review
from tests.support.houses import SetClock
from tests.support.program import House
from tests.support.story import chooses, play

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = datetime.now(UTC).year + 1
QUARTERLY = "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO"
DAILY = """
playbook: morning-look
version: 1.0.0
title: Look at what people say
owner: smr-lead
case_prefix: LOOK
inputs: {fields: {day: text}}
triggers:
  - on: schedule
    rrule: FREQ=DAILY
    at: "09:00"
    timezone: Europe/Berlin
    missed: MISSED
    inputs: {day: "{{ due | date('Europe/Berlin') }}"}
steps:
  - {id: look, kind: task, assign: {role: community-manager}}
"""


def review_at(month: int) -> datetime:
    """The first Monday of a month of next year at 09:00 in Berlin."""
    first = date(YEAR, month, 1)
    monday = first + timedelta(days=-first.weekday() % 7)
    return datetime.combine(monday, time(9), BERLIN).astimezone(UTC)


@pytest.fixture
def clock():
    return SetClock(datetime(YEAR, 2, 1, 12, tzinfo=UTC))


@pytest.fixture
def company(house, clock) -> House:
    """The sample company at noon of 1 February next year, with a conductor."""
    made = House(house.root, clock)
    made.work()
    return made


def opened(house: House, playbook: str = "policy-review"):
    """Return the cases that a schedule opened, oldest first, as `smr show` has them."""
    rows = house.ask("cases", "--playbook", playbook)
    return [house.ask("show", row["case"]) for row in reversed(rows)]


def test_the_quarterly_review_opens_by_itself_at_its_instant_and_once(company, clock):
    due = review_at(4)
    clock.move_to(due - timedelta(seconds=1))
    company.work()
    assert opened(company) == []
    clock.move_to(due)
    company.work()
    company.work()
    (case,) = opened(company)
    assert datetime.fromisoformat(case["opened_at"]) == due
    assert case["requester"].startswith("schedule:policy-review-")
    assert case["inputs"]["period"] == f"Quarter from {due.astimezone(BERLIN):%-d %B %Y}"
    assert case["inputs"]["open_actions"] == []
    assert case["inputs"]["policies"] == REVIEW["policies"]


def test_a_review_that_came_while_the_machine_was_off_opens_when_it_is_on_again(company, clock):
    clock.move_to(review_at(4) + timedelta(days=9))
    company.work()
    (case,) = opened(company)
    assert case["inputs"]["period"].startswith("Quarter from ")
    assert str(review_at(4).astimezone(BERLIN).day) in case["inputs"]["period"]
    clock.move_to(review_at(7) - timedelta(days=1))
    company.work()
    assert len(opened(company)) == 1


def test_the_next_review_opens_with_the_open_actions_of_the_last(company, clock):
    clock.move_to(review_at(4))
    company.work()
    (first,) = opened(company)
    play(company, first["case"], review(change=chooses("ana", "choice=no_change")))
    clock.move_to(review_at(7))
    company.work()
    second = opened(company)[-1]
    assert second["inputs"]["open_actions"] == [LEFT_OPEN]
    assert company.items(second["case"], step="check_action")
    assert company.ask("audit", "verify")["ok"]


@pytest.mark.parametrize(
    ("missed", "off_for", "opens"),
    [
        ("latest", timedelta(days=3, hours=1), [3]),
        ("all", timedelta(days=3, hours=1), [0, 1, 2, 3]),
        ("skip", timedelta(days=3, hours=1), []),
        ("skip", timedelta(hours=1), []),
        ("skip", timedelta(seconds=20), [0]),
    ],
)
def test_what_was_missed_opens_as_the_trigger_says(house, missed, off_for, opens):
    """The machine was off at 09:00; it is on again so much later, for some days perhaps."""
    nine = datetime(YEAR, 2, 2, 9, tzinfo=BERLIN)
    clock = SetClock(nine.astimezone(UTC) - timedelta(minutes=1))
    house = House(house.root, clock)
    house.playbook("morning-look", DAILY.replace("MISSED", missed))
    house.work()
    clock.move_to((nine + off_for).astimezone(UTC))
    house.work()
    want = [f"{nine + timedelta(days=number):%-d %B %Y}" for number in opens]
    assert [case["inputs"]["day"] for case in opened(house, "morning-look")] == want


BROKEN = DAILY.replace("role: community-manager", "role: community-manger")
FAILED = "The scheduled start of morning-look failed"
LEADS = ["ana@example.test", "mira@example.test"]
NINE = datetime(YEAR, 2, 2, 9, tzinfo=BERLIN).astimezone(UTC)


@pytest.fixture
def morning(house) -> House:
    """A company that looks at what people say each morning, at noon of the day before."""
    made = House(house.root, SetClock(NINE - timedelta(hours=21)))
    made.playbook("morning-look", DAILY.replace("MISSED", "latest"))
    made.work()
    return made


def problem_of(house: House) -> str:
    (row,) = [row for row in house.ask("schedule", "list") if row["playbook"] == "morning-look"]
    return row["problem"]


def test_a_start_that_fails_is_made_when_the_playbook_is_mended(morning):
    morning.playbook("morning-look", BROKEN.replace("MISSED", "latest"))
    morning.clock.move_to(NINE)
    morning.work()
    assert opened(morning, "morning-look") == []
    assert "community-manger" in problem_of(morning)
    assert "community-manger" in morning.done("schedule", "list")
    found = [f for f in json.loads(morning.smr("doctor", "--json").out) if f["what"] == "schedules"]
    assert not found[0]["ok"]
    assert "smr validate" in found[0]["hint"]
    morning.playbook("morning-look", DAILY.replace("MISSED", "latest"))
    morning.clock.move_to(NINE + timedelta(hours=2))
    morning.work()
    morning.work()
    (case,) = opened(morning, "morning-look")
    assert case["inputs"]["day"] == f"{NINE:%-d %B %Y}"
    assert problem_of(morning) == ""
    assert morning.ask("audit", "verify")["ok"]


def test_the_owner_is_told_of_a_start_that_fails_once(morning):
    morning.playbook("morning-look", BROKEN.replace("MISSED", "latest"))
    for minutes in range(4):
        morning.clock.move_to(NINE + timedelta(minutes=minutes))
        morning.work()
    assert morning.mailed(FAILED) == LEADS
    assert len(morning.ask("audit", "log", "--kind", "ScheduledStartFailed")) == 1
    mail = next(m for m in morning.mails() if FAILED in m["Subject"])
    assert "2 February" in mail.get_content()
    assert "community-manger" in mail.get_content()
    morning.clock.move_to(NINE + timedelta(days=1))
    morning.work()
    assert morning.mailed(FAILED) == sorted(LEADS * 2)


def test_another_reason_is_noted_and_nobody_told_again(morning):
    morning.playbook("morning-look", BROKEN.replace("MISSED", "latest"))
    morning.clock.move_to(NINE)
    morning.work()
    morning.playbook("morning-look", "playbook: [broken\n")
    morning.work()
    assert "community-manger" not in problem_of(morning)
    assert len(morning.ask("audit", "log", "--kind", "ScheduledStartFailed")) == 2
    assert morning.mailed(FAILED) == LEADS


def test_inputs_that_the_playbook_refuses_are_a_failed_start(company, clock):
    company.done(
        *("schedule", "add", "holding-statement", "--rrule", "FREQ=DAILY"),
        *("--at", "16:00", "--timezone", "UTC", "--inputs", "-"),
        text='{"title": "Drill", "type": "no such type"}',
    )
    clock.move_to(datetime(YEAR, 2, 1, 16, tzinfo=UTC))
    company.work()
    problems = {row["playbook"]: row["problem"] for row in company.ask("schedule", "list")}
    assert "type" in problems["holding-statement"]
    assert problems["policy-review"] == ""
    assert company.mailed("The scheduled start of holding-statement failed") != []


@pytest.mark.parametrize(
    ("missed", "mended_after", "opens"),
    [
        ("latest", timedelta(days=2, hours=1), [2]),
        ("all", timedelta(days=2, hours=1), [0, 1, 2]),
        ("skip", timedelta(hours=1), []),
        ("skip", timedelta(minutes=4), [0]),
    ],
)
def test_a_start_that_failed_for_long_was_missed(house, missed, mended_after, opens):
    """The playbook is broken from before the first instant until it is mended."""
    house = House(house.root, SetClock(NINE - timedelta(hours=21)))
    house.playbook("morning-look", DAILY.replace("MISSED", missed))
    house.work()
    house.playbook("morning-look", BROKEN.replace("MISSED", missed))
    for days in range(3):
        if timedelta(days=days) < mended_after:
            house.clock.move_to(NINE + timedelta(days=days))
            house.work()
    house.playbook("morning-look", DAILY.replace("MISSED", missed))
    house.clock.move_to(NINE + mended_after)
    house.work()
    want = [f"{NINE + timedelta(days=number):%-d %B %Y}" for number in opens]
    assert [case["inputs"]["day"] for case in opened(house, "morning-look")] == want
    assert problem_of(house) == ""


def test_schedules_are_listed_added_removed_and_foretold(company):
    trigger = company.ask("schedule", "list")
    assert [(row["playbook"], row["rrule"], row["timezone"]) for row in trigger] == [
        ("policy-review", QUARTERLY, "Europe/Berlin")
    ]
    row = company.ask(
        *("schedule", "add", "holding-statement", "--rrule", "FREQ=WEEKLY;BYDAY=FR"),
        *("--at", "16:00", "--timezone", "Europe/Madrid", "--inputs", "-", "--missed", "skip"),
        text='{"title": "Weekend duty", "type": "other"}',
    )
    coming = company.ask("schedule", "next", "3", "--schedule", row["schedule"])
    instants = [datetime.fromisoformat(each["due"]) for each in coming]
    local = [at.astimezone(ZoneInfo("Europe/Madrid")) for at in instants]
    assert [(at.weekday(), at.hour, at.minute) for at in local] == [(4, 16, 0)] * 3
    assert row["next_due"] == coming[0]["due"]
    assert len(company.ask("schedule", "next", "20")) == 20
    company.done("schedule", "remove", row["schedule"])
    assert company.ask("schedule", "list") == trigger


def test_an_added_schedule_opens_its_case_with_its_inputs(company, clock):
    company.done(
        *("schedule", "add", "holding-statement", "--rrule", "FREQ=YEARLY;BYMONTH=3"),
        *("--at", "16:00", "--timezone", "UTC", "--inputs", "-"),
        text='{"title": "Drill on {{ due | date }}", "type": "other"}',
    )
    clock.move_to(datetime(YEAR, 3, 1, 16, tzinfo=UTC))
    company.work()
    (case,) = opened(company, "holding-statement")
    assert case["title"] == f"Drill on 1 March {YEAR}"


def test_a_trigger_that_was_removed_by_hand_stays_removed(company, clock):
    (row,) = company.ask("schedule", "list")
    company.done("schedule", "remove", row["schedule"])
    later = House(company.root, clock)
    later.work()
    assert company.ask("schedule", "list") == []
    clock.move_to(review_at(4))
    later.work()
    assert opened(company) == []


def test_a_schedule_follows_its_playbook(house):
    """A new time replaces the old one, a policy is taken over, and what is gone is withdrawn."""
    text = DAILY.replace("MISSED", "latest")

    def listed(content: str) -> list[tuple[str, str]]:
        house.playbook("morning-look", content)
        House(house.root).work()
        rows = house.ask("schedule", "list")
        return [(row["at"], row["missed"]) for row in rows if row["playbook"] == "morning-look"]

    later = text.replace('at: "09:00"', 'at: "10:30"')
    assert listed(text) == [("09:00", "latest")]
    assert listed(later) == [("10:30", "latest")]
    assert listed(later.replace("missed: latest", "missed: all")) == [("10:30", "all")]
    assert listed("playbook: [broken\n") == [("10:30", "all")]
    assert listed(text) == [("09:00", "latest")]
    (house.root / "playbooks" / "morning-look.yaml").unlink()
    House(house.root).work()
    assert [row["playbook"] for row in house.ask("schedule", "list")] == ["policy-review"]
    kinds = [row["kind"] for row in house.ask("audit", "log", "--kind", "ScheduleRemoved")]
    assert len(kinds) == 3
    assert house.ask("audit", "verify")["ok"]
