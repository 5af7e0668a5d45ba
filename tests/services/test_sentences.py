"""Every event is told in a sentence, or left out because it is machinery."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.engine.events import EVENTS
from smr_engine.engine.world import Account, Outsider, Person, Role, World
from smr_engine.playbook.build import build_playbook
from smr_engine.playbook.yaml_source import load as load_yaml
from smr_engine.services.names import Names
from smr_engine.services.sentences import SENTENCES, tell
from smr_engine.services.views import EventRow

AT = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)
PEOPLE = {"lea": "Lea Brandt", "tom": "Tom Becker", "ana": "Ana Ruiz", "carl": "Carl Weiss"}
ROLES = {"legal": "Legal counsel", "privacy": "Privacy"}
WORLD = World(
    people={name: Person(name, called) for name, called in PEOPLE.items()},
    roles={name: Role(name, called) for name, called in ROLES.items()},
    accounts={"newsroom": Account("newsroom", "Halden newsroom", "website", "folder")},
    contacts={"regulator-desk": Outsider("regulator-desk", "The regulator's desk")},
)
PLAYBOOK = """
playbook: crisis
version: 1.0.0
title: Crisis response
owner: smr-lead
inputs: {fields: {type: {type: text, title: Kind of crisis}}}
documents:
  holding_statement: {title: Holding statement, audience: public, template: We know.}
  letter: {title: Letter, audience: creator, template: Dear all}
clocks:
  first_words: {title: The first words are out, runs_from: "{{ case.opened_at }}", due: 1h}
steps:
  - {id: approve_holding, kind: approval, title: Approve it, documents: [holding_statement],
     quorum: [{role: legal}]}
  - id: assess
    kind: decision
    title: How bad is it?
    assign: {role: legal}
    choice: [{outcome: real_one, title: It is a real one}, rumour]
  - id: each_creator
    kind: foreach
    in: inputs.creators
    as: creator
    steps:
      - {id: write_to, kind: draft, title: "Write to {{ creator.name }}", document: letter,
         assign: {role: legal}}
  - {id: pause, kind: wait, title: An hour passes, for: 1h}
