"""What is approved is exactly this content: whatever changes it is asked again, until it is out."""

from __future__ import annotations

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.statuses import (
    CaseStatus,
    DecisionKind,
    EffectKind,
    ItemKind,
    ItemStatus,
    StepStatus,
)
from smr_engine.errors import Refusal
from smr_engine.playbook.model import Template
from tests.support import company as co
from tests.support.casebook import Casebook, CaseFile

APPROVE = DecisionKind.APPROVE


def opened(*steps, **inputs) -> CaseFile:
    return Casebook.of(co.playbook(*steps)).start(**inputs)


def written(*steps, text="We know about the fire.") -> CaseFile:
    """A case whose first step, `write`, is done."""
    case = opened(co.draft("write"), *steps)
    case.write("write", text)
    return case


def test_a_bundle_says_which_text_goes_where():
    case = written(
        co.approval("check"),
        co.publish(
            "out",
            "newsroom",
            "partner-mail",
            requires=["check"],
            to=co.parties("contact:regulator-desk", "legal"),
            in_reply_to=Template("https://x.example.test/1"),
        ),
    )
    bundle = case.item("check").bundle
    newest = case.case.scopes[""].documents["statement"].newest
    (entry,) = bundle["documents"]
    assert entry == {
        "document": "statement",
        "scope": "",
        "revision": newest.number,
        "digest": newest.digest,
        "attachments": [],
    }
    (place,) = bundle["publications"]
    assert place["accounts"] == ["newsroom", "partner-mail"]
    assert place["to"] == [
        {"kind": "contact", "id": "regulator-desk"},
        {"kind": "person", "id": "lea"},
        {"kind": "person", "id": "luis"},
    ]
    assert place["in_reply_to"] == "https://x.example.test/1"
    assert place["audience"] == "public"


def test_a_new_revision_after_one_of_two_votes_asks_both_again():
    case = written(co.approval("check", "legal", "comms-director"))
    case.book.perform()
    first = case.item("check")
    case.approve("check", "lea")
    case.write("write", "We know about the fire, nobody was hurt.")
    second = case.item("check")
    assert second.previous == first.id
    assert second.bundle_digest != first.bundle_digest
    assert second.votes == ()
    assert {*second.offered} == {"lea", "luis", "cora", "carl"}
    (old,) = case.items("check", ItemStatus.SUPERSEDED)
    assert old.id == first.id
    case.book.told.clear()
    case.book.perform()
    assert any("content you decided on has changed" in s for s in case.book.told_of("lea"))
    assert not any("has changed" in s for s in case.book.told_of("cora"))
    (body,) = {m["body"] for m in case.book.told if "has changed" in m["subject"]}
    assert f"See the new version, and what changed, with: smr item {second.id}\n" in body
    case.approve("check", "cora")
    assert case.outcome("check") is None
    case.approve("check", "lea")
    assert case.outcome("check") == "approved"


def test_a_vote_on_a_superseded_item_is_refused_and_does_not_count():
    case = written(co.approval("check"))
    first = case.item("check")
    case.write("write", "Other words.")
    with pytest.raises(Refusal, match="superseded by newer content: decide on the new item"):
        case.book.do(case.ref, c.Decide(first.id, APPROVE), "lea")


def test_whoever_changes_the_text_may_no_longer_approve_it():
    case = opened(co.draft("write", "statement", "legal"), co.approval("check", "legal"))
    case.write("write", "By Lea.", by="lea")
    with pytest.raises(Refusal, match="the quorum cannot be reached"):
        case.write("write", "By Luis: then nobody of legal is left.", by="luis")
    case.approve("check", "luis")
    assert case.outcome("check") == "approved"


