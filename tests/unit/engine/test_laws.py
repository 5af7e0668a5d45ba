"""Laws that hold for every playbook, whoever acts, in whatever order.

The casebook checks on every command that folding the stored events gives the same case, that
deciding on the scopes a command asks for gives the same as deciding on all, that a refusal changes
nothing and that ids only grow. The crowd checks that every open case waits for something and that
willing people can always bring it to its end. The oracle checks every publication.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smr_engine.engine import events as e
from smr_engine.engine.evolve import fold
from smr_engine.engine.statuses import CLOSED_CASES
from smr_engine.playbook.check import CheckContext, check_playbook
from smr_engine.services.library import directory_facts
from tests.support.casebook import Casebook
from tests.support.company import company
from tests.support.crowd import Crowd, assert_alive
from tests.support.generated_playbooks import FOLLOW_UP, REVIEW, generated
from tests.unit.engine.publication_oracle import PublicationOracle

pytestmark = pytest.mark.untraced

SEEDS = st.integers(0, 2**32)
NAMES = st.lists(st.sampled_from(["kim", "lee", "max"]), max_size=3)
QUICK = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LONG = settings(QUICK, max_examples=6000, derandomize=False)


def live(seed: int, names: list[str], *, cancel: bool = False, times: int = 70) -> Casebook:
    """Let a generated case live among a random crowd until it is closed, watched by the oracle."""
    playbook = generated(seed, 14)
    book = Casebook.of(playbook, FOLLOW_UP, REVIEW)
    case = book.start(names=names, more={"drill": seed % 11 == 0})
    crowd = Crowd(book, Random(seed))
    assert_alive(book)
    crowd.act(times)
    if cancel:
        crowd.guarded(crowd.a_cancel)
        crowd.no_child_is_left()
        crowd.act(5)
    crowd.close_all()
    assert_alive(book)
    for ref, events in book.envelopes.items():
        played = book.playbooks[book.cases[ref].header.playbook]
        PublicationOracle(played).follow(events, book.worlds[ref])
    nobody_approves_what_they_wrote_in_the_case_before(book, case.ref)
    every_release_is_judged(book)
    return book


def every_release_is_judged(book: Casebook) -> None:
    """Assert that a case closes only once what it released is ratified, or known not to be.

    Unless the content changed before it was out, or the case was cancelled.
    """
    for case in book.cases.values():
        items = [item for scope in case.scopes.values() for item in scope.items.values()]
        withdrawn = {i.ratifies for i in items if i.ratifies and i.status == "cancelled"}
        released = [i for i in items if i.broken is not None and i.id not in withdrawn]
        assert all(i.broken.verdict for i in released), f"{case.header.ref} forgot a release"


def nobody_approves_what_they_wrote_in_the_case_before(book: Casebook, parent: str) -> None:
    """Assert that no author of a text that was handed over granted it."""
    saved = [event for event in book.events[parent] if isinstance(event, e.DocumentRevised)]
    wrote = {(event.text, event.author) for event in saved}
    for ref in book.cases[parent].header.children:
        given = [event for event in book.events[ref] if isinstance(event, e.DocumentRevised)]
        yes = {
            event.person
            for event in book.events[ref]
            if isinstance(event, e.DecisionRecorded) and event.decision == "approve"
        }
        assert not {(event.text, person) for event in given for person in yes} & wrote


@QUICK
@given(SEEDS, NAMES)
def test_every_case_keeps_the_laws_and_comes_to_its_end(seed, names):
    book = live(seed, names)
    assert all(case.header.status in CLOSED_CASES for case in book.cases.values())


@settings(QUICK, max_examples=25)
@given(SEEDS, NAMES)
def test_a_case_may_be_cancelled_at_any_moment(seed, names):
    live(seed, names, cancel=True, times=Random(seed).randint(0, 60))


@settings(QUICK, max_examples=20)
@given(SEEDS, NAMES)
def test_every_event_is_plain_json_and_the_whole_history_folds_to_the_case(seed, names):
    book = Casebook.of(generated(seed, 14), FOLLOW_UP, REVIEW)
    case = book.start(names=names)
    Crowd(book, Random(seed)).act(30)
    for event in case.history:
        fields = dataclasses.asdict(event)
        assert json.loads(json.dumps(fields, default=_instant)) is not None
    assert fold(case.envelopes()) == case.case


def _instant(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


@settings(QUICK, max_examples=40)
@given(SEEDS)
def test_generated_playbooks_have_no_errors(seed):
    context = CheckContext(
        directory=directory_facts(company()),
        playbooks={"follow-up": FOLLOW_UP, "review": REVIEW},
        file="generated",
    )
    problems = check_playbook(generated(seed, 14), context)
    assert [p for p in problems if p.severity == "error"] == []


def test_generated_playbooks_have_steps_of_every_kind():
    kinds = {position.step.kind for seed in range(60) for position in _index(seed)}
    assert kinds == {
        *("task", "draft", "approval", "publish", "notify", "decision", "switch", "section"),
        *("parallel", "foreach", "repeat", "wait", "playbook", "call", "set", "end"),
    }


def _index(seed: int):
    from smr_engine.playbook.index import index_of

    return index_of(generated(seed, 14)).by_id.values()


@pytest.mark.soak
@LONG
@given(SEEDS, NAMES, st.booleans(), st.integers(10, 200))
def test_thousands_of_cases_keep_the_laws(seed, names, cancel, times):
    live(seed, names, cancel=cancel, times=times)