"""
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
    "account": "newsroom",
    "document": "holding_statement",
    "name": "publish holding_statement -> newsroom",
}


MESSAGE = {"effect": "C-1.8", "kind_of": "notification", "name": "notify Tell the desk"}


ALONE = "(without a flow run: Prefect did not answer)"


def event(kind, data, *, actor="lea", path="approve_holding", case="C-1", behalf=""):
    return EventRow(1, AT, case, kind, actor, behalf, "legal", "asserted", data, "00", path)


@cache
def pinned(case):
    located, _ = load_yaml(PLAYBOOK.encode(), "crisis.yaml")
    return build_playbook(located.root, "00") if case == "C-1" else None


NAMES = Names(WORLD, pinned, ZoneInfo("Europe/Berlin"))


def told(*events):
    return [line.sentence for line in tell(events, NAMES)]


def after(opened, kind, data, **more):
    what, known, *path = opened
    path = path[0] if path else "approve_holding"
    return told(event(what, known, actor="engine", path=path), event(kind, data, **more))[-1]


def test_every_kind_of_event_of_a_case_has_its_sentence():
    assert set(EVENTS) - set(SENTENCES) == set()


def test_a_decision_names_person_content_and_role():
    data = {"item": "C-1.4", "decision": "approve", "roles": ["legal"], "person": "lea"}
    sentence = after(("ItemOpened", ITEM), "DecisionRecorded", data)
    assert sentence == "Lea Brandt approved Holding statement, version 2, as Legal counsel"


def test_a_decision_for_somebody_else_says_so_and_keeps_the_words_apart():
    data = {
        "item": "C-1.4",
        "decision": "request_changes",
        "roles": ["legal", "privacy"],
        "comment": "Name the product",
    }
    lines = [event("ItemOpened", ITEM), event("DecisionRecorded", data, behalf="carl")]
    last = list(tell(lines, NAMES))[-1]
    assert last.sentence == (
        "Lea Brandt (for Carl Weiss) asked for changes to Holding statement, version 2, "
        "as Legal counsel and Privacy"
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
            "'Approve the holding statement' no longer counts: new text",
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
            "Published Holding statement to Halden newsroom: https://news.example.test/1",
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectDone",
            {"effect": "C-1.9", "result": {"url": "page.md", "flow_run": None}},
            {"actor": "engine"},
            f"Published Holding statement to Halden newsroom: page.md {ALONE}",
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectDone",
            {"effect": "C-1.9", "result": {"withheld": True, "url": None}},
            {"actor": "engine"},
            "EXERCISE, not sent: publishing Holding statement to Halden newsroom",
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
            ("Told Lea Brandt: about 'Approve it'; EXERCISE, not told: The regulator's desk"),
        ),
        (
            ("EffectOwed", PUBLICATION),
            "EffectUnknown",
            {"effect": "C-1.9", "reason": "timed out"},
            {"actor": "engine"},
            "It may or may not have happened: publishing Holding statement to Halden newsroom",
        ),
        (
            ("StepStarted", {"kind_of": "wait"}, "pause"),
            "StepCompleted",
            {"round": 1, "outcome": "elapsed", "by": ""},
            {"actor": "engine", "path": "pause"},
            "'An hour passes' ended: the time has passed",
        ),
        (
            ("ItemOpened", {**ITEM, "kind_of": "decision", "title": "How bad is it?"}),
            "ItemCompleted",
            {"item": "C-1.4", "outcome": "real_one", "by": "lea"},
            {"path": "assess"},
            "Lea Brandt decided 'How bad is it?': It is a real one",
        ),
        (
            ("StepStarted", {"kind_of": "draft"}),
            "StepSkipped",
            {"reason": "inputs.creators is none"},
            {"path": "each_creator[1]/write_to"},
            "'Write to …' (number 2) was skipped",
        ),
        (
            ("ElementsListed", {"elements": [{"name": "Ida"}, {"name": "Max"}]}, "each_creator"),
            "DocumentRevised",
            {"document": "letter", "revision": 3, "source": "person"},
            {"path": "each_creator[1]/write_to"},
            "Lea Brandt saved Letter (Max), version 3",
        ),
        (
            ("ItemOpened", ITEM),
            "ClockStarted",
            {
                "clock": "first_words",
                "runs_from": "2026-11-23T14:02:00Z",
                "due_at": "2026-11-23T15:02:00.123456Z",
            },
            {"actor": "engine"},
            (
                "The clock 'The first words are out' runs from 2026-11-23 15:02 CET: "
                "due 2026-11-23 16:02 CET"
            ),
        ),
        (
            ("ItemOpened", ITEM),
            "ItemRescheduled",
            {
                "item": "C-1.4",
                "moves": [
                    {"what": "due", "before": "", "after": "2026-11-23T15:00:00Z"},
                    {
                        "what": "line legal or privacy",
                        "before": "1",
                        "after": "2, due 2026-11-23T15:00:00Z",
                    },
                    {"what": "remind 50%", "before": "", "after": "2026-11-23T14:30:00Z"},
                ],
            },
            {"actor": "engine"},
            (
                "'Approve the holding statement' moved: due from none to 2026-11-23 16:00 CET and "
                "answers of Legal counsel or Privacy from 1 to 2, due 2026-11-23 16:00 CET"
            ),
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
    assert told(opened) == [f"{name} opened C-1 (Crisis response 1.0.0): Smoke"]


def test_an_exercise_is_called_one():
    data = {"ref": "C-1", "playbook": "crisis", "version": "1.0.0", "drill": True}
    assert told(event("CaseOpened", data)) == [
        "Lea Brandt opened the EXERCISE C-1 (Crisis response 1.0.0)"
    ]


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
    other = event("ItemOpened", {**ITEM, "offered": ["tom"]}, actor="engine", path="elsewhere")
    assert len(told(event("ItemOpened", ITEM, actor="engine"), other)) == 2


def test_what_is_alike_for_the_items_of_one_step_is_told_once():
    moves = [{"what": "expires", "before": "", "after": "2026-11-23T15:00:00Z"}]
    both = [{**ITEM, "item": item, "moves": moves} for item in ("C-1.5", "C-1.6")]
    opened = [event("ItemOpened", data) for data in both]
    moved = [event("ItemRescheduled", data) for data in both]
    assert told(*opened, *moved)[1:] == [
        "'Approve the holding statement' moved: expires from none to 2026-11-23 16:00 CET (2 times)"
    ]


def test_what_is_alike_in_a_row_within_a_minute_is_told_once_with_how_often():
    opened = event("ItemOpened", ITEM)
    whom = {0: "ana", 1: "ana", 59: "ana", 60: "ana", 61: "tom", 62: "ana"}
    escalated = [
        replace(
            event("ItemEscalated", {"item": "C-1.4", "people": [who]}, actor="engine"),
            at=AT + timedelta(seconds=second),
        )
        for second, who in whom.items()
    ]
    to_ana, to_tom = (
        f"'Approve the holding statement' was escalated to {who}"
        for who in ("Ana Ruiz", "Tom Becker")
    )
    assert told(opened, *escalated)[1:] == [f"{to_ana} (3 times)", to_ana, to_tom, to_ana]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("inputs.type == 'breach' (inputs.type is \"outage\")", "Kind of crisis: outage"),
        (
            'round < 3 and steps.assess (round is 1, steps.assess.outcome is "real_one")',
            "Round: 1; How bad is it? It is a real one",
        ),
        (
            "not steps.pause.output.text (steps.pause.output.text is null)",
            "An hour passes, text: none",
        ),
        (f'x (inputs.staff is "{"a" * 50}...)', f"Staff: {'a' * 50}…"),
        ("a (inputs.safe is true, inputs.seen is [1, 2])", "Safe: yes; Seen: 1 and 2"),
        ("assess ended with 'real_one'", "How bad is it? It is a real one"),
        ("the option 'quiet' was not taken", "the option 'quiet' was not taken"),
        ("Nobody is in (the office is closed)", "Nobody is in (the office is closed)"),
        ("true", "true"),
    ],
)
def test_a_rule_of_the_playbook_is_told_by_what_it_saw(reason, said):
    [line] = tell([event("StepSkipped", {"reason": reason}, path="pause")], NAMES)
    assert (line.sentence, line.said) == ("'An hour passes' was skipped", said)


def test_the_newest_comes_first_where_that_is_asked_and_what_lies_elsewhere_is_known():
    opened = event("ItemOpened", ITEM, actor="engine")
    done = event("DecisionRecorded", {"item": "C-1.4", "decision": "approve"})
    noted = event("NoteWritten", {"text": "Well done"})
    lines = tell([done, noted], NAMES, besides=[opened], newest_first=True)
    assert [line.sentence for line in lines] == [
        "Lea Brandt noted",
        "Lea Brandt approved Holding statement, version 2",
    ]


def test_what_no_playbook_or_directory_gives_a_title_is_called_by_its_id_in_words():
    revised = event("DocumentRevised", {"document": "first_letter", "revision": 1}, case="C-9")
    ended = event("StepFailed", {}, path="outer/call_press", case="C-9")
    decided = event("DecisionRecorded", {"item": "C-9.1", "decision": "reject", "roles": ["hr"]})
    assert told(revised, ended, decided) == [
        "Lea Brandt saved First letter, version 1",
        "'Call press' failed",
        "Lea Brandt rejected 'C-9.1', as hr",
    ]


def test_many_people_are_counted():
    crowd = {**ITEM, "offered": [f"p{n}" for n in range(13)]}
    assert told(event("ItemOpened", crowd)) == [
        "13 people were asked to approve 'Approve the holding statement'"
    ]


def test_a_reminder_that_nobody_needed_is_left_out():
    reminded = event("ItemReminded", {"item": "C-1.4", "people": []}, actor="engine")
    assert len(told(event("ItemOpened", ITEM), reminded)) == 1


def test_machinery_is_left_out():
    kinds = ("ScopeOpened", "TimerSet", "StepStarted", "EffectOwed")
    data = {"kind_of": "task", "effect": "C-1.9"}
    assert told(*(event(kind, data) for kind in kinds)) == []


def test_what_was_erased_or_is_of_a_later_version_is_told_by_its_kind():
    erased = event("ChildEnded", {"child": "C-2"})
    later = event("CaseMerged", {"into": "C-2"})
    assert told(erased, later) == ["Lea Brandt: child ended", "Lea Brandt: case merged"]


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
