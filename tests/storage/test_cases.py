"""Saving and loading cases, scope by scope."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from smr_engine.engine import events as e
from smr_engine.engine.statuses import ScopeKind
from smr_engine.errors import Invalid, NotFound, SmrError
from smr_engine.services.stored import EventFilter
from smr_engine.services.storing import Conflict, KeyTaken
from smr_engine.storage import SqlStorage
from tests.storage.stories import (
    Story,
    at,
    envelope,
    opening,
    task,
    tell,
    vote,
    whole_story,
)

REF = "CRISIS-2026-0001"


def rows(storage: SqlStorage) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the database, for comparing before and after."""
    tables = (
        "events",
        "contents",
        "cases",
        "scopes",
        "items",
        "item_people",
        "timers",
        "clocks",
        "effects",
    )
    with storage.engine.connect() as connection:
        return {
            t: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {t}")))) for t in tables
        }


def note_and_fail(unit, words):
    tell(unit, REF, (e.NoteWritten(text=words),), envelope(minutes=30))
    raise ZeroDivisionError


def test_a_case_comes_back_as_it_was_saved(storage):
    story = whole_story(storage)
    assert story.loaded(all_scopes=True) == story.folded()


def test_only_the_root_is_loaded_unless_more_is_asked_for(storage):
    story = whole_story(storage)
    assert set(story.loaded().scopes) == {""}


def test_an_item_is_loaded_with_the_scopes_around_it(storage):
    story = whole_story(storage)
    assert set(story.loaded(locate=f"{REF}.5").scopes) == {"", "mobilise/freeze"}


def test_a_timer_and_an_effect_are_loaded_with_the_scopes_around_them(storage):
    story = whole_story(storage)
    assert set(story.loaded(locate=f"{REF}.6").scopes) == {"", "mobilise/freeze"}
    assert set(story.loaded(locate=f"{REF}.12").scopes) == {"", "mobilise/tell"}


def test_what_nobody_knows_adds_no_scope(storage):
    story = whole_story(storage)
    assert set(story.loaded(locate=f"{REF}.999").scopes) == {""}
    assert set(story.loaded(paths=["nowhere/at/all"]).scopes) == {""}


def test_scopes_within_scopes_are_loaded_with_all_that_enclose_them(storage):
    story = Story(storage)
    story.go(
        opening(REF),
        e.StepStarted(path="outreach", kind_of="foreach", round=1),
        e.ElementsListed(path="outreach", count=2, name="creator", elements=[{"id": 1}, {"id": 2}]),
    )
    inner = "outreach[1]/talk/write"
    story.go(
        e.ScopeStarted(path="outreach[1]", scope="outreach[1]"),
        e.StepStarted(path="outreach[1]/talk", scope="outreach[1]", kind_of="parallel", round=1),
        e.ScopeOpened(path=inner, scope="outreach[1]", kind_of=ScopeKind.BRANCH, local={}),
    )
    story.go(*task(REF, 1, inner, "ask"))
    assert set(story.loaded(locate=f"{REF}.1").scopes) == {"", "outreach[1]", inner}
    assert set(story.loaded(paths=[inner]).scopes) == {"", "outreach[1]", inner}
    assert story.loaded(all_scopes=True) == story.folded()


def test_more_scopes_can_be_loaded_into_a_case_and_what_it_has_is_kept(storage):
    story = whole_story(storage)
    with storage.writing() as unit:
        case = unit.cases.load(REF)
        more = unit.cases.more(case, ["mobilise/freeze"])
        assert set(more.scopes) == {"", "mobilise/freeze"}
        assert more.scopes[""] is case.scopes[""]
        assert more.scopes["mobilise/freeze"] == story.folded().scopes["mobilise/freeze"]


def test_a_case_that_is_not_there_is_told_in_a_sentence(storage):
    with storage.reading() as unit, pytest.raises(NotFound, match="There is no case X-2026-0001"):
        unit.cases.load("X-2026-0001")


def test_nothing_stays_of_a_unit_of_work_that_is_not_committed(storage):
    story = whole_story(storage)
    before = rows(storage)
    with storage.writing() as unit:
        tell(unit, REF, (e.NoteWritten(text="forget this"),), envelope())
    assert rows(storage) == before
    assert story.loaded(all_scopes=True) == story.folded()


def test_nothing_stays_of_a_unit_of_work_that_fails(storage):
    whole_story(storage)
    before = rows(storage)
    with pytest.raises(ZeroDivisionError), storage.writing() as unit:
        note_and_fail(unit, "forget this")
    assert rows(storage) == before


