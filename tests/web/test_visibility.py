"""Who may not see a restricted case learns nothing of it, on any route that there is.

The routes are those of the application: a new one is asked as well, and fails here until the names
in its path and its body have values below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from smr_engine.services import cases, items, schedules, tokens
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Actor
from smr_engine.web.api.description import openapi
from tests.services.company import Company
from tests.support.web import KEEPER, Guest, application, visit_as

pytestmark = pytest.mark.untraced

MATTER = """
playbook: matter
version: 1.0.0
title: Personnel matter
owner: hr
case_prefix: VEILED
visibility: {restricted: [legal]}
severity: {title: Severity, levels: [high, low], initial: low}
inputs: {fields: {title: text, detail: text, draft: text, approval: text}}
documents: {letter: {title: Letter, audience: internal, template: "Dear {{ inputs.title }}"}}
clocks: {answer: {title: Answer, runs_from: "{{ case.opened_at }}", due: 4h}}
steps:
  - {id: write, kind: draft, title: "Write for {{ inputs.draft }}", document: letter, assign: {person: tom}}
  - id: approve
    kind: approval
    title: "Approve for {{ inputs.approval }}"
    documents: [letter]
    quorum: [{role: legal, need: 2}]
"""
PLAIN = (
    MATTER.replace("visibility: {restricted: [legal]}\n", "")
    .replace("playbook: matter", "playbook: plain")
    .replace("VEILED", "PLAIN")
)
TITLE, INPUT, DRAFT, APPROVAL = "Zanzibar", "Quetzal", "Bergamot", "Cinnabar"
TEXT, NOTE, COMMENT, PLANNED, FILE = "Ocarina", "Halcyon", "Vermilion", "Zephyr", "Tamarind"
CANARIES = {TITLE, INPUT, DRAFT, APPROVAL, TEXT, NOTE, COMMENT, FILE}
TOM_WAS_ASKED = {DRAFT}
BLIND = ("kit", "sam", "ana", "tom", "tom's program")
SEEING = ("ruth", "lea", "greta")
MISSING = "VEILED-2026-0404"
AUDITORS = {"ana", "greta"}  # an administrator, an auditor
STEERING = {"ana", "sam", "tom", "ruth", "lea"}
ONLY = {
    "/audit/log": AUDITORS,
    "/audit/verify": AUDITORS,
    "/api/v1/audit/events": AUDITORS,
    "/api/v1/audit/verify": AUDITORS,
    "/api/v1/metrics": AUDITORS,
    "/system": STEERING,
}
"""Whose access a list is for; all others are for everybody."""
OPEN = re.compile(r"^/(static|sign-in|invitation|api/openapi\.json|api/v1/(healthz|readyz))")
ELSEWHERE = {
    "/live": "a stream: test_live.py, and `heard_by` in tests/services/test_access.py",
    "/sign-out": "ends the session that asks",
    "/step-up": "of sessions: test_signing_in.py",
    "/account": "of accounts: test_signing_in.py",
}
"""Routes that know no cases, or that have tests of their own."""
BEFORE = {"documents": "letter", "playbooks": "matter", "schedules": "matter-1"}
"""What a `{name}` is called after this part of a path."""
SAID: Mapping[str, Any] = {
    "text": "words",
    "reason": "why",
    "level": "high",
    "name": "reply",
    "key": "",
    "note": "by phone",
    "comment": "why",
    "decision": "approve",
    "seen": "0" * 64,
    "person": "zoe",
    "answer": "skip",
    "values": {},
    "payload": {},
    "action": "done",
    "at": "09:00",
    "rrule": "FREQ=YEARLY",
    "timezone": "UTC",
    "playbook": "matter",
    "inputs": {},
    "file": "",
    "met": "yes",
}
"""What is sent where a route asks for it."""
PUBLISHED = {
    (m.upper(), path): said for path, each in openapi()["paths"].items() for m, said in each.items()
}


@dataclass(frozen=True)
class Route:
    """One method of one path of the application."""

    method: str
    path: str
    endpoint: Any = field(compare=False)

    @property
    def names(self) -> set[str]:
        return set(re.findall(r"\{(\w+)", self.path))

    @property
    def asks_by_case(self) -> bool:
        return bool(self.names & {"ref", "case", "item"}) or "case" in self.queries

    @property
    def queries(self) -> set[str]:
        known = PUBLISHED.get((self.method, self.path), {}).get("parameters", ())
        named = {each["name"] for each in known if each["in"] == "query"}
        code = self.endpoint.__code__
        return (
            named | set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        ) - self.names

    def at(self, target: Mapping[str, str]) -> str:
        """Return its address for a case; an unknown name of the path has to be given a value."""
        path = self.path
        for name in self.names:
            before = path.split("{" + name)[0].rstrip("/").rsplit("/", 1)[-1]
            path = re.sub(r"\{" + name + r"(:\w+)?\}", BEFORE.get(before) or target[name], path)
        if "case" in self.queries:
            path += f"?case={target['case']}"
        elif "words" in self.queries:
            path += "?words=anzi"  # finds the canary, and is none where it is repeated
        return path

    def body(self) -> dict[str, Any]:
        """Return what it is sent: fields of the document for programs, all that forms may ask."""
        published = PUBLISHED.get((self.method, self.path))
        if published is None:
            return {"data": {name: v for name, v in SAID.items() if isinstance(v, str)}}
        content = published.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content:
            return {"files": {"file": ("evidence.txt", b"seen", "text/plain")}}
        if not content:
            return {}
        schema = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        needed = openapi()["components"]["schemas"][schema].get("required", ())
        return {"json": {name: SAID[name] for name in needed}}


class House:
    """A company with a restricted case and an open one like it, and everybody signed in."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.app = application(company.ws)
        self.veiled = self._told("matter", "")
        self.open = self._told("plain", "other ")
        rule = schedules.Rule("FREQ=YEARLY;BYMONTH=3")
        inputs = dict.fromkeys(("title", "detail", "draft", "approval"), PLANNED)
        schedules.add(company.ws, Actor("ruth"), "matter", rule, inputs)
        grant = tokens.Grant("tom", ("read", "start", "note", "signal"), 30)
        self.token = tokens.make(company.ws, KEEPER, "of-tom", grant).text
        self.guests: dict[str, Guest] = {}

    def _told(self, playbook: str, other: str) -> dict[str, str]:
        """Run a case up to its approval; each text of the restricted one is looked for."""

        def word(canary: str) -> str:
            return other or canary

        ws, company = self.company.ws, self.company
        inputs = {"title": TITLE, "detail": INPUT, "draft": DRAFT, "approval": APPROVAL}
        case = company.start_as("ruth", playbook, **{n: word(w) for n, w in inputs.items()})
        draft = company.item(case, "write")
        items.attach(ws, Actor("tom"), draft, f"{word(FILE)}.txt", b"evidence")
        company.write(draft, word(TEXT))
        cases.note(ws, Actor("ruth"), case, word(NOTE))
        approval = company.item(case, "approve")
        company.vote(approval, "paul", "approve", word(COMMENT))
        with ws.storage.reading() as unit:
            [shown] = unit.cases.load(case).scopes[""].items[draft].attachments
        number = approval.rsplit(".", 1)[-1]
        return _target(case, number) | {"draft": draft, "digest": shown.digest}

    def guest(self, person: str) -> Guest:
        if person not in self.guests:
            guest = visit_as(self.app, None if "program" in person else person or None)
            if "program" in person:
                guest.client.headers["authorization"] = f"Bearer {self.token}"
            elif person:
                guest.client.headers["x-csrf-token"] = guest.csrf()
            self.guests[person] = guest
        return self.guests[person]

    def ask(self, person: str, route: Route, target: Mapping[str, str]) -> httpx.Response:
        client, sent = self.guest(person).client, {}
        if route.method not in {"GET", "HEAD"}:
            sent = route.body()
            if "data" in sent:
                sent["data"]["csrf"] = client.headers.get("x-csrf-token", "")
        return client.request(route.method, route.at(target), **sent)


