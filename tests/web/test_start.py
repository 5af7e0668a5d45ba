"""Starting: the gallery, what a playbook asks and does, the preview, and one case for one form."""

from __future__ import annotations

import re

import pytest

from smr_engine.services import reading
from tests.support.web import visit_as

BROKEN = """
playbook: broken
version: 1.0.0
title: <b>Broken</b>
owner: smr-lead
steps: [{id: ask, kind: task, assign: {role: nobody-here}}]
"""
SCORED = """
playbook: scored
version: 1.0.0
title: Scored
summary: Somebody looks within the hour.
owner: smr-lead
severity: {title: Risk tier, levels: [high, low], initial: low}
inputs: {fields: {title: text, urls: {type: list, of: url, min: 1}, who: person, hurt: yes_no}}
steps:
  - id: look
    kind: task
    title: Look at it
    assign: {role: comms-writer}
    due: {by_severity: {high: 1h}, default: 4h}
    remind: [50%, at due]
    escalate: [{at: 150%, to: {role: comms-director}}]
"""
GOOD = {"/title": "Smoke <1>", "/urls/0": "https://example.test/1", "/who": "lea", "/hurt": "no"}


@pytest.fixture(scope="module")
def ana(company, app):
    company.playbook("broken", BROKEN)
    company.playbook("scored", SCORED)
    return visit_as(app, "ana")


def key_of(page) -> str:
    found = re.search(r'name="key" value="([0-9a-f]+)"', page.text)
    assert found
    return found[1]


def opened(company) -> list[str]:
    return [row.case for row in reading.case_list(company.ws)]


def test_the_gallery_says_what_each_playbook_is_for_and_asks(ana):
    text = ana.get("/playbooks").text
    assert "Somebody looks within the hour." in text
    assert "1 step, 0 approvals, 0 publications" in text
    assert "Owner: Social media relations lead" in text
    assert "Asks for: Title, Urls, Who and Hurt." in text
    assert text.index(">Scored<") < text.index("Broken"), "what can be started comes first"


def test_what_cannot_be_started_says_why_and_its_title_is_text(ana):
    for path in ("/playbooks", "/playbooks/broken"):
        text = ana.get(path).text
        assert "&lt;b&gt;Broken&lt;/b&gt;" in text
        assert "the directory has no role `nobody-here`" in text
        assert "/halden/" not in text, "where the file lies is nobody's business"
    assert 'name="key"' not in text
    assert "are restricted to Human resources" in ana.get("/playbooks/secret").text


def test_a_playbook_shows_what_it_does_as_a_picture_and_in_words(ana):
    text = ana.get("/playbooks/scored").text
    assert 'alt="The steps of Scored as a diagram' in text
    assert "<strong>Look at it</strong>" in text
    picture = ana.get("/playbooks/scored/picture.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["content-security-policy"].endswith("sandbox")
    assert "script" not in picture.text
    ana.get("/playbooks/nothing", 404)
    ana.get("/playbooks/nothing/picture.svg", 404)


def test_a_form_that_is_sent_twice_opens_one_case(ana, company):
    before = len(opened(company))
    key = key_of(ana.get("/playbooks/scored"))
    sent = {**GOOD, "key": key, "do": "start", "severity": "high", "drill": "yes"}
    first, second = ana.post("/playbooks/scored", sent), ana.post("/playbooks/scored", sent)
    assert first.headers["location"] == second.headers["location"]
    assert len(opened(company)) == before + 1
    view = reading.case_view(company.ws, first.headers["location"].removeprefix("/cases/"))
    assert (view.severity, view.drill, view.requester) == ("high", True, "ana")
    urls = ["https://example.test/1"]
    assert view.inputs == {"title": "Smoke <1>", "urls": urls, "who": "lea", "hurt": False}


def test_a_form_to_which_somebody_goes_back_and_types_anew_opens_another_case(ana):
    sent = {**GOOD, "key": key_of(ana.get("/playbooks/scored")), "do": "start"}
    first = ana.post("/playbooks/scored", sent).headers["location"]
    for change in ({"/title": "Fire"}, {"severity": "low"}, {"drill": "yes"}):
        assert ana.post("/playbooks/scored", {**sent, **change}).headers["location"] != first
    assert ana.post("/playbooks/scored", sent).headers["location"] == first


def test_the_key_of_a_form_says_nothing_about_the_cases_of_others(ana, app):
    sent = {**GOOD, "key": key_of(ana.get("/playbooks/scored")), "do": "start"}
    mine = ana.post("/playbooks/scored", sent)
    theirs = visit_as(app, "tom").post("/playbooks/scored", sent)
    assert mine.headers["location"] != theirs.headers["location"]


def test_a_preview_keeps_what_was_typed_and_opens_nothing(ana, company):
    before = opened(company)
    key = key_of(ana.get("/playbooks/scored"))
    sent = {"/title": "Smoke", "key": key, "severity": "high", "drill": "yes", "do": "preview"}
    page = ana.post("/playbooks/scored", sent, 200)
    assert opened(company) == before
    assert key_of(page) == key
    assert 'value="Smoke"' in page.text
    assert '<option value="high" selected>' in page.text
    assert re.search(r'name="drill" value="yes" checked', page.text)
    assert "Made up, because it was left empty: Urls, Who and Hurt." in page.text
    assert "Risk tier: high." in page.text
    for what, who in (("reminder", "Tom"), ("escalation", "Carl Weiss")):
        assert re.search(rf"(?s)>{what}</td><td[^>]*>[^<]*{who}", page.text), what


def test_a_preview_goes_on_to_the_end_where_that_is_asked(ana, company):
    sent = {"/title": "Smoke", "key": "k", "do": "preview"}
    first = ana.post("/playbooks/statement", sent, 200).text
    assert "if nobody answered" in first
    assert "Approve the statement" not in first.partition("What it asks")[0]
    assert 'value="preview-all"' in first
    whole = ana.post("/playbooks/statement", {**sent, "do": "preview-all"}, 200).text
    assert "Each is answered once all its reminders have come." in whole
    assert "Approve the statement" in whole.partition("What it asks")[0]


def test_what_is_missing_is_told_beside_its_field_and_nothing_typed_is_lost(ana, company):
    before = opened(company)
    sent = {"/title": "Smoke", "/urls/0": "nonsense", "key": "k", "do": "start"}
    page = ana.post("/playbooks/scored", sent, 422)
    assert opened(company) == before
    assert 'value="Smoke"' in page.text
    assert 'value="nonsense"' in page.text
    assert 'role="alert"' in page.text
    assert 'href="#f/hurt"' in page.text
    assert page.text.count("Answer yes or no.") == 2


def test_another_row_is_given_without_starting_anything(ana, company):
    before = opened(company)
    sent = {**GOOD, "/urls/1": "https://example.test/2", "key": "k", "add": "/urls"}
    page = ana.post("/playbooks/scored", sent, 200)
    assert opened(company) == before
    assert 'name="/urls/2"' in page.text
    assert 'value="https://example.test/2"' in page.text


def test_who_may_not_start_is_told_so_and_starts_nothing(app, company):
    kit = visit_as(app, "kit")
    before = opened(company)
    page = kit.get("/playbooks/scored")
    assert "starts and steers no case: viewer" in page.text
    assert 'name="key"' not in page.text
    kit.post("/playbooks/scored", {**GOOD, "key": "k", "do": "start"}, 403)
    assert opened(company) == before
