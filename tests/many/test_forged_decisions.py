"""5,000 forged, stale, replayed and cross-user decisions: none is accepted.

Each goes through the whole application, as bytes of HTTP would. What is compared is the log: not one
event comes to it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

from smr_engine.services import items, reading, sessions
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Actor
from smr_engine.web.visit import COOKIE
from tests.services.company import Company
from tests.services.playbooks import STATEMENT
from tests.support.web import application, session_of

AT_ONCE = 8
DECISIONS = ("approve", "request_changes", "reject", "recuse")
VERBS = ("decide", "complete", "break-glass", "acknowledge", "revise", "repair", "reassign")


@dataclass(frozen=True)
class Sent:
    """One request that somebody makes."""

    item: str
    cookie: str
    csrf: str
    seen: str
    decision: str = "approve"
    verb: str = "decide"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()

    def to(self, client: httpx.AsyncClient) -> httpx.Request:
        form = {"csrf": self.csrf, "seen": self.seen, "decision": self.decision}
        form |= {"comment": "because", "reason": "because", "answer": "skip", "text": "Forged."}
        form |= {"action": "done", "person": "lea"}
        headers = {"cookie": f"{COOKIE}={self.cookie}", **dict(self.headers)}
        path = f"/items/{self.item}/{self.verb}"
        if self.method != "POST":
            return client.build_request(self.method, path, params=form, headers=headers)
        headers["content-type"] = "application/x-www-form-urlencoded"
        return client.build_request("POST", path, content=urlencode(form), headers=headers)


@dataclass
class Ground:
    """A case under approval, with the sessions of its people, and what is stale by now."""

    company: Company
    case: str
    cookies: dict[str, str]
    csrf: dict[str, str]
    old_cookie: str  # Lea's, who has signed in again since
    superseded: str
    old_digest: str
    open_item: str
    digest: str

    @property
    def lea(self) -> Sent:
        """What Lea herself would send: this alone would be a decision."""
        return Sent(self.open_item, self.cookies["lea"], self.csrf["lea"], self.digest)

    def events(self) -> Counter[str]:
        with self.company.ws.storage.reading() as unit:
            which = EventFilter(cases=(self.case,))
            return Counter(event.kind for event in unit.events.select(which))


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Iterator[Company]:
    made = Company(tmp_path_factory.mktemp("forged") / "halden")
    made.playbook("statement", STATEMENT)
    yield made
    made.ws.storage.close()


@pytest.fixture(scope="module")
def app(company: Company) -> FastAPI:
    return application(company.ws)


@pytest.fixture(scope="module")
def ground(company: Company) -> Ground:
    case = company.start("statement", title="the fire in hall 3")
    draft = company.item(case, "write")
    company.write(draft, "We know of the fire.")
    old = company.item(case, "approve")
    company.vote(old, "carl")
    items.revise(company.ws, Actor("zoe"), draft, "We know of the fire. Nobody is hurt.")
    new = company.item(case, "approve")
    company.vote(new, "carl")
    old_cookie = session_of(company.ws, "lea")
    cookies = {person: session_of(company.ws, person) for person in ("lea", "carl", "tom", "eva")}
    visitors = {person: sessions.recognise(company.ws, token) for person, token in cookies.items()}
    digests = [reading.item_view(company.ws, item, None).bundle_digest or "" for item in (old, new)]
    return Ground(
        company,
        case,
        cookies,
        {person: visitor.csrf for person, visitor in visitors.items() if visitor},
        old_cookie,
        old,
        digests[0],
        new,
        digests[1],
    )


def forgeries(ground: Ground) -> list[Callable[[random.Random], Sent]]:
    """Return the ways to forge a decision; each is Lea's own request but for one thing."""
    lea = ground.lea

    def person(chance: random.Random, *names: str) -> Sent:
        name = chance.choice(names)
        return replace(lea, cookie=ground.cookies[name], csrf=ground.csrf[name])

    return [
        lambda _: replace(lea, csrf=""),
        lambda _: replace(lea, csrf=ground.csrf["carl"]),
        lambda chance: replace(lea, csrf=chance.randbytes(32).hex()),
        lambda _: replace(lea, cookie=ground.cookies["tom"]),
        lambda _: replace(lea, cookie=""),
        lambda _: replace(lea, cookie=ground.old_cookie),
        lambda chance: replace(lea, cookie=chance.randbytes(32).hex()),
        lambda chance: replace(lea, cookie=_spoiled(lea.cookie, chance)),
        lambda _: replace(lea, item=ground.superseded, seen=ground.old_digest),
        lambda _: replace(lea, item=ground.superseded),
        lambda _: replace(lea, seen=ground.old_digest),
        lambda _: replace(lea, seen=""),
        lambda chance: replace(lea, seen=_spoiled(lea.seen, chance)),
        lambda chance: person(chance, "carl"),  # has decided already
        lambda chance: person(chance, "tom", "eva"),  # an author, and somebody not asked
        lambda chance: replace(lea, method=chance.choice(["GET", "HEAD", "PUT", "DELETE"])),
        lambda chance: replace(lea, headers=(("origin", _foreign(chance)),)),
        lambda chance: replace(
            lea, headers=(("sec-fetch-site", chance.choice(["cross-site", "same-site"])),)
        ),
        lambda chance: replace(lea, item=f"{ground.case}.{chance.choice([0, 999, 10**30])}"),
        lambda _: replace(lea, decision="APPROVE"),
        lambda chance: replace(
            lea, verb=chance.choice([verb for verb in VERBS if verb != "decide"])
        ),
    ]


