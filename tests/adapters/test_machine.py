from __future__ import annotations

from datetime import UTC, timedelta

from smr_engine.adapters.clock import SystemClock
from smr_engine.adapters.entropy import SystemEntropy


def test_the_clock_tells_an_aware_instant_in_utc():
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert timedelta(0) <= SystemClock().now() - now < timedelta(seconds=5)


def test_salts_have_32_bytes_and_never_come_twice():
    salts = [SystemEntropy().salt() for _ in range(100)]
    assert {len(salt) for salt in salts} == {32}
    assert len(set(salts)) == 100
