"""Who approved what: searching, the exact words, the table, the log, and whether it verifies."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import threading
from contextlib import closing

import pytest

from smr_engine.services import items, verifying
from smr_engine.services.verify import verify
from smr_engine.services.workspace import Actor
from tests.support.web import application, visit_as

WORDS = "We are looking into <b>smoke</b> in hall 3.\n\nNobody was hurt."
BETTER = f"{WORDS} We say more at 15:00."


@pytest.fixture(scope="module")
def ana(app):
    """The administrator."""
    return visit_as(app, "ana")


@pytest.fixture(scope="module")
def case(company) -> str:
    """A case with a round of changes, published, and a formula among its words."""
    ref = company.start("statement", title="Smoke in hall 3")
    company.write(company.item(ref, "write"), WORDS)
    asked = company.item(ref, "approve")
    company.vote(asked, "lea")
    company.vote(asked, "carl", "request_changes", "=1+1 Say when we know more.")
    company.write(company.item(ref, "write"), BETTER)
    asked = company.item(ref, "approve")
    company.vote(asked, "lea")
    company.vote(asked, "carl")
    company.work()
    address = {"url": "https://en.wikipedia.test/Talk"}
    items.complete(company.ws, Actor("mira"), company.item(ref, "publish"), address)
    return ref


def test_the_latest_decisions_are_there_before_anybody_searches(ana, case):
    text = ana.get("/audit").text
    assert "The latest decisions" in text
    assert f'href="/audit/{case}"' in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("words=smoke", True),
        ("words=CASE-2026", True),
        ("words=fire", False),
        ("who=lea", True),
        ("who=tom", False),
        ("document=statement", True),
        ("document=press+release", False),
        ("first=2026-09-14&last=2026-09-14", True),
        ("last=2026-09-13", False),
        ("first=2026-09-15", False),
        ("words=smoke&who=lea&document=stat&first=2026-09-14", True),
    ],
)
def test_a_case_is_found_by_its_name_its_people_its_documents_and_its_days(ana, case, query, found):
    text = ana.get(f"/audit?{query}").text
    assert (f'href="/audit/{case}"' in text) == found
    assert ("No decision fits." in text) != found


def test_a_day_that_is_none_is_refused_in_words(ana):
    assert "no date" in ana.get("/audit?first=soon", 422).text
    ana.get("/audit?last=9999-12-31", 422)


def test_a_case_shows_who_approved_which_words_and_what_went_live(ana, case):
    text = ana.get(f"/audit/{case}").text
    second, first = text.split("<article")[1:]  # the newest comes first
    assert second.index("Lea Hoffmann") < second.index("We say more at 15:00."), "names, then words"
    assert "&lt;b&gt;smoke&lt;/b&gt; in hall 3.\n\nNobody was hurt.</blockquote>" in first
    assert "Did not go live." in first
    assert first.count('class="void"') == 2
    assert "<strong>void</strong>: a new round was asked" in first
    assert "=1+1 Say when we know more." in first
    assert "We say more at 15:00." in second
    assert 'class="void"' not in second
    live = second.partition("Went live")[2].partition("<blockquote")[0]
    newsroom, talk = live.split("<li>")[1:]
    assert re.match(
        r"Halden newsroom, <time[^>]+>2026-09-14 10:00 CEST</time>: newsroom/", newsroom
    )
    assert re.match(
        r'Wikipedia talk pages, <time.*: <a href="https://en.wikipedia.test/Talk"', talk
    )
    for words in ("Lea Hoffmann", "Legal", "Carl Weiss", "named at the command line"):
        assert words in second


def test_the_table_for_spreadsheets_holds_no_formula(ana, case):
    answer = ana.get(f"/audit/{case}/decisions.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{case}-decisions.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["decision"] for row in rows] == ["approve", "request_changes"] + ["approve"] * 2
    assert [row["valid"] for row in rows] == ["no", "no", "yes", "yes"]
    assert rows[1]["comment"] == "'=1+1 Say when we know more."
    assert rows[2]["at"] == "2026-09-14T08:00:00Z"
    cells = [cell for row in rows for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_hostile_words_are_words(ana, company):
    ref = company.start("statement", title='"><script>alert(1)</script>')
    words = "<script>alert(2)</script> \u202eevil \x1b[2J \U0001f600" + "long " * 20_000
    company.write(company.item(ref, "write"), words)
    company.vote(company.item(ref, "approve"), "lea", "reject", "@SUM(A1) <img src=x> \u202e")
    text = ana.get(f"/audit/{ref}").text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "\\u202eevil \\x1b[2J \U0001f600long long" in text
    [row] = csv.DictReader(io.StringIO(ana.get(f"/audit/{ref}/decisions.csv").text))
    assert row["comment"] == "'@SUM(A1) <img src=x> \\u202e"


def test_what_is_restricted_is_not_there_for_others(ana, app, company, case):
    company.playbook("hush", HUSH)
    secret = company.start_as("ruth", "hush")
    company.write(company.item(secret, "write"), "Hush.", "ruth")
    company.vote(company.item(secret, "approve"), "lea")
    assert secret in visit_as(app, "ruth").get("/audit").text
    for page in (ana.get("/audit"), ana.get("/audit/log")):
        assert secret not in page.text
    for path in (f"/audit/{secret}", f"/audit/{secret}/decisions.csv", f"/audit/log?case={secret}"):
        unknown = ana.get(path.replace(secret, "HUSH-2026-0099"), 404).text
        assert ana.get(path, 404).text.replace(secret, "HUSH-2026-0099") == unknown


def test_the_log_is_leafed_through_from_its_end_and_narrowed(ana, company, case):
    for _ in range(10):
        company.start("statement", title="Another")
    decided = ana.get("/audit/log?kind=DecisionRecorded&actor=carl").text
    assert decided.count("<details>") == 2
    assert "Carl Weiss" in decided
    first = ana.get("/audit/log").text
    older = re.search(r'href="([^"]+)">Older events', first)
    assert older, "there are more than a page"
    second = ana.get(older[1].replace("&amp;", "&")).text
    numbers = [[int(n) for n in re.findall(r'row">(\d+)<', page)] for page in (first, second)]
    assert numbers[0] == sorted(numbers[0], reverse=True)
    assert numbers[0][-1] > numbers[1][0]
    assert "There are no such events." in ana.get("/audit/log?last=2026-09-13").text


def test_the_whole_log_is_for_auditors_and_administrators(app, case):
    tom, ivan = visit_as(app, "tom"), visit_as(app, "greta")
    for path in ("/audit/log", "/audit/verify"):
        assert "for auditors and administrators" in tom.get(path, 403).text
        ivan.get(path)
    tom.post("/audit/verify", status=403)
    assert "/audit/verify" not in tom.get("/audit").text
    assert "/audit/verify" in ivan.get("/audit").text


# --- verification ------------------------------------------------------------------------------


def verified(app, guest) -> str:
    guest.post("/audit/verify")
    app.state.verifying.wait()
    return guest.get("/audit/verify").text


def test_verification_runs_beside_the_page_one_at_a_time(ana, app, case, monkeypatch):
    reached, go_on = threading.Event(), threading.Event()

    def slowly(ws, progress):
        progress(7)
        reached.set()
        assert go_on.wait(20)
        return verify(ws, progress)

    monkeypatch.setattr(verifying, "verify", slowly)
    ana.post("/audit/verify")
    assert reached.wait(20)
    begun = app.state.verifying.seen_by("ana")
    ana.post("/audit/verify")
    assert app.state.verifying.seen_by("ana") is begun
    text = ana.get("/audit/verify").text
    assert re.search(r'<progress id="bar" value="7" max="\d\d+">', text)
    assert "Verify again" not in text
    go_on.set()
    app.state.verifying.wait()
    assert "The log verifies" in ana.get("/audit/verify").text


def test_a_server_that_goes_down_does_not_wait_for_verification(company, case):
    stopping = application(company.ws).state.verifying
    stopping._stopped.set()
    stopping.start("ana")
    stopping.stop()
    assert stopping.seen_by("ana").fault == "the server went down meanwhile"


def test_what_was_changed_behind_our_back_is_named(ana, app, company, case):
    with closing(sqlite3.connect(company.root / ".smr" / "smr.db")) as connection, connection:
        connection.execute("UPDATE cases SET title = 'Another' WHERE ref = ?", (case,))
    text = verified(app, visit_as(app, "greta"))
    assert "The log does NOT verify" in text
    assert f"Row cases {case}: " in text
    told = ana.get("/audit/verify").text
    assert "The log does NOT verify" in told
    assert case not in told, "who may not see all cases is told how many problems there are"
    with closing(sqlite3.connect(company.root / ".smr" / "smr.db")) as connection, connection:
        connection.execute("UPDATE cases SET title = 'Smoke in hall 3' WHERE ref = ?", (case,))
    assert "The log verifies" in verified(app, ana)


HUSH = """
playbook: hush
version: 1.0.0
title: Hush
owner: hr
case_prefix: HUSH
visibility: {restricted: [hr, legal]}
documents: {letter: {title: Letter, audience: internal, template: Hush}}
steps:
  - {id: write, kind: draft, document: letter, assign: {role: hr}}
  - {id: approve, kind: approval, documents: [letter], quorum: [{role: legal, need: 1}]}
  - {id: end, kind: task, documents: [letter], assign: {role: hr}}
"""