def _spoiled(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    other = chance.choice([letter for letter in "0123456789abcdef" if letter != text[at]])
    return f"{text[:at]}{other}{text[at + 1 :]}"


def _foreign(chance: random.Random) -> str:
    return chance.choice(["https://evil.example.test", "null", "http://testserver.evil.test"])


def drawn(ground: Ground, many: int) -> Iterator[Sent]:
    chance = random.Random(4)
    ways = forgeries(ground)
    for number in range(many):
        sent = ways[number % len(ways)](chance)
        keeps = sent.decision != "approve" or sent.cookie == ground.cookies["carl"]
        yield sent if keeps else replace(sent, decision=chance.choice(DECISIONS))


async def answers(app, requests: Iterator[Sent]) -> Counter[int]:
    """Send all requests, a few at once; return how often each status came back."""
    found: Counter[int] = Counter()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:

        async def sender() -> None:
            for request in requests:
                answer = await client.send(request.to(client))
                found[answer.status_code] += 1

        await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    return found


@pytest.mark.parametrize("many", [1_000, pytest.param(5_000, marks=pytest.mark.soak)])
def test_of_thousands_of_forged_decisions_none_is_accepted(app, ground: Ground, many: int):
    before = ground.events()
    found = asyncio.run(answers(app, drawn(ground, many)))
    assert found.total() == many
    assert ground.events() == before
    assert not [status for status in found if status >= 500]
    # ... and it was not for a fault of the request itself: unforged, it is a decision
    assert asyncio.run(answers(app, iter([ground.lea]))) == {303: 1}
    assert (ground.events() - before)["DecisionRecorded"] == 1


def test_a_replayed_decision_counts_once(app, company: Company, ground: Ground):
    case = company.start("statement", title="something else")
    company.write(company.item(case, "write"), "We know.")
    item = company.item(case, "approve")
    digest = reading.item_view(company.ws, item, None).bundle_digest or ""
    mine = replace(ground.lea, item=item, seen=digest)
    again = replace(ground, case=case)
    assert asyncio.run(answers(app, iter([mine]))) == {303: 1}
    before = again.events()
    replays = [replace(mine, decision=each) for each in DECISIONS for _ in range(25)]
    asyncio.run(answers(app, iter(replays)))
    assert again.events() == before
