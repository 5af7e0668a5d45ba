"""Reminders at work: a night in two zones, an outage, a Monday morning; on SQLite, a virtual clock."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path

import pytest

from smr_engine.services import cases, items, verify
from smr_engine.services.ports import DispatchUnavailableError, EffectUnavailableError, Leg, Message
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Actor, Workspace
from tests.support.houses import (
    SETTINGS,
    DirectDispatcher,
    SetClock,
    furnish,
    next_instant,
    open_house,
    work,
)

FRIDAY = datetime(2026, 11, 20, 15, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 21, tzinfo=UTC)
"""Ten in the evening in Berlin, three in the afternoon in Chicago."""
DAWN = datetime(2026, 11, 24, 6, tzinfo=UTC)
"""The end of the night in Berlin, midnight in Chicago."""
PEOPLE = """
people:
  - {id: ana, name: Ana Ruiz, email: ana@example.test, roles: [smr-lead], timezone: Europe/Berlin}
  - {id: bea, name: Bea Lang, email: bea@example.test, roles: [comms-writer],
     timezone: Europe/Berlin, quiet: "20:00-07:00"}
  - {id: cy, name: Cy Young, email: cy@example.test, roles: [comms-writer],
     timezone: America/Chicago, quiet: "20:00-07:00"}
roles:
  smr-lead: {title: Social media relations lead}
  comms-writer: {title: Writer}
calendars:
  default: {timezone: Europe/Berlin, hours: {mon-fri: "09:00-17:30"}}
"""
ASK = """
playbook: ask
version: 1.0.0
title: An inquiry
owner: smr-lead
inputs: {fields: {who: {type: text}}}
severity: {levels: [sev1, sev2], initial: sev2, override_quiet: [sev1]}
steps:
  - id: answer
    kind: task
    title: Answer the journalist
    assign: {person: "{{ inputs.who }}"}
    due: 1 business day
    remind: [at due, every 4h after due]
"""
NIGHTLY = """
playbook: nightly
version: 1.0.0
title: An inquiry
owner: smr-lead
severity: {levels: [sev1, sev2], initial: sev2, override_quiet: [sev1]}
steps:
  - id: answer
    kind: task
    title: Answer the journalist
    assign: {role: comms-writer}
    due: 1h
    remind: [at due, every 2h after due]
"""
LATE = """
playbook: late
version: 1.0.0
title: An inquiry
owner: smr-lead
steps:
  - id: answer
    kind: task
    title: Answer the journalist
    assign: {each: {role: comms-writer}}
    due: 1h
    escalate: [{at: at due, to: {role: smr-lead}}]
