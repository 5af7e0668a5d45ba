"""Sections, switches and parallels: what is entered, what is skipped, what is cancelled."""

from __future__ import annotations

import pytest

from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, StepStatus
from smr_engine.playbook.model import Template
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile


def opened(*steps, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps)).start(**inputs)


# --- section -----------------------------------------------------------------------------------


def test_a_section_is_over_with_its_last_step():
    case = opened(co.section("phase", co.task("one"), co.task("two")), co.task("after"))
    case.complete("phase/one")
    assert case.state("phase").status is StepStatus.ACTIVE
    case.complete("phase/two")
    assert case.outcome("phase") == "done"
    assert case.waits_for() == {"after"}


def test_a_section_whose_when_does_not_hold_is_skipped_with_the_reason():
    inner = co.section("inner", co.task("deep"))
    case = opened(
        co.section("phase", co.task("one"), inner, when=co.when("inputs.big")),
        co.let("seen", one="{{ steps.one.outcome }}", deep="{{ steps.deep.outcome }}"),
        big=False,
    )
    state = case.state("phase")
    assert (state.status, state.outcome, state.output) == (StepStatus.SKIPPED, "skipped", None)
    assert state.reason == "inputs.big (inputs.big is false)"
    assert case.state("seen").output == {"one": "skipped", "deep": "skipped"}


def test_sections_in_sections_open_no_scope():
    case = opened(co.section("a", co.section("b", co.section("c", co.task("deep")))))
    assert case.waits_for() == {"a/b/c/deep"}
    assert set(case.case.scopes) == {""}
    case.complete("deep")
    assert case.header.status is CaseStatus.COMPLETED


# --- switch ------------------------------------------------------------------------------------


def choosing(**inputs) -> CaseFile:
    return opened(
        co.switch(
            "how",
            co.option("big", co.task("call_all"), when=co.when("inputs.size > 5")),
            co.option("middling", co.task("call_some"), when=co.when("inputs.size > 2")),
            co.option("else", co.task("wait_and_see")),
        ),
        co.task("after"),
        **inputs,
    )


@pytest.mark.parametrize(
    ("size", "taken", "option"),
    [(9, "call_all", "big"), (3, "call_some", "middling"), (1, "wait_and_see", "else")],
)
def test_the_first_option_that_holds_is_taken_and_the_others_are_skipped(size, taken, option):
    case = choosing(size=size)
    assert case.waits_for() == {f"how/{taken}"}
    (chosen,) = case.happened(e.OptionTaken)
    assert chosen.option == option
    skipped = {s.path: s.reason for s in case.happened(e.StepSkipped)}
    assert set(skipped) == {
        f"how/{name}" for name in ("call_all", "call_some", "wait_and_see") if name != taken
    }
    assert all("was not taken" in reason for reason in skipped.values())
    case.complete(taken)
    assert case.waits_for() == {"after"}


def test_the_record_explains_the_match():
    (chosen,) = choosing(size=3).happened(e.OptionTaken)
    assert chosen.because == "inputs.size > 2 (inputs.size is 3)"
    (chosen,) = choosing(size=1).happened(e.OptionTaken)
    assert chosen.because == "no other option held"


def test_without_an_else_nothing_may_be_done():
    case = opened(
        co.switch("how", co.option("big", co.task("call"), when=co.when("inputs.size > 5"))),
        co.task("after"),
        size=1,
    )
    assert case.outcome("how") == "done"
    assert case.outcome("how/call") == "skipped"
    (chosen,) = case.happened(e.OptionTaken)
    assert (chosen.option, chosen.because) == ("none", "no option held")
    assert case.waits_for() == {"after"}


