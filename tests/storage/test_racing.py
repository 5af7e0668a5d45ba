"""Many at once: threads and processes on one database, and processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from datetime import timedelta

from smr_engine.engine import events as e
from smr_engine.services.verify import verify_unit
from tests.storage.conftest import Database
from tests.storage.stories import Story, at, envelope, opening, owed, tell, whole_story

REF = "CRISIS-2026-0001"
SPAWN = multiprocessing.get_context("spawn")


def together(count, work):
    """Run `work(number)` on so many threads at the same moment; return what each gave."""
    barrier = threading.Barrier(count)
    results = [None] * count

    def run(number):
        barrier.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def verified(storage):
    with storage.reading() as unit:
        view = verify_unit(unit)
    assert view.problems == []
    return view


def test_writers_of_one_case_queue_and_lose_nothing(storage):
    Story(storage).go(opening(REF))

    def write(number):
        for round_ in range(5):
            with storage.writing() as unit:
                case = unit.cases.load(REF)
                minutes = (case.header.last_at - at(0)) / timedelta(minutes=1) + 1
                tell(
                    unit, REF, (e.NoteWritten(text=f"{number}/{round_}"),), envelope("ana", minutes)
                )
                unit.keep()

    together(4, write)
    assert verified(storage).events == 21
    story = Story(storage)
    assert story.loaded().header.last_at == at(20)  # each saw what the one before it wrote


def test_starts_at_once_get_references_of_their_own(storage):
    def start(number):
        with storage.writing() as unit:
            ref = unit.cases.next_reference("CRISIS", 2026)
            tell(unit, ref, (opening(ref),), envelope())
            unit.keep()
            return ref

    refs = together(6, start)
    assert sorted(refs) == [f"CRISIS-2026-{n:04d}" for n in range(1, 7)]
    verified(storage)


def test_no_effect_and_no_timer_is_claimed_by_two(storage):
    refs = [f"CRISIS-2026-{n:04d}" for n in range(1, 7)]
    for ref in refs:
        Story(storage, ref).go(opening(ref), *[owed(ref, n) for n in range(1, 6)])

    def claim(number):
        got = []
        while True:
            with storage.writing() as unit:
                batch = unit.claims.effects(f"c{number}", at(0), timedelta(minutes=5), 4)
                unit.keep()
            if not batch:
                return got
            got += [c.id for c in batch]

    taken = [i for got in together(4, claim) for i in got]
    assert sorted(taken) == sorted(f"{ref}.{n}" for ref in refs for n in range(1, 6))


def test_who_reports_and_who_claims_again_cannot_both_be_right(storage):
    """A lease that ran out: either its holder's report counts, or somebody else gets the effect."""
    for number in range(1, 13):
        ref = f"CRISIS-2026-{number:04d}"
        story = Story(storage, ref)
        story.go(opening(ref), owed(ref, 1))
        with storage.writing() as unit:
            old = unit.claims.claim(f"{ref}.1", "old", at(0), timedelta(minutes=1))
            unit.keep()

        def act(which, ref=ref, old=old):
            with storage.writing() as unit:
                if which == 1:
                    got = unit.claims.claim(f"{ref}.1", "new", at(5), timedelta(minutes=1))
                    unit.keep()
                    return got is not None
                unit.cases.load(ref)
                if not unit.claims.held("effect", old):
                    return False
                tell(unit, ref, (e.EffectDone(effect=f"{ref}.1"),), envelope("engine", 5))
                unit.keep()
                return True

        assert sorted(together(2, act)) == [False, True]


def test_the_scopes_that_are_loaded_are_as_new_as_the_lock(storage):
    """PostgreSQL shows joined rows as they were before it waited; a second statement does not."""
    story = whole_story(storage)
    loaded, waiting = threading.Event(), threading.Event()
    found = {}

    def second():
        loaded.wait()
        waiting.set()
        with storage.writing() as unit:
            found["case"] = unit.cases.load(REF, locate=f"{REF}.5")

    thread = threading.Thread(target=second)
    thread.start()
    done = e.ItemCompleted(
        path="mobilise/freeze/stop_posts", scope="mobilise/freeze", item=f"{REF}.5", by="ben"
    )
    with storage.writing() as unit:
        tell(unit, REF, (done,), envelope("ben", 30))
        loaded.set()
        waiting.wait()
        thread.join(0.2)  # it waits for the lock: the time is a chance to go wrong, not a wake-up
        unit.keep()
    thread.join()
    item = found["case"].scopes["mobilise/freeze"].items[f"{REF}.5"]
    assert item.status == "completed"
    assert story.loaded().header.last_at == at(30)


def write_notes(database: Database, count: int) -> None:
    storage = database.open()
    for _ in range(count):
        with storage.writing() as unit:
            case = unit.cases.load(REF)
            minutes = (case.header.last_at - at(0)) / timedelta(minutes=1) + 1
            tell(unit, REF, (e.NoteWritten(text="from afar"),), envelope("ana", minutes))
            unit.keep()
    storage.close()


def die(database: Database, committed: bool) -> None:
    """Write a case and be killed, before or after the commit; as `kill -9` would."""
    storage = database.open()
    unit = storage.writing()
    unit.__enter__()
    ref = unit.cases.next_reference("CRISIS", 2026)
    tell(unit, ref, (opening(ref), owed(ref, 1)), envelope())
    if committed:
        unit.keep()
    os.kill(os.getpid(), signal.SIGKILL)


def run(target, *arguments) -> int:
    process = SPAWN.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def test_processes_queue_as_threads_do(database, storage):
    Story(storage).go(opening(REF))
    processes = [SPAWN.Process(target=write_notes, args=(database, 5)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [p.exitcode for p in processes] == [0, 0]
    assert verified(storage).events == 11


def test_nothing_stays_of_a_process_killed_before_its_commit(database, storage):
    assert run(die, database, False) == -signal.SIGKILL
    with storage.writing() as unit:
        assert unit.queries.counts()["events"] == 0
        assert unit.cases.next_reference("CRISIS", 2026) == REF


def test_everything_stays_of_a_process_killed_after_its_commit(database, storage):
    assert run(die, database, True) == -signal.SIGKILL
    view = verified(storage)
    assert (view.cases, view.events) == (1, 2)
    with storage.reading() as unit:
        assert unit.due.next_instant() == at(0)
