"""The second factor: set up, each code taken once, removed; on both databases."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from smr_engine.adapters.keys import FernetVault
from smr_engine.errors import SmrError
from smr_engine.services import accounts, second_factor, sessions
from smr_engine.services.workspace import Actor
from tests.services.signing import KEEPER, PASSWORD, code_of


def test_a_second_factor_is_set_up_by_a_picture_and_a_first_code(signing):
    person, signed = signing.member()
    made = second_factor.begin(signing.ws, signed.token, PASSWORD)
    assert second_factor.waiting(signing.ws, person) == made
    address = urlsplit(made.uri)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert parse_qs(address.query) == {"secret": [made.secret], "issuer": ["SMR engine"]}
    assert not second_factor.is_set(signing.ws, person)
    wrong = code_of(second_factor.confirm, signing.ws, signed.token, "000000")
    assert wrong == "wrong-code"
    proved = second_factor.confirm(signing.ws, signed.token, signing.code(made.secret))
    assert proved.assurance == "mfa"
    assert second_factor.is_set(signing.ws, person)
    assert second_factor.waiting(signing.ws, person) is None
    assert code_of(second_factor.begin, signing.ws, proved.token, PASSWORD) == "second-factor-set"


def test_a_session_alone_sets_nothing_up_and_guessing_its_password_locks(signing):
    """Who finds a screen left alone would be believed more than its owner, by a phone of theirs."""
    person, signed = signing.member()
    guesses = [code_of(second_factor.begin, signing.ws, signed.token, "a guess") for _ in range(5)]
    assert guesses == ["sign-in-failed"] * 5
    assert code_of(second_factor.begin, signing.ws, signed.token, PASSWORD) == "locked-out"
    assert second_factor.waiting(signing.ws, person) is None
    signing.move(minutes=1)
    assert second_factor.begin(signing.ws, signed.token, PASSWORD).secret


def test_the_picture_needs_no_styles_and_no_scripts(signing):
    _, signed = signing.member()
    picture = ET.fromstring(second_factor.begin(signing.ws, signed.token, PASSWORD).picture)
    for element in picture.iter():
        assert element.tag.rpartition("}")[2] in {"svg", "g", "path", "title"}
        assert not {"style", "onload"} & set(element.attrib)


def test_signing_in_needs_the_code_then(signing):
    person, secret, _ = signing.careful()
    token = signing.waiting(person)
    assert code_of(sessions.step_up, signing.ws, token, "12345") == "wrong-code"
    signed = sessions.step_up(
        signing.ws, token, f" {signing.code(secret)[:3]} {signing.code(secret)[3:]}"
    )
    assert (signed.person, signed.assurance) == (person, "mfa")
    signing.move(minutes=1)
    assert accounts.sign_in(signing.ws, person, PASSWORD, signing.code(secret)).assurance == "mfa"


def test_a_new_password_by_invitation_does_not_go_round_the_second_factor(signing):
    person, secret, _ = signing.careful()
    with pytest.raises(sessions.CodeNeeded) as needed:
        accounts.accept(signing.ws, signing.invitation(person), "a different pass phrase")
    assert sessions.recognise(signing.ws, needed.value.token) is None
    assert sessions.step_up(signing.ws, needed.value.token, signing.code(secret)).assurance == "mfa"


def test_clocks_may_differ_by_one_step(signing):
    for offset, refused in ((-2, "wrong-code"), (2, "wrong-code"), (-1, ""), (0, ""), (1, "")):
        person, secret, _ = signing.careful()
        token = signing.waiting(person)
        code = signing.code(secret, offset)
        assert code_of(sessions.step_up, signing.ws, token, code) == refused, offset


def test_a_code_is_taken_once(signing):
    person, secret, _ = signing.careful()
    code = signing.code(secret)
    assert accounts.sign_in(signing.ws, person, PASSWORD, code).person == person
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD, code) == "wrong-code"
    earlier = signing.code(secret, -1)
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD, earlier) == "wrong-code"


def test_the_code_that_set_it_up_signs_nobody_in(signing):
    person, signed = signing.member()
    secret = second_factor.begin(signing.ws, signed.token, PASSWORD).secret
    code = signing.code(secret)
    second_factor.confirm(signing.ws, signed.token, code)
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD, code) == "wrong-code"


def test_one_code_used_by_many_at_once_is_taken_once(signing):
    person, secret, _ = signing.careful()
    tokens = [signing.waiting(person) for _ in range(4)]
    code = signing.code(secret)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda t: code_of(sessions.step_up, signing.ws, t, code), tokens))
    assert sorted(codes) == ["", *["wrong-code"] * 3]


def test_guessing_codes_locks_the_account_also_between_right_passwords(signing):
    person, secret, _ = signing.careful()
    codes = []
    for guess in range(5):
        token = signing.waiting(person)
        codes.append(code_of(sessions.step_up, signing.ws, token, f"{guess:06}"))
    assert codes == ["wrong-code"] * 5
    token = signing.waiting(person)
    assert code_of(sessions.step_up, signing.ws, token, signing.code(secret)) == "locked-out"
    assert "SignInLocked" in signing.told(person)


def test_who_guesses_at_a_password_keeps_nobody_at_work_from_proving_more(signing):
    """In a crisis a stranger who knows a name would stop every release that needs a code."""
    person, secret, token = signing.careful()
    for _ in range(5):
        assert code_of(accounts.sign_in, signing.ws, person, "a guess") == "sign-in-failed"
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD) == "locked-out"
    assert sessions.step_up(signing.ws, token, signing.code(secret)).assurance == "mfa"


def test_the_owner_removes_it_by_password_and_code_only(signing):
    person, secret, token = signing.careful()
    remove, code = second_factor.remove, signing.code(secret)
    assert code_of(remove, signing.ws, token, "not the password", code) == "sign-in-failed"
    assert code_of(remove, signing.ws, token, PASSWORD, "000000") == "wrong-code"
    remove(signing.ws, token, PASSWORD, code)
    assert accounts.sign_in(signing.ws, person, PASSWORD).assurance == "session"
    assert signing.told(person)[-2:] == ["SecondFactorRemoved", "SignedIn"]


def test_an_administrator_removes_it_for_who_has_lost_it_and_ends_their_sessions(signing):
    person, _, token = signing.careful()
    stranger = Actor("lea", "session", "web")
    assert code_of(second_factor.remove_of, signing.ws, stranger, person) == "may-not-act"
    second_factor.remove_of(signing.ws, KEEPER, person)
    assert sessions.recognise(signing.ws, token) is None
    assert accounts.sign_in(signing.ws, person, PASSWORD).assurance == "session"


def test_secrets_are_kept_encrypted_under_a_key_that_only_its_owner_reads(signing):
    _, secret, _ = signing.careful()
    key = signing.root / ".smr" / "keys" / "totp.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    with signing.ws.storage.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT totp, totp_pending FROM accounts").all()
    kept = [bytes(value) for row in rows for value in row if value is not None]
    assert kept
    assert all(secret.encode() not in value for value in kept)


def test_processes_that_make_the_key_at_once_get_the_same(tmp_path):
    path = tmp_path / "keys" / "totp.key"
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: FernetVault(path).seal(b"secret"), range(8)))
    assert {FernetVault(path).open(each) for each in sealed} == {b"secret"}
    assert [p.name for p in path.parent.iterdir()] == ["totp.key"]


def test_machines_that_share_a_secret_key_need_no_file(tmp_path):
    one, other = (FernetVault(tmp_path / n, "x" * 32) for n in ("a", "b"))
    assert other.open(one.seal(b"secret")) == b"secret"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SmrError, match="another key") as refused:
        FernetVault(tmp_path / "c", "y" * 32).open(one.seal(b"secret"))
    assert refused.value.code == "wrong-key"