@pytest.mark.parametrize(
    ("answer", "path"), [("grows", "next/warn"), ("fades", "next/thank"), ("odd", "next/look")]
)
def test_a_switch_on_a_step_goes_by_its_outcome(answer, path):
    case = opened(
        co.choice("trend", "grows", "fades", "odd"),
        co.switch(
            "next",
            co.option("grows", co.task("warn"), outcome="grows"),
            co.option("fades", co.task("thank"), outcome="fades"),
            co.option("else", co.task("look")),
            on="trend",
        ),
    )
    case.complete("trend", "sam", choice=answer)
    assert case.waits_for() == {path}


def test_a_switch_on_a_skipped_step_may_have_an_option_for_that():
    case = opened(
        co.section("maybe", co.choice("trend", "up"), when=co.when("false")),
        co.switch(
            "next",
            co.option("skipped", co.task("guess"), outcome="skipped"),
            co.option("up", co.task("climb"), outcome="up"),
            on="trend",
        ),
    )
    assert case.waits_for() == {"next/guess"}


def test_what_was_not_taken_is_seen_as_skipped_to_its_last_step():
    inner = co.section("phase", co.let("words", text="said"))
    case = opened(
        co.switch("how", co.option("never", inner, when=co.when("false"))),
        co.let("seen", outcome="{{ steps.words.outcome }}", text="{{ steps.words.output.text }}"),
    )
    assert case.state("seen").output == {"outcome": "skipped", "text": None}


def test_a_switch_that_cannot_be_evaluated_holds_the_case_and_may_be_tried_again():
    case = opened(
        co.switch("how", co.option("odd", co.task("one"), when=co.when("inputs.size / 0 > 1"))),
        co.task("after"),
        size=1,
    )
    assert case.header.status is CaseStatus.HELD
    case.repair("retry")
    assert case.header.status is CaseStatus.HELD
    case.repair("skip")
    assert case.waits_for() == {"after"}


# --- parallel ----------------------------------------------------------------------------------


def test_all_branches_run_at_once_and_are_waited_for():
    case = opened(
        co.parallel("both", law=(co.task("read"), co.task("file")), comms=co.task("call")),
        co.task("after"),
    )
    assert case.waits_for() == {"both/law/read", "both/comms/call"}
    case.complete("call")
    case.complete("read")
    assert case.waits_for() == {"both/law/file"}
    case.complete("file")
    assert case.outcome("both") == "done"
    assert case.waits_for() == {"after"}


def test_the_first_branch_to_end_cancels_the_others_and_people_are_told():
    case = opened(
        co.parallel(
            "race",
            join_any=True,
            mail=(co.task("write", "legal"), co.wait("rest", "1d")),
            call=co.section("talk", co.task("ring")),
        ),
        co.task("after"),
    )
    case.book.perform()
    case.complete("ring")
    assert case.waits_for() == {"after"}
    assert case.state("race/mail/write").status is StepStatus.CANCELLED
    case.book.perform()
    assert "[RESPONSE-2026-0001] No longer needed" in case.book.told_of("lea")
    assert case.book.timers() == []


def test_an_effect_of_a_cancelled_branch_is_no_longer_owed_but_messages_about_items_are():
    case = opened(
        co.parallel("race", join_any=True, slow=co.call("fetch"), fast=co.task("ring")),
        co.task("after"),
    )
    case.complete("ring")
    assert [f.name for f in case.effects() if not f.item and f.step] == []
    assert any(f.item for f in case.effects())


def test_branches_that_end_at_once_join_at_once():
    case = opened(
        co.parallel("both", a=co.let("one", x="1"), b=co.let("two", x="{{ inputs.x }}")),
        co.let("seen", x="{{ steps.one.output.x }}", y="{{ steps.two.output.x }}"),
        x=7,
    )
    assert case.state("seen").output == {"x": "1", "y": 7}
    assert case.header.status is CaseStatus.COMPLETED


def test_a_branch_sees_the_steps_before_the_parallel_and_what_follows_sees_the_branches():
    case = opened(
        co.let("before", x="{{ inputs.x }}"),
        co.parallel(
            "both", a=co.let("inside", y="{{ steps.before.output.x + 1 }}"), b=co.task("t")
        ),
        co.let("after", z="{{ steps.inside.output.y + 1 }}"),
        x=1,
    )
    case.complete("t")
    assert case.state("after").output == {"z": 3}


