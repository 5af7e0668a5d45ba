"""Who sees which case, and what people's access lets them do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smr_engine.errors import NotFound, Refusal, SmrError
from smr_engine.services import (
    auditing,
    auditing_answers,
    auditing_search,
    cases,
    changes,
    items,
    reading,
    schedules,
)
from smr_engine.services.verifying import Progress, Verifying
from smr_engine.services.views import VerifyView
from smr_engine.services.workspace import Actor
from tests.services.company import Company

FIRST = """
playbook: first
version: 1.0.0
title: First
owner: hr
case_prefix: VEILED
visibility: {restricted: [hr]}
steps:
  - {id: open_it, kind: playbook, playbook: later, inputs: {title: what is handed down}}
"""
LATER = """
playbook: later
version: 1.0.0
title: Later
owner: smr-lead
inputs: {fields: {title: text}}
steps: [{id: look, kind: task, assign: {role: smr-lead}}]
"""
MATTER = """
playbook: matter
version: 1.0.0
title: Personnel matter
owner: hr
visibility: {restricted: [legal]}
severity: {title: Severity, levels: [high, low], initial: low}
inputs: {fields: {title: text}}
documents: {letter: {title: Letter, audience: internal, template: "Dear {{ inputs.title }}"}}
clocks: {answer: {title: Answer, runs_from: "{{ case.opened_at }}", due: 4h}}
steps:
  - {id: write, kind: draft, document: letter, assign: {person: tom}}
  - {id: approve, kind: approval, documents: [letter], quorum: [{role: legal, need: 1}]}
"""
ABOVE = """
playbook: above
version: 1.0.0
title: Above
owner: smr-lead
steps:
  - {id: open_it, kind: playbook, playbook: matter, inputs: {title: from above}}
