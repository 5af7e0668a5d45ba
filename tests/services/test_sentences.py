"""Every event is told in a sentence, or left out because it is machinery."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.engine.events import EVENTS
from smr_engine.services.sentences import SENTENCES, tell
from smr_engine.services.views import EventRow

AT = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)
NAMES = {"lea": "Lea Brandt", "tom": "Tom Becker", "ana": "Ana Ruiz", "carl": "Carl Weiss"}
ITEM = {
    "item": "C-1.4",
    "kind_of": "approval",
    "title": "Approve the holding statement",
    "offered": ["lea", "carl"],
    "bundle": {"documents": [{"document": "holding_statement", "revision": 2}]},
}
PUBLICATION = {
    "effect": "C-1.9",
    "kind_of": "publication",
    "name": "publish holding_statement -> newsroom",
}


MESSAGE = {"effect": "C-1.8", "kind_of": "notification", "name": "notify Tell the desk"}


ALONE = "(without a flow run: Prefect did not answer)"


def event(kind, data, *, actor="lea", path="approve_holding", case="C-1", behalf=""):
    return EventRow(1, AT, case, kind, actor, behalf, "legal", "asserted", data, "00", path)


def told(*events):
    return [line.sentence for line in tell(events, lambda who: NAMES.get(who, who))]


def after(opened, kind, data, **more):
    return told(event(*opened, actor="engine"), event(kind, data, **more))[-1]


def test_every_kind_of_event_of_a_case_has_its_sentence():
    assert set(EVENTS) - set(SENTENCES) == set()


def test_a_decision_names_person_content_and_role():
    data = {"item": "C-1.4", "decision": "approve", "roles": ["legal"], "person": "lea"}
    sentence = after(("ItemOpened", ITEM), "DecisionRecorded", data)
    assert sentence == "Lea Brandt approved holding_statement revision 2 as legal"


def test_a_decision_for_somebody_else_says_so_and_keeps_the_words_apart():
    data = {
        "item": "C-1.4",
        "decision": "request_changes",
        "roles": ["legal", "privacy"],
        "comment": "Name the product",
    }
    lines = [event("ItemOpened", ITEM), event("DecisionRecorded", data, behalf="carl")]
    last = list(tell(lines, lambda who: NAMES.get(who, who)))[-1]
    assert last.sentence == (
        "Lea Brandt (for Carl Weiss) asked for changes to holding_statement revision 2 "
        "as legal and privacy"
    )
    assert last.said == "Name the product"


@pytest.mark.parametrize(
    ("opened", "kind", "data", "more", "sentence"),
    [
        (
            ("ItemOpened", {**ITEM, "kind_of": "task", "title": "Verify"}),
            "ItemCompleted",
            {"item": "C-1.4", "outcome": "done", "by": "lea"},
            {},
            "Lea Brandt completed 'Verify'",
        ),
        (
            ("ItemOpened", {**ITEM, "kind_of": "decision", "title": "Is it true?"}),
            "ItemCompleted",
            {"item": "C-1.4", "outcome": "yes", "by": "lea"},
            {},
            "Lea Brandt decided 'Is it true?': yes",
        ),
        (
            ("ItemOpened", {**ITEM, "kind_of": "acknowledgement", "title": "Line to take"}),
            "ItemCompleted",
            {"item": "C-1.4", "outcome": "done", "by": "carl"},
            {},
            "Lea Brandt recorded that Carl Weiss acknowledged 'Line to take'",
        ),
        (
            ("ItemOpened", ITEM),
            "ItemCompleted",
            {"item": "C-1.4", "outcome": "approved"},
            {},
            "'Approve the holding statement' is approved: the quorum is filled",
        ),
        (
            ("ItemOpened", ITEM),
            "ItemClosed",
            {"item": "C-1.4", "status": "superseded", "why": "new text", "by_item": "C-1.7"},
            {},
            "'Approve the holding statement' no longer counts (new text): see C-1.7",
        ),
        (
            ("ItemOpened", ITEM),
            "ItemEscalated",
            {"item": "C-1.4", "people": ["tom"]},
            {"actor": "engine"},
            "'Approve the holding statement' was escalated to Tom Becker",
        ),
        (
            ("ItemOpened", ITEM),
            "ItemEscalated",
            {"item": "C-1.4", "people": ["tom"], "later": {"tom": "2026-11-24T06:00:00Z"}},
            {"actor": "engine"},
            (
                "'Approve the holding statement' was escalated to Tom Becker; "
                "told after their quiet hours: Tom Becker"
            ),
        ),
        (
            ("ItemOpened", ITEM),
            "ItemReassigned",
            {"item": "C-1.4", "to": "tom"},
            {},
            "Lea Brandt handed 'Approve the holding statement' over to Tom Becker",
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectDone",
            {"effect": "C-1.9", "result": {"url": "https://news.example.test/1"}},
            {"actor": "engine"},
            "Published holding_statement to newsroom: https://news.example.test/1",
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectDone",
            {"effect": "C-1.9", "result": {"url": "page.md", "flow_run": None}},
            {"actor": "engine"},
            f"Published holding_statement to newsroom: page.md {ALONE}",
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectDone",
            {"effect": "C-1.9", "result": {"withheld": True, "url": None}},
            {"actor": "engine"},
            "EXERCISE, not sent: publish holding_statement to newsroom",
        ),
        (
            ("EffectOwed", {**MESSAGE, "payload": {"subject": "[C-1] Please approve: X"}}),
            "EffectDone",
            {"effect": "C-1.8", "result": {"told": ["lea", "tom"], "flow_run": "2ecd"}},
            {"actor": "engine"},
            "Told Lea Brandt and Tom Becker: Please approve: X",
        ),
        (
            ("EffectOwed", MESSAGE),
            "EffectDone",
            {"effect": "C-1.8", "result": {"told": ["lea"], "withheld": ["regulator-desk"]}},
            {"actor": "engine"},
            "Told Lea Brandt: notify Tell the desk; EXERCISE, not told: regulator-desk",
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectUnknown",
            {"effect": "C-1.9", "reason": "timed out"},
            {"actor": "engine"},
            "It may or may not have happened: publish holding_statement to newsroom",
        ),
        (
            ("StepStarted", {"kind_of": "wait"}),
            "StepCompleted",
            {"round": 1, "outcome": "elapsed", "by": ""},
            {"actor": "engine"},
            "'approve holding' ended: elapsed",
        ),
        (
            ("ItemOpened", ITEM),
            "CaseCompleted",
            {"outcome": "done", "problems": ["share: division by zero"]},
            {"actor": "engine"},
            "The case is closed: done (1 result not computed: share: division by zero)",
        ),
    ],
)
def test_events_are_told_as_a_person_would(opened, kind, data, more, sentence):
    assert after(opened, kind, data, **more) == sentence


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ("engine", "The engine"),
        ("schedule:q1", "Schedule q1"),
        ("prefect:nightly", "Prefect (nightly)"),
        ("case:C-9", "Case C-9"),
        ("lea", "Lea Brandt"),
        ("gone", "gone"),
    ],
)
def test_parts_of_the_system_are_called_what_they_are(actor, name):
    data = {"ref": "C-1", "playbook": "crisis", "version": "1.0.0", "title": "Smoke"}
    opened = event("CaseOpened", data, actor=actor)
    assert told(opened) == [f"{name} opened C-1 (crisis 1.0.0): Smoke"]


def test_an_exercise_is_called_one():
    data = {"ref": "C-1", "playbook": "crisis", "version": "1.0.0", "drill": True}
    assert told(event("CaseOpened", data)) == ["Lea Brandt opened the EXERCISE C-1 (crisis 1.0.0)"]


def test_items_that_one_step_opens_for_several_people_are_one_line():
    one = {**ITEM, "kind_of": "acknowledgement", "title": "Line to take", "bundle": None}
    both = [
        {**one, "item": "C-1.5", "offered": ["lea"]},
        {**one, "item": "C-1.6", "offered": ["carl"]},
    ]
    done = event("ItemCompleted", {"item": "C-1.6", "outcome": "done", "by": ""}, actor="carl")
    lines = told(*(event("ItemOpened", data, actor="engine") for data in both), done)
    assert lines == [
        "Lea Brandt and Carl Weiss were asked to acknowledge 'Line to take'",
        "Carl Weiss acknowledged 'Line to take'",
    ]


def test_items_of_different_steps_are_told_one_by_one():
    other = event("ItemOpened", ITEM, actor="engine", path="elsewhere")
    assert len(told(event("ItemOpened", ITEM, actor="engine"), other)) == 2


def test_many_people_are_counted():
    crowd = {**ITEM, "offered": [f"p{n}" for n in range(13)]}
    assert told(event("ItemOpened", crowd)) == [
        "13 people were asked to approve 'Approve the holding statement'"
    ]


def test_machinery_is_left_out():
    kinds = ("ScopeOpened", "TimerSet", "StepStarted", "EffectOwed")
    data = {"kind_of": "task", "effect": "C-1.9"}
    assert told(*(event(kind, data) for kind in kinds)) == []


def test_what_was_erased_or_is_of_a_later_version_is_told_by_its_kind():
    erased = event("DecisionRecorded", {"item": "C-1.4", "decision": "approve"})
    later = event("CaseMerged", {"into": "C-2"})
    assert told(erased, later) == ["Lea Brandt: DecisionRecorded", "Lea Brandt: CaseMerged"]


@given(st.text(min_size=1), st.sampled_from(sorted(SENTENCES)))
def test_hostile_words_never_leave_their_line(text, kind):
    data = {
        **ITEM,
        **PUBLICATION,
        "title": text,
        "name": text,
        "reason": text,
        "why": text,
        "document": text,
        "outcome": text,
        "ref": text,
        "playbook": text,
        "version": "1",
        "url": text,
        "revision": 1,
        "round": 1,
        "signal": text,
        "child": text,
        "option": text,
    }
    for sentence in told(event("ItemOpened", data), event(kind, data, actor=text)):
        assert len(sentence.splitlines()) <= 1
        assert "\x1b" not in sentence