def test_a_savepoint_takes_back_what_failed_inside_and_keeps_the_rest(storage):
    story = whole_story(storage)
    with storage.writing() as unit:
        tell(unit, REF, (e.NoteWritten(text="first"),), envelope(minutes=30))
        with pytest.raises(ZeroDivisionError), unit.savepoint():
            note_and_fail(unit, "second")
        with unit.savepoint():
            tell(unit, REF, (e.NoteWritten(text="third"),), envelope(minutes=30))
        unit.keep()
    with storage.reading() as unit:
        notes = unit.events.select(EventFilter(cases=(REF,), kinds=("NoteWritten",)))
        assert [n.content["text"] for n in notes] == ["first", "third"]
        assert [n.version for n in notes] == [len(story.told) + 1, len(story.told) + 2]


def test_a_unit_of_work_for_reading_refuses_to_write(storage):
    with storage.reading() as unit, pytest.raises(RuntimeError, match="opened for reading"):
        tell(unit, REF, (opening(REF),), envelope())
    with storage.reading() as unit, pytest.raises(RuntimeError, match="opened for reading"):
        unit.cases.next_reference("CRISIS", 2026)


def test_a_unit_of_work_that_is_over_refuses_to_work(storage):
    with storage.writing() as unit:
        unit.keep()
        with pytest.raises(RuntimeError, match="not open"):
            unit.queries.counts()
    with pytest.raises(RuntimeError, match="not open"):
        unit.cases.load(REF)


def test_references_count_per_prefix_and_year(storage):
    with storage.writing() as unit:
        asked = [("CRISIS", 2026), ("CRISIS", 2026), ("REVIEW", 2026), ("CRISIS", 2027)]
        given = [unit.cases.next_reference(*which) for which in asked]
        unit.keep()
    assert given == ["CRISIS-2026-0001", "CRISIS-2026-0002", "REVIEW-2026-0001", "CRISIS-2027-0001"]


def test_a_reference_is_taken_back_with_its_unit_of_work(storage):
    with storage.writing() as unit:
        unit.cases.next_reference("CRISIS", 2026)
    with storage.writing() as unit:
        assert unit.cases.next_reference("CRISIS", 2026) == REF


def test_a_command_with_a_key_is_saved_once(storage):
    story = whole_story(storage)
    story.go(e.NoteWritten(text="once"), key="hook-17")
    before = rows(storage)
    with pytest.raises(KeyTaken):
        story.go(e.NoteWritten(text="twice"), key="hook-17")
    assert rows(storage) == before


def test_a_person_decides_once_per_item(storage):
    story = whole_story(storage)
    before = rows(storage)
    with pytest.raises(Conflict, match="happened already"):
        story.go(vote(REF, 13, "lea", "legal"), actor="lea", minutes=30)
    assert rows(storage) == before


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), "half a pair \ud83d", "nul \0", {"nul \0": 1}],
    ids=repr,
)
def test_a_value_that_cannot_be_kept_is_refused_before_anything_is_written(storage, value):
    before = rows(storage)
    with pytest.raises(Invalid, match="The record cannot keep") as caught:
        Story(storage).go(opening(REF, inputs={"deep": [{"inside": value}]}))
    assert caught.value.code == "invalid-value"
    assert rows(storage) == before


def test_odd_but_lawful_texts_come_back_as_they_were(storage):
    odd = "\x01\x7f\u2028 ../{{ x }} =1+1 \u202e%s :name ? ' \" \\u0000 \\ 🛈"
    story = Story(storage)
    story.go(opening(REF, title=odd, inputs={odd: odd}))
    assert story.loaded() == story.folded()
    with storage.reading() as unit:
        assert unit.queries.case(REF).title == odd


def test_saving_tells_numbers_version_and_whether_something_is_owed(storage):
    story = Story(storage)
    opened = story.go(opening(REF), *task(REF, 1))
    assert (len(opened.seqs), opened.version, opened.owes) == (4, 4, True)
    noted = story.go(e.NoteWritten(text="no hurry"))
    assert (noted.seqs[0] > opened.seqs[-1], noted.version, noted.owes) == (True, 5, False)


def test_a_state_that_cannot_be_read_is_told_without_its_content(storage):
    whole_story(storage)
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE cases SET root = 'secret: no JSON'"))
    with storage.reading() as unit, pytest.raises(SmrError, match="cannot be read") as caught:
        unit.cases.load(REF)
    assert "secret" not in str(caught.value)


def test_a_second_load_in_a_unit_of_work_sees_what_was_saved_in_it(storage):
    whole_story(storage)
    with storage.writing() as unit:
        tell(unit, REF, (e.NoteWritten(text="now"),), envelope(minutes=50))
        assert unit.cases.load(REF).header.last_at == at(50)