def _target(case: str, item: str) -> dict[str, str]:
    number = f"{case}.{item}"
    known = {"ref": case, "case": case, "item": number, "clock": "answer", "digest": "0" * 64}
    return known | {
        "schedule": "matter-1",
        "document": "letter",
        "person": "zoe",
        "token": "x",
        "name": "answer",
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    company = Company(tmp_path_factory.mktemp("veiled") / "halden")
    company.playbook("matter", MATTER)
    company.playbook("plain", PLAIN)
    yield House(company)
    company.ws.storage.close()


@pytest.fixture(scope="module")
def routes(house) -> list[Route]:
    contexts = [each for each in iter_route_contexts(house.app.routes) if each.methods]
    return [
        Route(method, each.path, each.endpoint)
        for each in contexts
        for method in sorted(each.methods)
        if not any(each.path.startswith(f) for f in ELSEWHERE)
    ]


def leaks(answer: httpx.Response, words: set[str], allowed: set[str]) -> set[str]:
    """Return what an answer says of the restricted case, headers and addresses included."""
    said = f"{answer.text} {dict(answer.headers)}"
    return {word for word in words - allowed if word.lower() in said.lower()}


@pytest.mark.parametrize("person", BLIND)
def test_who_may_not_see_a_case_is_told_what_is_told_of_none(house, routes, person):
    allowed = TOM_WAS_ASKED if "tom" in person else set()
    missing = _target(MISSING, "2") | {"digest": house.veiled["digest"]}
    before = _events_of(house)
    found = {}
    for route in routes:
        veiled = house.ask(person, route, house.veiled)
        if route.asks_by_case:
            none = house.ask(person, route, missing)
            same = veiled.text.replace(house.veiled["ref"], MISSING) == none.text
            if leaks(veiled, CANARIES, set()) or veiled.status_code != none.status_code or not same:
                found[route.method, route.path] = veiled.status_code, none.status_code
        elif told := leaks(veiled, CANARIES, allowed):
            found[route.method, route.path] = told
        elif "tom" not in person and "veiled-" in veiled.text.lower():
            found[route.method, route.path] = "its reference"
        if PLANNED in veiled.text:
            found[route.method, route.path] = "what is scheduled"
    assert found == {}
    assert _events_of(house) == before, "nothing was done to it either"


@pytest.mark.parametrize("person", [*SEEING, *BLIND])
def test_nobody_is_kept_from_what_they_may_see(house, routes, person):
    targets = [house.open, *([house.veiled] if person in SEEING else [])]
    refused = {}
    for route in (r for r in routes if r.method == "GET" and not OPEN.match(r.path)):
        if "program" in person and not route.path.startswith("/api/"):
            continue
        for target in targets if route.asks_by_case else [house.open]:
            status = house.ask(person, route, target).status_code
            may = route.asks_by_case or person in ONLY.get(route.path, {person})
            if (status < 400) is not may:
                refused[route.path, target["ref"]] = status
    assert refused == {}


@pytest.mark.parametrize("person", SEEING)
def test_what_a_case_says_reaches_those_who_may_see_it(house, person):
    client = house.guest(person).client
    case = house.veiled["ref"]
    told = "".join(
        client.get(f"/api/v1/{path}").text
        for path in (
            f"cases/{case}",
            f"cases/{case}/timeline",
            f"cases/{case}/documents/letter",
            f"items/{house.veiled['item']}",
            f"items/{house.veiled['draft']}",
            f"audit/who?case={case}",
        )
    )
    assert {word for word in CANARIES if word not in told} == set()


def test_strangers_are_sent_to_sign_in_wherever_they_knock(house, routes):
    inside = {}
    for route in routes:
        if OPEN.match(route.path):
            continue
        answer = house.ask("", route, house.veiled)
        wanted = 401 if route.path.startswith("/api/") else 303
        if answer.status_code != wanted or leaks(answer, CANARIES, set()):
            inside[route.method, route.path] = answer.status_code
    assert inside == {}


def test_who_is_asked_sees_the_item_and_its_text_and_nothing_else(house):
    client = house.guest("tom").client
    for path in (f"/items/{house.veiled['draft']}", f"/api/v1/items/{house.veiled['draft']}"):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        assert TEXT in answer.text
        assert leaks(answer, CANARIES, {DRAFT, TEXT, FILE, TITLE}) == set()


def test_a_token_decides_nothing_whoever_it_acts_for(house, routes):
    company = house.company
    text = tokens.make(company.ws, KEEPER, "of-lea", tokens.Grant("lea", tokens.SCOPES, 30)).text
    client = visit_as(house.app, None).client
    client.headers["authorization"] = f"Bearer {text}"
    may = {"/api/v1/cases", "/api/v1/cases/{ref}/notes", "/api/v1/cases/{ref}/signals"}
    for route in (r for r in routes if r.method not in {"GET", "HEAD"}):
        if route.path in may or OPEN.match(route.path):
            continue
        answer = client.request(route.method, route.at(house.veiled), **route.body())
        wanted = 403 if route.path.startswith("/api/") else 303
        assert answer.status_code == wanted, (route, answer.text)
    assert client.get(f"/api/v1/cases/{house.veiled['ref']}").status_code == 200
    weak = tokens.make(company.ws, KEEPER, "reads", tokens.Grant("lea", ("read",), 30)).text
    client.headers["authorization"] = f"Bearer {weak}"
    refused = client.post(f"/api/v1/cases/{house.veiled['ref']}/notes", json={"text": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "token-may-not")


def _events_of(house: House) -> int:
    which = EventFilter(cases=(house.veiled["ref"],))
    with house.company.ws.storage.reading() as unit:
        return len(unit.events.select(which))
