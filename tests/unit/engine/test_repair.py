"""Failing and mending: a failed step stops its list, others go on, and somebody is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, DecisionKind, StepStatus
from smr_engine.errors import Invalid, Refusal
from smr_engine.playbook.model import SeverityScale, Template
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

FAILS = co.let("odd", x="{{ 1 / inputs.zero }}")


def opened(*steps, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps)).start(**{"zero": 0, **inputs})


def test_a_step_that_fails_stops_its_own_list_and_siblings_go_on():
    case = opened(
        co.parallel("both", a=(FAILS, co.task("never")), b=(co.task("on"), co.task("and_on")))
    )
    assert case.header.status is CaseStatus.HELD
    case.complete("on")
    assert case.waits_for() == {"both/a/odd", "both/b/and_on"}
    case.complete("and_on")
    assert case.header.status is CaseStatus.HELD


def test_the_case_is_held_until_the_last_repair_item_is_answered():
    case = opened(
        co.parallel("both", a=FAILS, b=co.let("other", x="{{ 1 / inputs.zero }}")), co.task("after")
    )
    assert len(case.header.holds) == 2
    case.repair("skip", where="both/a/odd")
    assert case.header.status is CaseStatus.HELD
    case.repair("skip", where="both/b/other")
    assert case.header.status is CaseStatus.OPEN
    assert case.waits_for() == {"after"}


@pytest.mark.parametrize(
    ("on_failure", "asked"),
    [(None, ("sam",)), (co.who("legal"), ("lea", "luis")), (co.who("group:nobody"), ("sam",))],
)
def test_the_owner_is_asked_unless_the_playbook_names_somebody(on_failure, asked):
    steps = (
        co.draft("write"),
        co.approval("check", co.line("compliance", need=2), on_failure=on_failure),
    )
    case = opened(*steps)
    case.write("write", "Text.")
    assert case.repair_item("check").offered == asked


def test_the_owner_is_asked_where_whoever_the_playbook_names_is_nobody_of_the_directory():
    named = co.who("person:{{ inputs.helper }}")
    case = opened(co.call("fetch", on_failure=named), helper="mallory")
    case.report(case.effects()[0], "refused", reason="403")
    assert case.repair_item("fetch").offered == ("sam",)


@pytest.mark.parametrize(
    ("title", "shown"), [("Ask {{ one }}", "Ask kim"), ("Ask {{ 1 / inputs.zero }}", "Ask …")]
)
def test_a_repair_item_is_called_after_its_step_as_far_as_that_can_be_told(title, shown):
    step = replace(co.task("ask", "group:nobody"), title=Template(title))
    case = opened(co.foreach("each", "['kim']", step))
    assert case.repair_item().title == f"Repair: {shown}"


def test_a_title_that_cannot_be_told_fails_its_step_and_not_the_case():
    case = opened(replace(co.task("ask"), title=Template("Ask {{ 1 / inputs.zero }}")))
    assert "division by zero" in case.repair_item("ask").message


def test_continue_passes_over_a_failed_step():
    case = opened(
        co.call("fetch", on_failure="continue"),
        co.let("seen", outcome="{{ steps.fetch.outcome }}", output="{{ steps.fetch.output }}"),
    )
    case.report(case.effects()[0], "refused", reason="403")
    assert case.state("seen").output == {"outcome": "failed", "output": None}
    assert case.header.status is CaseStatus.COMPLETED
    assert case.happened(e.CaseHeld) == []


def test_trying_again_begins_a_new_round():
    case = opened(co.task("call", "group:nobody"), co.task("after"))
    case.repair("retry")
    assert case.state("call").round == 2
    assert case.header.status is CaseStatus.HELD


def test_trying_the_last_step_again_may_close_the_case():
    case = opened(co.call("fetch"))
    case.report(case.effects()[0], "refused", reason="403")
    case.repair("retry")
    case.book.perform()
    assert case.header.status is CaseStatus.COMPLETED


@pytest.mark.parametrize(
    "around",
    [
        lambda step: step,
        lambda step: co.section("s", step),
        lambda step: co.parallel("p", a=step, b=co.let("fine", x="1")),
        lambda step: co.foreach("f", "[1]", step),
        lambda step: co.repeat("r", step, max_rounds=1),
    ],
    ids=["root", "section", "branch", "element", "round"],
)
def test_a_step_that_succeeds_when_tried_again_lets_everything_around_it_go_on(around):
    step = co.publish("out", requires=["check"])
    case = Casebook.of(
        co.playbook(co.draft("write"), co.approval("check"), around(step), co.task("after"))
    ).start(more={"drill": True})
    whole = case.book.world
    case.write("write", "Text.")
    case.book.world = replace(whole, accounts={})
    case.approve("check", "lea")
    assert case.header.status is CaseStatus.HELD
    case.book.world = whole
    path = next(i.path for i in case.items() if i.holds)
    case.repair("retry", where=path)
    assert case.state("after").status is StepStatus.ACTIVE


def test_skipping_goes_past_the_step_with_the_reason():
    case = opened(FAILS, co.task("after"))
    case.repair("skip")
    state = case.state("odd")
    assert (state.outcome, state.output, state.reason) == ("skipped", None, "We looked into it.")
    assert case.waits_for() == {"after"}


def test_cancelling_from_a_repair_item_stops_the_case():
    case = opened(FAILS, co.task("after"))
    case.repair("cancel")
    assert case.header.status is CaseStatus.CANCELLED
    assert case.happened(e.CaseCancelled)[0].reason == "We looked into it."


def test_a_repair_is_answered_by_those_asked_or_the_owner_and_with_a_reason():
    case = opened(FAILS, co.task("after"))
    item = case.repair_item()
    with pytest.raises(Refusal, match="only smr lead"):
        case.repair("skip", by="wendy")
    with pytest.raises(Refusal, match="say why"):
        case.book.do(case.ref, c.Repair(item.id, c.RepairAnswer.SKIP, " "), "sam")
    with pytest.raises(Refusal, match="is answered with: smr repair"):
        case.book.do(case.ref, c.CompleteItem(item.id), "sam")
    case.repair("skip", by="ben")
    with pytest.raises(Refusal, match="is completed already"):
        case.book.do(case.ref, c.Repair(item.id, c.RepairAnswer.SKIP, "again"), "sam")


def test_evidence_on_a_repair_item_of_a_draft_is_no_part_of_its_document():
    case = opened(co.draft("write", "statement", "group:nobody"))
    item = case.repair_item("write")
    case.book.do(case.ref, c.Attach(item.id, "ab" * 32, "why.png", 12), "sam")
    assert case.repair_item("write").attachments[0].name == "why.png"


def test_only_a_repair_item_is_repaired():
    case = opened(co.task("call"))
    with pytest.raises(Refusal, match="is no repair item"):
        case.book.do(case.ref, c.Repair(case.item("call").id, c.RepairAnswer.SKIP, "x"), "sam")


def test_the_end_of_the_case_in_a_sibling_releases_what_was_held():
    case = opened(
        co.parallel("both", a=FAILS, b=(co.task("on"), co.end("stop", "stopped"))), co.task("never")
    )
    case.complete("on")
    assert (case.header.status, case.header.holds) == (CaseStatus.COMPLETED, ())


def test_a_failed_approval_is_asked_again_when_it_is_tried_again():
    case = opened(co.draft("write"), co.approval("check"), co.task("after"))
    case.write("write", "Text.")
    case.vote("check", DecisionKind.REJECT, "lea")
    case.repair("retry")
    assert case.item("check").round == 2
    case.approve("check", "lea")
    assert case.waits_for() == {"after"}


def test_a_publication_waits_for_an_approval_that_failed_when_asked_again():
    case = opened(
        co.draft("write"),
        co.approval("check"),
        co.parallel(
            "both", a=(co.task("pause"), co.publish("out", requires=["check"])), b=co.task("t")
        ),
    )
    case.write("write", "One.")
    case.approve("check", "lea")
    case.write("write", "Two.")
    case.vote("check", DecisionKind.REJECT, "lea")
    case.complete("pause")
    assert case.state("both/a/out").status is StepStatus.WAITING
    case.repair("skip")
    assert case.outcome("both/a/out") == "skipped"
    case.complete("t")
    assert case.header.status is CaseStatus.COMPLETED


# --- opening -----------------------------------------------------------------------------------

INPUTS = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "people": {"type": "integer", "default": 1},
        "lead": {"type": "string", "format": "smr-person"},
    },
    "required": ["title"],
    "additionalProperties": False,
}


def test_a_case_takes_its_title_and_defaults_from_its_inputs():
    case = Casebook.of(co.playbook(co.task("t"), inputs=INPUTS)).start(title="Warehouse fire")
    assert case.header.title == "Warehouse fire"
    assert case.header.inputs == {"title": "Warehouse fire", "people": 1}
    assert case.header.requester == "sam"


@pytest.mark.parametrize(
    "inputs",
    [{}, {"title": 3}, {"title": "x", "extra": 1}, {"title": "x", "lead": "mallory"}],
)
def test_inputs_that_do_not_fit_open_nothing(inputs):
    book = Casebook.of(co.playbook(co.task("t"), inputs=INPUTS))
    with pytest.raises(Invalid) as caught:
        book.start(**inputs)
    assert caught.value.code == "form-invalid"
    assert book.cases == {}


@pytest.mark.parametrize(
    ("given", "zero", "label", "rank"),
    [(None, 0, "sev1", 1), (None, 1, "sev3", 3), ("sev2", 0, "sev2", 2)],
)
def test_severity_is_given_or_computed(given, zero, label, rank):
    scale = SeverityScale(
        ("sev1", "sev2", "sev3"), initial=Template("{{ 'sev3' if inputs.zero else 'sev1' }}")
    )
    steps = co.let("seen", s="{{ case.severity }}")
    case = Casebook.of(co.playbook(steps, severity=scale)).start(
        more={"severity": given}, zero=zero
    )
    assert case.header.severity == label
    assert case.state("seen").output == {"s": {"label": label, "rank": rank}}


def test_a_severity_that_is_not_there_opens_nothing():
    book = Casebook.of(co.playbook(co.task("t")))
    with pytest.raises(Invalid, match="'sev9' is not one of sev1, sev2"):
        book.start(more={"severity": "sev9"})
    with pytest.raises(Invalid, match="has no severity"):
        Casebook.of(co.playbook(co.task("t"), severity=None)).start(more={"severity": "sev1"})


def test_a_case_that_needs_nobody_closes_as_it_opens():
    case = Casebook.of(co.playbook(co.let("x", y="1"))).start()
    assert (case.header.status, case.header.outcome) == (CaseStatus.COMPLETED, "done")


def test_a_schedule_or_a_parent_may_open_a_case_without_being_in_the_directory():
    for actor in ("schedule:quarterly", "prefect:review", "case:CRISIS-2026-0001"):
        case = Casebook.of(co.playbook(co.task("t"), visibility=("legal",))).start(by=actor)
        assert case.header.requester == actor
