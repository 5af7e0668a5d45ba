"""Leases: who performs what, from when on, and who has lost it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smr_engine.engine import events as e
from smr_engine.engine.statuses import EffectKind, EffectStatus
from smr_engine.services.stored import Claim
from tests.storage.stories import Story, at, opening, owed, task, whole_story

REF = "CRISIS-2026-0001"
LEASE = timedelta(minutes=2)


def claim(storage, now, *, owner="one", limit=10, case="", what="effects"):
    with storage.writing() as unit:
        found = getattr(unit.claims, what)(owner, now, LEASE, limit, case)
        unit.keep()
    return found


def next_instant(storage):
    with storage.reading() as unit:
        return unit.due.next_instant()


def held(storage, claimed, kind="effect"):
    with storage.writing() as unit:
        return unit.claims.held(kind, claimed)


def release(storage, *claimed, kind="effect"):
    with storage.writing() as unit:
        unit.claims.release(kind, claimed)
        unit.keep()


def test_publications_are_claimed_first_and_then_what_waits_longest(storage):
    story = Story(storage)
    story.go(opening(REF, severity="sev1", drill=True), owed(REF, 1))
    story.go(owed(REF, 2), minutes=1)
    publication = owed(REF, 3, kind_of=EffectKind.PUBLICATION, name="publish a -> newsroom")
    story.go(publication, minutes=2)
    found = claim(storage, at(5))
    assert [c.id for c in found] == [f"{REF}.3", f"{REF}.1", f"{REF}.2"]
    first = found[0]
    assert (first.case, first.kind, first.name) == (REF, EffectKind.PUBLICATION, publication.name)
    assert (first.playbook, first.severity, first.drill) == ("crisis-response", "sev1", True)
    assert (first.leg, first.after, first.attempts, first.owed_at) == (1, "start", 0, at(2))
    assert (first.retry_attempts, first.backoff_s, first.timeout_s) == (4, 10, 30)


def test_nobody_else_gets_an_effect_while_its_lease_lasts(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    assert claim(storage, at(1.9), owner="two") == []
    [second] = claim(storage, at(2), owner="two")
    assert second.epoch > first.epoch
    assert (held(storage, first), held(storage, second)) == (False, True)


def test_a_lease_given_back_can_be_claimed_at_once_with_a_higher_epoch(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    release(storage, first)
    [second] = claim(storage, at(0), owner="two")
    assert second.epoch > first.epoch
    release(storage, first)  # too late: it is no longer theirs to give back
    assert held(storage, second)
    assert claim(storage, at(1)) == []


def test_a_lease_is_extended_while_it_is_held(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    with storage.writing() as unit:
        assert list(unit.claims.renew("effect", [first], at(10))) == [first.id]
        unit.keep()
    assert claim(storage, at(9)) == []
    [second] = claim(storage, at(10))
    with storage.writing() as unit:
        assert list(unit.claims.renew("effect", [first], at(20))) == []
        assert list(unit.claims.renew("effect", [], at(20))) == []
    assert held(storage, second)


def test_a_lease_given_back_is_not_extended_by_whoever_gave_it_back(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    release(storage, first)
    with storage.writing() as unit:
        assert list(unit.claims.renew("effect", [first], at(10))) == []
        unit.keep()
    assert len(claim(storage, at(0), owner="two")) == 1


def test_what_is_put_off_is_free_from_then_on_and_nobody_is_at_work_on_it(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    with storage.writing() as unit:
        unit.claims.release("effect", [first], at(5))
        unit.keep()
    assert next_instant(storage) == at(5)
    assert claim(storage, at(4.9), owner="two") == []
    with storage.reading() as unit:
        assert not unit.due.in_hand(at(1))
        assert not unit.claims.in_time("effect", first, at(1))
    assert len(claim(storage, at(5), owner="two")) == 1


def test_a_lease_is_in_time_until_it_runs_out_or_somebody_else_has_it(storage):
    def in_time(claimed, now):
        with storage.reading() as unit:
            return unit.claims.in_time("effect", claimed, now)

    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    assert (in_time(first, at(1.9)), in_time(first, at(2))) == (True, False)
    [second] = claim(storage, at(2), owner="two")
    assert (in_time(first, at(2)), in_time(second, at(2))) == (False, True)


def test_what_is_due_is_in_hand_while_its_lease_lasts(storage):
    def in_hand(now):
        with storage.reading() as unit:
            return unit.due.in_hand(now)

    story = Story(storage)
    story.go(opening(REF), owed(REF, 1))
    assert not in_hand(at(0))  # nobody has it yet
    claim(storage, at(0))
    assert (in_hand(at(1.9)), in_hand(at(2))) == (True, False)
    story.go(e.EffectDeferred(effect=f"{REF}.1", at=at(9), reason="busy"), minutes=1)
    assert not in_hand(at(1.5))  # it is leased still, and not due


def test_no_more_is_claimed_than_asked_for_and_only_of_the_case_asked_for(storage):
    for ref in (REF, "CRISIS-2026-0002"):
        Story(storage, ref).go(opening(ref), *[owed(ref, n) for n in (1, 2, 3)])
    assert len(claim(storage, at(0), limit=2)) == 2
    mine = claim(storage, at(0), case="CRISIS-2026-0002")
    assert [c.case for c in mine] == ["CRISIS-2026-0002"] * 3


def test_one_effect_can_be_claimed_by_its_id(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    with storage.writing() as unit:
        got = unit.claims.claim(f"{REF}.1", "one", at(0), LEASE)
        assert got is not None
        assert (got.id, got.case) == (f"{REF}.1", REF)
        assert unit.claims.claim(f"{REF}.1", "two", at(0), LEASE) is None
        assert unit.claims.claim(f"{REF}.99", "two", at(0), LEASE) is None


def test_an_effect_that_was_put_off_waits_for_its_time(storage):
    story = Story(storage)
    story.go(opening(REF), owed(REF, 1))
    story.go(e.EffectDeferred(effect=f"{REF}.1", at=at(9), reason="busy"), minutes=1)
    assert claim(storage, at(8.9)) == []
    assert next_instant(storage) == at(9)
    [got] = claim(storage, at(9))
    assert got.attempts == 1


def test_a_publication_whose_performer_was_lost_can_be_claimed_again(storage):
    story = Story(storage)
    story.go(opening(REF), owed(REF, 1, kind_of=EffectKind.PUBLICATION))
    claim(storage, at(0))
    story.go(e.PublicationStarted(effect=f"{REF}.1", digest="00"), minutes=1)
    [again] = claim(storage, at(3), owner="two")
    assert again.status is EffectStatus.SENDING


@pytest.mark.parametrize(
    "end",
    [
        e.EffectDone(effect=f"{REF}.1"),
        e.EffectFailed(effect=f"{REF}.1", reason="refused"),
        e.EffectCancelled(effect=f"{REF}.1", why="cancelled"),
    ],
    ids=lambda end: end.kind(),
)
def test_an_effect_that_is_over_is_never_claimed_and_its_lease_is_lost(storage, end):
    story = Story(storage)
    story.go(opening(REF), owed(REF, 1))
    [lease] = claim(storage, at(0))
    story.go(end, minutes=1)
    assert not held(storage, lease)
    assert claim(storage, at(99)) == []
    assert next_instant(storage) is None


def test_timers_are_claimed_when_they_are_due_the_earliest_first(storage):
    Story(storage).go(opening(REF), *task(REF, 1))
    assert claim(storage, at(29.9), what="timers") == []
    found = claim(storage, at(60), what="timers")
    assert [(t.id, t.purpose, t.at) for t in found] == [
        (f"{REF}.2", "remind", at(30)),
        (f"{REF}.3", "escalate", at(60)),
    ]
    assert claim(storage, at(61), what="timers") == []
    assert [t.epoch for t in claim(storage, at(62), what="timers")] == [2, 2]


def test_a_timer_that_is_gone_cannot_be_held(storage):
    story = Story(storage)
    story.go(opening(REF), *task(REF, 1))
    first, second = claim(storage, at(60), what="timers")
    assert held(storage, first, "timer")
    story.go(e.ItemCompleted(path="verify", item=f"{REF}.1", by="ana"), minutes=61)
    assert not held(storage, first, "timer")
    assert not held(storage, second, "timer")


def test_the_next_instant_is_when_something_can_first_be_claimed(storage):
    assert next_instant(storage) is None
    story = Story(storage)
    story.go(opening(REF), *task(REF, 1))
    assert next_instant(storage) == at(0)  # the notification, owed at once
    claim(storage, at(0))
    assert next_instant(storage) == at(2)  # the end of its lease
    story.go(e.EffectDone(effect=f"{REF}.4"), minutes=1)
    assert next_instant(storage) == at(30)  # the reminder
    [timer] = claim(storage, at(30), what="timers")
    assert next_instant(storage) == at(32)
    release(storage, timer, kind="timer")
    assert next_instant(storage) == at(30)


def test_whatever_the_next_instant_is_something_can_be_claimed_then_and_nothing_before(storage):
    whole_story(storage)
    seen = 0
    while (instant := next_instant(storage)) is not None and seen < 12:
        just_before = instant - timedelta(microseconds=1)
        for what in ("effects", "timers"):
            assert claim(storage, just_before, what=what) == []
        got = [claim(storage, instant, what=what) for what in ("effects", "timers")]
        assert any(got)
        seen += 1
    assert seen == 12


def test_claims_that_are_rolled_back_are_free_again(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    with storage.writing() as unit:
        assert len(unit.claims.effects("one", at(0), LEASE, 1)) == 1
    assert len(claim(storage, at(0), owner="two")) == 1


def taken_over(storage, claims):
    with storage.writing() as unit:
        found = unit.claims.take_over("effect", claims, "a flow run", at(3))
        unit.keep()
    return found


def test_whoever_takes_a_lease_over_fences_the_one_who_handed_it_on(storage):
    Story(storage).go(opening(REF), owed(REF, 1))
    [first] = claim(storage, at(0))
    handed_on = Claim(first.id, first.case, first.epoch)
    [mine] = taken_over(storage, [handed_on])
    assert not held(storage, handed_on)
    assert held(storage, mine)
    assert claim(storage, at(2.9), owner="two") == []
    [again] = claim(storage, at(3), owner="two")
    assert again.epoch > mine.epoch > first.epoch


def test_a_lease_is_taken_over_once_and_never_after_it_was_given_back_or_claimed_anew(storage):
    Story(storage).go(opening(REF), *[owed(REF, n) for n in (1, 2, 3, 4)])
    first, second, third, fourth = [Claim(c.id, c.case, c.epoch) for c in claim(storage, at(0))]
    assert [c.id for c in taken_over(storage, [second, first])] == [second.id, first.id]
    release(storage, third)
    assert taken_over(storage, [first, third]) == []
    claim(storage, at(2))
    assert taken_over(storage, [fourth]) == []