"""
SEEING = ("ruth", "jan", "lea", "greta")  # its owner, a named role, the auditor
BLIND = ("ana", "tom", "kit")  # administrator, somebody asked, viewer


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Iterator[Company]:
    made = Company(tmp_path_factory.mktemp("access") / "halden")
    made.playbook("matter", MATTER)
    made.playbook("above", ABOVE)
    made.playbook("first", FIRST)
    made.playbook("later", LATER)
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def matter(company: Company) -> str:
    """A restricted case, and one decision in it."""
    case = company.start_as("ruth", "matter", title="the pay of Max")
    company.write(company.item(case, "write"), "We raise it.")
    company.vote(company.item(case, "approve"), "lea")
    other = company.start_as("ruth", "matter", title="the pay of Elif")
    schedules.add(
        company.ws, Actor("ruth"), "matter", schedules.Rule("FREQ=YEARLY"), {"title": "again"}
    )
    return other


def words(what: Callable[[], Any]) -> str:
    """Return how something is refused."""
    with pytest.raises(SmrError) as caught:
        what()
    return f"{caught.value.code} {caught.value} {caught.value.hint}"


def _parts(view: Any) -> list[Any]:
    return view if isinstance(view, list) else [view]


@pytest.mark.parametrize("person", SEEING)
def test_a_restricted_case_is_seen_by_its_roles_its_owner_and_auditors(company, matter, person):
    ws = company.ws
    assert matter in {row.case for row in reading.case_list(ws, person=person)}
    assert reading.case_view(ws, matter, person).title == "the pay of Elif"
    assert reading.timeline(ws, matter, person)
    assert auditing_search.search(ws, person).cases
    assert "matter-1" in {row.schedule for row in schedules.list_(ws, person)}


@pytest.mark.parametrize("person", BLIND)
def test_for_everybody_else_there_is_no_such_case_not_even_a_count(company, matter, person):
    ws = company.ws
    assert reading.case_list(ws, person=person) == []
    assert auditing_search.search(ws, person).cases == ()
    assert schedules.list_(ws, person) == []
    assert schedules.next_(ws, 5, person=person) == []
    seen = reading.inbox(ws, person, all_items=True)
    assert {row.kind for row in seen} <= {"draft"}, "only what they were asked, and no clock"


@pytest.mark.parametrize(
    "act",
    [
        lambda ws, who, case: reading.case_view(ws, case, who),
        lambda ws, who, case: reading.timeline(ws, case, who),
        lambda ws, who, case: reading.document(ws, case, "letter", person=who),
        lambda ws, who, case: reading.item_view(ws, f"{case}.2", who),
        lambda ws, who, case: auditing.who(ws, case, person=who),
        lambda ws, who, case: list(auditing.log(ws, who, case=case)),
        lambda ws, who, case: auditing_answers.answers(ws, case, person=who),
        lambda ws, who, case: reading.case_list(ws, person=who, after=case),
        lambda ws, who, case: cases.note(ws, Actor(who), case, "hello"),
        lambda ws, who, case: cases.cancel(ws, Actor(who), case, "hello"),
        lambda ws, who, case: cases.rescore(ws, Actor(who), case, "high", "x", dry_run=True),
        lambda ws, who, case: cases.meet_clock(ws, Actor(who), case, "answer"),
        lambda ws, who, case: cases.signal(ws, Actor(who), case, "x", key="", payload={}),
        lambda ws, who, case: items.decide(ws, Actor(who), f"{case}.2", "approve"),
        lambda ws, who, case: items.acknowledge(ws, Actor(who), f"{case}.2"),
    ],
)
def test_what_is_hidden_is_refused_in_the_words_for_what_is_not_there(company, matter, act):
    missing = "CASE-2026-0404"
    for person in ("ana", "tom"):
        hidden = words(lambda person=person: act(company.ws, person, matter))
        there_is_none = words(lambda person=person: act(company.ws, person, missing))
        assert hidden.replace(matter, missing) == there_is_none
        assert hidden.startswith("no-such-case")


def test_who_is_asked_in_a_restricted_case_sees_that_item_and_not_the_case(company, matter):
    item = company.item(matter, "write")
    assert reading.item_view(company.ws, item, "tom").may
    assert item in {row.item for row in reading.inbox(company.ws, "tom")}
    with pytest.raises(NotFound):
        reading.case_view(company.ws, matter, "tom")


def test_a_restricted_case_below_an_open_one_is_left_out_of_it(company, matter):
    case = company.start("above")
    company.work()
    [child] = reading.case_view(company.ws, case, "ruth").children
    assert reading.case_view(company.ws, case, "ana").children == []
    seen = reading.timeline(company.ws, case, "ana")
    assert child not in {row.case for row in seen}
    assert child not in repr(seen)  # also inside of what a step gave
    assert child in {row.case for row in reading.timeline(company.ws, case, "ruth")}
    assert child in {row.case for row in reading.timeline(company.ws, case)}


def test_an_open_case_below_a_restricted_one_does_not_name_it(company, matter):
    above = company.start_as("ruth", "first")
    company.work()
    [child] = reading.case_view(company.ws, above, "ruth").children
    told = (
        reading.case_view(company.ws, child, "ana"),
        reading.timeline(company.ws, child, "ana"),
        [row for row in reading.case_list(company.ws, person="ana") if row.case == child],
        list(auditing.log(company.ws, "ana", case=child)),
    )
    assert all(told)
    for part in (part for each in told for part in _parts(each)):
        assert above not in repr(part)
    assert above in repr(reading.timeline(company.ws, child, "ruth"))


def test_the_log_is_for_auditors_and_for_administrators_without_what_is_restricted(company, matter):
    ws = company.ws
    whole = {(e.seq, e.case) for e in auditing.log(ws, "greta")}
    assert whole == {(e.seq, e.case) for e in auditing.log(ws)}
    seen = list(auditing.log(ws, "ana"))
    assert matter not in {e.case for e in seen}
    assert not any(e.stream == "schedules" for e in seen)
    assert any(e.stream == "directory" for e in seen)
    with pytest.raises(Refusal, match="for auditors and administrators; Tom Becker is neither"):
        auditing.log(ws, "tom")


@pytest.mark.parametrize("person", ["kit", "greta"])
def test_viewers_and_auditors_start_and_steer_nothing(company, person):
    company.directory("    roles: [agency]\n    timezone", "    roles: [agency, hr]\n    timezone")
    company.directory(
        "    roles: [compliance]\n    access", "    roles: [compliance, hr]\n    access"
    )
    case = company.start_as("ruth", "matter", title="the pay of Sam")
    ws, actor = company.ws, Actor(person)
    for act in (
        lambda: company.start_as(person, "matter", title="x"),
        lambda: cases.cancel(ws, actor, case, "why"),
        lambda: cases.rescore(ws, actor, case, "high", "why"),
        lambda: cases.meet_clock(ws, actor, case, "answer"),
        lambda: items.reassign(ws, actor, company.item(case, "write"), "zoe"),
        lambda: schedules.add(ws, actor, "matter", schedules.Rule("FREQ=YEARLY"), {"title": "x"}),
    ):
        assert "answers what is asked, and starts and steers no case" in words(act)
    company.directory("[agency, hr]", "[agency]")
    company.directory("[compliance, hr]", "[compliance]")


def test_an_auditor_writes_no_remarks(company, matter):
    assert "changes nothing" in words(lambda: cases.note(company.ws, Actor("greta"), matter, "x"))


def test_of_a_change_hears_who_may_know_of_the_case(company, matter):
    changed = {matter, ""}  # and something that is no case
    heard = changes.heard_by(company.ws, {"ruth", "tom", "ana", "somebody-who-left"}, changed)
    assert heard == {"ruth": changed, "tom": changed, "ana": {""}}, "tom was asked in it"


def test_what_does_not_verify_is_read_by_auditors_only(company, matter):
    verifying = Verifying(company.ws)
    problem = {"row": f"cases {matter}", "what": "title is 'the pay of Elif'"}
    view = VerifyView(ok=False, events=9, cases=9, problems=[problem])
    verifying._progress = Progress("greta", view=view)
    assert verifying.seen_by("greta").view == view
    told = verifying.seen_by("ana").view
    assert told.problems == [{"what": "1 problem; auditors read them"}]
    assert not told.ok
    assert told.cases < 9
