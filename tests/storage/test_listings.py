"""Registers and listings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, EffectStatus, ItemStatus
from smr_engine.services.stored import (
    DecidedFilter,
    DirectoryRow,
    EventFilter,
    PlaybookRow,
    ScheduleRow,
    ScheduleRun,
    Standing,
)
from smr_engine.services.storing import Conflict
from tests.storage.stories import Story, at, opening, owed, task, whole_story

REF = "CRISIS-2026-0001"


def playbook(name="crisis-response", digest="ab" * 32, minutes=0.0):
    source = b"name: crisis-response\n# \xc3\xa9\x00\xff\n"
    return PlaybookRow(digest, name, "1.0.0", "Crisis response", source, at(minutes), shipped=True)


def schedule(**more):
    usual = {
        "id": "quarterly",
        "playbook": "policy-review",
        "rrule": "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO",
        "at": "09:00",
        "timezone": "Europe/Berlin",
        "dtstart": at(0),
        "missed": "latest",
        "source": "added",
        "created_by": "ana",
        "added_at": at(1),
        "inputs": {"scope": ["blogging-policy"]},
    }
    return ScheduleRow(**{**usual, **more})


def test_a_playbook_version_is_registered_once_byte_for_byte(storage):
    with storage.writing() as unit:
        assert unit.playbooks.add(playbook())
        assert not unit.playbooks.add(playbook(name="another-name"))
        assert unit.playbooks.add(playbook("blogger-outreach", "cd" * 32))
        unit.keep()
    with storage.reading() as unit:
        assert unit.playbooks.get("ab" * 32) == playbook()
        assert unit.playbooks.get("00" * 32) is None
        assert [p.name for p in unit.playbooks.all()] == ["blogger-outreach", "crisis-response"]


def test_the_newest_directory_counts(storage):
    rows = [DirectoryRow(n, f"digest-{n}", {"people": [{"id": "ana"}] * n}, at(n)) for n in (1, 2)]
    with storage.writing() as unit:
        assert (unit.directory.latest(), unit.directory.version()) == (None, (0, ""))
        for row in rows:
            unit.directory.add(row)
        assert unit.directory.version() == (2, "digest-2")
        assert unit.directory.latest() == rows[1]


def test_a_version_of_the_directory_is_stored_once(storage):
    with storage.writing() as unit:
        unit.directory.add(DirectoryRow(1, "d", {}, at(0)))
        with pytest.raises(Conflict):
            unit.directory.add(DirectoryRow(1, "e", {}, at(1)))


def test_schedules_are_replaced_and_removed_by_their_id(storage):
    with storage.writing() as unit:
        unit.schedules.put(schedule())
        unit.schedules.put(schedule(at="10:00"))
        assert unit.schedules.all() == [schedule(at="10:00")]
        unit.schedules.put(schedule(removed_at=at(5)))
        assert unit.schedules.all() == []
        assert unit.schedules.all(removed=True) == [schedule(removed_at=at(5))]


def test_one_thing_is_decided_about_each_due_instant(storage):
    runs = [ScheduleRun("quarterly", at(60 * n), "opened", f"REVIEW-2026-000{n}") for n in (1, 2)]
    with storage.writing() as unit:
        unit.schedules.put(schedule())
        assert [unit.schedules.record(run) for run in reversed(runs)] == [True, True]
        assert not unit.schedules.record(ScheduleRun("quarterly", at(60), "skipped"))
        assert unit.schedules.standing("quarterly") == Standing(at(120), ())
        assert unit.schedules.standing("another") == Standing(None, ())


def test_a_start_that_failed_gives_way_to_what_settles_it(storage):
    def record(decision, minutes=60):
        return unit.schedules.record(ScheduleRun("quarterly", at(minutes), decision))

    with storage.writing() as unit:
        unit.schedules.put(schedule())
        assert [record("failed"), record("failed"), record("opened", 120)] == [True, False, True]
        failures = (ScheduleRun("quarterly", at(60), "failed"),)
        assert unit.schedules.standing("quarterly") == Standing(at(120), failures)
        assert [record("told"), record("failed"), record("told")] == [True, False, False]
        assert unit.schedules.standing("quarterly").failures[0].decision == "told"
        assert [record("opened"), record("skipped"), record("failed")] == [True, False, False]
        assert unit.schedules.standing("quarterly") == Standing(at(120), ())


def test_an_inbox_holds_what_a_person_may_act_on_now(storage):
    story = whole_story(storage)

    def inbox(person):
        with storage.reading() as unit:
            return [item.id for item in unit.queries.inbox(person)]

    assert inbox("ana") == [f"{REF}.5"]  # .1 is completed, .9 cancelled, .13 is not for her
    assert inbox("dana") == []
    timer = e.TimerRule(id=f"{REF}.99", at=at(90), purpose="escalate", rule=1)
    escalated = e.ItemEscalated(
        path="mobilise/freeze/stop_posts",
        scope="mobilise/freeze",
        item=f"{REF}.5",
        timer=f"{REF}.7",
        people=("dana",),
        next=timer,
    )
    story.go(escalated, actor="engine", minutes=60)
    assert inbox("dana") == [f"{REF}.5"]
    handed_over = e.ItemReassigned(
        path="mobilise/freeze/stop_posts", scope="mobilise/freeze", item=f"{REF}.5", to="ben"
    )
    story.go(handed_over, minutes=61)
    assert inbox("ben") == [f"{REF}.5"]
    assert inbox("ana") == []


def test_items_show_what_is_due_first(storage):
    story = whole_story(storage)
    story.go(
        e.StepStarted(path="ask", kind_of="task", round=1),
        *[
            e.ItemOpened(
                path="ask",
                item=f"{REF}.{number}",
                kind_of="task",
                round=1,
                step="ask",
                offered=(),
                due_at=due,
                title="Ask",
            )
            for number, due in ((50, None), (51, at(59)))
        ],
        minutes=30,
    )
    with storage.reading() as unit:
        of_case = unit.queries.items(case=REF, status=ItemStatus.OPEN)
        assert [item.id for item in of_case] == [f"{REF}.51", f"{REF}.5", f"{REF}.50"]
        [vote] = unit.queries.items(ids=[f"{REF}.13"])
        assert (vote.kind, vote.status, vote.outcome) == ("approval", "completed", "granted")
        assert (vote.offered, vote.bundle_digest) == (("lea", "carl"), "5f" * 32)
        assert unit.queries.items(case="X-2026-0001") == []
        assert unit.queries.items(ids=[]) == []


def test_cases_are_listed_newest_first_in_pages(storage):
    for number in range(1, 6):
        ref = f"CRISIS-2026-000{number}"
        name = "crisis-response" if number % 2 else "policy-review"
        Story(storage, ref).go(opening(ref, playbook=name), minutes=number // 2)  # two at a time
    Story(storage).go(e.CaseCancelled(reason="mistake"), minutes=9)
    with storage.reading() as unit:
        everything = [case.ref[-1] for case in unit.queries.cases()]
        assert everything == ["5", "4", "3", "2", "1"]
        second = unit.queries.cases(after="CRISIS-2026-0004", limit=2)
        assert [case.ref[-1] for case in second] == ["3", "2"]
        cancelled = unit.queries.cases(status=CaseStatus.CANCELLED)
        assert [(case.ref[-1], case.closed_at) for case in cancelled] == [("1", at(9))]
        assert [c.ref[-1] for c in unit.queries.cases(playbook="policy-review")] == ["4", "2"]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (DecidedFilter(), ["2", "1"]),
        (DecidedFilter(words="2026-0002"), ["2"]),
        (DecidedFilter(words="FALSE POST"), ["2", "1"]),
        (DecidedFilter(words="100%"), []),  # no wild card
        (DecidedFilter(words="_"), []),
        (DecidedFilter(person="lea"), ["2", "1"]),
        (DecidedFilter(person="ben"), []),
        (DecidedFilter(document="hold"), ["2", "1"]),
        (DecidedFilter(document="press_release"), []),
        (DecidedFilter(since=at(16)), ["2", "1"]),
        (DecidedFilter(since=at(21)), []),
        (DecidedFilter(until=at(15)), []),
    ],
)
def test_cases_are_found_by_who_decided_what_and_when(storage, which, found):
    for number in (1, 2):
        whole_story(storage, f"CRISIS-2026-000{number}")
    Story(storage, "CRISIS-2026-0003").go(opening("CRISIS-2026-0003"))  # nobody decided there
    with storage.reading() as unit:
        rows = unit.queries.decided(which, 10)
        assert [row.case.ref[-1] for row in unit.queries.decided(DecidedFilter(), 1)] == ["1"]
    assert [row.case.ref[-1] for row in rows] == sorted(found)
    once = bool(which.person or which.since)
    assert all(row.decisions == (1 if once else 2) for row in rows)
    assert all(row.last_at == at(15 if which.person else 20) for row in rows)


def test_the_cases_under_a_case_are_found_at_any_depth(storage):
    parents = {"1": "", "2": "CRISIS-2026-0001", "3": "CRISIS-2026-0002"}
    for number, parent in parents.items():
        ref = f"CRISIS-2026-000{number}"
        Story(storage, ref).go(opening(ref, parent=parent), minutes=int(number))
    with storage.reading() as unit:
        assert unit.queries.children(REF) == ["CRISIS-2026-0002", "CRISIS-2026-0003"]
        assert unit.queries.children("CRISIS-2026-0003") == []
        assert unit.queries.case("CRISIS-2026-0003").parent == "CRISIS-2026-0002"


def test_effects_and_timers_are_listed_with_who_has_them(storage):
    whole_story(storage)
    with storage.writing() as unit:
        lease = timedelta(minutes=2)
        unit.claims.effects("one", at(26), lease, 1)
        effects = {effect.id: effect for effect in unit.queries.effects(case=REF)}
        live = unit.queries.effects(live=True)
        timers = unit.queries.timers(case=REF)
    assert set(effects) == {f"{REF}.{n}" for n in (4, 8, 12, 14)}
    assert {effect.id for effect in live} == {f"{REF}.{n}" for n in (8, 12, 14)}
    assert effects[f"{REF}.14"].status is EffectStatus.OWED
    assert (effects[f"{REF}.14"].not_before, effects[f"{REF}.14"].account) == (at(40), "newsroom")
    leased = [effect.leased_until for effect in live if effect.leased_until]
    assert leased == [at(28)]
    assert [t.id for t in timers] == [f"{REF}.6", f"{REF}.7"]
    assert (timers[0].item, timers[0].scope) == (f"{REF}.5", "mobilise/freeze")


def test_counts_tell_how_much_there_is(storage):
    story = whole_story(storage)
    with storage.reading() as unit:
        assert unit.queries.counts() == {
            "events": len(story.told),
            "cases": 1,
            "open_cases": 1,
            "open_items": 1,
            "timers": 2,
            "effects_owed": 3,
        }


def test_an_effect_owed_twice_under_one_key_is_a_conflict(storage):
    story = Story(storage)
    story.go(opening(REF), owed(REF, 1), *task(REF, 10))
    with pytest.raises(Conflict):
        story.go(owed(REF, 2, key=f"{REF}/1"), minutes=1)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_who_decided_is_found_without_reading_the_log(storage):
    whole_story(storage)
    asked = []

    def note(connection, cursor, statement, parameters, *rest):
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    with storage.reading() as unit:
        unit.queries.decided(DecidedFilter(words="CRISIS", person="lea", since=at(0)), 10)
    event.remove(Engine, "before_cursor_execute", note)
    statement, parameters = asked[-1]
    with storage.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = [row.detail for row in plan]
    assert any("events USING COVERING INDEX ix_events_decided" in step for step in steps), steps
    assert not any(step in {"SCAN events", "SCAN cases"} for step in steps), steps


def test_what_belongs_to_some_playbook_versions_is_left_out_of_lists_and_counts(storage):
    other = "VEILED-2026-0001"
    story = whole_story(storage)
    veiled = "ef" * 32
    Story(storage, other).go(opening(other, digest=veiled), *task(other, 1), minutes=3)
    without = frozenset({veiled})
    with storage.reading() as unit:
        assert [row.ref for row in unit.queries.cases()] == [other, REF]
        assert [row.ref for row in unit.queries.cases(without=without)] == [REF]
        [found] = unit.queries.decided(DecidedFilter(), 10)
        assert found.case.digest != veiled
        assert unit.queries.decided(DecidedFilter(without=frozenset({"ab" * 32})), 10) == []
        counts = unit.queries.counts(without)
        assert (counts["events"], counts["cases"], counts["open_cases"]) == (len(story.told), 1, 1)
        assert (counts["open_items"], counts["timers"], counts["effects_owed"]) == (1, 2, 3)
        seen = unit.events.select(EventFilter(without=without))
        assert {event.case for event in seen} == {REF}
        assert len(unit.events.select(EventFilter())) > len(seen)


def test_what_is_watched_is_how_much_there_is_and_how_late_it_is(storage):
    whole_story(storage)
    with storage.reading() as unit:
        early, late = unit.queries.measures(at(-1)), unit.queries.measures(at(45))
    assert (early.oldest_owed_at, early.timers_overdue) == (None, 0)
    assert late.cases_by_status == {"open": 1}
    assert (late.open_items, late.effects_owed, late.timers_overdue) == (1, 3, 1)
    assert late.oldest_owed_at == at(10)
