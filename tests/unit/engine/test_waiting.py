"""Waits, signals, calls and child cases: what the case waits for besides people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import CaseStatus, EffectKind, EffectStatus, StepStatus
from smr_engine.errors import Refusal
from smr_engine.playbook.model import Template
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile, open_child


def opened(*steps, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps)).start(**inputs)


# --- wait --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "hours"),
    [
        (co.wait("pause", "2h"), 2),
        (co.wait("pause", until=Template("2026-11-23T12:00:00Z")), 3),
        (co.wait("pause", until=Template("{{ inputs.when }}")), 1),
    ],
)
def test_a_wait_ends_at_its_instant_and_not_before(step, hours):
    case = opened(step, co.task("after"), when="2026-11-23T11:00:00+01:00")
    case.book.wait(hours=hours, seconds=-1)
    assert case.waits_for() == set()
    case.book.wait(seconds=1)
    assert case.outcome("pause") == "elapsed"
    assert case.waits_for() == {"after"}


def test_a_wait_for_the_past_is_over_with_the_next_tick():
    case = opened(co.wait("pause", until=Template("2020-01-01")), co.task("after"))
    case.book.wait(seconds=0)
    assert case.waits_for() == {"after"}


def test_a_signal_ends_the_wait_that_listens_for_it_with_what_it_says():
    case = opened(co.wait("hear", signal="answered"), co.let("seen", x="{{ steps.hear.output.x }}"))
    with pytest.raises(Refusal) as caught:
        case.book.do(case.ref, c.Signal("other"), "sam")
    assert (caught.value.code, caught.value.hint) == (
        "nobody-waits",
        "signals waited for now: answered",
    )
    case.book.do(case.ref, c.Signal("answered", "", {"x": 3}), "sam")
    assert case.outcome("hear") == "signalled"
    assert case.state("seen").output == {"x": 3}
    assert case.header.waits == {}


def each_hears(*keys: str) -> CaseFile:
    """Open a case with one wait for each key, as when every creator is waited for, and one without."""
    keyed = co.wait("hear", signal="hi", key=Template("{{ one }}"))
    each = co.foreach("each", "inputs.keys", keyed, at_a_time=50)
    both = co.parallel("both", keyed=each, free=co.wait("any", signal="hi"))
    return opened(both, keys=list(keys))


def heard(case: CaseFile, count: int) -> list[bool]:
    """Return which waits have heard their signal, the one without a key last."""
    paths = [*(f"both/keyed/each[{n}]/hear" for n in range(count)), "both/free/any"]
    return [case.outcome(path) == "signalled" for path in paths]


@pytest.mark.parametrize(
    ("key", "hear"),
    [("kim", [True, False, True]), ("lee", [False, True, True]), ("max", [False, False, True])],
)
def test_a_key_picks_the_waits_that_ask_for_it_and_those_that_ask_for_none(key, hear):
    case = each_hears("kim", "lee")
    case.book.do(case.ref, c.Signal("hi", key), "sam")
    assert heard(case, 2) == hear


def test_a_signal_without_a_key_answers_for_nobody_who_is_waited_for_by_key():
    case = each_hears("kim")
    case.book.do(case.ref, c.Signal("hi"), "sam")
    assert heard(case, 1) == [False, True]
    with pytest.raises(Refusal, match="waits for the signal 'hi' without a key") as caught:
        case.book.do(case.ref, c.Signal("hi"), "sam")
    assert caught.value.hint == "signals waited for now: hi --key kim"


def test_a_key_that_turns_out_empty_fails_the_wait_instead_of_hearing_every_signal():
    case = each_hears("kim", "")
    assert "the key of this wait is empty" in case.state("both/keyed/each[1]/hear").reason
    case.book.do(case.ref, c.Signal("hi", "kim"), "sam")
    assert heard(case, 2) == [True, False, True]


def test_whoever_sends_a_signal_nobody_waits_for_is_told_the_names_and_keys_that_are():
    case = each_hears("lee", "kim")
    with pytest.raises(Refusal, match="waits for the signal 'ho' with the key 'lee'") as caught:
        case.book.do(case.ref, c.Signal("ho", "lee"), "sam")
    assert caught.value.hint == "signals waited for now: hi, hi --key kim, hi --key lee"


def test_keys_are_named_as_they_are_typed_and_no_more_than_can_be_read():
    case = each_hears("Kim O'Neill", *(f"k{n:02}" for n in range(20)))
    with pytest.raises(Refusal) as caught:
        case.book.do(case.ref, c.Signal("ho"), "sam")
    assert caught.value.hint.startswith(
        """signals waited for now: hi, hi --key 'Kim O'"'"'Neill', hi"""
    )
    assert caught.value.hint.endswith("hi --key k07 and 12 more")


def test_a_signal_may_end_a_race_and_the_waits_that_lost_are_not_woken():
    case = opened(
        co.parallel(
            "race", join_any=True, a=co.wait("x", signal="go"), b=co.wait("y", signal="go")
        ),
        co.wait("z", signal="go"),
    )
    case.book.do(case.ref, c.Signal("go"), "sam")
    assert case.outcome("race/a/x") == "signalled"
    assert case.state("race/b/y").status is StepStatus.CANCELLED
    assert case.state("z").status is StepStatus.ACTIVE, "one signal is not heard twice"


def test_people_who_do_not_own_the_playbook_send_no_signals():
    case = opened(co.wait("hear", signal="go"))
    with pytest.raises(Refusal, match="only smr lead"):
        case.book.do(case.ref, c.Signal("go"), "lea")
    case.book.do(case.ref, c.Signal("go"), c.Actor("prefect:listener", "", "prefect"))
    assert case.header.status is CaseStatus.COMPLETED


def test_a_cancelled_wait_neither_fires_nor_listens():
    case = opened(
        co.parallel(
            "race", join_any=True, a=co.wait("x", "1h"), b=co.wait("y", signal="go"), c=co.task("t")
        ),
        co.task("after"),
    )
    case.complete("t")
    assert case.book.timers() == []
    assert case.header.waits == {}


# --- call --------------------------------------------------------------------------------------


def test_a_call_gives_what_the_other_system_returned():
    step = co.call("fetch", arguments={"url": Template("https://x.example.test/{{ inputs.n }}")})
    case = opened(step, co.let("seen", x="{{ steps.fetch.output.status }}"), n=7)
    (effect,) = case.effects()
    assert effect.payload == {"uses": "http.request", "with": {"url": "https://x.example.test/7"}}
    case.book.perform()
    assert case.state("seen").output == {"x": 200}


def test_a_call_that_goes_on_elsewhere_is_asked_again_without_counting():
    case = opened(co.call("run"))
    (effect,) = case.effects()
    for turn in range(1, 8):
        case.report(effect, "pending", result={"pending": True, "run": "abc"})
        (waiting,) = case.effects()
        assert waiting.not_before == case.book.now + timedelta(seconds=30)
        assert (waiting.attempts, waiting.result["run"]) == (0, "abc"), turn
        case.book.now = waiting.not_before
    case.book.perform()
    assert case.outcome("run") == "done"


@pytest.mark.parametrize("answer", ["sent", "not_sent", "skip"])
def test_a_call_whose_outcome_is_unknown_is_settled_by_a_person(answer):
    case = opened(co.call("pay"), co.task("after"))
    (effect,) = case.effects()
    case.report(effect, "unknown", reason="the connection broke")
    case.repair(answer, url="https://bank.example.test/1")
    case.book.perform()
    assert case.outcome("pay") == {"sent": "done", "not_sent": "done", "skip": "skipped"}[answer]
    assert case.waits_for() == {"after"}


def test_in_a_drill_a_call_is_only_recorded():
    case = Casebook.of(co.playbook(co.call("fetch"), co.task("after"))).start(more={"drill": True})
    assert case.state("fetch").output == {"withheld": True}
    assert case.effects(EffectKind.CALL) == []


@pytest.mark.parametrize(
    "around",
    [
        lambda step: co.section("s", step),
        lambda step: co.switch("s", co.option("all", step)),
        lambda step: co.foreach("s", "[1, 2]", step),
        lambda step: co.parallel("s", a=step, b=co.let("x", y="1")),
    ],
    ids=["section", "switch", "foreach", "parallel"],
)
@pytest.mark.parametrize(
    "step", [co.call("fetch"), co.notify("tell", "contact:regulator-desk")], ids=["call", "notify"]
)
def test_in_a_drill_what_is_only_recorded_may_be_the_last_step_of_anything(around, step):
    book = Casebook.of(co.playbook(around(step), co.task("after")))
    case = book.start(more={"drill": True})
    assert case.outcome("s") == "done"
    assert case.waits_for() == {"after"}


def test_a_refused_call_is_passed_over_or_given_to_whom_the_playbook_names():
    for on_failure, waits in (("continue", {"after"}), (co.who("legal"), {"fetch"})):
        case = opened(co.call("fetch", on_failure=on_failure), co.task("after"))
        case.report(case.effects()[0], "refused", reason="403")
        assert case.waits_for() == waits
        assert case.state("fetch").outcome == "failed"
    assert case.repair_item().offered == ("lea", "luis")


# --- children ----------------------------------------------------------------------------------

CHILD = co.playbook(co.task("work"), name="child", results={"said": Template("{{ inputs.word }}")})


def parent(*steps, **more) -> CaseFile:
    book = Casebook.of(co.playbook(*steps), CHILD)
    return book.start(**more)


def child_of(case: CaseFile) -> CaseFile:
    (ref,) = case.header.children
    return CaseFile(case.book, ref)


def asks(**more):
    return co.child("ask", "child", inputs={"word": Template("{{ inputs.word }}")}, **more)


def test_a_child_is_opened_from_the_pinned_version_and_its_results_are_the_output():
    case = parent(asks(), co.let("seen", x="{{ steps.ask.output.said }}"), word="fire")
    (owed,) = case.effects(EffectKind.CASE)
    assert owed.payload["digest"] == CHILD.digest
    case.book.perform()
    child = child_of(case)
    assert (child.header.parent, child.header.requester) == (case.ref, f"case:{case.ref}")
    assert child.header.inputs == {"word": "fire"}
    child.complete("work")
    case.book.perform()
    assert (case.outcome("ask"), case.state("ask").output) == ("done", {"said": "fire"})
    assert case.state("seen").output == {"x": "fire"}
    assert case.header.status is CaseStatus.COMPLETED


def test_the_outcome_of_the_child_is_the_outcome_of_the_step():
    case = parent(asks(), co.task("after"))
    case.book.perform()
    case.book.do(child_of(case).ref, c.CancelCase("not needed"), "sam")
    case.book.perform()
    assert case.outcome("ask") == "cancelled"
    assert case.waits_for() == {"after"}


def test_a_child_gets_the_revisions_it_is_handed():
    child = co.playbook(co.approval("check"), name="child", documents={})
    steps = (co.draft("write"), co.child("ask", "child", hands_over=("statement",)))
    case = Casebook.of(co.playbook(*steps), child).start()
    case.write("write", "Handed over.")
    case.book.perform()
    opened_child = child_of(case)
    assert opened_child.item("check").bundle["documents"][0]["revision"] == 1
    assert opened_child.case.scopes[""].documents["statement"].text == "Handed over."


def test_whoever_wrote_what_a_child_was_handed_does_not_approve_it_there():
    child = co.playbook(co.approval("check"), name="child")
    steps = (
        co.draft("write", "statement", "legal"),
        co.child("ask", "child", hands_over=("statement",)),
    )
    case = Casebook.of(co.playbook(*steps), child).start()
    case.write("write", "By Lea.", by="lea")
    case.book.perform()
    asked = child_of(case).item("check")
    assert (asked.excluded, asked.offered) == (("lea",), ("luis",))


def test_a_child_that_is_not_waited_for_lives_on():
    case = parent(asks(wait_until_done=False), co.task("after"))
    case.book.perform()
    child = child_of(case)
    assert case.state("ask").output == {"case": child.ref}
    case.complete("after")
    case.book.perform()
    assert case.header.status is CaseStatus.COMPLETED
    assert child.header.status is CaseStatus.OPEN
    child.complete("work")
    case.book.perform()
    assert case.header.children[child.ref].ended


@pytest.mark.parametrize("waits", [True, False])
def test_a_cancel_cancels_the_children(waits):
    case = parent(asks(wait_until_done=waits), co.task("after"))
    case.book.perform()
    child = child_of(case)
    case.book.do(case.ref, c.CancelCase("false alarm"), "sam")
    case.book.perform()
    assert child.header.status is CaseStatus.CANCELLED


def test_a_child_in_a_branch_that_lost_is_cancelled_even_if_the_case_closes_at_once():
    case = parent(co.parallel("race", join_any=True, a=asks(), b=co.task("quick")))
    case.book.perform()
    child = child_of(case)
    case.complete("quick")
    assert case.header.status is CaseStatus.COMPLETED
    case.book.perform()
    assert child.header.status is CaseStatus.CANCELLED


def test_a_child_of_a_step_that_is_done_again_is_cancelled_and_another_is_opened():
    case = parent(
        co.draft("write"),
        asks(),
        co.approval("check", on_changes_requested=co.back_to("write")),
    )
    case.write("write", "One.")
    case.book.perform()
    first = child_of(case)
    first.complete("work")
    case.book.perform()
    item = case.item("check")
    case.book.do(case.ref, c.Decide(item.id, "request_changes", "again"), "lea")
    case.write("write", "Two.")
    case.book.perform()
    assert len(case.header.children) == 2
    case.book.do(case.ref, c.EndChild(first.ref, "done", {}), c.Actor(f"case:{first.ref}"))
    assert case.state("ask").status is StepStatus.ACTIVE, "an old child does not end a new round"


def test_the_end_of_a_child_that_was_reopened_over_is_only_noted():
    case = parent(
        co.parallel("race", join_any=True, a=asks(), b=co.task("quick")), co.task("after")
    )
    case.book.perform()
    child = child_of(case)
    case.complete("quick")
    command = c.EndChild(child.ref, "done", {})
    case.book.do(case.ref, command, c.Actor(f"case:{child.ref}"))
    assert case.header.children[child.ref].ended
    assert case.waits_for() == {"after"}
    assert case.book.do(case.ref, command, c.Actor(f"case:{child.ref}")) == (), "told twice"
    assert case.book.do(case.ref, c.EndChild("CHILD-2026-9999", "done"), c.Actor("case:x")) == ()


def test_a_child_is_cancelled_although_its_opening_was_not_reported_in_time():
    case = parent(
        co.parallel("race", join_any=True, a=asks(), b=co.task("quick")), co.task("after")
    )
    (owed,) = case.effects(EffectKind.CASE)
    child = open_child(case.book, case.ref, owed)  # whoever claimed it is on the way
    case.complete("quick")
    case.book.perform()
    assert child.header.status is CaseStatus.CANCELLED
    case.report(owed, "done", result={"case": child.ref})
    assert case.happened(e.OutcomeNoted) != []


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_child_that_is_no_longer_wanted_is_not_noted_and_so_not_opened(cancelled):
    case = parent(
        co.parallel("race", join_any=True, a=asks(), b=co.task("quick")), co.task("after")
    )
    (owed,) = case.effects(EffectKind.CASE)
    if cancelled:
        case.book.do(case.ref, c.CancelCase("false alarm"), "sam")
    else:
        case.complete("quick")
    with pytest.raises(Refusal, match="is cancelled"):
        case.book.do(case.ref, c.NoteChild(owed.id, "CHILD-2026-0002"))


def test_a_child_that_cannot_be_opened_fails_the_step():
    case = parent(asks(), co.task("after"))
    (owed,) = case.effects(EffectKind.CASE)
    case.report(owed, "refused", reason="its inputs do not fit")
    assert "its inputs do not fit" in case.repair_item("ask").message
    case.repair("retry")
    case.book.perform()
    child_of(case).complete("work")
    case.book.perform()
    assert case.waits_for() == {"after"}


def test_children_of_a_drill_are_drills():
    case = parent(asks(), more={"drill": True})
    case.book.perform()
    assert child_of(case).header.drill


# --- cancel ------------------------------------------------------------------------------------


def test_a_cancel_closes_everything_and_tells_those_who_were_asked():
    case = opened(
        co.parallel(
            "all",
            a=co.task("call", "legal", due=co.lasting("1h"), remind=co.at("at due")),
            b=co.foreach("each", "[1, 2]", co.section("deep", co.task("write"))),
            c=co.wait("pause", "1d"),
            d=co.call("fetch"),
        )
    )
    case.book.perform(EffectKind.NOTIFICATION)
    case.book.do(case.ref, c.CancelCase("It was satire."), "sam")
    assert (case.header.status, case.header.outcome) == (CaseStatus.CANCELLED, "cancelled")
    assert case.items() == []
    assert case.book.timers() == []
    assert case.effects(EffectKind.CALL, live=False)[0].status is EffectStatus.CANCELLED
    case.book.told.clear()
    case.book.perform()
    told = {m["to"][0]["id"]: m["body"] for m in case.book.told}
    assert set(told) == {"lea", "luis", "wendy", "will"}
    assert told["will"].count("- write") == 2
    assert "the case was cancelled" in told["lea"]


def test_only_the_owner_and_their_deputies_cancel_and_say_why():
    case = opened(co.task("call"))
    with pytest.raises(Refusal, match="only smr lead"):
        case.book.do(case.ref, c.CancelCase("why not"), "wendy")
    with pytest.raises(Refusal, match="say why"):
        case.book.do(case.ref, c.CancelCase(" "), "sam")
    case.book.do(case.ref, c.CancelCase("It was satire."), "ben")
    assert case.header.status is CaseStatus.CANCELLED
