"""Rehearsals: what people do in a scenario, on a virtual clock, and what fails for a time."""

from __future__ import annotations

from time import process_time

import pytest

from smr_engine.services import rehearsal
from tests.services.company import Company
from tests.services.rehearsing import SIGNAL, play, told, why

APPROVED = [
    {"who": "carl", "approves": "check", "after": "5m"},
    {"who": "lea", "approves": "check", "after": "9m"},
]


def test_people_do_what_the_scenario_says_and_the_others_their_part(company: Company):
    result = play(
        company,
        happens=[
            {"who": "ana", "completes": "look", "after": "20m", "with": {"facts": ["Smoke"]}},
            *APPROVED,
            SIGNAL,
            {"who": "carl", "decides": "big", "answer": "no"},
        ],
        expect=[
            {"ends": "done"},
            {"path": ["look", "write", "check", "out", "answer", "tell", "big"]},
            {"step": "big", "outcome": "no"},
            {"approved": "words", "by": ["carl", "lea"], "at": "2026-09-14T10:34"},
            {"published": "words", "on": "newsroom", "says": "Smoke", "within": "1h", "times": 1},
            {"told": "trade-press", "says": "Out: Smoke"},
        ],
    )
    assert why(result) == []
    assert (result.ok, result.status, result.outcome) == (True, "completed", "done")


def test_days_pass_in_no_time_and_nothing_leaves_the_house(company: Company):
    before = sorted(company.root.rglob("*"))
    begun = process_time()
    late = {**SIGNAL, "after": "20d"}
    result = play(company, happens=[late], expect=[{"ends": "done"}])
    assert result.ok
    assert (result.ended - result.started).days == 20
    assert process_time() - begun < 5
    new = {path.name for path in set(company.root.rglob("*")) - set(before)}
    assert new <= {"short.yaml", "tests", "rehearsal.yaml", "holidays.json"}  # dates looked up


def test_a_rehearsal_is_the_same_every_time(company: Company):
    first, second = (told(company, happens=[*APPROVED, SIGNAL]) for _ in range(2))
    assert [(e.at, e.kind, e.actor, e.data) for e in first.events] == [
        (e.at, e.kind, e.actor, e.data) for e in second.events
    ]
    assert (first.sent, first.posted) == (second.sent, second.posted)


def test_without_others_nobody_of_whom_nothing_is_said_does_anything(company: Company):
    result = play(
        company,
        others=None,
        expect=[
            {"still": "open"},
            {"reminded": "ana", "at": "2026-09-14T10:30", "times": 1},
            {"escalated": "look", "to": ["carl", "nora"], "at": "2026-09-14T11:30"},
        ],
    )
    assert why(result) == []


def test_some_people_and_steps_can_be_left_out_of_the_others(company: Company):
    silent = {"after": "5m", "but_not": ["ana", "check"]}
    expect = [{"still": "open"}, {"step": "write", "outcome": "done"}, {"approved": "words"}]
    result = play(company, others=silent, expect=expect)
    assert why(result) == ["nothing of the kind happened"]
    who = told(company, others=silent)
    assert "mira" in {event.actor for event in who.events}


def test_a_round_of_changes_takes_the_next_sentence_of_each_person(company: Company):
    result = play(
        company,
        happens=[
            {"who": "tom", "writes": "write", "text": "First", "after": "1m"},
            {"who": "carl", "approves": "check", "after": "1m"},
            {"who": "lea", "requests_changes": "check", "after": "2m", "because": "No"},
            {"who": "tom", "writes": "write", "text": "Second", "after": "1m"},
            {"who": ["carl", "lea"], "approves": "check", "after": "3m"},
            SIGNAL,
        ],
        expect=[
            {"published": "words", "says": "Second", "times": 1},
            {"published": "words", "says": "First", "times": 0},
            {"step": "write", "outcome": "done", "times": 2},
        ],
    )
    assert why(result) == []


def test_a_late_edit_asks_those_who_had_approved_again(company: Company):
    result = play(
        company,
        happens=[
            {"who": "tom", "writes": "write", "after": "1m"},
            {"who": "carl", "approves": "check", "after": "1m", "each_time": True},
            {"who": "tom", "edits": "write", "after": "5m", "text": "Edited late"},
            {"who": "lea", "approves": "check", "after": "10m", "each_time": True},
            SIGNAL,
        ],
        expect=[{"published": "words", "says": "Edited late", "times": 1}, {"ends": "done"}],
    )
    assert why(result) == []