@pytest.mark.parametrize("granted", [False, True])
def test_a_text_is_saved_while_those_who_approve_are_away_and_the_approval_waits(granted):
    case = written(co.approval("check"), co.task("pause"), co.publish("out", requires=["check"]))
    if granted:
        case.approve("check", "lea")
    gone = dict.fromkeys(("lea", "luis", "dora", "dirk"), (co.MONDAY.date(), co.MONDAY.date()))
    case.book.world = co.company(**gone)
    case.write("write", "Corrected while nobody of legal is there.")
    assert case.header.status is CaseStatus.HELD
    assert "1 more of legal" in case.repair_item("check").message
    case.book.world = co.company()
    case.repair("retry")
    case.approve("check", "lea")
    case.complete("pause")
    case.book.perform()
    assert [t for _, t, _ in case.book.published] == ["Corrected while nobody of legal is there."]


def test_the_same_text_again_changes_nothing():
    case = written(co.approval("check"))
    item = case.item("check")
    case.write("write", "We know about the fire.")
    assert case.item("check").id == item.id


def test_only_those_who_were_asked_to_write_may_revise_afterwards():
    case = written(co.approval("check"))
    with pytest.raises(Refusal, match="only those who were asked to write it"):
        case.write("write", "Mine.", by="eve")
    case.write("write", "By the other writer.", by="will")
    assert case.item("check").excluded == ("wendy", "will")


def test_a_revision_after_the_approval_asks_again_before_it_goes_out():
    case = written(co.approval("check"), co.publish("out", requires=["check"]), co.task("after"))
    case.approve("check", "lea")
    owed = case.publication()
    case.write("write", "Better words.")
    assert case.state("check").round == 2
    assert case.state("out").status is StepStatus.WAITING
    assert case.effects(EffectKind.PUBLICATION) == []
    with pytest.raises(Refusal, match="is cancelled"):
        case.book.do(case.ref, c.BeginPublication(owed.id))
    case.approve("check", "luis")
    case.book.perform()
    assert case.book.published == [("newsroom", "Better words.", case.book.published[0][2])]
    assert case.waits_for() == {"after"}


def test_a_revision_is_refused_once_the_publication_has_begun():
    case = written(co.approval("check"), co.publish("out", requires=["check"]))
    case.approve("check", "lea")
    case.begin()
    with pytest.raises(Refusal) as caught:
        case.write("write", "Too late.")
    assert caught.value.code == "publication-begun"


def test_a_revision_is_refused_after_it_was_published_from_a_branch_that_is_over():
    case = opened(
        co.draft("write"),
        co.parallel(
            "both",
            news=(co.approval("check"), co.publish("out", requires=["check"])),
            other=co.task("slow"),
        ),
    )
    case.write("write", "Out it goes.")
    case.approve("check", "lea")
    case.book.perform()
    assert case.state("both").status is StepStatus.ACTIVE
    with pytest.raises(Refusal, match="its publication has begun"):
        case.write("write", "Too late.")


def test_a_revision_is_refused_after_somebody_posted_it_by_hand():
    case = written(
        co.approval("check"),
        co.publish("out", "wikipedia-talk", "newsroom", requires=["check"]),
    )
    case.approve("check", "lea")
    case.complete("out", url="https://wikipedia.example.test/talk")
    with pytest.raises(Refusal, match="its publication has begun"):
        case.write("write", "Too late.")


def test_whoever_was_asked_to_post_is_told_when_the_text_changes_before():
    case = written(co.approval("check"), co.publish("out", "wikipedia-talk", requires=["check"]))
    case.approve("check", "lea")
    item = case.item("out")
    case.write("write", "Better.")
    assert case.items("out") == []
    case.book.perform()
    assert any("No longer needed" in s for s in case.book.told_of("will"))
    with pytest.raises(Refusal, match="is cancelled already"):
        case.book.do(case.ref, c.CompleteItem(item.id, {"url": "https://w.example.test"}), "will")


