from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smr_engine.adapters.file_lock import FileLock, LockTimeoutError

COUNT = """
import sys
from pathlib import Path
from smr_engine.adapters.file_lock import FileLock
lock, counter = FileLock(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(40):
    with lock.hold(30):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
HOLD = """
import sys
from pathlib import Path
from smr_engine.adapters.file_lock import FileLock
with FileLock(Path(sys.argv[1])).hold(5):
    print("held", flush=True)
    sys.stdin.read()
"""


def python(program: str, *arguments: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def holder(path: Path) -> subprocess.Popen[str]:
    process = python(HOLD, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_processes_that_take_turns_lose_no_update(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [python(COUNT, tmp_path / "lock", counter) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert counter.read_text() == "120"


def test_threads_that_share_a_lock_take_turns(tmp_path):
    lock, inside, worst = FileLock(tmp_path / "lock"), [0], [0]

    def work() -> None:
        for _ in range(50):
            with lock.hold(30):
                inside[0] += 1
                worst[0] = max(worst[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == [1]


@pytest.mark.parametrize("timeout_s", [0, 0.05])
def test_who_waits_too_long_is_told_so_in_one_sentence(tmp_path, timeout_s):
    process = holder(tmp_path / "lock")
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(LockTimeoutError, match="Another smr process") as told, lock.hold(timeout_s):
        pass
    assert told.value.code == "lock-timeout"
    process.communicate("")


def test_a_wait_that_was_given_up_does_not_keep_the_lock(tmp_path):
    process = holder(tmp_path / "lock")
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(LockTimeoutError), lock.hold(0.05):
        pass
    process.communicate("")
    with lock.hold(5):
        pass


def test_a_thread_that_waits_too_long_for_another_thread_is_told_so(tmp_path):
    lock = FileLock(tmp_path / "lock")
    with lock.hold(1), pytest.raises(LockTimeoutError), lock.hold(0.02):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    process = holder(tmp_path / "lock")
    waiting = threading.Timer(0.1, process.kill)
    waiting.start()
    with FileLock(tmp_path / "lock").hold(10):
        assert process.wait(5) < 0
    process.communicate()


def test_who_waited_for_a_lock_file_that_was_replaced_locks_the_new_one(tmp_path):
    path = tmp_path / "lock"
    first = holder(path)
    got = threading.Event()
    go_on = threading.Event()

    def wait() -> None:
        with FileLock(path).hold(10):
            got.set()
            go_on.wait(10)

    waiter = threading.Thread(target=wait)
    waiter.start()
    path.unlink()
    first.communicate("")
    assert got.wait(10)
    with pytest.raises(LockTimeoutError), FileLock(path).hold(0.05):
        pass
    go_on.set()
    waiter.join()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the runner's threads
def test_a_lock_held_over_a_fork_is_released_for_others_and_free_in_the_child(tmp_path):
    lock, path = FileLock(tmp_path / "lock"), tmp_path / "lock"
    reading, writing = os.pipe()
    with lock.hold(1):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            with lock.hold(5):  # a lock of its own, although the parent forked while holding it
                os._exit(0)
    with FileLock(path).hold(1):
        pass
    os.close(reading)
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0
