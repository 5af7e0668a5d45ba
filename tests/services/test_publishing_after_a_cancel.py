"""A publication that is under way while its case is cancelled: it does not go out afterwards."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import pytest

from smr_engine.errors import SmrError
from smr_engine.services import cases, effects, legs, reading
from smr_engine.services.ports import (
    EffectUnavailableError,
    Publication,
    Published,
    Recovery,
)
from smr_engine.services.stored import Claim
from smr_engine.services.views import EffectRow
from smr_engine.services.workspace import Actor
from tests.services.company import Company

OWNER = "ana"


@dataclass
class Wall:
    """A place to publish, as far from us as tests want it to be."""

    recovery: Recovery = Recovery.KEY
    down: bool = False
    posted: list[str] = field(default_factory=list)

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        if self.down:
            raise EffectUnavailableError("503")
        if publication.key not in self.posted:
            self.posted.append(publication.key)
        return Published("https://wall.example.test/1")

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        there = publication.key in self.posted
        return Published("https://wall.example.test/1") if there else None

    def read_back(self, publication: Publication, published: Published, timeout_s: float) -> str:
        return publication.text


def owed(company: Company, wall: Wall) -> tuple[str, dict[str, object]]:
    """Return a case whose publication is owed, and that effect as a flow run is handed it."""
    company.change(connector_for=lambda account: wall)
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), "We know of the fire in hall 3.")
    item = company.item(case, "approve")
    for person in ("carl", "lea"):
        company.vote(item, person)
    with company.ws.storage.writing() as unit:
        [leg] = legs.claim_next(company.ws, unit, case, "conductor")
        unit.keep()
    [publication] = [each for each in leg.owed if each.name.startswith("publish")]
    return case, asdict(publication)


def cancel(company: Company, case: str) -> None:
    cases.cancel(company.ws, Actor(OWNER), case, "A false alarm.")


def publication_of(company: Company, case: str) -> EffectRow:
    [found] = [e for e in reading.case_view(company.ws, case).effects if e.kind == "publication"]
    return found


def claim_of(publication: dict[str, object]) -> Claim:
    return Claim(publication["effect"], publication["case"], publication["epoch"])


def test_what_was_not_sent_yet_is_not_sent_again_in_the_same_leg(company: Company):
    wall = Wall(down=True)
    case, publication = owed(company, wall)
    words = {"last": False, "tries": 1, "run": "r"}
    assert effects.perform_owed(company.ws, publication, **words) == effects.TRY_AGAIN
    cancel(company, case)
    wall.down = False
    again = effects.perform_owed(company.ws, publication, **{**words, "tries": 2})
    assert (again.words, again.happened) == ("refused", False)
    assert wall.posted == []
    assert publication_of(company, case).status == "failed"


def test_what_is_cancelled_just_before_it_begins_is_not_owed_any_more(company: Company):
    wall = Wall()
    case, publication = owed(company, wall)

    def cancelled_meanwhile(account: object) -> Wall:
        cancel(company, case)
        return wall

    company.change(connector_for=cancelled_meanwhile)
    assert effects.attempt(company.ws, claim_of(publication)) is None
    assert wall.posted == []


@pytest.mark.parametrize(
    ("recovery", "went_out", "status"),
    [
        (Recovery.KEY, True, "unknown"),
        (Recovery.KEY, False, "unknown"),
        (Recovery.NONE, True, "unknown"),
        (Recovery.LOOKUP, True, "done"),
        (Recovery.LOOKUP, False, "failed"),
    ],
)
def test_what_may_have_been_sent_is_looked_up_and_never_sent_again(
    company: Company, recovery, went_out, status
):
    wall = Wall(recovery, down=not went_out)
    case, publication = owed(company, wall)
    effects.attempt(company.ws, claim_of(publication))  # and whoever did it is lost
    sent = list(wall.posted)
    cancel(company, case)
    wall.down = False
    company.clock.move(minutes=10)
    company.work()
    assert publication_of(company, case).status == status
    assert wall.posted == sent


def test_an_account_that_is_gone_does_not_prove_that_nothing_was_sent(company: Company):
    case, publication = owed(company, Wall())
    effects.attempt(company.ws, claim_of(publication))

    def misconfigured(account: object) -> Wall:
        raise SmrError("bad-settings", "its settings are wrong")

    company.change(connector_for=misconfigured)
    company.clock.move(minutes=10)
    company.work()
    assert publication_of(company, case).status == "unknown"