@pytest.mark.parametrize("outcome", ["refused", "unavailable"])
def test_what_did_not_go_out_after_all_may_be_changed_again(outcome):
    case = written(co.approval("check"), co.publish("out", requires=["check"]))
    case.approve("check", "lea")
    effect = case.begin()
    case.report(effect, outcome, reason="too long")
    case.write("write", "Short.")
    case.approve("check", "lea")
    if outcome == "refused":
        assert case.header.status is CaseStatus.OPEN, "asking again answers the repair item"
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Short."]


def test_other_steps_go_on_while_an_approval_is_asked_again():
    case = written(
        co.approval("check"), co.task("meanwhile"), co.publish("out", requires=["check"])
    )
    case.approve("check", "lea")
    case.write("write", "Changed while we wait.")
    case.complete("meanwhile")
    assert case.state("out").status is StepStatus.WAITING
    case.approve("check", "lea")
    case.book.perform()
    assert case.header.status is CaseStatus.COMPLETED


def test_a_case_does_not_close_while_an_approval_in_a_section_is_asked_again():
    case = opened(co.section("before", co.draft("write"), co.approval("check")), co.task("after"))
    case.write("write", "First.")
    case.approve("check", "lea")
    case.write("write", "Second.")
    case.complete("after")
    assert case.header.status is CaseStatus.OPEN
    case.approve("check", "luis")
    assert case.header.status is CaseStatus.COMPLETED


def test_an_entered_when_is_not_evaluated_again():
    case = opened(
        co.draft("write"),
        co.task("grade", form=co.form(risky="boolean")),
        co.section(
            "risky",
            co.approval("check", when=co.when("steps.grade.output.risky")),
            when=co.when("steps.grade.output.risky"),
        ),
        co.task("after"),
    )
    case.write("write", "First.")
    case.complete("grade", risky=True)
    case.approve("check", "lea")
    case.write("write", "Second.")
    assert case.state("risky/check").status is StepStatus.ACTIVE


# --- approvals in branches and elements --------------------------------------------------------


def joined() -> CaseFile:
    """Two approvals in branches, something to do after them, then the publication."""
    case = opened(
        co.draft("write"),
        co.parallel(
            "review",
            law=(co.approval("legal_ok", "legal"), co.task("file_it", "legal")),
            comms=co.approval("comms_ok", "comms-director"),
        ),
        co.task("pause"),
        co.publish("out", requires=["legal_ok", "comms_ok"]),
    )
    case.write("write", "First.")
    return case


def test_a_branch_that_is_over_goes_on_when_its_approval_is_asked_again():
    case = joined()
    case.approve("legal_ok", "lea")
    case.complete("file_it", "lea")
    case.approve("comms_ok", "cora")
    assert case.waits_for() == {"pause"}
    case.write("write", "Second.")
    assert case.waits_for() == {"pause", "review/law/legal_ok", "review/comms/comms_ok"}
    case.complete("pause")
    case.approve("legal_ok", "luis")
    assert case.state("out").status is StepStatus.WAITING
    case.approve("comms_ok", "cora")
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Second."]
    assert case.header.status is CaseStatus.COMPLETED
    assert case.state("review/law/file_it").round == 1, "what follows in the branch stays done"


def test_one_branch_is_over_and_asked_again_while_the_other_still_runs():
    case = joined()
    case.approve("comms_ok", "cora")
    case.write("write", "Second.")
    assert case.waits_for() == {"review/law/legal_ok", "review/comms/comms_ok"}
    case.approve("legal_ok", "lea")
    case.complete("file_it", "lea")
    assert case.state("pause").status is StepStatus.WAITING
    case.approve("comms_ok", "carl")
    assert case.waits_for() == {"pause"}


def test_a_case_does_not_close_while_an_approval_in_a_branch_is_asked_again():
    case = opened(
        co.draft("write"),
        co.parallel("review", law=co.approval("legal_ok"), other=co.task("call")),
        co.task("pause"),
    )
    case.write("write", "First.")
    case.approve("legal_ok", "lea")
    case.complete("call")
    case.write("write", "Second.")
    case.complete("pause")
    assert case.header.status is CaseStatus.OPEN
    assert case.waits_for() == {"review/law/legal_ok"}
    case.approve("legal_ok", "luis")
    assert case.header.status is CaseStatus.COMPLETED


