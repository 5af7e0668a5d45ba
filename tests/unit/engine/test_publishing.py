"""Publications: never without the approval of exactly this; hub first; unknown is asked, not sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.decide import Decided, decide
from smr_engine.engine.run import Situation
from smr_engine.engine.state import Case
from smr_engine.engine.statuses import (
    CaseStatus,
    DecisionKind,
    EffectKind,
    EffectStatus,
    ItemKind,
    StepStatus,
)
from smr_engine.errors import Invalid, NotFound, Refusal
from smr_engine.playbook.model import Retry
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile


def approved(*accounts, world=None, start=None, **more) -> CaseFile:
    """A case whose text is approved and owed to these accounts."""
    steps = (
        co.draft("write"),
        co.approval("check"),
        co.publish("out", *accounts, requires=["check"], **more),
        co.task("after"),
    )
    case = Casebook.of(co.playbook(*steps), world=world or co.company()).start(**(start or {}))
    case.write("write", "We know about the fire.")
    case.approve("check", "lea")
    return case


def settle(case: CaseFile, outcome: str, **more) -> None:
    case.report(case.begin(), outcome, **more)


# --- the way out -------------------------------------------------------------------------------


def test_exactly_the_approved_text_goes_out_once():
    case = approved()
    effect = case.publication()
    case.book.perform()
    assert case.book.published == [("newsroom", "We know about the fire.", effect.key)]
    assert case.outcome("out") == "published"
    assert case.state("out").output == {
        "published_at": "2026-11-23T09:00:00Z",
        "url": f"https://newsroom.example.test/{effect.id}",
        "digest": effect.digest,
    }
    assert case.waits_for() == {"after"}


def test_the_hub_comes_first_and_the_others_after_it_is_verified():
    case = approved("newsroom", "company-blog", "partner-mail")
    assert [f.account for f in case.effects(EffectKind.PUBLICATION)] == ["newsroom"]
    settle(case, "done", result={"url": "https://news.example.test/1"})
    assert [f.account for f in case.effects(EffectKind.PUBLICATION)] == [
        "company-blog",
        "partner-mail",
    ]
    case.book.perform()
    assert case.state("out").output["url"] == "https://news.example.test/1"
    assert len(case.happened(e.PublicationStarted)) == 3


def test_beginning_twice_is_beginning_once():
    case = approved()
    effect = case.begin()
    assert case.book.do(case.ref, c.BeginPublication(effect.id)) == ()


def test_what_is_settled_cannot_begin():
    case = approved()
    effect = case.publication()
    case.book.perform()
    with pytest.raises(Refusal, match="is done"):
        case.book.do(case.ref, c.BeginPublication(effect.id))


def test_several_approvals_may_be_about_several_documents():
    case = Casebook.of(
        co.playbook(
            co.draft("write"),
            co.draft("answers", "faq"),
            co.approval("check"),
            co.approval("check_faq", documents=("faq",)),
            co.publish("out", requires=["check", "check_faq"]),
        )
    ).start()
    case.write("write", "Statement.")
    case.write("answers", "Answers.")
    case.approve("check", "lea")
    case.approve("check_faq", "luis")
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Statement."]


@pytest.mark.parametrize("granted", [(), ("check",)])
def test_a_publication_without_all_its_approvals_fails(granted):
    steps = (
        co.draft("write"),
        co.approval("check", on_failure="continue"),
        co.approval("second", "compliance", on_failure="continue"),
        co.publish("out", requires=["check", "second"]),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Text.")
    for name, person in (("check", "lea"), ("second", "mo")):
        decision = DecisionKind.APPROVE if name in granted else DecisionKind.REJECT
        case.vote(name, decision, person)
    assert "has not been granted" in case.repair_item("out").message
    assert case.effects(EffectKind.PUBLICATION, live=False) == []


def test_a_publication_that_requires_nothing_never_goes_out():
    case = Casebook.of(co.playbook(co.draft("write"), co.publish("out"))).start()
    case.write("write", "Text.")
    assert "no approval it requires is about statement" in case.repair_item("out").message


def test_an_approval_of_another_document_does_not_count():
    steps = (
        co.draft("write"),
        co.draft("answers", "faq"),
        co.approval("check", documents=("faq",)),
        co.publish("out", requires=["check"]),
    )
    case = Casebook.of(co.playbook(*steps)).start()
    case.write("write", "Statement.")
    case.write("answers", "Answers.")
    case.approve("check", "lea")
    assert "no approval it requires is about statement" in case.repair_item("out").message


def test_skipping_a_rejected_approval_skips_what_requires_it():
    case = Casebook.of(
        co.playbook(
            co.draft("write"),
            co.approval("check"),
            co.publish("out", requires=["check"]),
            co.publish("again", requires=["check"]),
            co.task("after"),
        )
    ).start()
    case.write("write", "Text.")
    case.vote("check", DecisionKind.REJECT, "lea")
    case.repair("skip")
    assert [case.outcome(name) for name in ("check", "out", "again")] == ["skipped"] * 3
    assert case.waits_for() == {"after"}
    assert case.header.status is CaseStatus.OPEN


# --- checked again as it begins ----------------------------------------------------------------


def moved_away(case: CaseFile, name: str) -> None:
    accounts = {k: v for k, v in case.book.world.accounts.items() if k != name}
    case.book.world = replace(case.book.world, accounts=accounts)


def test_where_it_goes_is_checked_again_under_the_lock():
    case = approved(to=co.parties("legal"))
    case.book.world = co.with_person(case.book.world, "eve", roles=("legal",))
    effect = case.begin()
    assert effect.status is EffectStatus.FAILED
    assert "where it goes is not what was approved" in case.repair_item("out").message


def test_trying_again_asks_for_approval_of_where_it_goes_now():
    case = approved(to=co.parties("legal"))
    case.book.world = co.with_person(case.book.world, "eve", roles=("legal",))
    case.begin()
    case.repair("retry")
    assert case.waits_for() == {"check"}
    assert len(case.item("check").bundle["publications"][0]["to"]) == 3
    case.approve("check", "eve")
    case.book.perform()
    assert case.outcome("out") == "published"


def test_an_account_that_is_gone_fails_the_publication_and_not_the_report():
    case = approved("newsroom", "company-blog")
    effect = case.begin()
    moved_away(case, "company-blog")
    case.report(effect, "done", result={"url": "https://news.example.test/1"})
    assert case.state("out").status is StepStatus.FAILED
    assert "'company-blog' is not in the directory" in case.repair_item("out").message
    (hub,) = case.effects(EffectKind.PUBLICATION, live=False)
    assert hub.status is EffectStatus.DONE
    with pytest.raises(Refusal, match="not in the directory"):
        case.repair("retry")
    case.repair("skip")
    assert case.waits_for() == {"after"}


def test_a_failed_publication_is_passed_over_where_the_playbook_says_continue():
    case = approved(to=co.parties("legal"), on_failure="continue")
    case.book.world = co.with_person(case.book.world, "eve", roles=("legal",))
    case.begin()
    assert case.waits_for() == {"after"}


# --- outcomes ----------------------------------------------------------------------------------


def test_what_is_live_but_not_what_was_approved_fails():
    case = approved()
    settle(case, "refused", reason="what is live is not what was approved", result={"url": "u"})
    assert case.header.status is CaseStatus.HELD
    assert "what is live is not what was approved" in case.repair_item("out").message


def test_what_is_unavailable_is_tried_again_after_growing_pauses():
    case = approved(retry=Retry(attempts=4, backoff_s=10, timeout_s=5))
    effect = case.publication()
    pauses = []
    for _ in range(3):
        settle(case, "unavailable", reason="503")
        (deferred,) = case.effects(EffectKind.PUBLICATION)
        assert deferred.status is EffectStatus.OWED
        pauses.append((deferred.not_before - case.book.now).total_seconds())
        case.book.now = deferred.not_before
    assert pauses == [10, 20, 40]
    settle(case, "unavailable", reason="503")
    assert case.state("out").status is StepStatus.FAILED
    assert {f.key for f in case.effects(EffectKind.PUBLICATION, live=False)} == {effect.key}


def test_tries_within_a_leg_count():
    case = approved(retry=Retry(attempts=4, backoff_s=10))
    effect = case.begin()
    case.report(effect, "unavailable", reason="503", tries=3)
    (deferred,) = case.effects(EffectKind.PUBLICATION)
    assert (deferred.attempts, deferred.not_before - case.book.now) == (3, timedelta(seconds=40))


def test_no_pause_is_longer_than_a_day():
    case = approved(retry=Retry(attempts=1000, backoff_s=3600))
    effect = case.begin()
    case.report(effect, "unavailable", tries=900)
    (deferred,) = case.effects(EffectKind.PUBLICATION)
    assert deferred.not_before - case.book.now == timedelta(days=1)


def test_unknown_is_asked_and_never_sent_again_by_itself():
    case = approved()
    settle(case, "unknown", reason="the connection broke")
    item = case.repair_item("out")
    assert case.header.status is CaseStatus.HELD
    assert item.effect == case.publication().id
    assert list(case.book.owed()) == [(case.ref, f) for f in case.effects(EffectKind.NOTIFICATION)]
    with pytest.raises(Refusal, match="it may be out already"):
        case.repair("retry")


def test_found_to_be_sent_it_is_published():
    case = approved()
    settle(case, "unknown")
    case.repair("sent", url="https://news.example.test/9")
    assert case.state("out").output["url"] == "https://news.example.test/9"
    assert case.header.status is CaseStatus.OPEN
    assert case.waits_for() == {"after"}


def test_found_not_to_be_sent_it_goes_out_under_the_same_key():
    case = approved()
    key = case.publication().key
    settle(case, "unknown")
    case.repair("not_sent")
    case.book.perform()
    assert [k for _, _, k in case.book.published] == [key]
    assert case.outcome("out") == "published"


def test_skipped_it_is_given_up():
    case = approved("newsroom", "company-blog")
    settle(case, "unknown")
    case.repair("skip")
    assert case.outcome("out") == "skipped"
    case.book.perform()
    assert case.book.published == []
    with pytest.raises(Refusal, match="its publication has begun"):
        case.write("write", "It may be out, so it cannot change.")


def test_only_an_unknown_outcome_is_settled():
    case = approved()
    settle(case, "refused", reason="403")
    for answer in ("sent", "not_sent"):
        with pytest.raises(Refusal, match="only an effect whose outcome is unknown"):
            case.repair(answer, url="https://x.example.test")


def test_a_late_outcome_is_kept_as_evidence_only():
    case = approved()
    effect = case.publication()
    case.book.perform()
    case.report(effect, "refused", reason="late", result={"status": 500})
    (noted,) = case.happened(e.OutcomeNoted)
    assert (noted.effect, noted.outcome, noted.result) == (effect.id, "refused", {"status": 500})
    assert case.outcome("out") == "published"


def test_a_lost_lease_does_not_move_the_case():
    case = approved()
    effect = case.begin()
    case.report(effect, "done", result={"url": "u"}, stale=True)
    assert case.state("out").status is StepStatus.ACTIVE
    assert case.publication().status is EffectStatus.SENDING


# --- several accounts, some of which fail ------------------------------------------------------


def several() -> CaseFile:
    """The hub has it, the blog was refused, the mail has begun."""
    case = approved("newsroom", "company-blog", "partner-mail")
    settle(case, "done", result={"url": "https://news.example.test/1"})
    blog, mail = case.effects(EffectKind.PUBLICATION)
    for effect in (blog, mail):
        case.book.do(case.ref, c.BeginPublication(effect.id))
    case.report(blog, "refused", reason="403")
    return case


def test_a_retry_publishes_only_where_it_is_not_yet():
    case = several()
    mail = case.publication()
    case.report(mail, "done", result={"url": "mail"})
    case.repair("retry")
    assert [f.account for f in case.effects(EffectKind.PUBLICATION)] == ["company-blog"]
    case.book.perform()
    assert [account for account, _, _ in case.book.published] == ["company-blog"]
    assert case.state("out").output["url"] == "https://news.example.test/1"


def test_a_retry_waits_for_what_may_be_out():
    case = several()
    with pytest.raises(Refusal) as caught:
        case.repair("retry")
    assert caught.value.code == "publication-under-way"


@pytest.mark.parametrize("answer", ["sent", "not_sent"])
def test_another_account_whose_outcome_is_unknown_is_settled_on_its_own(answer):
    case = several()
    mail = case.publication()
    case.report(mail, "unknown", reason="timed out")
    assert len(case.items("out")) == 2
    asked = next(i for i in case.items("out") if i.effect)
    repair = c.Repair(asked.id, c.RepairAnswer(answer), "We looked.", "https://mail.example.test")
    case.book.do(case.ref, repair, "sam")
    assert case.header.status is CaseStatus.HELD
    case.repair("retry")
    case.book.perform()
    wanted = ["company-blog"] if answer == "sent" else ["company-blog", "partner-mail"]
    assert [account for account, _, _ in case.book.published] == wanted
    assert case.outcome("out") == "published"


def test_an_unknown_outcome_stays_to_be_settled_when_another_account_fails():
    case = approved("newsroom", "company-blog", "partner-mail")
    settle(case, "done", result={"url": "https://news.example.test/1"})
    blog, mail = case.effects(EffectKind.PUBLICATION)
    for effect in (blog, mail):
        case.book.do(case.ref, c.BeginPublication(effect.id))
    case.report(mail, "unknown", reason="timed out")
    case.report(blog, "refused", reason="403")
    asked = [i.effect for i in case.items("out")]
    assert sorted(asked) == sorted(["", mail.id])


def test_skipping_an_unknown_outcome_takes_back_what_had_not_begun():
    case = approved("newsroom", "company-blog", "partner-mail", "wikipedia-talk")
    settle(case, "done", result={"url": "https://news.example.test/1"})
    blog, _ = case.effects(EffectKind.PUBLICATION)
    case.book.do(case.ref, c.BeginPublication(blog.id))
    case.report(blog, "unknown", reason="timed out")
    case.repair("skip")
    case.book.perform()
    assert case.book.published == []
    assert case.waits_for() == {"after"}


def test_what_had_not_begun_when_another_account_failed_is_taken_back():
    case = approved("newsroom", "company-blog", "partner-mail")
    settle(case, "done", result={"url": "https://news.example.test/1"})
    blog, mail = case.effects(EffectKind.PUBLICATION)
    case.book.do(case.ref, c.BeginPublication(blog.id))
    case.report(blog, "refused", reason="403")
    with pytest.raises(Refusal, match="is cancelled"):
        case.book.do(case.ref, c.BeginPublication(mail.id))
    case.repair("retry")
    case.book.perform()
    assert [account for account, _, _ in case.book.published] == ["company-blog", "partner-mail"]


# --- cancelled on the way ----------------------------------------------------------------------


def test_a_publication_that_has_begun_is_recorded_after_the_case_was_cancelled():
    case = approved()
    effect = case.begin()
    case.book.do(case.ref, c.CancelCase("false alarm"), "sam")
    case.report(effect, "done", result={"url": "https://news.example.test/1"})
    (done,) = case.effects(EffectKind.PUBLICATION, live=False)
    assert (done.status, done.result["url"]) == (EffectStatus.DONE, "https://news.example.test/1")


@pytest.mark.parametrize(
    ("outcome", "told"), [("done", "went out before"), ("unknown", "may or may not have gone out")]
)
def test_the_owner_is_told_of_a_publication_that_a_cancel_could_not_stop(outcome, told):
    case = approved()
    effect = case.begin()
    case.book.do(case.ref, c.CancelCase("false alarm"), "sam")
    with pytest.raises(Refusal, match="its step is over"):
        case.book.do(case.ref, c.BeginPublication(effect.id))
    case.report(effect, outcome, reason="timed out")
    case.book.perform()
    assert any(
        f"The publication of statement on Newsroom {told}" in s for s in case.book.told_of("sam")
    )


def test_a_publication_that_did_not_go_out_is_not_tried_again_after_a_cancel():
    case = approved()
    effect = case.begin()
    case.book.do(case.ref, c.CancelCase("false alarm"), "sam")
    case.report(effect, "unavailable", reason="503")
    assert case.effects(EffectKind.PUBLICATION) == []
    case.book.wait(days=2)
    assert case.book.published == []


# --- by hand, and in a drill -------------------------------------------------------------------


def test_a_manual_account_asks_its_owners_to_post_exactly_this():
    case = approved("wikipedia-talk")
    item = case.item("out")
    assert item.kind is ItemKind.PUBLISH
    assert item.offered == ("wendy", "will")
    assert item.bundle["text"] == "We know about the fire."
    with pytest.raises(Invalid):
        case.complete("out", "will", url="not an address")
    case.complete("out", "will", url="https://wikipedia.example.test/talk")
    assert case.state("out").output["url"] == "https://wikipedia.example.test/talk"
    assert case.waits_for() == {"after"}


def test_a_manual_hub_comes_first_as_well():
    case = approved("wikipedia-talk", "newsroom")
    assert case.effects(EffectKind.PUBLICATION) == []
    case.complete("out", "will", url="https://wikipedia.example.test/talk")
    case.book.perform()
    assert [account for account, _, _ in case.book.published] == ["newsroom"]


def test_a_manual_posting_may_need_evidence():
    case = approved("wikipedia-talk", evidence=True)
    with pytest.raises(Refusal) as caught:
        case.complete("out", "will", url="https://wikipedia.example.test/talk")
    assert caught.value.code == "evidence-missing"
    case.book.do(case.ref, c.Attach(case.item("out").id, "ef" * 32, "shot.png", 5), "will")
    case.complete("out", "will", url="https://wikipedia.example.test/talk")
    assert case.outcome("out") == "published"


def test_what_was_posted_by_hand_and_is_no_longer_approved_is_held_with_its_address():
    case = approved("wikipedia-talk", to=co.parties("legal"))
    case.book.world = co.with_person(case.book.world, "eve", roles=("legal",))
    case.complete("out", "will", url="https://wikipedia.example.test/talk")
    assert case.header.status is CaseStatus.HELD
    assert "https://wikipedia.example.test/talk" in case.happened(e.NoteWritten)[-1].text


def test_a_drill_withholds_every_account_and_goes_on():
    accounts = ("newsroom", "company-blog", "partner-mail")
    case = approved(*accounts, start={"more": {"drill": True}})
    case.book.perform()
    assert case.book.published == []
    effects = case.effects(EffectKind.PUBLICATION, live=False)
    assert [(f.account, f.result["withheld"]) for f in effects] == [(a, True) for a in accounts]
    assert case.outcome("out") == "published"
    assert case.happened(e.PublicationStarted) == []


def test_in_a_drill_nobody_is_asked_to_really_post():
    case = approved("wikipedia-talk", start={"more": {"drill": True}})
    assert case.item("out").message.startswith("EXERCISE: do not post this.")


def test_keys_are_stable_over_tries_and_differ_between_publications():
    case = approved("newsroom", "company-blog")
    case.book.tries["newsroom"] = [c.ReportEffect("", c.Outcome.UNAVAILABLE, None, "503")]
    case.book.wait(minutes=1)
    keys = [key for _, _, key in case.book.published]
    assert len(set(keys)) == 2
    started = case.happened(e.PublicationStarted)
    assert [s.effect for s in started].count(started[0].effect) == 2


def test_a_publication_whose_step_is_over_does_not_begin():
    case = approved()
    effect = case.publication()
    root = case.case.scopes[""]
    over = replace(root.steps["out"], status=StepStatus.CANCELLED)
    changed = replace(root, steps={**root.steps, "out": over})
    situation = Situation(case.book.world, case.book.now, c.ENGINE)
    decided = decide(
        case.book.playbooks["response"],
        Case(case.header, {"": changed}),
        c.BeginPublication(effect.id),
        situation,
    )
    assert isinstance(decided, Decided)
    assert [event.kind() for event in decided.events] == ["EffectCancelled"]


@pytest.mark.parametrize("command", [c.BeginPublication, c.ReportEffect])
def test_an_effect_that_is_not_there_is_not_found(command):
    case = approved()
    more = {"outcome": c.Outcome.DONE} if command is c.ReportEffect else {}
    with pytest.raises(NotFound, match="there is no effect"):
        case.book.do(case.ref, command(f"{case.ref}.99", **more))
