"""Sessions: how they end, rotate, and what is refused; on both databases."""

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from smr_engine.errors import Refusal
from smr_engine.services import accounts, second_factor, sessions
from smr_engine.services.workspace import Actor, Options
from tests.services.signing import KEEPER, PASSWORD, code_of
from tests.support.houses import DIRECTORY


def seen(signing, token: str) -> bool:
    return sessions.recognise(signing.ws, token) is not None


def test_a_visitor_is_shown_with_what_pages_need(signing):
    person, signed = signing.member()
    visitor = sessions.recognise(signing.ws, signed.token)
    assert (visitor.person, visitor.access, visitor.assurance) == (person, "operator", "session")
    assert visitor.timezone == "Europe/Berlin"
    expected = hmac.new(signed.token.encode(), b"csrf", hashlib.sha256).hexdigest()
    assert visitor.csrf == expected
    assert sessions.actor_of(visitor) == Actor(person, "session", "web")


def test_a_session_ends_after_two_idle_hours(signing):
    _, signed = signing.member()
    for _ in range(3):
        signing.move(hours=2, seconds=-1)
        assert seen(signing, signed.token)
    signing.move(hours=2)
    assert not seen(signing, signed.token)


def test_a_session_ends_after_twelve_hours_however_busy(signing):
    _, signed = signing.member()
    assert signed.expires_at - signing.clock.now() == timedelta(hours=12)
    for _ in range(11):
        signing.move(hours=1)
        assert seen(signing, signed.token)
    signing.move(hours=1)
    assert not seen(signing, signed.token)


def test_both_limits_are_settings(signing):
    _, signed = signing.member()
    short = Options(session_idle=timedelta(minutes=5), session_length=timedelta(hours=1))
    strict = replace(signing.ws, options=short)
    signing.move(minutes=4)
    assert sessions.recognise(strict, signed.token)
    signing.move(minutes=5)
    assert sessions.recognise(strict, signed.token) is None


def test_that_a_session_is_used_is_written_at_most_once_a_minute(signing):
    _, signed = signing.member()
    writing = []
    storage = signing.ws.storage
    noting = type("Noting", (), {})()
    noting.reading = storage.reading
    noting.together = lambda work: (writing.append(1), storage.together(work))[1]
    ws = replace(signing.ws, storage=noting)
    for _ in range(7):
        assert sessions.recognise(ws, signed.token)
        signing.move(seconds=20)
    assert len(writing) == 2


def test_signing_out_ends_one_session_and_everywhere_all_of_them(signing):
    person, first = signing.member()
    second, third = (accounts.sign_in(signing.ws, person, PASSWORD) for _ in range(2))
    sessions.sign_out(signing.ws, first.token)
    sessions.sign_out(signing.ws, first.token)
    assert [seen(signing, s.token) for s in (first, second, third)] == [False, True, True]
    assert sessions.sign_out_everywhere(signing.ws, Actor(person, "session", "web"), person) == 2
    assert [seen(signing, s.token) for s in (first, second, third)] == [False] * 3
    assert signing.told(person)[-2:] == ["SignedOut", "SignedOutEverywhere"]


def test_only_administrators_sign_somebody_else_out(signing):
    person, signed = signing.member()
    stranger = Actor("lea", "session", "web")
    assert code_of(sessions.sign_out_everywhere, signing.ws, stranger, person) == "may-not-act"
    assert seen(signing, signed.token)
    assert sessions.sign_out_everywhere(signing.ws, KEEPER, person) == 1


def test_a_thousand_forged_expired_and_replayed_tokens_let_nobody_in(signing):
    person, secret, rotated = signing.careful()
    old = [rotated]
    fresh = sessions.step_up(signing.ws, rotated, signing.code(secret)).token
    _, over = signing.member()
    signing.move(hours=2)
    kept = sessions.recognise(signing.ws, fresh)
    assert kept is None  # idle by now as well
    live = signing.member()[1].token
    forged = [live[:-1], live + "A", live.swapcase(), live[::-1], "", "\udc80", "x" * 10_000]
    forged += [f"{live[:n]}{'A' if live[n] != 'A' else 'B'}{live[n + 1 :]}" for n in range(43)]
    forged += [hashlib.sha256(str(n).encode()).hexdigest()[:43] for n in range(900)]
    tried = [*forged, *old, fresh, over.token] + [signing.waiting(person) for _ in range(48)]
    assert len(tried) >= 1_000
    assert [t for t in tried if sessions.recognise(signing.ws, t) is not None] == []
    assert seen(signing, live)


def test_a_session_that_waits_for_its_code_is_none_and_ends_after_five_minutes(signing):
    person, secret, _ = signing.careful()
    token = signing.waiting(person)
    assert not seen(signing, token)
    signing.move(minutes=5)
    code = signing.code(secret)
    assert code_of(sessions.step_up, signing.ws, token, code) == "signed-out"


def test_who_is_taken_out_of_the_directory_is_signed_out(signing):
    signed = accounts.accept(signing.ws, signing.invitation("ben"), PASSWORD)
    assert seen(signing, signed.token)
    path = signing.root / "directory.yaml"
    text = path.read_text(encoding="utf-8")
    line = next(line for line in DIRECTORY.splitlines() if "id: ben" in line)
    path.write_text(text.replace(line + "\n", "").replace("[ana, ben]", "[ana]"), encoding="utf-8")
    from smr_engine.services.directory_import import import_

    import_(signing.ws, KEEPER)
    assert not seen(signing, signed.token)
    with pytest.raises(Refusal) as refused:
        accounts.sign_in(signing.ws, "ben", PASSWORD)
    assert refused.value.code == "sign-in-failed"


def test_proof_by_a_code_lasts_half_an_hour(signing):
    _, secret, token = signing.careful()
    signed = sessions.step_up(signing.ws, token, signing.code(secret))
    assert signed.assurance == "mfa"
    assert not seen(signing, token)  # rotated
    signing.move(minutes=30)
    assert sessions.recognise(signing.ws, signed.token).assurance == "mfa"
    signing.move(seconds=1)
    assert sessions.recognise(signing.ws, signed.token).assurance == "session"


def test_without_a_second_factor_nothing_can_be_stepped_up(signing):
    person, signed = signing.member()
    assert code_of(sessions.step_up, signing.ws, signed.token, "123456") == "no-second-factor"
    assert not second_factor.is_set(signing.ws, person)


def test_new_passwords_and_codes_at_once_do_not_wait_for_each_other(signing):
    person, secret, token = signing.careful()
    code = signing.code(secret)
    with ThreadPoolExecutor(4) as pool:
        told = [
            pool.submit(code_of, sessions.step_up, signing.ws, token, code),
            pool.submit(code_of, accounts.set_password, signing.ws, KEEPER, person, PASSWORD),
            pool.submit(code_of, second_factor.remove_of, signing.ws, KEEPER, person),
            pool.submit(code_of, sessions.sign_out_everywhere, signing.ws, KEEPER, person),
        ]
    assert "storage-failed" not in [each.result() for each in told]
