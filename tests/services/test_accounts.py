"""Accounts: invitations, passwords, signing in, lock-out; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from smr_engine.adapters.passwords import NOBODYS, Argon2Passwords
from smr_engine.engine.world import Person
from smr_engine.errors import Invalid, Refusal
from smr_engine.services import accounts, accounts_attempts, sessions
from smr_engine.services.accounts_passwords import why_weak
from smr_engine.services.stored import EventFilter
from smr_engine.services.verify import verify
from smr_engine.services.workspace import Actor, Caches, Options, local_engine
from tests.services.signing import KEEPER, PASSWORD, code_of

OTHER = "a different pass phrase"
MARIA = Person("maria.ruiz", "María Ruiz de Halden", "maria@halden.example.test")


# --- invitations -------------------------------------------------------------------------------


def test_an_invitation_lets_its_person_in_once(signing):
    person = signing.somebody()
    invited = accounts.invite(signing.ws, KEEPER, person)
    assert invited.expires_at - signing.clock.now() == timedelta(days=7)
    assert accounts.invited(signing.ws, invited.token).id == person
    signed = accounts.accept(signing.ws, invited.token, PASSWORD)
    assert (signed.person, signed.assurance) == (person, "session")
    assert sessions.recognise(signing.ws, signed.token).person == person
    for again in (PASSWORD, OTHER):
        assert code_of(accounts.accept, signing.ws, invited.token, again) == "invitation-void"
    assert signing.told(person) == ["Invited", "PasswordSet", "SignedIn"]


def test_an_invitation_is_void_after_seven_days_and_when_a_newer_one_was_made(signing):
    person = signing.somebody()
    first, second = signing.invitation(person), signing.invitation(person)
    assert code_of(accounts.accept, signing.ws, first, PASSWORD) == "invitation-void"
    signing.move(days=7)
    assert code_of(accounts.accept, signing.ws, second, PASSWORD) == "invitation-void"
    assert code_of(accounts.invited, signing.ws, "") == "invitation-void"


def test_a_weak_password_leaves_the_invitation_good(signing):
    token = signing.invitation(signing.somebody())
    with pytest.raises(Invalid, match="at least 12"):
        accounts.accept(signing.ws, token, "short")
    assert accounts.accept(signing.ws, token, PASSWORD).token


def test_two_who_accept_one_invitation_at_once_get_one_session(signing):
    token = signing.invitation(signing.somebody())
    with ThreadPoolExecutor(4) as pool:
        codes = list(
            pool.map(lambda n: code_of(accounts.accept, signing.ws, token, PASSWORD), range(4))
        )
    assert sorted(codes) == ["", *["invitation-void"] * 3]


def test_only_administrators_and_the_local_command_line_let_people_in(signing):
    person = signing.somebody()
    for actor in (Actor("lea", "session", "web"), Actor("ana", "token", "api-token")):
        with pytest.raises(Refusal, match="only administrators"):
            accounts.invite(signing.ws, actor, person)
        assert code_of(accounts.set_password, signing.ws, actor, person, OTHER) == "may-not-act"
    assert accounts.invite(signing.ws, Actor("lea"), person).token
    assert code_of(accounts.invite, signing.ws, KEEPER, "nobody") == "unknown-person"


def test_passwords_are_kept_as_the_rfc_recommends_and_nobodys_takes_as_long():
    kept = Argon2Passwords().hash(PASSWORD, b"sixteen or more signs")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Argon2Passwords().verify(PASSWORD, kept)
    assert not Argon2Passwords().verify("", "")
    assert NOBODYS.rpartition("$")[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_where_decisions_need_codes_letting_people_in_needs_one_too(signing):
    strict = replace(signing.ws, options=Options(assurance="mfa"), caches=Caches())
    person = signing.somebody()
    with pytest.raises(Refusal, match="proof of identity 'mfa'"):
        accounts.invite(strict, KEEPER, person)
    assert accounts.invite(strict, Actor("ana", "mfa", "web"), person).token


def test_administrators_see_how_everybody_signs_in(signing):
    invited, (member, _), (careful, _, _) = signing.somebody(), signing.member(), signing.careful()
    signing.invitation(invited)
    rows = {row.person: row for row in accounts.standings(signing.ws, KEEPER)}
    assert not rows[invited].has_password
    assert rows[invited].invited_until == signing.clock.now() + timedelta(days=7)
    assert (rows[member].has_password, rows[member].has_codes) == (True, False)
    assert rows[careful].has_codes
    assert rows[member].invited_until is None
    lea = Actor("lea", "session", "web")
    assert code_of(accounts.standings, signing.ws, lea) == "may-not-act"


# --- passwords ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "eleven sign",
        "x" * 1_001,
        "abababababab",
        "María Ruiz de Halden",
        "maria@halden.example.test",
        "HALDEN-maria-2026",
        *("123456789012", "abc123abc123", "1qaz2wsx3edc", "poiuytrewq12", "qwertzuiopü1"),
        *("password1234", "P@ssw0rd2026!", "Welcome-2026!", "letmeinletmein", "Maria@Summer24"),
    ],
)
def test_a_password_that_everybody_could_guess_is_refused(password):
    assert why_weak(MARIA, password)


@pytest.mark.parametrize(
    "password", ["twelve signs", "gfj58fkw02ms", "pässwörter zählen 🐎", "x1y2z" * 200]
)
def test_any_long_password_will_do(password):
    assert why_weak(MARIA, password) == ""


def test_a_password_is_the_same_however_a_keyboard_composes_it(signing):
    person = signing.somebody()
    accounts.accept(signing.ws, signing.invitation(person), "zwölf große bären")
    assert accounts.sign_in(signing.ws, person, "zwo\u0308lf große ba\u0308ren").person == person


def test_a_new_password_ends_all_sessions_and_open_invitations(signing):
    person, signed = signing.member()
    open_one = signing.invitation(person)
    accounts.set_password(signing.ws, KEEPER, person, OTHER)
    assert sessions.recognise(signing.ws, signed.token) is None
    assert code_of(accounts.accept, signing.ws, open_one, PASSWORD) == "invitation-void"
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD) == "sign-in-failed"
    assert accounts.sign_in(signing.ws, person, OTHER).person == person


def test_who_changes_their_password_stays_signed_in_under_a_new_token(signing):
    person, signed = signing.member()
    elsewhere = accounts.sign_in(signing.ws, person, PASSWORD)
    change = accounts.change_password
    assert code_of(change, signing.ws, signed.token, "not it at all", OTHER) == "sign-in-failed"
    for _ in range(6):  # no guess at the present one, so nothing is locked
        assert code_of(change, signing.ws, signed.token, PASSWORD, "short") == "weak-password"
    changed = change(signing.ws, signed.token, PASSWORD, OTHER)
    assert changed.expires_at == signed.expires_at
    assert sessions.recognise(signing.ws, changed.token).person == person
    for old in (signed, elsewhere):
        assert sessions.recognise(signing.ws, old.token) is None


def test_a_database_holds_neither_passwords_nor_tokens(signing):
    _, signed = signing.member()
    invitation = signing.invitation(signing.somebody())
    tables = ("accounts", "sessions", "events", "contents", "sign_in_attempts", "api_tokens")
    with signing.ws.storage.engine.connect() as connection:
        rows = [connection.exec_driver_sql(f"SELECT * FROM {t}").all() for t in tables]
    text = str(rows)
    assert "$argon2id$v=19$" in text
    for secret in (PASSWORD, signed.token, signed.browser, invitation):
        assert secret not in text


# --- signing in --------------------------------------------------------------------------------


def test_people_sign_in_by_id_or_mail_address_in_any_case(signing):
    person, _ = signing.member()
    for who in (person, person.upper(), f" {person}@HALDEN.example.test "):
        assert accounts.sign_in(signing.ws, who, PASSWORD).person == person


def test_nobody_can_tell_an_unknown_person_from_a_wrong_password(signing):
    person, _ = signing.member()
    said = set()
    for who in (person, signing.somebody(), "nobody", "", "\udc80", "n" * 100_000):
        with pytest.raises(Refusal) as refused:
            accounts.sign_in(signing.ws, who, "a wrong pass phrase")
        said.add((refused.value.code, str(refused.value)))
    assert len(said) == 1


def test_an_unknown_person_takes_as_long_as_a_wrong_password(signing):
    counted = []

    class Counting:
        def verify(self, password, hashed):
            counted.append(hashed)
            return signing.ws.passwords.verify(password, hashed)

    ws = replace(signing.ws, passwords=Counting())
    person, _ = signing.member()
    for who in (person, signing.somebody(), "a stranger"):
        assert code_of(accounts.sign_in, ws, who, "not the password") == "sign-in-failed"
    assert len(counted) == 3


def test_every_sign_in_makes_a_new_token(signing):
    person, first = signing.member()
    tokens = {accounts.sign_in(signing.ws, person, PASSWORD).token for _ in range(3)}
    assert len(tokens | {first.token}) == 4


# --- lock-out ----------------------------------------------------------------------------------


def wrong(signing, who: str) -> str:
    return code_of(accounts.sign_in, signing.ws, who, "a wrong pass phrase")


@pytest.mark.parametrize("known", [True, False])
def test_after_five_failures_each_pause_is_twice_as_long_up_to_an_hour(signing, known):
    who = signing.member()[0] if known else f"stranger {id(signing)}"
    assert [wrong(signing, who) for _ in range(6)] == [*["sign-in-failed"] * 5, "locked-out"]
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        signing.move(minutes=minutes, seconds=-1)
        assert wrong(signing, who) == "locked-out"
        signing.move(seconds=1)
        assert wrong(signing, who) == "sign-in-failed"
    told = signing.told(who)
    assert told.count("SignInLocked") == (9 if known else 0)
    with signing.ws.storage.reading() as unit:
        locks = unit.events.select(EventFilter(kinds=("SignInLocked",)))
    assert {event.actor for event in locks} <= {"engine"}  # nobody knows who it was


def test_the_right_password_opens_nothing_while_it_is_locked_and_forgets_failures_after(signing):
    person, signed = signing.member()
    for _ in range(5):
        wrong(signing, person)
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD) == "locked-out"
    assert sessions.recognise(signing.ws, signed.token) is not None  # who is at work goes on
    signing.move(minutes=1)
    assert accounts.sign_in(signing.ws, person, PASSWORD).person == person
    assert [wrong(signing, person) for _ in range(4)] == ["sign-in-failed"] * 4
    assert accounts.sign_in(signing.ws, person, PASSWORD).person == person


def test_after_a_hundred_failures_only_a_reset_helps(signing):
    person, _ = signing.member()
    for _ in range(100):
        accounts_attempts.begin(signing.ws, person, "")
        signing.move(hours=1)
    signing.move(days=30)
    with pytest.raises(Refusal, match="reset"):
        accounts.sign_in(signing.ws, person, PASSWORD)
    assert accounts.accept(signing.ws, signing.invitation(person), OTHER).person == person


def test_guesses_made_at_once_count_one_by_one(signing):
    person, _ = signing.member()
    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda n: wrong(signing, person), range(12)))
    assert sorted(codes) == [*["locked-out"] * 7, *["sign-in-failed"] * 5]


def test_names_that_nobody_has_are_kept_in_bounds(signing):
    ws = signing.ws
    for n in range(8):
        accounts_attempts.begin(ws, "", f"made up {n}")
        signing.move(minutes=1)
    with ws.storage.writing() as unit:
        before = signing.clock.now() - timedelta(days=1)
        unit.accounts.prune_attempts("name:", "", before, most=3)
        unit.keep()
    assert strangers(ws) == 3
    signing.move(days=1, minutes=5)
    accounts_attempts.begin(ws, "", "one more")
    assert strangers(ws) == 1


def strangers(ws) -> int:
    with ws.storage.engine.connect() as connection:
        asked = "SELECT count(*) FROM sign_in_attempts WHERE person = ''"
        return connection.exec_driver_sql(asked).scalar()


# --- the log -----------------------------------------------------------------------------------


def test_the_log_of_accounts_verifies_and_holds_ids_only(signing):
    person, _ = signing.member()
    assert verify(signing.ws).problems == []
    with signing.ws.storage.reading() as unit:
        events = unit.events.select(EventFilter(streams=("accounts",)))
    mine = [event for event in events if event.facts.get("person") == person]
    assert {name for event in mine for name in event.facts} == {"person", "until"}
    assert all(event.content == {} for event in mine)
    assert {event.actor for event in mine} == {"ana", person}


def test_administrators_are_invited_at_the_first_start_and_never_again(company):
    first = accounts.invite_first(company.ws, local_engine())
    assert [each.person for each in first] == ["ana"]
    assert accounts.invite_first(company.ws, local_engine()) == []  # it is open still
    accounts.accept(company.ws, first[0].token, PASSWORD)
    company.clock.move(days=30)
    assert accounts.invite_first(company.ws, local_engine()) == []
