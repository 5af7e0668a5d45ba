from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from smr_engine.adapters.wake_socket import FOLDER, SocketWaker, WakeListener

WAKE = """
import sys
from pathlib import Path
from smr_engine.adapters.wake_socket import SocketWaker
SocketWaker(Path(sys.argv[1])).wake()
"""


@pytest.fixture(params=["short path", "path longer than sockets take"])
def state_dir(request, tmp_path) -> Path:
    return tmp_path / ("x" if request.param == "short path" else "deep/" * 30) / ".smr"


@pytest.fixture
def listener(state_dir):
    listening = WakeListener(state_dir)
    yield listening
    listening.close()


def test_another_process_wakes_the_listener(state_dir, listener):
    subprocess.run([sys.executable, "-c", WAKE, str(state_dir)], check=True)
    assert listener.wait(5) is True
    assert listener.wait(0) is False


def test_those_who_listen_are_counted_without_being_woken(state_dir, listener):
    waker = SocketWaker(state_dir)
    (state_dir / FOLDER / "dead.sock").touch()
    another = WakeListener(state_dir)
    assert waker.listeners() == 2
    another.close()
    assert waker.listeners() == 1
    assert listener.wait(0) is False
    listener.close()
    assert waker.listeners() == SocketWaker(state_dir / "nowhere").listeners() == 0


def test_a_wake_up_ends_a_wait_under_way(state_dir, listener):
    threading.Timer(0.05, SocketWaker(state_dir).wake).start()
    began = time.monotonic()
    assert listener.wait(10) is True
    assert time.monotonic() - began < 5


def test_the_same_process_wakes_the_listener(listener):
    listener.wake()
    assert listener.wait(5) is True


def test_nobody_wakes_it_and_the_wait_ends_at_its_time_out(listener):
    assert listener.wait(0.01) is False


def test_thousands_of_wake_ups_are_one_and_never_block(state_dir, listener):
    waker = SocketWaker(state_dir)
    for _ in range(2000):
        waker.wake()
        listener.wake()
    assert listener.wait(5) is True
    assert listener.wait(0) is False


def test_closing_ends_a_wait_under_way_and_every_later_one(listener):
    threading.Timer(0.05, listener.close).start()
    assert listener.wait(10) is False
    assert listener.wait(10) is False
    listener.close()
    listener.wake()


def test_every_listener_of_a_workspace_is_woken(state_dir, listener):
    other = WakeListener(state_dir)
    SocketWaker(state_dir).wake()
    assert (listener.wait(5), other.wait(5)) == (True, True)
    other.close()


def test_what_a_dead_listener_left_behind_is_cleared_away(tmp_path):
    entry = tmp_path / FOLDER / "dead.sock"
    entry.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(entry))
    SocketWaker(tmp_path).wake()
    assert not entry.exists()


def test_waking_without_any_listener_never_raises(tmp_path):
    SocketWaker(tmp_path / "nowhere").wake()


def test_a_closed_listener_leaves_nothing_behind(state_dir):
    listening = WakeListener(state_dir)
    elsewhere = [Path(entry.read_text()) for entry in (state_dir / FOLDER).glob("*.path")]
    listening.close()
    assert list((state_dir / FOLDER).iterdir()) == []
    assert not any(path.parent.exists() for path in elsewhere)


def test_a_listener_that_goes_away_keeps_no_other_from_waking(state_dir, listener):
    junk = state_dir / FOLDER / "0.path"
    junk.write_text("x" * 200)
    SocketWaker(state_dir).wake()
    assert listener.wait(5) is True
