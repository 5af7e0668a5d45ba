"""Browsers in which somebody has signed in: strangers who guess do not lock them; both databases."""

from __future__ import annotations

import pytest

from smr_engine.errors import Refusal
from smr_engine.services import accounts, accounts_attempts, second_factor, sessions
from smr_engine.services.stored import EventFilter
from smr_engine.services.workspace import Actor
from tests.services.signing import KEEPER, PASSWORD, code_of

OTHER = "a different pass phrase"


def wrong(signing, who: str, browser: str = "") -> str:
    return code_of(accounts.sign_in, signing.ws, who, "a wrong pass phrase", browser=browser)


def enter(signing, who: str, browser: str = "") -> str:
    """Give the right password; return what is refused, empty if nothing is."""
    return code_of(accounts.sign_in, signing.ws, who, PASSWORD, browser=browser)


def guessed_at(signing, who: str, times: int = 5) -> None:
    """Let a stranger guess so often."""
    for _ in range(times):
        wrong(signing, who)


def test_a_stranger_who_guesses_locks_out_strangers_and_no_browser_that_is_known(signing):
    """In a crisis whoever knows Lea's name would else keep her from releasing anything."""
    person, signed = signing.member()
    guesses = [wrong(signing, person) for _ in range(100)]
    assert guesses == [*["sign-in-failed"] * 5, *["locked-out"] * 95]
    assert enter(signing, person) == "locked-out"
    known = accounts.sign_in(signing.ws, person, PASSWORD, browser=signed.browser)
    assert known.person == person
    assert enter(signing, person) == "locked-out"  # she has proved nothing about the others
    assert enter(signing, person, known.browser) == ""


def test_not_even_a_hundred_failures_of_strangers_reset_a_known_browser(signing):
    person, signed = signing.member()
    for _ in range(100):
        accounts_attempts.begin(signing.ws, person, "")
        signing.move(hours=1)
    with pytest.raises(Refusal, match="reset") as refused:
        accounts.sign_in(signing.ws, person, PASSWORD)
    assert "a browser in which you have signed in before" in refused.value.hint
    assert enter(signing, person, signed.browser) == ""


def test_every_sign_in_makes_the_browser_known_anew_and_the_token_before_worthless(signing):
    person, first = signing.member()
    second = accounts.sign_in(signing.ws, person, PASSWORD, browser=first.browser)
    third = accounts.sign_in(signing.ws, person, PASSWORD)  # another browser
    assert len({first.browser, second.browser, third.browser}) == 3
    guessed_at(signing, person)
    assert enter(signing, person, first.browser) == "locked-out"
    for browser in (second.browser, third.browser):
        assert enter(signing, person, browser) == ""


def test_a_token_that_is_forged_or_of_somebody_else_gains_nothing(signing):
    (person, signed), (other, others) = signing.member(), signing.member()
    guessed_at(signing, person)
    forged = [signed.browser[:-1], signed.browser.swapcase(), "", "\udc80", "x" * 10_000]
    forged += [signed.token, others.browser, f"browser:{signed.browser}"]
    assert {enter(signing, person, browser) for browser in forged} == {"locked-out"}
    unknown = (signing.ws, "", "nobody at all", others.browser)
    tried = [code_of(accounts_attempts.begin, *unknown) for _ in range(6)]
    assert tried == [*[""] * 5, "locked-out"]
    guessed_at(signing, other)
    assert enter(signing, other, others.browser) == ""  # nothing of that was counted there


def test_guesses_in_a_known_browser_lock_it_and_soon_it_is_known_no_more(signing):
    person, signed = signing.member()
    mine = signed.browser
    assert {wrong(signing, person, mine) for _ in range(5)} == {"sign-in-failed"}
    assert enter(signing, person, mine) == "locked-out"
    assert enter(signing, person) == ""  # strangers have not guessed
    for minutes in (1, 2, 4, 8, 16):
        signing.move(minutes=minutes)
        assert wrong(signing, person, mine) == "sign-in-failed"
    signing.move(days=1)
    guessed_at(signing, person)
    assert enter(signing, person, mine) == "locked-out"  # as strangers are
    with signing.ws.storage.reading() as unit:
        locks = unit.events.select(EventFilter(kinds=("SignInLocked",)))
    mine = [lock.facts for lock in locks if lock.facts["person"] == person]
    assert [lock["known"] for lock in mine] == [*[True] * 6, False]


def test_who_mistypes_in_a_known_browser_has_five_new_attempts_after_the_right_password(signing):
    person, signed = signing.member()
    browser = signed.browser
    for _ in range(2):
        assert {wrong(signing, person, browser) for _ in range(4)} == {"sign-in-failed"}
        browser = accounts.sign_in(signing.ws, person, PASSWORD, browser=browser).browser


