"""What calendar programs are told: due times and schedules, under titles alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smr_engine.adapters.ical import calendar_file
from smr_engine.errors import Invalid
from smr_engine.services import cases, feeds, schedules
from smr_engine.services.schedules import Rule
from smr_engine.services.workspace import Actor
from tests.services.company import Company


def test_a_persons_feed_has_what_waits_for_them_at_its_due_time(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    feed = feeds.inbox_feed(company.ws, "tom")
    [entry] = feed.entries
    assert (feed.name, feed.made_at) == ("SMR: what waits for tom", company.clock.at)
    assert entry.at == datetime(2026, 9, 14, 9, tzinfo=UTC)
    assert case in entry.title
    assert entry.note == f"smr item {company.item(case, 'write')}"
    assert feeds.inbox_feed(company.ws, "lea").entries == []
    assert len(feeds.inbox_feed(company.ws, None, all_items=True).entries) == 1
    with pytest.raises(Invalid, match="whose inbox"):
        feeds.inbox_feed(company.ws, None)


def test_an_entry_keeps_its_uid_and_two_never_share_one(company: Company):
    first = company.start("statement", title="one")
    [once] = feeds.inbox_feed(company.ws, "tom").entries
    company.clock.move(minutes=5)
    company.start("statement", title="two")
    later = feeds.inbox_feed(company.ws, "tom").entries
    assert [entry.uid for entry in later if first in entry.title] == [once.uid]
    assert len({entry.uid for entry in later}) == 2


def test_a_case_of_another_workspace_with_the_same_reference_has_other_uids(
    company: Company, tmp_path
):
    company.start("statement", title="one")
    other = Company(tmp_path / "other")
    other.playbook("statement", (company.root / "playbooks" / "statement.yaml").read_text())
    other.clock.move(seconds=1)
    other.start("statement", title="one")
    ours, theirs = (feeds.inbox_feed(c.ws, "tom").entries[0] for c in (company, other))
    other.ws.storage.close()
    assert ours.note == theirs.note
    assert ours.uid != theirs.uid


def test_no_content_no_answer_and_no_name_of_a_person_is_in_a_feed(company: Company):
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), "A very private draft.")
    item = company.item(case, "approve")
    company.vote(item, "carl")
    content = calendar_file(feeds.inbox_feed(company.ws, "lea")).decode()
    assert item in content
    for private in ("private draft", "Carl", "Weiss", "Tom", "example.test"):
        assert private not in content


def test_a_drill_is_called_an_exercise(company: Company):
    opening = cases.Opening(drill=True)
    cases.start(company.ws, Actor("ana"), "statement", {"title": "a fire"}, opening)
    [entry] = feeds.inbox_feed(company.ws, "tom").entries
    assert entry.title.startswith("EXERCISE ")


def test_a_schedule_is_exported_from_its_first_due_instant(company: Company):
    rule = Rule("FREQ=WEEKLY;BYDAY=MO;COUNT=40", "09:00", "America/Chicago")
    coming = schedules.add(company.ws, Actor("ana"), "policy-review", rule)
    [entry] = feeds.schedule_feed(company.ws).entries
    assert entry.at == coming.next_due
    assert entry.title == "policy-review opens"
    assert entry.rrule == "FREQ=WEEKLY;BYDAY=MO;COUNT=4"
    company.clock.move(days=60)
    assert [later.uid for later in feeds.schedule_feed(company.ws).entries] == [entry.uid]