def test_what_was_approved_in_a_branch_that_was_ended_can_no_longer_be_changed():
    case = opened(
        co.draft("write"),
        co.parallel(
            "review",
            law=(co.approval("check"), co.end("enough", "enough", "law"), co.task("never")),
            comms=co.task("slow"),
        ),
        co.publish("out", requires=["check"]),
    )
    case.write("write", "First.")
    case.approve("check", "lea")
    with pytest.raises(Refusal) as caught:
        case.write("write", "Second.")
    assert caught.value.code == "approval-over"
    case.complete("slow")
    case.book.perform()
    assert case.header.status is CaseStatus.COMPLETED


def creators(**more) -> CaseFile:
    """One note for each of two creators, approved and published on its own."""
    steps = (
        co.draft("write", "note"),
        co.approval("check", documents=("note",)),
        co.task("pause"),
        co.publish("out", document="note", requires=["check"]),
    )
    case = opened(co.foreach("each", "inputs.names", *steps), names=["kim", "lee"], **more)
    for n, name in enumerate(("kim", "lee")):
        case.write(f"each[{n}]/write", f"Dear {name}.")
        case.approve(f"each[{n}]/check", "lea")
        case.complete(f"each[{n}]/pause")
    return case


def test_revising_one_element_leaves_the_publication_of_another_alone():
    case = creators()
    owed = {f.path for f in case.effects(EffectKind.PUBLICATION)}
    assert owed == {"each[0]/out", "each[1]/out"}
    case.write("each[0]/write", "Dearest Kim.")
    assert {f.path for f in case.effects(EffectKind.PUBLICATION)} == {"each[1]/out"}
    assert case.state("each[1]/out").status is StepStatus.ACTIVE
    case.approve("each[0]/check", "luis")
    case.book.perform()
    assert {text for _, text, _ in case.book.published} == {"Dearest Kim.", "Dear lee."}
    assert case.header.status is CaseStatus.COMPLETED


def test_publications_in_elements_wait_for_an_approval_outside_and_go_on_after_it():
    case = opened(
        co.draft("write"),
        co.approval("check"),
        co.foreach(
            "each", "inputs.names", co.task("prepare"), co.publish("out", requires=["check"])
        ),
        names=["kim", "lee"],
    )
    case.write("write", "First.")
    case.approve("check", "lea")
    case.complete("each[0]/prepare")
    case.write("write", "Second.")
    case.complete("each[1]/prepare")
    assert case.effects(EffectKind.PUBLICATION) == []
    case.approve("check", "luis")
    assert len(case.effects(EffectKind.PUBLICATION)) == 2
    case.book.perform()
    assert {text for _, text, _ in case.book.published} == {"Second."}
    assert case.header.status is CaseStatus.COMPLETED


def test_a_publication_in_a_section_not_come_to_is_not_begun_by_an_approval():
    case = opened(
        co.draft("write"),
        co.approval("check"),
        co.task("first"),
        co.section("later", co.task("second"), co.publish("out", requires=["check"])),
    )
    case.write("write", "First.")
    case.approve("check", "lea")
    case.write("write", "Second.")
    case.approve("check", "lea")
    assert case.waits_for() == {"first"}
    assert case.state("later").status is StepStatus.WAITING


# --- evidence is content -----------------------------------------------------------------------


def test_a_picture_attached_to_the_draft_is_part_of_what_is_approved():
    case = opened(
        co.draft("write"), co.parallel("both", a=co.approval("check"), b=co.draft("again"))
    )
    picture = c.Attach(case.item("write").id, "ab" * 32, "warehouse.jpg", 1200)
    case.book.do(case.ref, picture, "wendy")
    case.write("write", "See the picture.")
    first = case.item("check")
    assert first.bundle["documents"][0]["attachments"] == ["ab" * 32]
    other = c.Attach(case.item("again").id, "cd" * 32, "map.png", 900)
    case.book.do(case.ref, other, "will")
    second = case.item("check")
    assert second.previous == first.id
    assert second.bundle["documents"][0]["attachments"] == ["ab" * 32, "cd" * 32]


