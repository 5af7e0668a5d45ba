"""Tasks, drafts and decisions: who is asked, what an answer does, what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.content import text_digest
from smr_engine.engine.statuses import CaseStatus, ItemKind, ItemStatus, StepStatus
from smr_engine.errors import Invalid, NotFound, Refusal
from smr_engine.playbook.model import (
    DecisionStep,
    DocumentSpec,
    DraftCheck,
    Expression,
    Question,
    TableRow,
    Template,
)
from smr_engine.playbook.model import Outcome as Choice
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

TODAY = (date(2026, 11, 23), date(2026, 11, 23))


def opened(*steps, world=None, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps), world=world or co.company()).start(**inputs)


def refused(case: CaseFile, command: c.Command, by: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        case.book.do(case.ref, command, by)
    return caught.value


# --- task --------------------------------------------------------------------------------------


def test_a_task_is_offered_to_everybody_who_may_and_done_by_one():
    case = opened(co.task("call", form=co.form(reached="integer")), co.task("after"))
    item = case.item("call")
    assert item.offered == ("wendy", "will")
    case.complete("call", "will", reached=3)
    state = case.state("call")
    assert (state.output, state.completed_by, state.outcome) == ({"reached": 3}, "will", "done")
    assert case.waits_for() == {"after"}


def test_without_an_assignment_the_owner_is_asked():
    case = opened(co.task("call", assign=None))
    assert case.item("call").offered == ("sam",)


def test_the_owners_deputy_is_asked_while_the_owner_is_away():
    case = opened(co.task("call", assign=None), world=co.company(sam=TODAY))
    assert case.item("call").offered == ("ben",)


def test_a_form_that_does_not_fit_is_refused_with_every_fault():
    case = opened(co.task("call", form=co.form(reached="integer", by="string")))
    with pytest.raises(Invalid) as caught:
        case.complete("call", "will", reached="many")
    assert "reached" in caught.value.message
    assert "by" in caught.value.message
    assert case.waits_for() == {"call"}


def test_somebody_who_was_not_asked_is_told_who_was():
    case = opened(co.task("call"))
    told = refused(case, c.CompleteItem(case.item("call").id), "eve").message
    assert told == "this waits for Wendy, Will; Eve was not asked"


def test_a_deputy_may_answer_for_somebody_away():
    case = opened(co.task("call", "legal"))
    item = case.item("call")
    case.book.world = co.company(lea=TODAY, luis=TODAY)
    case.complete("call", "dora")
    assert case.items("call", None)[0].closed_by == "dora"
    assert item.offered == ("lea", "luis")


def test_what_is_done_cannot_be_done_again():
    case = opened(co.task("call"), co.task("after"))
    item = case.item("call")
    case.complete("call")
    assert (
        refused(case, c.CompleteItem(item.id), "will").message == f"{item.id} is completed already"
    )


def test_an_item_that_is_not_there_is_not_found():
    case = opened(co.task("call"))
    with pytest.raises(NotFound, match="there is no item"):
        case.book.do(case.ref, c.CompleteItem(f"{case.ref}.99"), "will")


def test_each_person_has_an_item_and_all_are_waited_for():
    step = co.task(
        "read", assign=co.who("group:frontline", each=True), form=co.form(understood="boolean")
    )
    case = opened(step, co.task("after"))
    assert {i.offered for i in case.items("read")} == {("lea",), ("wendy",), ("will",)}
    for person in ("will", "lea", "wendy"):
        item = next(i for i in case.items("read") if person in i.offered)
        case.book.do(case.ref, c.CompleteItem(item.id, {"understood": True}), person)
    assert case.state("read").output == {
        "answers": [{"by": p, "output": {"understood": True}} for p in ("lea", "wendy", "will")]
    }
    assert case.waits_for() == {"after"}


def test_nobody_answers_the_item_of_somebody_else():
    case = opened(co.task("read", assign=co.who("group:frontline", each=True)))
    item = next(i for i in case.items("read") if i.offered == ("lea",))
    assert "was not asked" in refused(case, c.CompleteItem(item.id), "will").message


def test_a_task_that_needs_evidence_is_not_done_without():
    case = opened(co.task("capture", evidence=True))
    item = case.item("capture")
    assert refused(case, c.CompleteItem(item.id), "will").code == "evidence-missing"
    case.book.do(case.ref, c.Attach(item.id, "ab" * 32, "post.png", 12, ""), "will")
    case.complete("capture")
    assert case.header.status is CaseStatus.COMPLETED


@pytest.mark.parametrize("kind", [ItemKind.TASK, ItemKind.DECISION])
def test_what_people_read_and_answered_is_bound_by_its_digest(kind):
    read = (
        co.task("read", documents=("statement",))
        if kind is ItemKind.TASK
        else co.choice("read", "fine", documents=("statement",))
    )
    case = opened(co.draft("write"), read)
    case.write("write", "Read, understood, will follow.")
    assert case.item("read").bundle == [
        {
            "document": "statement",
            "revision": 2,
            "digest": text_digest("Read, understood, will follow."),
        }
    ]


def test_a_task_about_a_text_that_is_not_there_fails():
    case = opened(co.task("read", documents=("statement",)), co.draft("write"))
    assert "has no text yet" in case.repair_item("read").message


def test_a_task_that_nobody_may_do_fails_and_says_so():
    case = opened(co.task("call", "group:nobody"))
    assert case.header.status is CaseStatus.HELD
    assert "nobody to ask" in case.repair_item("call").message


def test_a_person_may_be_named_by_an_earlier_answer():
    case = opened(
        co.task("pick", form=co.form(who="string")),
        co.task("do", "person:{{ steps.pick.output.who }}"),
    )
    case.complete("pick", who="eve")
    assert case.item("do").offered == ("eve",)


def test_a_person_outside_the_directory_fails_the_step():
    case = opened(
        co.task("pick", form=co.form(who="string")),
        co.task("do", "person:{{ steps.pick.output.who }}"),
    )
    case.complete("pick", who="mallory")
    assert "'mallory' is not in the directory" in case.repair_item("do").message


# --- kept out ----------------------------------------------------------------------------------


def audited(**more) -> CaseFile:
    """Whoever did the work may not audit it."""
    case = opened(
        co.task("work"),
        co.task("audit", assign=co.who("comms-writer", "legal", barred=(co.did("work"),)), **more),
    )
    case.complete("work", "wendy")
    return case


def test_whoever_did_the_work_is_not_asked_to_audit_it():
    case = audited()
    assert case.item("audit").offered == ("will", "lea", "luis")
    assert case.item("audit").excluded == ("wendy",)


def test_nor_may_it_be_handed_to_them():
    case = audited()
    told = refused(case, c.Reassign(case.item("audit").id, "wendy"), "sam").message
    assert "kept out" in told


def test_nor_does_it_escalate_to_them():
    case = audited(due=co.lasting("1h"), escalate=co.escalating(due="comms-writer exec-sponsor"))
    case.book.wait(hours=1)
    assert case.item("audit").escalated == ("will", "eve")


def test_nor_may_they_stand_in_for_somebody_away():
    world = co.with_person(co.company(), "dora", roles=("comms-writer",))
    case = opened(
        co.task("work"),
        co.task("audit", assign=co.who("legal", barred=(co.did("work"),))),
        world=world,
    )
    case.complete("work", "dora")
    case.book.world = co.with_person(co.company(lea=TODAY), "dora", roles=("comms-writer",))
    told = refused(case, c.CompleteItem(case.item("audit").id), "dora").message
    assert "kept out" in told


# --- handing over ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["will", "sam", "ben"])
def test_an_item_may_be_handed_over_by_those_asked_and_by_the_owner(by):
    case = opened(co.task("call"))
    case.book.do(case.ref, c.Reassign(case.item("call").id, "eve"), by)
    assert case.item("call").offered == ("eve",)
    case.book.perform()
    assert any("Please do: call" in s for s in case.book.told_of("eve"))
    assert "was not asked" in refused(case, c.CompleteItem(case.item("call").id), "will").message
    case.complete("call", "eve")
    assert case.outcome("call") == "done"


def test_nobody_else_hands_over_an_item_and_nobody_unknown_gets_it():
    case = opened(co.task("call"))
    item = case.item("call").id
    assert "neither" in refused(case, c.Reassign(item, "eve"), "lea").message
    with pytest.raises(NotFound, match="'mallory' is not in the directory"):
        case.book.do(case.ref, c.Reassign(item, "mallory"), "sam")


# --- draft -------------------------------------------------------------------------------------


def test_a_draft_starts_from_its_template_with_the_names_of_its_step():
    documents = {
        "statement": DocumentSpec("statement", "S", template=Template("On {{ inputs.x }}."))
    }
    case = Casebook.of(co.playbook(co.draft("write"), documents=documents)).start(x="fire")
    document = case.case.scopes[""].documents["statement"]
    assert document.text == "On fire."
    assert document.authors == frozenset()


def test_each_save_is_a_revision_and_done_is_said_apart():
    case = opened(co.draft("write"), co.task("after"))
    case.write("write", "One.", done=False)
    case.write("write", "Two.", by="will", done=False)
    assert case.state("write").status is StepStatus.ACTIVE
    case.write("write", "Two.", by="will")
    newest = case.case.scopes[""].documents["statement"].newest
    assert case.state("write").output == {
        "document": "statement",
        "revision": 3,
        "digest": newest.digest,
    }
    assert newest.author == "will"


def test_a_second_draft_goes_on_with_the_text():
    case = opened(co.draft("write"), co.draft("polish"))
    case.write("write", "Rough.")
    assert case.case.scopes[""].documents["statement"].text == "Rough."


def test_a_draft_whose_checks_fail_is_saved_but_not_done_unless_somebody_says_why():
    checks = (DraftCheck("max_words", 3), DraftCheck("must_contain", ["#ad"]))
    case = opened(co.draft("write", checks=checks))
    with pytest.raises(Refusal) as caught:
        case.write("write", "This is far too long.")
    assert caught.value.message == (
        "the draft is not done: it has 5 words, at most 3 are allowed; it must contain '#ad'"
    )
    assert len(case.case.scopes[""].documents["statement"].revisions) == 1, "nothing is half done"
    case.write("write", "This is far too long.", override="The regulator's own words.")
    revised = case.happened(e.DocumentRevised)[-1]
    assert revised.override == "The regulator's own words."
    assert case.outcome("write") == "done"


def test_a_document_has_a_size():
    case = opened(co.draft("write"))
    with pytest.raises(Refusal, match="at most 256 KiB"):
        case.write("write", "ü" * (128 * 1024 + 1))
    case.write("write", "ü" * (128 * 1024))


def test_a_draft_is_saved_and_not_completed_like_a_task():
    case = opened(co.draft("write"))
    told = refused(case, c.CompleteItem(case.item("write").id), "will").message
    assert told.startswith("a draft is saved with: smr revise")


# --- decision ----------------------------------------------------------------------------------


def test_a_choice_is_one_of_its_outcomes():
    case = opened(co.choice("trend", "up", "down"), co.let("seen", o="{{ steps.trend.outcome }}"))
    for wrong in ({}, {"choice": "sideways"}, {"choice": "up", "more": 1}):
        with pytest.raises(Invalid, match="choose one of up, down"):
            case.complete("trend", "sam", **wrong)
    case.complete("trend", "sam", choice="down")
    assert case.state("seen").output == {"o": "down"}
    assert case.header.status is CaseStatus.COMPLETED


def tree() -> CaseFile:
    questions = (
        Question("hurt", "Is anybody hurt?", Choice("alarm", "Call everybody"), "lies"),
        Question("lies", "Is it untrue?", Choice("rebut"), Choice("own_up")),
    )
    step = DecisionStep(
        id="triage", title=Template("Triage"), questions=questions, assign=co.who("legal")
    )
    return opened(step)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"hurt": "yes"}, "alarm"),
        ({"hurt": "no", "lies": "yes"}, "rebut"),
        ({"hurt": False, "lies": False}, "own_up"),
    ],
)
def test_a_tree_of_questions_is_walked_and_its_path_recorded(answers, outcome):
    case = tree()
    case.complete("triage", "lea", **answers)
    assert case.outcome("triage") == outcome
    path = case.state("triage").output["path"]
    assert [step["id"] for step in path[:-1]] == list(answers)
    assert path[-1]["outcome"] == outcome


@pytest.mark.parametrize(
    "answers",
    [{}, {"hurt": "no"}, {"hurt": "maybe"}, {"hurt": "yes", "lies": "no"}, {"other": "yes"}],
)
def test_every_question_on_the_path_needs_an_answer_and_no_other(answers):
    case = tree()
    with pytest.raises(Invalid):
        case.complete("triage", "lea", **answers)


@pytest.mark.parametrize(("pick", "outcome"), [("first", "low"), ("worst", "high")])
def test_a_table_decides_without_asking_anybody(pick, outcome):
    rows = (
        TableRow(Expression("inputs.posts > 1"), "low"),
        TableRow(Expression("inputs.posts > 100"), "high"),
        TableRow(Expression("inputs.posts > 1000"), "highest"),
    )
    step = DecisionStep(
        id="grade",
        title=Template("G"),
        rows=rows,
        pick=pick,
        worst_first=("highest", "high", "low"),
    )
    case = opened(step, posts=500)
    assert case.outcome("grade") == outcome
    assert "inputs.posts is 500" in case.state("grade").output["path"][0]["when"]
    assert case.items(status=None) == []


def test_a_table_without_a_row_that_holds_fails():
    step = DecisionStep(id="grade", title=Template("G"), rows=(TableRow(Expression("false"), "x"),))
    assert "no row of the table holds" in opened(step).repair_item("grade").message


# --- notes -------------------------------------------------------------------------------------


def test_anybody_who_may_see_the_case_may_write_a_note():
    case = opened(co.task("call"))
    case.book.do(case.ref, c.WriteNote("The journalist called again."), "eve")
    assert case.happened(e.NoteWritten)[0].text == "The journalist called again."
    assert refused(case, c.WriteNote("  "), "eve").code == "empty-note"
    assert "not in the directory" in refused(case, c.WriteNote("hi"), "mallory").message


def test_a_restricted_case_is_opened_and_noted_by_its_roles_only():
    book = Casebook.of(co.playbook(co.task("call"), visibility=("legal",)))
    with pytest.raises(Refusal, match="restricted to legal"):
        book.start(by="wendy")
    for person in ("lea", "sam"):
        case = book.start(by=person)
    assert "restricted" in refused(case, c.WriteNote("hi"), "wendy").message


def test_a_closed_case_takes_notes_and_nothing_else():
    case = opened(co.task("call"))
    item = case.item("call")
    case.complete("call")
    case.book.do(case.ref, c.WriteNote("Lessons: call earlier."), "will")
    for command in (
        c.CompleteItem(item.id),
        c.ReviseDocument(item.id, "x"),
        c.Reassign(item.id, "eve"),
        c.CancelCase("late"),
        c.Signal("go"),
    ):
        assert refused(case, command, "sam").code == "case-closed"
    assert case.items(status=ItemStatus.OPEN) == []
