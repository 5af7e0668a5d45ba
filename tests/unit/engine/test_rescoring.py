"""Scoring a case again: what is open moves, from its own beginning, and says from when to when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import DecisionKind, ItemStatus
from smr_engine.errors import Invalid, Refusal
from smr_engine.playbook.model import BreakGlass, OnExpiry, Template, Varied
from tests.support import company as co
from tests.support.casebook import Casebook

WORST = co.when("case.severity.rank == 1")


def opened(*steps, **more):
    return Casebook.of(co.playbook(*steps, **more)).start()


def doing(**more):
    return opened(co.task("work", **more), co.task("next"))


def asking(*lines, more=(), **fields):
    case = opened(co.draft("write"), co.approval("approve", *lines, **fields), *more)
    case.write("write", "Our words.")
    return case


def moves(case):
    return {
        move.what: (move.before, move.after)
        for event in case.happened(e.ItemRescheduled)
        for move in event.moves
    }


def reminded(case):
    return len(case.happened(e.ItemReminded))


# --- who, and what is refused ------------------------------------------------------------------


def test_only_the_owner_or_a_deputy_scores_again_and_says_why():
    case = doing()
    with pytest.raises(Refusal, match="only smr lead"):
        case.score("sev1", "wendy")
    with pytest.raises(Refusal, match="say why"):
        case.score("sev1", reason=" ")
    case.score("sev1", "ben")
    (event,) = case.happened(e.SeverityChanged)
    assert (event.before, event.after, event.reason) == ("sev2", "sev1", "A regulator called.")
    assert case.header.severity == "sev1"


def test_only_another_level_of_the_playbook_is_taken():
    case = doing()
    with pytest.raises(Invalid, match="'sev9' is not one of sev1, sev2"):
        case.score("sev9")
    with pytest.raises(Refusal, match="is sev2 already"):
        case.score("sev2")
    with pytest.raises(Invalid, match="has no severity"):
        opened(co.task("work"), severity=None).score("sev1")


# --- items -------------------------------------------------------------------------------------


def test_due_and_expiry_count_from_the_opening_and_the_event_says_what_moved():
    case = doing(due=co.lasting("4h", sev1="1h"), expires=co.lasting("8h", sev1="2h"))
    start = case.book.now
    case.book.now += timedelta(minutes=30)
    case.score("sev1")
    item = case.item("work")
    assert (item.due_at, item.expires_at) == (
        start + timedelta(hours=1),
        start + timedelta(hours=2),
    )
    assert moves(case)["due"] == ("2026-11-23T13:00:00Z", "2026-11-23T10:00:00Z")
    assert moves(case)["expires"] == ("2026-11-23T17:00:00Z", "2026-11-23T11:00:00Z")
    case.book.wait(hours=2)
    assert case.outcome("work") == "expired"


def test_what_severity_does_not_change_has_no_event():
    case = doing(due=co.lasting("4h"), remind=co.at("50%", "every 1h after due"))
    case.book.wait(hours=6.5)
    case.score("sev1")
    assert case.happened(e.ItemRescheduled) == []


def test_a_reminder_that_has_come_does_not_come_again():
    case = doing(due=co.lasting("4h", sev1="6h"), remind=co.at("50%", "at due"))
    case.book.wait(hours=2.5)
    assert reminded(case) == 1
    case.score("sev1")
    case.book.wait(hours=1)
    assert reminded(case) == 1
    case.book.wait(hours=3)
    assert reminded(case) == 2


def test_what_is_past_now_comes_at_once_but_only_one_reminder():
    case = doing(
        due=co.lasting("10h", sev1="1h"),
        remind=co.at("50%", "75%", "at due"),
        escalate=co.escalating(late="exec-sponsor"),
    )
    case.book.wait(hours=4)
    case.score("sev1")
    case.book.wait(seconds=1)
    assert reminded(case) == 1
    assert [event.people for event in case.happened(e.ItemEscalated)] == [("eve",)]
    case.score("sev2")
    case.book.wait(days=1)
    assert reminded(case) == 1


def test_a_repeated_reminder_goes_on_from_the_new_due_time():
    case = doing(due=co.lasting("2h", sev1="30m"), remind=co.at("every 1h after due"))
    case.book.wait(hours=3.2)
    assert reminded(case) == 1
    case.score("sev1")
    case.book.wait(hours=1)
    assert [when.strftime("%H:%M") for when, purpose, _ in case.book.fired] == ["12:00", "12:30"]


def test_rules_that_only_the_new_severity_has_are_added():
    remind = Varied(co.at("at due").default, {"sev1": co.at("25%", "at due").default})
    case = doing(due=co.lasting("4h"), remind=remind)
    case.score("sev1")
    assert moves(case) == {"remind 25%": ("", "2026-11-23T10:00:00Z")}


def test_a_warning_is_given_once():
    case = doing(expires=co.lasting("4h", sev1="5h"))
    case.book.wait(hours=3.5)
    case.score("sev1")
    case.book.wait(hours=1)
    assert len(case.happened(e.ItemWarned)) == 1


def test_people_are_told_once_that_their_work_is_due_at_other_times():
    case = doing(due=co.lasting("4h", sev1="1h"))
    case.score("sev1")
    case.book.perform()
    assert [w for w in case.book.told_of("will") if "Severity" in w] == [
        "[RESPONSE-2026-0001] Severity is now sev1 (was sev2)"
    ]
    (body,) = {m["body"] for m in case.book.told if "Severity" in m["subject"]}
    assert "due 2026-11-23 10:00 UTC (was 2026-11-23 13:00 UTC)" in body


def test_items_in_every_running_scope_move():
    inner = co.task("work", due=co.lasting("4h", sev1="1h"))
    case = Casebook.of(co.playbook(co.foreach("each", "inputs.names", inner))).start(
        names=["kim", "lee"]
    )
    case.score("sev1")
    assert len(case.happened(e.ItemRescheduled)) == 2


def test_what_followed_an_expired_item_gets_no_end_by_a_new_severity():
    case = doing(expires=co.lasting("1h", sev1="2h"), on_expiry=OnExpiry.ESCALATE)
    case.book.wait(hours=1.5)
    case.score("sev1")
    assert case.item("work").expires_at is None


# --- approvals ---------------------------------------------------------------------------------


def test_lines_that_apply_now_are_asked_and_their_people_told():
    case = asking(co.line("legal"), co.line("exec-sponsor", when=WORST, due=co.lasting("20m")))
    case.score("sev1")
    item = case.item("approve")
    assert [line.roles for line in item.lines] == [("legal",), ("exec-sponsor",)]
    assert "eve" in item.offered
    assert moves(case)["line exec-sponsor"] == ("", "1, due 2026-11-23T09:20:00Z")
    case.book.perform()
    assert any("Please approve" in words for words in case.book.told_of("eve"))
    case.approve("approve", "lea", "eve")
    assert case.outcome("approve") == "approved"


def test_votes_stand_and_grant_it_where_nothing_more_is_asked():
    case = asking(
        co.line("legal"), co.line("comms-director", when=co.when("case.severity.rank > 1"))
    )
    case.approve("approve", "lea")
    case.score("sev1")
    assert case.outcome("approve") == "approved"
    assert case.state("approve").completed_by == "lea"


def test_an_approval_that_is_granted_so_may_close_the_case_with_all_its_clocks():
    lines = (co.line("legal"), co.line("comms-director", when=co.when("case.severity.rank > 1")))
    clock = replace(
        co.clock("answer", "{{ case.opened_at }}", remind=co.at("at due")),
        due=co.lasting("10h", sev1="2h"),
    )
    case = opened(co.draft("write"), co.approval("approve", *lines), clocks=(clock,))
    case.write("write", "Our words.")
    case.approve("approve", "lea")
    case.score("sev1")
    assert case.closed
    assert case.book.timers() == []


def test_an_approval_of_which_no_line_applies_any_more_fails():
    case = asking(co.line("legal", when=co.when("case.severity.rank > 1")))
    case.score("sev1")
    assert (case.outcome("approve"), case.header.status) == ("failed", "held")
    assert "no line of the quorum applies" in case.repair_item().message


def test_a_quorum_that_cannot_be_reached_now_holds_the_case():
    case = asking(co.line("legal"), co.line("exec-sponsor", need=2, when=WORST))
    case.score("sev1")
    assert case.header.status == "held"
    assert "exec sponsor" in case.repair_item().message


def test_the_proof_of_identity_that_is_asked_for_follows_the_severity():
    case = asking(co.line("legal"), assurance=Varied("asserted", {"sev1": "mfa"}))
    case.score("sev1")
    assert moves(case)["assurance"] == ("asserted", "mfa")
    with pytest.raises(Refusal, match="'mfa'"):
        case.approve("approve", "lea")


LATER = (co.task("prepare"), co.publish("send", requires=("approve",)))


def test_a_publication_that_has_not_begun_is_asked_about_again_where_the_quorum_is_not_there():
    case = asking(co.line("legal"), co.line("exec-sponsor", when=WORST), more=LATER)
    case.approve("approve", "lea")
    case.score("sev1")
    assert case.state("approve").round == 2
    case.complete("prepare")
    assert case.book.published == []
    case.approve("approve", "lea", "eve")
    case.book.perform()
    assert case.outcome("send") == "published"


def test_a_granted_approval_that_fills_the_new_quorum_stands():
    case = asking(co.line("legal"), more=LATER)
    case.approve("approve", "lea")
    case.score("sev1")
    assert (case.state("approve").round, case.outcome("approve")) == (1, "approved")


def test_a_release_by_break_glass_stands():
    glass = BreakGlass("exec-sponsor", co.lasting("4h", sev1="1h"))
    lines = (co.line("legal"), co.line("comms-director", when=WORST))
    case = asking(*lines, more=LATER, break_glass=glass)
    case.break_glass("approve")
    case.score("sev1")
    assert case.outcome("approve") == "approved"
    item = case.item("approve")
    assert (len(item.lines), item.expires_at) == (2, item.opened_at + timedelta(hours=1))


def test_what_is_out_is_not_asked_about_again():
    lines = (co.line("legal"), co.line("exec-sponsor", when=WORST))
    publish = co.publish("send", requires=("approve",))
    case = asking(*lines, more=(publish, co.task("next")))
    case.approve("approve", "lea")
    case.book.perform()
    case.score("sev1")
    assert case.state("approve").round == 1


# --- waits, cadences, clocks -------------------------------------------------------------------


def test_a_cadence_that_waits_for_its_beat_beats_by_the_new_severity():
    inner = co.task("say")
    step = replace(co.repeat("updates", inner, max_rounds=3), every=co.lasting("4h", sev1="1h"))
    case = opened(step)
    case.complete("updates[0]/say")
    case.book.now += timedelta(minutes=30)
    case.score("sev1")
    (moved,) = case.happened(e.TimerMoved)
    assert (moved.purpose, moved.at - case.header.opened_at) == ("beat", timedelta(hours=1))
    case.book.wait(minutes=31)
    assert case.waits_for() == {"updates[1]/say"}


def test_a_beat_that_is_past_now_comes_at_once():
    inner = co.task("say")
    step = replace(co.repeat("updates", inner, max_rounds=3), every=co.lasting("4h", sev1="1h"))
    case = opened(step)
    case.complete("updates[0]/say")
    case.book.now += timedelta(hours=2)
    case.score("sev1")
    case.book.wait(seconds=1)
    assert case.waits_for() == {"updates[1]/say"}


def test_waits_and_the_end_of_waits_move():
    step = replace(co.wait("pause"), duration=co.lasting("4h", sev1="1h"))
    case = opened(step)
    case.score("sev1")
    case.book.wait(hours=1.1)
    assert case.outcome("pause") == "elapsed"
    case = opened(co.wait("reply", signal="answered", expires=co.lasting("4h", sev1="1h")))
    case.score("sev1")
    case.book.wait(hours=1.1)
    assert case.outcome("reply") == "expired"


def test_a_clock_that_runs_is_due_at_another_time_and_reminds_once():
    clock = replace(
        co.clock("answer", "{{ case.opened_at }}", remind=co.at("50%", "at due")),
        due=co.lasting("10h", sev1="2h"),
    )
    case = opened(co.task("work"), clocks=(clock,))
    case.book.wait(hours=3)
    case.score("sev1")
    (event,) = case.happened(e.ClockRescheduled)
    assert event.moves[0] == e.Move(
        what="due", before="2026-11-23T19:00:00Z", after="2026-11-23T11:00:00Z"
    )
    case.book.wait(hours=1)
    assert len(case.happened(e.ClockTold)) == 1


# --- by a step ---------------------------------------------------------------------------------


def rescoring(level="sev1", **more):
    step = replace(
        co.let("score", seen="yes"), severity=Template(level), reason=Template("Rumours."), **more
    )
    waiting = co.task("work", due=co.lasting("4h", sev1="1h"))
    block = co.parallel("both", left=waiting, right=(co.task("assess"), step, co.task("next")))
    return opened(block)


def test_a_step_scores_the_case_again():
    case = rescoring()
    case.complete("assess")
    (event,) = case.happened(e.SeverityChanged)
    assert (event.after, event.reason) == ("sev1", "Rumours.")
    assert moves(case)["due"][1] == "2026-11-23T10:00:00Z"
    assert case.waits_for() == {"both/left/work", "both/right/next"}


def test_a_step_that_scores_as_it_is_changes_nothing():
    case = rescoring("{{ case.severity.label }}")
    case.complete("assess")
    assert case.happened(e.SeverityChanged) == []
    assert case.state("both/right/score").output == {"seen": "yes"}


def test_a_step_that_names_no_severity_of_the_playbook_fails():
    case = rescoring("{{ 'terrible' }}")
    case.complete("assess")
    assert case.state("both/right/score").status == "failed"
    assert "'terrible' is not one of" in case.repair_item().message


def test_a_closed_case_is_not_scored_again():
    case = opened(co.task("work"))
    case.complete("work")
    with pytest.raises(Refusal, match="is completed"):
        case.book.do(case.ref, c.Rescore("sev1", "late"), "sam")
    assert {item.status for item in case.items("work", None)} == {ItemStatus.COMPLETED}


# --- what is going out while the case is scored ------------------------------------------------


def going_out(*accounts):
    lines = (co.line("legal"), co.line("exec-sponsor", when=WORST))
    publish = co.publish("send", *accounts, requires=("approve",))
    case = asking(*lines, more=(publish, co.task("next")))
    case.approve("approve", "lea")
    effect = case.begin()
    case.score("sev1")
    return case, effect


def done(case, effect):
    case.report(effect, "done", result={"url": "https://x.test", "digest": effect.digest})


def test_what_is_going_out_is_not_stopped_half_way_but_the_rest_waits_for_the_new_quorum():
    case, effect = going_out("newsroom", "company-blog")
    assert case.state("send").status == "active"
    done(case, effect)
    assert (case.state("send").status, case.waits_for()) == ("waiting", {"approve"})
    case.approve("approve", "lea", "eve")
    case.book.perform()
    assert [account for account, _, _ in case.book.published] == ["company-blog"]
    assert case.outcome("send") == "published"


def test_what_went_out_although_its_approval_was_skipped_meanwhile_does_not_stop_the_case():
    case, effect = going_out()
    case.vote("approve", DecisionKind.RECUSE, "eve")
    case.repair("skip")
    done(case, effect)
    assert (case.outcome("send"), case.waits_for()) == ("skipped", {"next"})
    case.book.perform()
    assert any("although" in w or "went out" in w for w in case.book.told_of("sam"))
