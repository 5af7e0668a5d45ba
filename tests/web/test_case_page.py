"""One case: where it stands, its steps, its words, who was told, and what may be ordered."""

from __future__ import annotations

import pytest

from smr_engine.services import items
from smr_engine.services.case_boxes import boxes_of
from smr_engine.services.side_by_side import side_by_side
from smr_engine.services.views import StepRow
from smr_engine.services.workspace import Actor
from tests.services.company import Company
from tests.services.playbooks import RESTRICTED, STATEMENT
from tests.support.web import application, visit_as

SEVERE = (
    STATEMENT.replace("playbook: statement", "playbook: severe")
    .replace("owner: smr-lead", "owner: smr-lead\nseverity: {levels: [sev1, sev2], initial: sev2}")
    .replace("due: 2h", "due: {by_severity: {sev1: 15m}, default: 2h}")
)
FIRST, SECOND = "We look into it.\nMore soon.", "We look into that, today.\nMore soon."


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = Company(tmp_path_factory.mktemp("cases") / "halden")
    for name, text in (("statement", STATEMENT), ("severe", SEVERE), ("secret", RESTRICTED)):
        made.playbook(name, text)
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def app(company):
    return application(company.ws)


@pytest.fixture(scope="module")
def ana(app):
    return visit_as(app, "ana")


@pytest.fixture
def case(company):
    made = company.start("severe", title="Stoves")
    draft = company.item(made, "write")
    items.revise(company.ws, Actor("tom"), draft, FIRST)
    items.revise(company.ws, Actor("tom"), draft, SECOND, done=True)
    return made


def test_the_page_says_where_the_case_stands_and_links_what_waits(company, app, ana, case):
    text = ana.get(f"/cases/{case}").text
    assert "Waits for" in text
    assert f"/items/{company.item(case, 'approve')}" in text
    assert "Approve the statement" in text
    assert "Why you cannot decide" in text
    assert "Why you cannot decide" not in visit_as(app, "lea").get(f"/cases/{case}").text
    assert "approval, active" in text
    assert "publish, waiting" in text
    assert "Tom Becker" in text  # who wrote it


def test_a_restricted_case_is_not_there_for_others(company, app, ana):
    secret = company.start_as("ruth", "secret")
    missing = ana.get("/cases/NONE-2026-0001", 404).text
    assert ana.get(f"/cases/{secret}", 404).text == missing.replace("NONE-2026-0001", secret)
    assert "Personnel matter" in visit_as(app, "ruth").get(f"/cases/{secret}").text


def test_two_versions_stand_beside_each_other(ana, case):
    text = ana.get(f"/cases/{case}/documents/statement?old=2&new=3").text
    assert "We look into <del>it</del>." in text
    assert "We look into <ins>that, today</ins>." in text
    assert "Tom Becker" in text
    ana.get(f"/cases/{case}/documents/nothing", 404)
    ana.get(f"/cases/{case}/documents/statement?old=9", 404)


def test_a_note_goes_into_the_history(ana, case):
    ana.post(f"/cases/{case}/note", {"text": "The press <b>calls</b>"})
    text = ana.get(f"/cases/{case}").text
    assert "The press &lt;b&gt;calls&lt;/b&gt;" in text


def test_a_severity_is_shown_before_it_is_set(ana, case):
    change = {"level": "sev1", "reason": "It spreads", "action": "look"}
    looked = ana.post(f"/cases/{case}/severity", change, 200).text
    assert "What moves with sev1" in looked
    assert "It spreads" in looked, "what was typed stays"
    assert "Approve the statement" in looked.split("What moves with")[1], "by its title"
    assert "sev2" in ana.get(f"/cases/{case}").text
    ana.post(f"/cases/{case}/severity", {**change, "action": "confirm"})
    assert "badge-sev1" in ana.get(f"/cases/{case}").text


def test_what_one_may_not_order_is_not_offered_and_is_refused(app, case):
    lea = visit_as(app, "lea")
    text = lea.get(f"/cases/{case}").text
    for path in ("cancel", "severity"):
        assert f"/cases/{case}/{path}" not in text
    answer = lea.post(f"/cases/{case}/cancel", {"reason": "No"}, 409)
    assert "smr-lead (the owner of severe)" in answer.text
    assert "No" in answer.text


def test_a_case_is_cancelled_with_a_reason(ana, case):
    ana.post(f"/cases/{case}/cancel", {"reason": ""}, 409)
    ana.post(f"/cases/{case}/cancel", {"reason": "False alarm"})
    text = ana.get(f"/cases/{case}").text
    assert "badge-cancelled" in text
    assert "False alarm" in text


def row(path, kind, status="waiting"):
    return StepRow(path, 1, kind, status)


def test_steps_are_boxes_in_boxes():
    found = boxes_of(
        [
            row("write", "draft", "completed"),
            row("respond", "parallel", "active"),
            row("respond/speak/say", "publish", "active"),
            row("respond/listen/hear", "task"),
            row("each", "foreach"),
            row("each[0]/ask", "task"),
            row("each[1]/ask", "task", "failed"),
        ]
    )
    assert [box.path for box in found] == ["write", "respond", "each"]
    speak, listen = found[1].inside
    assert (speak.title, [box.path for box in speak.inside]) == ("Speak", ["respond/speak/say"])
    assert speak.is_going
    assert not listen.is_going
    assert [box.title for box in found[2].inside] == ["Number 1", "Number 2"]
    assert found[2].is_going


def test_lines_that_changed_stand_beside_each_other():
    lines = side_by_side("a\nb\nc", "a\nB\nc\nd")
    assert [(line.old, line.new) for line in lines] == [
        ("a", "a"),
        ("b", "B"),
        ("c", "c"),
        (None, "d"),
    ]
    assert [line.same for line in lines] == [True, False, True, False]
