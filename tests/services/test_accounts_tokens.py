"""API tokens: scoped, expiring, revocable, and never able to decide."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smr_engine.errors import Invalid, Refusal
from smr_engine.services import cases, items, tokens
from smr_engine.services.tokens import Grant
from smr_engine.services.workspace import Actor
from tests.services.signing import KEEPER, code_of

READING = Grant("lea", ["read", "start"], 30)


def test_a_token_stands_for_its_person_within_its_scopes(signing):
    made = tokens.make(signing.ws, KEEPER, "monitoring", READING)
    assert made.text.startswith("smr_monitoring_")
    bearer = tokens.recognise_token(signing.ws, made.text)
    assert (bearer.token, bearer.person, bearer.scopes) == ("monitoring", "lea", {"read", "start"})
    assert tokens.actor_of_token(bearer) == Actor("lea", "token", "api-token")
    assert signing.told("lea")[-1] == "TokenMade"


def test_a_token_ends_when_it_expires_or_is_revoked_and_gives_its_name_free(signing):
    made = tokens.make(signing.ws, KEEPER, "short", Grant("lea", ["read"], 1))
    assert code_of(tokens.make, signing.ws, KEEPER, "short", READING) == "token-exists"
    signing.move(days=1)
    assert tokens.recognise_token(signing.ws, made.text) is None
    again = tokens.make(signing.ws, KEEPER, "short", READING)
    assert tokens.recognise_token(signing.ws, made.text) is None
    tokens.revoke(signing.ws, KEEPER, "short")
    assert tokens.recognise_token(signing.ws, again.text) is None
    assert code_of(tokens.revoke, signing.ws, KEEPER, "short") == "unknown-token"
    [row] = [t for t in tokens.list_(signing.ws, KEEPER) if t.token == "short"]
    assert (row.status, row.expires_at - row.made_at) == ("revoked", timedelta(days=30))


@pytest.mark.parametrize(
    ("name", "grant"),
    [
        ("With Spaces", READING),
        ("under_score", READING),
        ("x" * 41, READING),
        ("fine", Grant("lea", [], 30)),
        ("fine", Grant("lea", ["decide"], 30)),
        ("fine", Grant("lea", ["read"], 0)),
        ("fine", Grant("lea", ["read"], 366)),
    ],
)
def test_a_token_without_bounds_is_refused(signing, name, grant):
    with pytest.raises(Invalid) as refused:
        tokens.make(signing.ws, KEEPER, name, grant)
    assert refused.value.code == "bad-token"


def test_only_administrators_and_the_local_command_line_keep_tokens(signing):
    lea = Actor("lea", "session", "web")
    assert code_of(tokens.make, signing.ws, lea, "mine", READING) == "may-not-act"
    assert code_of(tokens.revoke, signing.ws, lea, "monitoring") == "may-not-act"
    assert code_of(tokens.list_, signing.ws, lea) == "may-not-act"
    assert tokens.list_(signing.ws, Actor("lea")) is not None


def test_forged_tokens_stand_for_nobody(signing):
    text = tokens.make(signing.ws, KEEPER, "forged", READING).text
    head, _, secret = text.rpartition("_")[0], "_", text.removeprefix("smr_forged_")
    tried = [head, f"{head}_", f"smr_other_{secret}", f"smr__{secret}", secret, text + "x", ""]
    tried += ["smr_forged_\udc80", "x" * 100_000, f"smr_forged_{secret[::-1]}"]
    tried += [f"smr_forged_{secret[:n]}*{secret[n + 1 :]}" for n in range(len(secret))]
    assert [t for t in tried if tokens.recognise_token(signing.ws, t) is not None] == []
    assert tokens.recognise_token(signing.ws, text).person == "lea"


def test_a_token_starts_and_notes_but_never_approves(company):
    made = tokens.make(company.ws, Actor("ana"), "robot", Grant("lea", tokens.SCOPES, 30))
    robot = tokens.actor_of_token(tokens.recognise_token(company.ws, made.text))
    case = cases.start(company.ws, robot, "statement", {"title": "Fire"}).case
    cases.note(company.ws, robot, case, "Seen by the monitoring")
    company.write(company.item(case, "write"), "We know.")
    item = company.item(case, "approve")
    with pytest.raises(Refusal, match="API tokens never approve") as refused:
        items.decide(company.ws, robot, item, "approve")
    assert refused.value.code == "tokens-never-approve"
    assert company.vote(item, "lea").granted is False  # the same person, signed in
