"""The shipped playbooks run to their close in the engine, on the sample company, every way they can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from smr_engine.adapters.holiday_dates import HolidayDates
from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine import policy
from smr_engine.engine.state import Case, Item
from smr_engine.engine.statuses import CLOSED_CASES, DecisionKind, ItemKind, ItemStatus
from smr_engine.engine.world import World
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import Playbook
from smr_engine.playbook.parse import parse_playbook
from smr_engine.services.directory_text import read_directory
from tests.support.casebook import Casebook, CaseFile
from tests.unit.engine.publication_oracle import PublicationOracle

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "playbook.schema.json").read_text(encoding="utf-8"))
MOST_ACTS = 3000

STATEMENT = {"title": "Stove recall rumours", "type": "safety"}
CRISIS = {
    "title": "Unauthorised post on our account",
    "type": "account",
    "first_seen": "2026-11-23T08:40:00Z",
    "source_urls": ["https://x.example.test/1"],
    "safety_risk": False,
}
OUTREACH = {
    "campaign": "Winter tents",
    "objective": "Honest tests in snow.",
    "audience": "Hikers",
    "value_offered": "sample",
    "budget": 5000,
    "territories": ["DE"],
    "ends_on": "2027-03-01",
}
REVIEW = {"period": "Q1 2027", "policies": ["blogging-policy", "outreach-policy", "old-policy"]}
CREATORS = {
    "creators": [
        {
            "name": name,
            "channel": f"https://{name.lower()}.example.test",
            "email": f"{name.lower()}@creator.example.test",
            "relevance": "Tests tents in snow.",
            "contact_source": "imprint",
            "lawful_basis": "consent",
            "minor": False,
        }
        for name in ("Kim", "Lee", "Max")
    ]
}
ACTIONS = [
    {"action": "Train new starters", "owner": "ana", "due": "2026-12-01"},
    {"action": "Close the pilot", "owner": "ben", "due": "2026-12-02"},
]
CLOSING = {"next_move": "close"}


@lru_cache(maxsize=1)
def sample() -> World:
    """Return the sample company."""
    text = (ROOT / "smr_engine" / "_sample" / "directory.yaml").read_text(encoding="utf-8")
    years = range(2026, 2029)
    return read_directory(
        yaml.safe_load(text), HolidayDates(), years, assurance="asserted", version=1
    )


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Playbook]:
    """Return the shipped playbooks by name."""
    found = {}
    for path in sorted((ROOT / "playbooks").glob("*.yaml")):
        playbook, problems = parse_playbook(path.read_bytes(), path.name, SCHEMA)
        assert playbook is not None, problems
        found[playbook.name] = playbook
    return found


@dataclass
class Autopilot:
    """People who do what is asked of them; `answers` says what, by step, one after the other."""

    book: Casebook
    answers: dict[str, Any] = field(default_factory=dict)
    lazy: bool = False  # wait for reminders and escalations before acting

    def run(self, case: CaseFile) -> None:
        """Act until the case is closed and nothing is owed."""
        for _ in range(MOST_ACTS):
            self.book.perform()
            if case.closed:
                return
            if not (self.lazy and self.waits_for_a_reminder()) and not self.somebody_acts():
                assert self.book.fire_next(), "nothing can be done"
        message = "it does not come to its end"
        raise AssertionError(message)

    def waits_for_a_reminder(self) -> bool:
        """Let the next timer fire, a few times for each thing that is asked."""
        asked = len([i for case in self.book.cases.values() for i in _items(case)])
        return len(self.book.fired) < 2 * asked and self.book.fire_next()

    def somebody_acts(self) -> bool:
        for ref, case in self.book.cases.items():
            for scope in case.scopes.values():
                for item in scope.items.values():
                    open_now = case.header.status not in CLOSED_CASES
                    if open_now and item.status is ItemStatus.OPEN:
                        self.answer(CaseFile(self.book, ref), item)
                        return True
        return False

    def answer(self, case: CaseFile, item: Item) -> None:
        if item.kind is ItemKind.APPROVAL:
            self.decide(case, item)
            return
        who = (*item.offered, *item.escalated)[0]
        step = index_of(self.book.playbooks[case.header.playbook]).of(item.step).step
        if item.kind is ItemKind.DRAFT:
            home = next(
                s.documents[step.document]
                for s in reversed(case.case.scopes.values())
                if step.document in s.documents and item.path.startswith(s.path)
            )
            self.book.do(
                case.ref, c.ReviseDocument(item.id, home.text + "\nRead twice.", True), who
            )
            return
        assert item.kind is not ItemKind.REPAIR, item.message
        self.book.do(case.ref, c.CompleteItem(item.id, self.values(step)), who)

    def decide(self, case: CaseFile, item: Item) -> None:
        kind = DecisionKind(self.said(item.step) or "approve")
        for person in sorted(self.book.world.people):
            actor = c.Actor(person)
            may = policy.may_decide(self.book.world, case.header, item, actor, self.book.now)
            if may.may:
                self.book.do(case.ref, c.Decide(item.id, kind, "because"), person)
                return
        message = f"nobody can decide {item.path}"
        raise AssertionError(message)

    def values(self, step: Any) -> dict[str, Any]:
        said = self.said(step.id)
        if step.kind == "task":
            return {**filled(step.form or {"type": "object"}), **(said or {})}
        if step.kind != "decision":
            return {}
        if step.choices:
            return {"choice": said or step.choices[0].id}
        answers, here = {}, step.questions[0].id
        known = {q.id: q for q in step.questions}
        while isinstance(here, str):
            answers[here] = said or "yes"
            here = known[here].if_yes if answers[here] == "yes" else known[here].if_no
        return answers

    def said(self, step: str) -> Any:
        """Return the next answer to a step; the last one stays."""
        found = self.answers.get(step)
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


def _items(case: Case) -> list[Item]:
    return [item for scope in case.scopes.values() for item in scope.items.values()]


def filled(schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("required", [])
        return {k: filled(v) for k, v in schema.get("properties", {}).items() if k in wanted}
    if kind == "array":
        return [filled(schema["items"])]
    plain = {"boolean": True, "integer": 3, "number": 3}
    formats = {
        "smr-person": "ana",
        "date": "2027-02-01",
        "date-time": "2026-11-23T10:00:00Z",
        "uri": "https://x.example.test/p",
        "email": "kim@creator.example.test",
        "smr-case": "CRISIS-2026-0001",
    }
    return plain.get(kind) or formats.get(schema.get("format", ""), "Some text.")


WAYS: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "a statement": ("holding-statement", STATEMENT, {}, "done"),
    "it grows": ("holding-statement", STATEMENT, {"aftermath": "escalated"}, "escalated"),
    "changes first": (
        "holding-statement",
        STATEMENT,
        {"approve_holding": ["request_changes", "approve"], "weigh_words": "no"},
        "done",
    ),
    "rejected": ("holding-statement", STATEMENT, {"approve_holding": "reject"}, "rejected"),
    "a breach": ("holding-statement", {**STATEMENT, "type": "breach"}, {}, "done"),
    "no crisis": ("crisis-response", CRISIS, {"declare": "no"}, ""),
    "a crisis": (
        "crisis-response",
        CRISIS,
        {
            "next_move": ["update", "apologise", "hold", "close"],
            "stand_down": ["no", "yes"],
        },
        "",
    ),
    "lives at risk": ("crisis-response", {**CRISIS, "safety_risk": True}, CLOSING, ""),
    "a breach of data": (
        "crisis-response",
        {**CRISIS, "type": "breach"},
        {
            "next_move": ["update", "close"],
            "approve_update": ["request_changes", "approve"],
            "list_outside": {"groups": []},
        },
        "",
    ),
    "a review": ("policy-review", REVIEW, {"change": ["change", "no_change", "retire"]}, ""),
    "a review with old actions": (
        "policy-review",
        {**REVIEW, "open_actions": ACTIONS},
        {
            "change": ["change", "no_change", "retire"],
            "check_action": [{"done": False}, {"done": True}],
            "approve_roles": ["request_changes", "approve"],
        },
        "",
    ),
    "a review declined": (
        "policy-review",
        REVIEW,
        {"change": "change", "approve_final": "reject"},
        "",
    ),
    "outreach": ("blogger-outreach", OUTREACH, {"long_list": CREATORS}, ""),
    "some decline": (
        "blogger-outreach",
        OUTREACH,
        {
            "long_list": CREATORS,
            "invite": ["yes", "no", "yes"],
            "reply": ["no_answer", "declines"],
            "last_reply": "no_answer",
        },
        "",
    ),
    "nobody is invited": (
        "blogger-outreach",
        OUTREACH,
        {"long_list": CREATORS, "invite": "no"},
        "",
    ),
    "disclosure fails": (
        "blogger-outreach",
        {**OUTREACH, "value_offered": "fee"},
        {
            "long_list": CREATORS,
            "invite": ["yes", "no"],
            "check_first_day": {"compliant": False},
            "seventh_day": {"compliant": False},
            "remedy": "terminate",
        },
        "",
    ),
    "the brief is rejected": ("blogger-outreach", OUTREACH, {"approve_brief": "reject"}, ""),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["willing", "lazy"])
@pytest.mark.parametrize("way", WAYS)
def test_a_shipped_playbook_runs_to_its_close_and_publishes_only_what_was_approved(way, lazy):
    name, inputs, answers, outcome = WAYS[way]
    book = Casebook(shipped(), world=sample())
    case = book.start(name, by="ana", **inputs)
    ready = {k: list(v) if isinstance(v, list) else v for k, v in answers.items()}
    Autopilot(book, ready, lazy).run(case)
    assert not outcome or case.header.outcome == outcome
    assert not any(closed.problems for closed in case.happened(e.CaseCompleted))
    for ref, opened in book.cases.items():
        oracle = PublicationOracle(book.playbooks[opened.header.playbook])
        oracle.follow(book.envelopes[ref], book.worlds[ref])
        assert opened.header.status in CLOSED_CASES


def test_every_quorum_of_the_crisis_is_asked_for_by_its_severity():
    book = Casebook(shipped(), world=sample())
    for severity, sponsored in (("sev1", True), ("sev4", False)):
        case = book.start("holding-statement", by="ana", more={"severity": severity}, **STATEMENT)
        pilot = Autopilot(book, {"weigh_words": "no"})
        while not case.items("approve_holding"):
            book.perform()
            pilot.answer(case, case.items()[0])
        lines = case.item("approve_holding").lines
        assert (("exec-sponsor",) in [line.roles for line in lines]) is sponsored


ABOUT = {
    "outreach": ("Vet Max", "Write a personal note to Kim", "Record the post of Lee"),
    "a review": ("What becomes of old-policy?", "Approve the new version of blogging-policy"),
    "a crisis": ("Record what Summit Stores did", "Write situation report 3"),
}
OUTSIDE = {"groups": [{"name": "Summit Stores", "email": "p@stores.example.test", "asked": "Wait"}]}


@pytest.mark.parametrize("way", ABOUT)
def test_titles_say_what_an_item_is_about_and_names_of_effects_do_not(way):
    name, inputs, answers, _ = WAYS[way]
    book = Casebook(shipped(), world=sample())
    case = book.start(name, by="ana", **inputs)
    Autopilot(book, {**answers, "list_outside": OUTSIDE}).run(case)
    titles = {item.title for item in _items(case.case)}
    assert set(ABOUT[way]) <= titles
    assert not any("{{" in title or "…" in title for title in titles)
    assert {word for owed in _owed(book) for word in owed.name.split()} <= _ids(book)


def _owed(book: Casebook) -> Iterator[e.EffectOwed]:
    for happened in book.events.values():
        yield from (event for event in happened if isinstance(event, e.EffectOwed))


def _ids(book: Casebook) -> set[str]:
    """Return the words that Prefect may read: ours, and ids of playbooks, directory and cases."""
    ours = {"publish", "notify", "tell", "about", "the", "case", "open", "->"}
    known = ours | set(book.cases) | set(book.playbooks)
    for playbook in book.playbooks.values():
        known |= {*index_of(playbook).by_id, *playbook.documents}
    return known | set(book.world.accounts)


def after_the_first_statement(answers: dict[str, Any]) -> CaseFile:
    """Return a crisis in which the team has come to work on its messages."""
    book = Casebook(shipped(), world=sample())
    case = book.start("crisis-response", by="ana", **CRISIS)
    pilot = Autopilot(book, answers)
    while not case.items("predict_reaction"):
        assert pilot.somebody_acts()
        book.perform()
    return case


def test_once_the_first_statement_is_out_in_a_crisis_those_told_its_words_can_acknowledge():
    case = after_the_first_statement({"weigh_words": "no"})
    (child,) = (found.header for ref, found in case.book.cases.items() if ref != case.ref)
    assert (child.status in CLOSED_CASES, child.outcome) == (True, "done")
    ((_, text, _),) = case.book.published
    (body,) = (m["body"] for m in case.book.told if "Use these words only" in m["subject"])
    assert text in body
    asked = case.items("tell_line")
    assert len(asked) > 10
    for item in asked:
        case.book.do(case.ref, c.CompleteItem(item.id, {}), item.offered[0])
    assert len(case.items("tell_line", ItemStatus.COMPLETED)) == len(asked)
    assert not case.closed


def test_after_a_rejected_first_statement_nobody_is_given_a_line_to_take():
    case = after_the_first_statement({"approve_holding": "reject"})
    assert case.items("tell_line", None) == []
    assert case.book.published == []
