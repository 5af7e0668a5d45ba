"""Leases are kept by whoever is at work, and by nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from smr_engine.adapters.clock import SystemClock
from smr_engine.errors import SmrError
from smr_engine.services.keeping import Keeper
from smr_engine.services.stored import Claim
from tests.services.company import Company

LEASE = timedelta(seconds=0.6)
CLOCK = SystemClock()


@pytest.fixture
def keeper(company: Company) -> Keeper:
    company.clock.at = CLOCK.now()
    company.start("statement", title="the fire in hall 3")
    return Keeper(company.ws.storage, CLOCK, LEASE)


def claim(company: Company, owner: str) -> list[Claim]:
    with company.ws.storage.writing() as unit:
        claims = unit.claims.effects(owner, CLOCK.now(), LEASE, 10)
        unit.keep()
    return [Claim(claim.id, claim.case, claim.epoch) for claim in claims]


def taken_over(company: Company, seconds: float) -> Sequence[Claim]:
    """What somebody else gets who tries for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if taken := claim(company, "another"):
            return taken
        time.sleep(0.02)
    return []


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "leases"]


def test_what_is_in_hand_stays_there_for_as_long_as_it_takes(company: Company, keeper: Keeper):
    claims = claim(company, "one")
    with keeper.keeping(claims):
        assert taken_over(company, LEASE.total_seconds() * 4) == []
    assert len(taken_over(company, 5)) == len(claims)


def test_what_is_kept_twice_is_kept_until_the_last_lets_go(company: Company, keeper: Keeper):
    claims = claim(company, "one")
    with keeper.keeping(claims):
        with keeper.keeping(claims):
            assert len(threads()) == 1
        assert taken_over(company, LEASE.total_seconds() * 3) == []
    assert threads() == []


def test_a_lease_that_was_lost_is_not_won_back(company: Company, keeper: Keeper):
    late = claim(company, "late")
    second, *_ = taken_over(company, 5)
    with keeper.keeping(late):
        time.sleep(LEASE.total_seconds() * 0.7)
        with company.ws.storage.writing() as unit:
            assert not unit.claims.held("effect", late[0])
            assert unit.claims.held("effect", second)


def test_a_renewal_that_fails_is_made_up_for(
    company: Company, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
):
    claims = claim(company, "one")
    writing, failures = company.ws.storage.writing, [SmrError("storage-failed", "it is away")]

    def away_once() -> Any:
        if threading.current_thread().name == "leases" and failures:
            raise failures.pop()
        return writing()

    monkeypatch.setattr(company.ws.storage, "writing", away_once)
    with keeper.keeping(claims):
        assert taken_over(company, LEASE.total_seconds() * 4) == []
    assert failures == []