def test_a_branch_may_be_called_like_a_parallel_elsewhere():
    case = opened(
        co.parallel(
            "one",
            two=co.section("part", co.foreach("each", "[1]", co.task("a"))),
            three=co.task("b"),
        ),
        co.parallel("two", x=co.task("c"), y=co.task("d")),
    )
    case.complete("one/two/part/each[0]/a")
    case.complete("one/three/b")
    case.complete("two/x/c")
    case.complete("two/y/d")
    assert case.header.status is CaseStatus.COMPLETED


def test_many_branches_are_seen_at_once():
    branches = {f"b{n}": co.let(f"let{n}", x=str(n)) for n in range(20)}
    wanted = " ~ ".join(f"steps.let{n}.output.x" for n in range(20))
    case = opened(
        co.parallel("all", **branches), co.task("pause"), co.let("seen", x=f"{{{{ {wanted} }}}}")
    )
    case.complete("pause")
    assert case.state("seen").output["x"] == "".join(map(str, range(20)))


# --- end ---------------------------------------------------------------------------------------


def test_an_end_closes_the_case_from_inside_a_branch():
    case = opened(
        co.parallel("both", a=(co.task("decide"), co.end("stop", "stood_down")), b=co.task("slow")),
        co.task("never"),
    )
    case.complete("decide")
    assert (case.header.status, case.header.outcome) == (CaseStatus.COMPLETED, "stood_down")
    assert case.state("both/b/slow").status is StepStatus.CANCELLED
    assert case.state("never").status is StepStatus.WAITING
    assert case.header.running == ()


def test_an_end_of_a_branch_ends_only_that():
    case = opened(
        co.parallel(
            "both",
            a=(co.section("s", co.task("try"), co.end("enough", "enough", "a")), co.task("never")),
            b=co.task("slow"),
        ),
        co.task("after"),
    )
    case.complete("try")
    assert case.waits_for() == {"both/b/slow"}
    assert case.case.scopes["both/a"].ended == "enough"
    assert case.state("both/a/s").status is StepStatus.CANCELLED
    case.complete("slow")
    assert case.waits_for() == {"after"}


def test_an_end_with_a_when_that_does_not_hold_is_passed():
    case = opened(co.end("stop", "stopped", when=co.when("inputs.stop")), co.task("on"), stop=False)
    assert case.waits_for() == {"on"}


def test_the_last_step_closes_the_case_as_done_with_its_results():
    book = Casebook.of(
        co.playbook(
            co.task("ask", form=co.form(people="integer")),
            results={
                "people": Template("{{ steps.ask.output.people }}"),
                "list": [Template("{{ steps.ask.completed_by }}")],
            },
        )
    )
    case = book.start()
    case.complete("ask", people=3)
    assert (case.header.status, case.header.outcome) == (CaseStatus.COMPLETED, "done")
    assert case.header.results == {"people": 3, "list": ["wendy"]}


def test_a_result_that_cannot_be_computed_is_null_and_does_not_keep_the_case_open():
    results = {"ratio": Template("{{ 1 / inputs.zero }}"), "fine": Template("{{ inputs.zero }}")}
    case = Casebook.of(co.playbook(co.task("last"), results=results)).start(zero=0)
    case.complete("last")
    assert case.header.results == {"ratio": None, "fine": 0}
    (closed,) = case.happened(e.CaseCompleted)
    assert len(closed.problems) == 1
    assert closed.problems[0].startswith("ratio: ")


def test_an_end_whose_results_cannot_be_computed_ends_the_case_all_the_same():
    results = {"ratio": Template("{{ 1 / 0 }}")}
    book = Casebook.of(co.playbook(co.task("t"), co.end("stop", "stopped"), results=results))
    case = book.start()
    case.complete("t")
    assert (case.header.outcome, case.header.results) == ("stopped", {"ratio": None})
