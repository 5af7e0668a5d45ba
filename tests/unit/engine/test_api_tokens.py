"""Programs with a token of somebody: they may write notes and send signals, and never approve."""

from __future__ import annotations

import pytest

from smr_engine.engine import commands as c
from smr_engine.engine.decide import _COMMANDS, decide
from smr_engine.engine.run import Situation
from smr_engine.engine.statuses import DecisionKind
from smr_engine.errors import Refusal
from tests.support import company as co
from tests.support.casebook import Casebook
from tests.support.company import MONDAY

ROBOT = c.Actor("lea", "token", c.TOKEN_DOOR)
STEPS = (co.draft("write", "statement", "person:wendy"), co.approval("check", co.line("legal")))


@pytest.fixture(scope="module")
def case():
    """A case that waits for Lea."""
    started = Casebook.of(co.playbook(*STEPS), world=co.company()).start()
    started.write("write", "We know about the fire.", by="wendy")
    return started


def asked(case, command, actor):
    [playbook] = case.book.playbooks.values()
    known = case.book.cases[case.ref]
    return decide(playbook, known, command, Situation(co.company(), MONDAY, actor))


@pytest.mark.parametrize(
    "kind", sorted(_COMMANDS.keys() - {c.WriteNote, c.Signal}, key=lambda kind: kind.__name__)
)
def test_no_command_but_notes_and_signals_is_taken_from_a_token(case, kind):
    with pytest.raises(Refusal, match="API tokens never approve") as refused:
        asked(case, object.__new__(kind), ROBOT)
    assert refused.value.code == "tokens-never-approve"


def test_the_person_of_the_token_may_decide_when_they_sign_in(case):
    vote = c.Decide(case.item("check").id, DecisionKind.APPROVE, "")
    assert asked(case, vote, c.Actor("lea", "session", "web")).events


def test_a_token_may_write_a_note(case):
    assert asked(case, c.WriteNote("The alarm is off"), ROBOT).events
