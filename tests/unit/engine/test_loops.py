"""Foreach and repeat: elements in turn, beats from start to start, results seen from outside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, ItemKind, ScopeStatus, StepStatus
from smr_engine.errors import Refusal
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile


def opened(*steps, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps)).start(**inputs)


def complete_all(case: CaseFile, step: str, **values) -> None:
    while found := case.items(step):
        case.complete(found[0].path, **values)


# --- foreach -----------------------------------------------------------------------------------


def test_every_element_is_done_and_seen_from_outside():
    case = opened(
        co.foreach("each", "inputs.names", co.task("ask", form=co.form(says="string"))),
        co.let("seen", said="{{ steps.each.results | map(attribute='ask.output.says') | list }}"),
        names=["kim", "lee"],
    )
    assert case.waits_for() == {"each[0]/ask", "each[1]/ask"}
    case.complete("each[1]/ask", says="no")
    case.complete("each[0]/ask", says="yes")
    assert case.state("seen").output == {"said": ["yes", "no"]}
    assert case.state("each").output[1] == {
        "element": "lee",
        "ended": None,
        "ask": {"output": {"says": "no"}, "outcome": "done"},
    }


def test_no_more_elements_at_a_time_than_the_playbook_says():
    case = opened(
        co.foreach("each", "inputs.names", co.task("ask"), at_a_time=2), names=list("abcde")
    )
    assert case.waits_for() == {"each[0]/ask", "each[1]/ask"}
    assert case.case.scopes["each[4]"].status is ScopeStatus.WAITING
    case.complete("each[1]/ask")
    assert case.waits_for() == {"each[0]/ask", "each[2]/ask"}
    complete_all(case, "ask")
    assert case.header.status is CaseStatus.COMPLETED
    assert len(case.state("each").output) == 5


@pytest.mark.parametrize("names", [[], None])
def test_no_elements_are_done_at_once(names):
    case = opened(co.foreach("each", "inputs.names", co.task("ask")), co.task("after"), names=names)
    assert (case.outcome("each"), case.state("each").output) == ("done", [])
    assert case.waits_for() == {"after"}


@pytest.mark.parametrize("names", ["kim", 3, {"kim": 1}])
def test_what_is_no_list_fails_the_step(names):
    case = opened(co.foreach("each", "inputs.names", co.task("ask")), names=names)
    assert "must give a list" in case.repair_item("each").message


def test_elements_that_need_nobody_are_done_at_once():
    case = opened(
        co.foreach("each", "inputs.names", co.let("say", hi="Dear {{ one }}"), at_a_time=1),
        names=["kim", "lee", "max"],
    )
    said = [r["say"]["output"]["hi"] for r in case.state("each").output]
    assert said == ["Dear kim", "Dear lee", "Dear max"]
    assert case.header.status is CaseStatus.COMPLETED


def test_an_element_sees_its_own_steps_and_documents():
    case = opened(
        co.foreach(
            "each",
            "inputs.names",
            co.task("ask", form=co.form(says="string")),
            co.draft("write", "note"),
            co.let("seen", said="{{ one }}: {{ steps.ask.output.says }} {{ documents.note.text }}"),
            named="one",
        ),
        names=["kim", "lee"],
    )
    for n, name in enumerate(["kim", "lee"]):
        case.complete(f"each[{n}]/ask", says=f"from {name}")
        case.write(f"each[{n}]/write", f"to {name}")
    assert [r["seen"]["output"]["said"] for r in case.state("each").output] == [
        "kim: from kim to kim",
        "lee: from lee to lee",
    ]


def test_the_end_of_an_element_leaves_the_others():
    case = opened(
        co.foreach(
            "each",
            "inputs.names",
            co.choice("reply", "yes", "no"),
            co.end("declined", "declined", "each", when=co.when("steps.reply.outcome == 'no'")),
            co.task("thank"),
        ),
        co.task("after"),
        names=["kim", "lee"],
    )
    case.complete("each[0]/reply", "sam", choice="no")
    assert case.waits_for() == {"each[1]/reply"}
    case.complete("each[1]/reply", "sam", choice="yes")
    case.complete("thank")
    first, second = case.state("each").output
    assert (first["ended"], first["thank"]["outcome"]) == ("declined", None)
    assert (second["ended"], second["thank"]["outcome"]) == (None, "done")
    assert case.waits_for() == {"after"}


def test_an_element_may_end_from_inside_its_branches():
    case = opened(
        co.foreach(
            "each",
            "inputs.names",
            co.parallel("both", a=(co.task("x"), co.end("out", "out", "each")), b=co.task("y")),
            co.task("never"),
        ),
        names=["kim", "lee"],
    )
    case.complete("each[0]/both/a/x")
    assert case.waits_for() == {"each[1]/both/a/x", "each[1]/both/b/y"}
    assert case.case.scopes["each[0]/both/b"].ended == "cancelled"


def test_an_end_of_the_case_in_an_element_starts_no_further_element():
    case = opened(
        co.foreach("each", "inputs.names", co.end("stop", "stopped")), names=["kim", "lee", "max"]
    )
    assert case.header.outcome == "stopped"
    assert case.header.running == ()
    assert len(list(case.happened(e.ScopeStarted))) == 1


def test_results_show_the_steps_in_branches_of_an_element_too():
    case = opened(
        co.foreach(
            "each",
            "inputs.names",
            co.parallel(
                "both",
                a=co.task("ask", form=co.form(says="string")),
                b=co.parallel("inner", c=co.let("deep", x="{{ one }}"), d=co.let("e", y="1")),
            ),
            co.section("maybe", co.task("hidden"), when=co.when("false")),
        ),
        names=["kim", "lee"],
    )
    complete_all(case, "ask", says="yes")
    result = case.state("each").output[1]
    assert result["ask"] == {"output": {"says": "yes"}, "outcome": "done"}
    assert result["deep"] == {"output": {"x": "lee"}, "outcome": "done"}
    assert result["hidden"] == {"output": None, "outcome": "skipped"}


def test_the_branches_of_many_elements_are_loaded_at_once():
    inner = co.parallel("both", a=co.let("say", hi="{{ one }}"), b=co.let("other", x="1"))
    case = opened(
        co.foreach("each", "inputs.names", inner), co.task("after"), names=list(range(40))
    )
    assert [r["say"]["output"]["hi"] for r in case.state("each").output] == list(range(40))


def test_the_results_of_many_elements_with_branches_need_few_loads():
    inner = co.parallel("both", a=co.task("ask"), b=co.let("other", x="1"))
    case = opened(
        co.foreach("each", "inputs.names", inner), co.task("after"), names=list(range(20))
    )
    complete_all(case, "ask")
    assert case.waits_for() == {"after"}


def test_a_foreach_in_a_foreach_gives_lists_in_lists():
    case = opened(
        co.foreach(
            "outer",
            "inputs.teams",
            co.foreach("inner", "team", co.let("say", hi="{{ person }}"), named="person"),
            named="team",
        ),
        teams=[["kim", "lee"], ["max"]],
    )
    names = [
        [r["say"]["output"]["hi"] for r in team["inner"]["output"]]
        for team in case.state("outer").output
    ]
    assert names == [["kim", "lee"], ["max"]]


def test_a_signal_reaches_many_elements_at_once():
    names = [f"creator-{n}" for n in range(20)]
    case = opened(co.foreach("each", "inputs.names", co.wait("hear", signal="go")), names=names)
    assert len(case.header.waits) == 20
    case.book.do(case.ref, c.Signal("go"), "sam")
    assert case.header.status is CaseStatus.COMPLETED


# --- repeat ------------------------------------------------------------------------------------


def cadence(every: str | None = "1h", **more) -> CaseFile:
    fields = {"until": co.when("steps.look.output.over"), **more}
    return opened(
        co.repeat("beat", co.task("look", form=co.form(over="boolean")), every=every, **fields),
        co.task("after"),
    )


def test_the_first_round_is_now_and_the_next_a_beat_after_its_start():
    case = cadence()
    case.book.now += timedelta(minutes=20)
    case.complete("look", over=False)
    assert case.items() == []
    (beat,) = case.book.timers()
    assert beat[0] == co.MONDAY + timedelta(hours=1)
    case.book.fire_next()
    assert case.waits_for() == {"beat[1]/look"}


def test_a_late_round_is_followed_at_once_and_missed_beats_are_recorded_not_stacked():
    case = cadence()
    case.book.now += timedelta(hours=3, minutes=30)
    case.complete("look", over=False)
    (planned,) = case.happened(e.RoundPlanned)
    assert (planned.at, planned.missed) == (case.book.now, 2)
    case.book.fire_next()
    case.complete("look", over=False)
    assert case.happened(e.RoundPlanned)[-1].at == case.book.now + timedelta(hours=1)


@pytest.mark.parametrize(
    ("every", "late", "missed"),
    [
        ("1h", {"minutes": 59}, 0),
        ("1h", {"hours": 1}, 0),
        ("1h", {"hours": 1, "minutes": 59}, 0),
        ("1h", {"hours": 2}, 1),
        ("2 business hours", {"days": 1}, 3),
        ("1 business day", {"days": 7}, 4),
    ],
)
def test_beats_that_passed_unheard_are_counted(every, late, missed):
    case = cadence(every)
    case.book.now += timedelta(**late)
    case.complete("look", over=False)
    (planned,) = case.happened(e.RoundPlanned)
    assert planned.missed == missed
    assert planned.at >= case.book.now


def test_a_year_of_missed_seconds_is_counted_at_once():
    case = cadence("1s")
    case.book.now += timedelta(days=365)
    case.complete("look", over=False)
    (planned,) = case.happened(e.RoundPlanned)
    assert planned.missed == 365 * 86_400 - 1


def test_it_ends_when_its_condition_holds():
    case = cadence()
    case.complete("look", over=False)
    case.book.fire_next()
    case.complete("look", over=True)
    assert case.outcome("beat") == "until"
    assert [r["look"]["output"]["over"] for r in case.state("beat").output] == [False, True]
    assert case.waits_for() == {"after"}
    assert case.book.timers() == []


def test_a_round_sees_its_number_and_what_the_round_before_gave():
    case = opened(
        co.repeat(
            "beat",
            co.task("look", form=co.form(note="string")),
            co.let("seen", said="{{ round }} {{ previous.look.output.note }}"),
            max_rounds=3,
        ),
        co.task("after"),
    )
    for note in ("calm", "rising", "over"):
        case.complete("look", note=note)
    said = [r["seen"]["output"]["said"] for r in case.state("beat").output]
    assert said == ["1 ", "2 calm", "3 rising"]


def test_without_a_cadence_rounds_follow_back_to_back():
    case = cadence(None)
    case.complete("look", over=False)
    assert case.waits_for() == {"beat[1]/look"}


def test_when_the_rounds_are_used_up_the_owner_is_asked_and_the_case_goes_on():
    case = cadence(None, max_rounds=2)
    case.complete("look", over=False)
    case.complete("look", over=False)
    assert case.outcome("beat") == "exhausted"
    item = case.repair_item("beat")
    assert (item.holds, item.offered) == (False, ("sam",))
    assert case.header.status is CaseStatus.OPEN
    assert case.waits_for() == {"beat", "after"}


@pytest.mark.parametrize(("answer", "status"), [("skip", "open"), ("cancel", "cancelled")])
def test_the_item_of_an_exhausted_repeat_can_be_answered(answer, status):
    case = cadence(None, max_rounds=1)
    case.complete("look", over=False)
    case.repair(answer)
    assert case.header.status == status
    assert case.items("beat") == []


def test_an_exhausted_repeat_cannot_be_tried_again():
    case = cadence(None, max_rounds=1)
    case.complete("look", over=False)
    with pytest.raises(Refusal, match="there is nothing to try again"):
        case.repair("retry")


def test_the_item_of_an_exhausted_repeat_closes_with_the_case():
    case = cadence(None, max_rounds=1)
    case.complete("look", over=False)
    case.complete("after")
    assert case.header.status is CaseStatus.COMPLETED
    assert case.items() == []


def test_a_round_may_be_ended():
    case = opened(
        co.repeat(
            "beat",
            co.task("look"),
            co.end("quiet", "quiet", "beat"),
            co.task("never"),
            max_rounds=2,
        )
    )
    case.complete("look")
    case.complete("look")
    assert [r["ended"] for r in case.state("beat").output] == ["quiet", "quiet"]


def test_a_circle_that_waits_for_nobody_is_held_and_the_answer_before_it_stands():
    steps = (co.task("go"), co.repeat("spin", co.let("x", y="1"), until=co.when("false")))
    case = opened(*steps, co.task("after"))
    case.complete("go")
    assert case.outcome("go") == "done"
    assert "round in a circle" in case.repair_item("spin").message
    case.repair("skip")
    assert case.waits_for() == {"after"}


def test_many_rounds_that_each_wait_for_somebody_are_no_circle():
    case = opened(co.repeat("beat", co.task("look"), max_rounds=105))
    for _ in range(105):
        case.complete("look")
    assert case.outcome("beat") == "exhausted"


def test_a_condition_that_cannot_be_computed_holds_the_case():
    case = cadence(until=co.when("1 / 0"))
    case.complete("look", over=False)
    assert case.state("beat").status is StepStatus.FAILED
    case.repair("skip")
    assert case.waits_for() == {"after"}


def test_a_cadence_on_a_calendar_that_is_never_open_holds_the_case_and_not_the_answer():
    case = opened(
        co.repeat("beat", co.task("look"), every="1 business hour", calendar="never", max_rounds=2)
    )
    case.complete("look")
    assert case.outcome("beat[0]/look") == "done"
    assert case.header.status is CaseStatus.HELD


# --- opened anew -------------------------------------------------------------------------------


def returning(*between) -> CaseFile:
    """A case whose approval may send people back over these steps."""
    return opened(
        co.task("list", form={"type": "object", "properties": {"names": {"type": "array"}}}),
        co.draft("write"),
        *between,
        co.approval("check", on_changes_requested=co.back_to("list")),
    )


def go_back(case: CaseFile) -> None:
    item = case.item("check", ItemKind.APPROVAL)
    case.book.do(case.ref, c.Decide(item.id, "request_changes", "again"), "lea")


def test_a_foreach_that_is_opened_anew_lists_its_elements_again():
    case = returning(co.foreach("each", "steps.list.output.names", co.task("ask")))
    for names in (["kim", "lee", "max"], ["kim"]):
        case.complete("list", names=names)
        case.write("write", f"About {len(names)}.")
        complete_all(case, "ask")
        go_back(case)
    outputs = [done.output for done in case.happened(e.StepCompleted) if done.path == "each"]
    assert [[r["element"] for r in results] for results in outputs] == [
        ["kim", "lee", "max"],
        ["kim"],
    ]
    assert case.case.scopes["each[0]"].base_round == 2
    asked = case.items("each[0]/ask", None)
    assert [i.round for i in asked] == [1, 2]


def test_another_element_gets_a_text_of_its_own_and_the_same_one_keeps_it():
    case = returning(co.foreach("each", "steps.list.output.names", co.draft("note", "note")))
    case.complete("list", names=["kim", "lee"])
    case.write("write", "First.")
    case.write("each[0]/note", "Dear Kim.")
    case.write("each[1]/note", "Dear Lee.")
    go_back(case)
    case.complete("list", names=["kim", "max"])
    case.write("write", "Second.")
    texts = [case.case.scopes[f"each[{n}]"].documents["note"].text for n in range(2)]
    assert texts == ["Dear Kim.", "The first words of note."]
    numbers = [r.number for r in case.case.scopes["each[1]"].documents["note"].revisions]
    assert numbers == [1, 2, 3]


def test_what_is_nested_in_a_block_that_is_opened_anew_begins_again():
    case = returning(
        co.parallel(
            "both",
            a=co.parallel("inner", c=co.task("x"), d=co.foreach("deep", "[1, 2]", co.task("y"))),
            b=co.repeat("beat", co.task("z"), max_rounds=2),
        )
    )
    for turn in (1, 2, 3):
        case.complete("list", names=[])
        case.write("write", f"Text {turn}.")
        complete_all(case, "x")
        complete_all(case, "y")
        complete_all(case, "z")
        case.repair("skip", where="both/b/beat")
        go_back(case)
        rounds = {i.round for i in case.items("both/a/inner/d/deep[1]/y", None)}
        assert rounds == set(range(1, turn + 1))


def test_rounds_of_inner_steps_never_repeat():
    inner = co.approval("inner_ok", "comms-director", on_changes_requested=co.back_to("inner_do"))
    case = returning(
        co.parallel("both", a=(co.task("inner_do"), inner), b=co.task("other")),
    )
    for turn in (1, 2):
        case.complete("list", names=[])
        case.write("write", f"Text {turn}.")
        case.complete("other")
        case.complete("inner_do")
        item = case.item("inner_ok")
        case.book.do(case.ref, c.Decide(item.id, "request_changes", "again"), "cora")
        case.complete("inner_do")
        case.approve("inner_ok", "cora")
        go_back(case)
    rounds = [i.round for i in case.items("both/a/inner_ok", None)]
    assert rounds == [1, 2, 3, 4]


def test_what_is_under_way_is_cancelled_once_when_its_block_is_opened_anew():
    case = opened(
        co.draft("write"),
        co.foreach(
            "each", "[1, 2]", co.parallel("both", a=co.task("x"), b=co.task("y")), co.task("z")
        ),
        co.approval("check", on_changes_requested=co.back_to("write")),
    )
    case.write("write", "Text.")
    case.complete("each[0]/both/a/x")
    ended = [s.path for s in case.happened(e.ScopeEnded)]
    assert ended == ["each[0]/both/a"]
    case.book.do(case.ref, c.CancelCase("stop"), "sam")
    ended = [s.path for s in case.happened(e.ScopeEnded)]
    assert len(ended) == len(set(ended)) == 6
