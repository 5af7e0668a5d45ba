"""Letting people and programs in from the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest

from smr_engine.bootstrap import open_workspace
from smr_engine.services import accounts, second_factor, sessions, tokens
from smr_engine.services.workspace import Workspace

PASSWORD = "seven horses in a bakery"


@pytest.fixture
def ws(office) -> Iterator[Workspace]:
    """The office's workspace, as the pages open it."""
    opened = open_workspace(office.folder, {})
    yield opened
    opened.storage.close()


def test_an_invitation_is_a_link_that_lets_its_person_in(office, ws):
    done = office.done("invite", "lea")
    assert done.stdout.startswith("http://127.0.0.1:8220/invitation/")
    assert done.stdout.count("\n") == 1  # ready to be piped; the words go to standard error
    assert "For Lea Hoffmann only, once, until" in done.stderr
    token = done.stdout.strip().rpartition("/")[2]
    assert accounts.accept(ws, token, PASSWORD).person == "lea"


def test_the_link_begins_with_the_public_address(office, monkeypatch):
    monkeypatch.setenv("SMR_PUBLIC_URL", "https://smr.example.test/pages/")
    told = office.json("invite", "lea")
    assert told["url"] == f"https://smr.example.test/pages/invitation/{told['token']}"
    assert set(told) == {"person", "token", "url", "expires_at"}


def test_whoever_is_not_in_the_directory_cannot_be_invited(office):
    refused = office("invite", "nobody")
    assert (refused.exit_code, "is not in the directory" in refused.stderr) == (1, True)


def test_a_password_comes_from_standard_input_and_is_printed_nowhere(office, ws):
    done = office.done("password", "set", "lea", stdin=f"{PASSWORD}\n".encode())
    assert PASSWORD not in done.stdout + done.stderr
    assert accounts.sign_in(ws, "lea", PASSWORD).person == "lea"
    weak = office("password", "set", "lea", stdin=b"short\n")
    assert (weak.exit_code, "at least 12 signs" in weak.stderr) == (1, True)


def test_who_lost_their_codes_signs_in_by_password_again(office, ws):
    office.done("password", "set", "lea", stdin=PASSWORD.encode())
    signed = accounts.sign_in(ws, "lea", PASSWORD)
    secret = second_factor.begin(ws, signed.token, PASSWORD).secret
    second_factor.confirm(ws, signed.token, pyotp.TOTP(secret).now())
    office.done("second-factor", "remove", "lea")
    assert not second_factor.is_set(ws, "lea")
    assert sessions.recognise(ws, signed.token) is None


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(office, ws):
    words = ("--for", "lea", "--scope", "read", "--scope", "note", "--days", "7")
    text = office.done("token", "create", "monitoring", *words).stdout.strip()
    bearer = tokens.recognise_token(ws, text)
    assert (bearer.person, bearer.scopes) == ("lea", {"read", "note"})
    listed = office.done("token", "list").stdout
    assert "monitoring" in listed
    assert text.rpartition("_")[2] not in listed
    office.done("token", "revoke", "monitoring")
    assert tokens.recognise_token(ws, text) is None
    [row] = office.json("token", "list")
    assert (row["token"], row["status"], row["scopes"]) == (
        "monitoring",
        "revoked",
        ["read", "note"],
    )


def test_a_token_without_scope_or_with_one_that_decides_is_wrong_usage(office):
    assert office("token", "create", "robot", "--for", "lea").exit_code == 2
    words = ("--for", "lea", "--scope", "approve")
    assert office("token", "create", "robot", *words).exit_code == 2


def test_the_log_says_in_words_who_was_let_in(office):
    office.done("invite", "lea")
    kinds = [event["kind"] for event in office.json("audit", "log", "--kind", "Invited")]
    assert kinds == ["Invited"]
    assert office.json("audit", "verify")["ok"] is True