"""


class House:
    """A workspace in which time passes as the test says."""

    def __init__(self, root: Path, now: datetime, settings: str = SETTINGS) -> None:
        books = {"ask": ASK, "nightly": NIGHTLY, "late": LATE}
        root = furnish(root, directory=PEOPLE, playbooks=books, settings=settings)
        self.root = root
        self.clock = SetClock(now)
        self.ws = open_house(root, self.clock)

    def start(self, playbook: str, severity: str = "sev2", **inputs: str) -> str:
        opening = cases.Opening(severity=severity)
        return cases.start(self.ws, Actor("ana"), playbook, inputs, opening).case

    def item(self, case: str) -> str:
        with self.ws.storage.reading() as unit:
            return unit.queries.items(case=case)[-1].id

    def at(self, now: datetime, ws: Workspace | None = None) -> None:
        """Let the conductor work at an instant."""
        self.clock.move_to(now)
        work(ws or self.ws)

    def live(self, until: datetime) -> None:
        """Let time pass, working whenever something is due or owed."""
        while (following := next_instant(self.ws)) is not None and following <= until:
            self.at(following)
        self.clock.move_to(until)

    def letters(self, person: str) -> list[tuple[str, str]]:
        """Return subject and body of all letters to a person, in their order."""
        found = []
        for path in sorted(self.root.glob("outbox/*.eml"), key=lambda p: p.stat().st_mtime_ns):
            letter = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            if f"{person}@example.test" in letter["To"]:
                found.append((letter["Subject"], letter.get_body(("plain",)).get_content()))
        return found

    def events(self, kind: str) -> list[dict]:
        with self.ws.storage.reading() as unit:
            return [event.data for event in unit.events.select(EventFilter(kinds=(kind,)))]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    with ExitStack() as stack:

        def made(now: datetime, settings: str = SETTINGS) -> House:
            home = House(tmp_path, now, settings)
            stack.callback(home.ws.storage.close)
            return home

        yield made


def test_a_monday_morning_with_thirty_reminders_is_three_messages(house):
    home = house(FRIDAY)
    for _ in range(10):
        for person in ("ana", "bea", "cy"):
            home.start("ask", who=person)
    home.at(FRIDAY)
    before = {person: len(home.letters(person)) for person in ("ana", "bea", "cy")}
    home.at(datetime(2026, 11, 23, 15, tzinfo=UTC))  # Berlin 16:00, Chicago 09:00
    for person, asked in before.items():
        ((subject, body),) = home.letters(person)[asked:]
        assert subject.endswith("10 things wait for you, 10 of them overdue")
        assert body.count("Answer the journalist") >= 10
        assert body.count("Open it with: smr item") == 10
    together = [d["result"]["together_with"] for d in home.events("EffectDone")[-30:]]
    assert [len(others) for others in together] == [9] * 30
    assert verify.verify(home.ws).ok


def test_a_night_with_quiet_hours_in_two_zones(house):
    home = house(NIGHT)
    case = home.start("nightly")
    home.live(NIGHT + timedelta(hours=16))
    evening = [subject for subject, _ in home.letters("cy")]
    assert [s.partition("] ")[2].partition(":")[0] for s in evening] == [
        "Please do",  # at 15:00 in Chicago
        "Overdue",  # at 16:00
        "Overdue",  # at 18:00
        "Overdue",  # that of 05:00, as the night ends at 07:00
    ]
    ((asked, _), (overdue, body), *_) = home.letters("bea")
    assert asked.endswith("Please do: Answer the journalist")
    assert overdue.endswith("Overdue: Answer the journalist")
    assert "Waiting since 2026-11-23 22:00 CET" in body
    assert "Waiting since 2026-11-23 15:00 CST" in home.letters("cy")[-1][1]
    later = [data["later"] for data in home.events("ItemReminded") if data["later"]]
    assert later[0] == {"bea": "2026-11-24T06:00:00Z"}, case
    assert verify.verify(home.ws).ok


def test_a_severity_overrides_the_night(house):
    home = house(NIGHT)
    home.start("nightly", severity="sev1")
    home.at(NIGHT)
    assert len(home.letters("bea")) == len(home.letters("cy")) == 1


def test_what_was_answered_in_the_night_wakes_nobody_in_the_morning(house):
    home = house(NIGHT)
    case = home.start("nightly")
    home.live(NIGHT + timedelta(hours=2))
    items.complete(home.ws, Actor("cy"), home.item(case), {})
    home.live(DAWN + timedelta(hours=4))
    assert home.letters("bea") == []
    reasons = {data["why"] for data in home.events("EffectCancelled")}
    assert "nobody needs to be told any more" in reasons
    assert verify.verify(home.ws).ok


def test_an_outage_of_three_days_ends_with_one_reminder_a_person(house):
    home = house(NIGHT.replace(hour=9))
    home.start("nightly")
    home.at(NIGHT.replace(hour=14))
    before = {person: len(home.letters(person)) for person in ("bea", "cy")}
    home.at(NIGHT.replace(hour=15) + timedelta(hours=72))
    for person, told in before.items():
        assert len(home.letters(person)) == told + 1


def test_messages_link_to_the_pages_where_the_settings_say_that_there_are_some(house):
    home = house(FRIDAY, f"{SETTINGS}public_url: https://smr.example.test\n")
    case = home.start("ask", who="ana")
    home.at(FRIDAY)
    ((_, body),) = home.letters("ana")
    assert f"Open it here: https://smr.example.test/items/{home.item(case)}" in body


class Lost:
    """A notifier that takes a message and is lost before it says so, once."""

    def __init__(self, ws: Workspace) -> None:
        self._inner = ws.notifier
        self.sent: list[Message] = []

    def send(self, message: Message, timeout_s: float) -> str:
        self.sent.append(message)
        if len(self.sent) == 1:
            raise OSError("the process was killed")
        return self._inner.send(message, timeout_s)


class Down:
    """A notifier that does not answer."""

    def send(self, message: Message, timeout_s: float) -> str:
        raise EffectUnavailableError("it does not answer")


class Noting(DirectDispatcher):
    """Notes what is performed in one flow run."""

    def __init__(self, ws: Workspace) -> None:
        super().__init__(ws)
        self.ran: list[list[str]] = []

    def run_leg(self, leg: Leg) -> None:
        self.ran.append([owed.name for owed in leg.owed])
        super().run_leg(leg)

    def run_batch(self, legs: Sequence[Leg]) -> None:
        self.ran.append([owed.name for leg in legs for owed in leg.owed])
        super().run_batch(legs)


def reminded_of_two(home: House) -> None:
    for _ in range(2):
        home.start("ask", who="ana")
    home.at(FRIDAY)


def test_whoever_is_lost_in_the_middle_tells_again_under_the_same_key(house):
    home = house(FRIDAY)
    reminded_of_two(home)
    lost = Lost(home.ws)
    broken = replace(home.ws, notifier=lost)
    due = datetime(2026, 11, 23, 15, tzinfo=UTC)
    home.at(due, broken)
    home.at(due + timedelta(minutes=2), broken)
    assert [message.key for message in lost.sent] == [lost.sent[0].key] * 2
    assert "2 things wait for you" in lost.sent[1].subject
    assert verify.verify(home.ws).ok


def test_a_mail_server_that_is_down_leaves_all_reminders_owed(house):
    home = house(FRIDAY)
    reminded_of_two(home)
    due = datetime(2026, 11, 23, 15, tzinfo=UTC)
    home.at(due, replace(home.ws, notifier=Down()))
    assert len(home.events("EffectDeferred")) == 2
    home.at(due + timedelta(minutes=1))
    ((subject, _),) = home.letters("ana")[2:]
    assert "2 things wait for you" in subject


def test_an_exercise_is_never_mixed_with_real_work(house):
    home = house(FRIDAY)
    reminded_of_two(home)
    drill = cases.Opening(drill=True)
    cases.start(home.ws, Actor("ana"), "ask", {"who": "ana"}, drill)
    home.at(FRIDAY)
    home.at(datetime(2026, 11, 23, 15, tzinfo=UTC))
    reminders = [subject for subject, _ in home.letters("ana")[3:]]
    assert len(reminders) == 2
    assert ["EXERCISE" in subject for subject in sorted(reminders)].count(True) == 1


class Away:
    """A Prefect that is never there."""

    def run_leg(self, leg: Leg) -> None:
        raise DispatchUnavailableError("it is not there")

    def run_batch(self, legs: Sequence[Leg]) -> None:
        raise DispatchUnavailableError("it is not there")


def test_without_prefect_reminders_are_told_together_all_the_same(house):
    home = house(FRIDAY)
    reminded_of_two(home)
    home.clock.move_to(datetime(2026, 11, 23, 15, tzinfo=UTC))
    alone = replace(home.ws, options=replace(home.ws.options, grace_s=0))
    work(alone, dispatcher=Away())
    ((subject, _),) = home.letters("ana")[2:]
    assert "2 things wait for you" in subject
    assert [data["result"]["flow_run"] for data in home.events("EffectDone")[-2:]] == [None] * 2


def test_reminders_go_out_together_and_all_else_by_itself(house):
    home = house(FRIDAY)
    reminded_of_two(home)

    home.start("ask", who="bea")
    home.clock.move_to(datetime(2026, 11, 23, 15, tzinfo=UTC))
    noting = Noting(home.ws)
    work(home.ws, dispatcher=noting)
    assert noting.ran == [["tell about answer"], ["remind of answer"] * 3]


def test_what_escalates_together_is_told_together(house):
    home = house(FRIDAY)
    for _ in range(2):
        cases.start(home.ws, Actor("ana"), "late", {})
    home.at(FRIDAY)
    home.at(FRIDAY + timedelta(hours=1))
    ((subject, body),) = home.letters("ana")
    assert "4 things wait for you, 4 of them overdue" in subject
    assert body.count("Escalated to you: Answer the journalist") == 2 * 4
    assert len(home.events("ItemEscalated")) == 4