def test_several_documents_are_approved_together():
    case = opened(
        co.draft("write"),
        co.draft("answers", "faq"),
        co.approval("check", documents=("statement", "faq")),
        co.publish("out", requires=["check"]),
    )
    case.write("write", "Statement.")
    case.write("answers", "Answers.")
    first = case.item("check")
    case.write("answers", "Better answers.")
    assert case.item("check").previous == first.id
    case.approve("check", "lea")
    case.book.perform()
    assert case.header.status is CaseStatus.COMPLETED


def test_an_approval_without_the_text_it_is_about_fails():
    case = opened(co.approval("check"), co.draft("write"))
    assert "has no text yet" in case.repair_item("check").message
    assert case.items("check")[0].kind is ItemKind.REPAIR


def test_the_history_keeps_every_decision_and_revision():
    case = written(co.approval("check", "legal", "comms-director"))
    case.approve("check", "lea")
    case.write("write", "Second.")
    case.approve("check", "luis", "cora")
    assert [d.person for d in case.happened(e.DecisionRecorded)] == ["lea", "luis", "cora"]
    revisions = case.case.scopes[""].documents["statement"].revisions
    assert [(r.number, r.author) for r in revisions] == [(1, ""), (2, "wendy"), (3, "wendy")]


def again_after_it_is_out() -> CaseFile:
    """One text is out, the other is changed: both are asked about again, and sent back."""
    case = opened(
        co.draft("write"),
        co.draft("answers", "faq"),
        co.approval(
            "check", documents=("statement", "faq"), on_changes_requested=co.back_to("write")
        ),
        co.publish("out", requires=["check"]),
        co.task("pause"),
        co.publish("out_too", document="faq", requires=["check"]),
    )
    case.write("write", "Statement.")
    case.write("answers", "Answers.")
    case.approve("check", "lea")
    case.book.perform()
    case.write("answers", "Better answers.")
    case.vote("check", DecisionKind.REQUEST_CHANGES, "lea", "Shorter.")
    return case


def test_a_draft_of_a_text_that_is_out_can_only_be_finished_as_it_is():
    case = again_after_it_is_out()
    with pytest.raises(Refusal, match="a draft of it can be finished unchanged"):
        case.write("write", "Other words.")
    case.write("write", "Statement.")
    case.write("answers", "Short answers.")
    case.approve("check", "lea")
    case.complete("pause")
    case.book.perform()
    assert [text for _, text, _ in case.book.published] == ["Statement.", "Short answers."]
    assert case.header.status is CaseStatus.COMPLETED


def test_evidence_on_a_draft_of_a_text_that_is_out_asks_nobody_again():
    case = opened(
        co.draft("write"),
        co.approval("check"),
        co.publish("out", requires=["check"]),
        co.draft("archive"),
    )
    case.write("write", "Statement.")
    case.approve("check", "lea")
    case.book.perform()
    capture = c.Attach(case.item("archive").id, "ab" * 32, "capture.png", 12)
    case.book.do(case.ref, capture, "will")
    assert case.waits_for() == {"archive"}
    assert case.state("check").round == 1


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_a_draft_that_is_over_with_its_round_or_case_is_not_revised(how):
    case = opened(
        co.parallel("race", join_any=True, a=co.draft("write"), b=co.task("quick")),
        co.task("after"),
    )
    item = case.item("write")
    case.complete("quick")
    if how == "closed":
        case.complete("after")
    with pytest.raises(Refusal) as caught:
        case.book.do(case.ref, c.ReviseDocument(item.id, "Late."), "wendy")
    assert caught.value.code == ("case-closed" if how == "closed" else "item-closed")
