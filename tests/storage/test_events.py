"""The log: what is appended, and what comes out."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from smr_engine.audit.leaf import parse
from smr_engine.engine import events as e
from smr_engine.errors import Invalid
from smr_engine.services.events_codec import decode
from smr_engine.services.stored import EventFilter
from tests.storage.stories import Story, at, envelope, opening, whole_story

REF = "CRISIS-2026-0001"


def select(storage, **which):
    with storage.reading() as unit:
        return unit.events.select(EventFilter(**which))


def test_every_event_comes_back_as_it_was_told(storage):
    story = whole_story(storage)
    found = select(storage, cases=(REF,))
    told = [(decode(s.kind, s.path, s.facts, s.content), s.at, s.actor) for s in found]
    assert told == story.told
    assert [s.version for s in found] == list(range(1, len(story.told) + 1))


def test_an_event_tells_who_did_it_and_how_they_proved_who_they_are(storage):
    story = Story(storage)
    story.go(opening(REF))
    who = envelope(
        "ben", 3, on_behalf_of="ana", roles=("smr-lead", "legal"), assurance="mfa", door="web"
    )
    with storage.writing() as unit:
        case = unit.cases.load(REF)
        unit.cases.save(case, case, [e.NoteWritten(text="Called the platform.")], who)
        unit.keep()
    note = select(storage, cases=(REF,))[-1]
    assert (note.actor, note.on_behalf_of, note.roles) == ("ben", "ana", ("legal", "smr-lead"))
    assert (note.assurance, note.door, note.at, note.os_user) == ("mfa", "web", at(3), "aruiz")
    assert note.data == {"text": "Called the platform."}


def test_nothing_that_may_have_to_be_erased_is_in_a_leaf(storage):
    whole_story(storage)
    with storage.reading() as unit:
        leaves = b"".join(row["leaf"] for row in unit.proof.events())
    for word in (b"aruiz", b"newsroom's", b"did not write", b"Fine by me", b"outbox", b"Is it"):
        assert word not in leaves


def test_what_a_person_said_lies_under_their_name_and_the_rest_under_the_case(storage):
    whole_story(storage)
    with storage.reading() as unit:
        rows = {row["seq"]: row for row in unit.proof.events()}
        votes = unit.events.select(EventFilter(kinds=("DecisionRecorded",)))
    subjects = [[c["subject"] for c in rows[v.seq]["contents"]] for v in votes]
    assert subjects == [["person:lea"], ["person:carl"]]
    first = next(iter(rows.values()))
    assert [c["subject"] for c in first["contents"]] == [f"case:{REF}", "person:ana"]


def test_what_the_engine_said_lies_under_the_case(storage):
    story = Story(storage)
    story.go(opening(REF), actor="engine")
    with storage.reading() as unit:
        subjects = [c["subject"] for row in unit.proof.events() for c in row["contents"]]
    assert subjects == [f"case:{REF}"]


def test_erased_content_is_missing_and_named(storage):
    whole_story(storage)
    with storage.engine.begin() as connection:
        connection.execute(text("DELETE FROM contents WHERE subject = 'person:lea'"))
    vote = select(storage, kinds=("DecisionRecorded",), actor="lea")[0]
    assert (vote.erased, vote.content, vote.os_user) == (("person:lea",), {}, "")
    assert vote.facts["decision"] == "approve"


def test_events_can_be_chosen_by_each_of_their_marks(storage):
    whole_story(storage)
    whole_story(storage, "CRISIS-2026-0002")
    everything = select(storage)
    chosen = {
        "cases": ((REF,), lambda s: s.case == REF),
        "streams": ((f"case:{REF}",), lambda s: s.case == REF),
        "actor": ("lea", lambda s: s.actor == "lea"),
        "kinds": (("ItemOpened", "StepStarted"), lambda s: s.kind in {"ItemOpened", "StepStarted"}),
        "items": ((f"{REF}.13",), lambda s: s.facts.get("item") == f"{REF}.13"),
        "since": (at(12), lambda s: s.at >= at(12)),
        "until": (at(12), lambda s: s.at < at(12)),
        "after_seq": (everything[9].seq, lambda s: s.seq > everything[9].seq),
    }
    for name, (value, holds) in chosen.items():
        expected = [s for s in everything if holds(s)]
        assert 0 < len(expected) < len(everything)
        assert select(storage, **{name: value}) == expected, name


def test_a_page_of_events_ends_at_its_limit(storage):
    whole_story(storage)
    everything = select(storage)
    with storage.reading() as unit:
        assert unit.events.select(EventFilter(), 3) == everything[:3]
        rest = unit.events.select(EventFilter(after_seq=everything[2].seq), 1000)
        backwards = unit.events.select(EventFilter(newest_first=True), 2)
        assert backwards == [everything[-1], everything[-2]]
        before = EventFilter(before_seq=backwards[-1].seq, newest_first=True)
        assert unit.events.select(before, 1000) == everything[-3::-1]
    assert rest == everything[3:]


def test_the_first_event_of_a_command_is_found_by_its_key(storage):
    story = whole_story(storage)
    story.go(e.NoteWritten(text="a"), e.NoteWritten(text="b"), key="hook-17")
    with storage.reading() as unit:
        found = unit.events.by_key("hook-17")
        assert unit.events.by_key("hook-18") is None
    assert found is not None
    assert found.content == {"text": "a"}


def test_a_key_is_not_kept_in_the_open(storage):
    Story(storage).go(opening(REF), key="ana.ruiz@example.test")
    with storage.reading() as unit:
        assert "example.test" not in str(list(unit.proof.events()))


def test_other_streams_are_chained_by_themselves(storage):
    who = envelope()
    with storage.writing() as unit:
        for number in (1, 2):
            facts = {"version": number, "at": at(number)}
            unit.events.append(
                "directory", "DirectoryImported", facts, {"directory": {"people": []}}, who
            )
        unit.events.append("schedules", "ScheduleAdded", {"schedule": "s1"}, {}, who)
        unit.keep()
    first, second, other = select(storage)
    assert [s.version for s in (first, second, other)] == [1, 2, 1]
    assert first.content == {"people": []}
    assert (first.case, first.facts["at"]) == ("", "2026-11-23T08:31:00.250000Z")
    with storage.reading() as unit:
        leaves = [parse(row["leaf"]) for row in unit.proof.events()]
    assert leaves[1].prev == first.leaf_hash
    assert leaves[2].prev == "0" * 64


def test_a_case_is_not_written_to_past_its_commands(storage):
    with storage.writing() as unit, pytest.raises(Invalid, match="by commands on the case only"):
        unit.events.append(f"case:{REF}", "CaseOpened", {}, {}, envelope())