def test_what_must_be_refused_is_refused_with_these_words(company: Company):
    refused = {"who": "tom", "approves": "check", "refused": "had a hand in this content"}
    writes = {"who": "tom", "writes": "write", "after": "1m"}
    assert play(company, happens=[writes, refused, *APPROVED, SIGNAL]).ok
    other = {**refused, "refused": "is on holiday"}
    (words,) = why(play(company, happens=[writes, other, *APPROVED, SIGNAL]))
    assert words.startswith("tom approves check: it was refused: ")
    allowed = {"who": "carl", "approves": "check", "refused": "had a hand"}
    (words,) = why(play(company, happens=[writes, allowed, APPROVED[1], SIGNAL]))
    assert words == "carl approves check: it was not refused"


def test_what_somebody_may_not_do_fails_the_scenario_at_its_line(company: Company):
    result = play(company, happens=[{"who": "kit", "completes": "look"}, SIGNAL])
    (failure,) = result.failures
    assert "kit completes look: " in failure.instead
    assert "was not asked" in failure.instead
    lines = (company.root / "playbooks/tests/rehearsal.yaml").read_text().splitlines()
    assert lines[failure.line - 1] == "- who: kit"


def test_a_sentence_that_never_came_to_pass_fails_the_scenario(company: Company):
    again = {"who": "lea", "rejects": "check", "after": "1d", "because": "Too late"}
    (words,) = why(play(company, happens=[*APPROVED, SIGNAL, again]))
    assert words == "lea rejects check: it never came to this"


def test_a_case_can_be_stopped_and_remarked_on(company: Company):
    happens = [
        {"who": "carl", "notes": "The mayor called", "after": "1m"},
        {"who": "ana", "cancels": True, "because": "A false alarm", "at": "2026-09-14T10:03"},
    ]
    result = play(company, happens=happens, expect=[{"ends": "cancelled"}])
    assert why(result) == []


@pytest.mark.parametrize(
    ("how", "answer", "published"),
    [("down", "retry", 1), ("refuses", "skip", 0), ("unclear", "not_sent", 1)],
)
def test_an_account_that_fails_holds_the_case_until_somebody_looks(
    company: Company, how: str, answer: str, published: int
):
    repair = {"who": "ana", "repairs": "out", "answer": answer, "after": "1h", "because": "Looked"}
    result = play(
        company,
        outages=[{"of": "newsroom", "until": "30m", "how": how}],
        happens=[repair, SIGNAL],
        expect=[{"ends": "done"}, {"published": "words", "times": published}],
    )
    assert why(result) == []


def test_messages_that_cannot_go_out_are_sent_when_it_works_again(company: Company):
    result = play(
        company,
        outages=[{"of": "messages", "from": "2h", "until": "121m"}],
        happens=[SIGNAL],
        expect=[{"told": "trade-press", "says": "Out", "times": 1}, {"ends": "done"}],
    )
    assert why(result) == []


def test_who_is_away_is_not_asked_but_the_deputy_is(company: Company):
    def away():
        return {"away": [{"from": "2026-09-10", "until": "2026-09-20"}]}

    result = play(
        company,
        people={"carl": away(), "nora": away()},
        happens=[SIGNAL],
        expect=[
            {"asked": "mira", "of": "check"},
            {"asked": "carl", "times": 0},
            {"approved": "words", "by": ["mira", "lea"]},
        ],
    )
    assert why(result) == []


def test_steps_of_cases_that_were_opened_are_meant_as_well(company: Company):
    result = play(
        company,
        playbook="parent",
        happens=[{"who": "lea", "rejects": "approve", "because": "No"}],
        expect=[{"step": "statement/approve", "outcome": "rejected"}, {"ends": "done"}],
    )
    assert "it never came to this" not in " ".join(why(result))


def test_a_case_that_does_not_open_fails_the_scenario(company: Company):
    result = play(company, by="kit", playbook="secret", inputs=None)
    assert not result.ok
    assert why(result)[0].startswith("the case does not open: ")


def test_a_rehearsal_without_end_is_ended_and_says_so(company: Company, monkeypatch):
    monkeypatch.setattr(rehearsal, "MOST_TURNS", 3)
    result = play(company, happens=[SIGNAL], expect=[{"still": "open"}])
    assert why(result)[0] == "after 3 turns it was still going on; a shorter `until` ends it"