@pytest.mark.parametrize("ending", ["everywhere", "password", "invitation", "lost phone"])
def test_what_ends_all_sessions_makes_all_browsers_unknown(signing, ending):
    person, signed = signing.member()
    elsewhere = accounts.sign_in(signing.ws, person, PASSWORD)
    if ending == "everywhere":
        sessions.sign_out_everywhere(signing.ws, Actor(person, "session", "web"), person)
    elif ending == "password":
        accounts.set_password(signing.ws, KEEPER, person, PASSWORD)
    elif ending == "invitation":
        accounts.accept(signing.ws, signing.invitation(person), PASSWORD)
    else:
        second_factor.remove_of(signing.ws, KEEPER, person)
    guessed_at(signing, person)
    for browser in (signed.browser, elsewhere.browser):
        assert enter(signing, person, browser) == "locked-out"


def test_signing_out_leaves_the_browser_known(signing):
    person, signed = signing.member()
    sessions.sign_out(signing.ws, signed.token)
    guessed_at(signing, person)
    assert enter(signing, person, signed.browser) == ""


def test_a_sign_out_while_a_password_is_looked_at_is_not_undone(signing):
    person, signed = signing.member()
    attempt = accounts_attempts.begin(signing.ws, person, "", signed.browser)
    sessions.sign_out_everywhere(signing.ws, KEEPER, person)
    with signing.ws.storage.writing() as unit:
        accounts_attempts.undo(unit, attempt)
        unit.keep()
    guessed_at(signing, person)
    assert enter(signing, person, signed.browser) == "locked-out"


def test_a_stranger_who_knows_the_password_locks_no_codes_of_a_known_browser(signing):
    person, secret, _ = signing.careful()
    browser = accounts.sign_in(signing.ws, person, PASSWORD, signing.code(secret)).browser
    signing.move(seconds=60)
    for guess in range(5):
        stolen = signing.waiting(person)
        assert code_of(sessions.step_up, signing.ws, stolen, f"{guess:06}") == "wrong-code"
    code = signing.code(secret)
    assert code_of(accounts.sign_in, signing.ws, person, PASSWORD, code) == "locked-out"
    signed = accounts.sign_in(signing.ws, person, PASSWORD, code, browser)
    assert signed.assurance == "mfa"
    guesses = [
        code_of(accounts.sign_in, signing.ws, person, PASSWORD, "000000", signed.browser)
        for _ in range(6)
    ]
    assert guesses == [*["wrong-code"] * 5, "locked-out"]  # its own guesses lock it all the same


def test_who_is_at_work_in_a_known_browser_can_do_all_that_needs_the_password(signing):
    person, signed = signing.member()
    guessed_at(signing, person)
    begin = second_factor.begin
    assert code_of(begin, signing.ws, signed.token, PASSWORD) == "locked-out"
    secret = begin(signing.ws, signed.token, PASSWORD, signed.browser).secret
    code = signing.code(secret)
    proved = second_factor.confirm(signing.ws, signed.token, code, signed.browser)
    assert wrong(signing, person, signed.browser) == "locked-out"  # another token has its place
    signing.move(seconds=60)
    code, at = signing.code(secret), (proved.token, PASSWORD)
    second_factor.remove(signing.ws, *at, code, proved.browser)
    changed = accounts.change_password(signing.ws, *at, OTHER, proved.browser)
    assert accounts.sign_in(signing.ws, person, OTHER).person == person  # also elsewhere again
    guessed_at(signing, person)
    again = accounts.sign_in(signing.ws, person, OTHER, browser=changed.browser)
    assert again.person == person
    for old in (signed, proved, changed):
        assert wrong(signing, person, old.browser) == "locked-out"


def test_a_browser_is_known_for_a_year_after_its_last_sign_in_and_the_newest_twenty_are(signing):
    person, signed = signing.member()
    for _ in range(20):
        signing.move(minutes=1)
        newest = accounts.sign_in(signing.ws, person, PASSWORD)
    guessed_at(signing, person)
    assert enter(signing, person, signed.browser) == "locked-out"
    signing.move(days=365)
    guessed_at(signing, person)
    assert enter(signing, person, newest.browser) == "locked-out"


def test_a_known_name_and_an_unknown_one_are_locked_in_the_same_words(signing):
    person, others = signing.member()[0], signing.member()[1]
    said = set()
    nobody = f"nobody {id(signing)}"
    guessed_at(signing, person)
    for _ in range(5):
        accounts_attempts.begin(signing.ws, "", nobody)
    for who in (person, nobody):
        for browser in ("", others.browser):
            with pytest.raises(Refusal) as refused:
                accounts.sign_in(signing.ws, who, PASSWORD, browser=browser)
            said.add((str(refused.value), refused.value.hint))
    assert len(said) == 1
