"""One real embedded server, driven through its life, and what needs none."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from smr_engine.adapters import prefect_server, processes
from smr_engine.adapters.prefect_files import HOST, ServerFiles, ServerRecord
from smr_engine.adapters.prefect_server import (
    ensure_server,
    in_use,
    server_environment,
    server_status,
    stop_server,
    touch_server,
)
from smr_engine.adapters.processes import ProcessId
from smr_engine.errors import SmrError
from tests.adapters.servers import running_blog

ENSURE = """
import os, sys
from pathlib import Path
from smr_engine.adapters.prefect_server import ensure_server
print(ensure_server(Path(sys.argv[1]), os.environ))
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
SUPERVISE_ON_PORTS = """
import sys
import smr_engine.adapters.prefect_supervisor as supervisor
ports = iter([int(port) for port in sys.argv[3:]])
free_port = supervisor.free_port
supervisor.free_port = lambda: next(ports, None) or free_port()
supervisor.main(sys.argv[1:3])
"""


def get(record: ServerRecord, path: str):
    connection = http.client.HTTPConnection(HOST, record.port, timeout=20)
    connection.request("GET", path)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def record_of(files: ServerFiles) -> ServerRecord:
    record = files.read_record()
    assert record is not None
    return record


def ended(*processes: ProcessId, within_s: float = 15.0) -> bool:
    deadline = time.monotonic() + within_s
    while any(process.is_alive for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def files(tmp_path):
    state_dir = tmp_path / "workspace/.smr"
    yield ServerFiles(state_dir)
    stop_server(state_dir, grace_s=2)


def look_now(record: ServerRecord) -> None:
    """Wake the supervisor, which otherwise looks at its files every few seconds."""
    os.kill(record.supervisor.pid, signal.SIGCHLD)


def two_commands_at_the_same_time_start_one_server(files: ServerFiles) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", ENSURE, str(files.state_dir)],
            env={**os.environ, "PREFECT_API_URL": "http://127.0.0.1:1/api"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = {command.communicate(timeout=90)[0].strip() for command in commands}
    assert said == {record_of(files).api_url}
    assert said.pop().startswith("http://127.0.0.1:")
    assert files.state_dir.stat().st_mode & 0o777 == 0o700


def a_server_that_runs_is_used_again_at_once(files: ServerFiles) -> None:
    began = time.monotonic()
    assert ensure_server(files.state_dir, {}) == record_of(files).api_url
    assert time.monotonic() - began < 5
    status = server_status(files.state_dir)
    assert (status.running, status.ready) == (True, True)
    assert status.pid == record_of(files).server.pid


def it_has_the_settings_that_were_measured_and_phones_nobody(files: ServerFiles) -> None:
    record = record_of(files)
    settings = get(record, "/api/admin/settings")
    services = settings["server"]["services"]
    assert settings["home"] == str(files.home)
    assert settings["server"]["analytics_enabled"] is False
    assert services["task_run_recorder"]["read_batch_size"] == 50
    assert services["task_run_recorder"]["batch_size"] == 50
    assert services["task_run_recorder"]["flush_interval"] == 2
    assert services["event_persister"]["enabled"] is False
    assert services["triggers"]["enabled"] is False
    assert services["scheduler"]["enabled"] is True
    assert get(record, "/ui-settings")["api_url"] == record.api_url


def a_server_whose_supervisor_was_killed_is_replaced(files: ServerFiles) -> None:
    before = record_of(files)
    os.kill(before.supervisor.pid, signal.SIGKILL)
    assert ended(before.supervisor)
    ensure_server(files.state_dir, os.environ)
    assert ended(before.server)
    assert record_of(files).server.is_alive


def a_server_whose_database_was_deleted_is_replaced_by_one_that_works(files: ServerFiles) -> None:
    before = record_of(files)
    for file in files.home.glob("prefect.db*"):
        file.unlink()
    files.database.touch()  # as a connection of the old server may make an empty one
    ensure_server(files.state_dir, os.environ)
    assert ended(before.supervisor, before.server)
    assert get(record_of(files), "/api/ready") == {"message": "OK"}


def whoever_has_it_in_use_keeps_it_however_idle_it_is(files: ServerFiles) -> None:
    record = record_of(files)
    with in_use(files.state_dir), in_use(files.state_dir):
        os.utime(files.last_used, (0, 0))
        look_now(record)
        assert not ended(record.supervisor, record.server, within_s=2)
        assert server_status(files.state_dir).ready
    assert time.time() - files.last_used.stat().st_mtime < 60
    assert not files.has_users()


def use_keeps_it_and_an_idle_hour_ends_it(files: ServerFiles) -> None:
    record = record_of(files)
    os.utime(files.last_used, (time.time() - 3599, time.time() - 3599))
    touch_server(files.state_dir)
    assert time.time() - files.last_used.stat().st_mtime < 60
    os.utime(files.last_used, (time.time() - 3601, time.time() - 3601))
    look_now(record)
    assert ended(record.supervisor, record.server)
    assert not files.record.exists()
    assert not server_status(files.state_dir).running


def a_port_taken_by_a_stranger_is_left_to_the_stranger(files: ServerFiles) -> None:
    with running_blog() as stranger:
        stranger.answer = True  # it even looks healthy
        files.last_used.touch()
        arguments = [str(files.state_dir), "3600", str(stranger.port)]
        subprocess.run(
            [sys.executable, "-c", SUPERVISE_ON_PORTS, *arguments],
            env=server_environment(files, os.environ),
            check=True,
        )
        assert ensure_server(files.state_dir, os.environ) == record_of(files).api_url
        assert record_of(files).port != stranger.port


def a_server_whose_folder_was_deleted_ends_by_itself(files: ServerFiles) -> None:
    record = record_of(files)
    gone = files.folder.rename(files.state_dir / "gone")  # at once, however busy the server is
    shutil.rmtree(gone, ignore_errors=True)
    touch_server(files.state_dir)
    look_now(record)
    assert ended(record.supervisor, record.server)
    assert not server_status(files.state_dir).running


def test_the_embedded_server_lives_as_promised(files):
    """One test, because each step needs the server of the step before and a boot takes 10 s."""
    two_commands_at_the_same_time_start_one_server(files)
    a_server_that_runs_is_used_again_at_once(files)
    it_has_the_settings_that_were_measured_and_phones_nobody(files)
    a_server_whose_supervisor_was_killed_is_replaced(files)
    a_server_whose_database_was_deleted_is_replaced_by_one_that_works(files)
    whoever_has_it_in_use_keeps_it_however_idle_it_is(files)
    use_keeps_it_and_an_idle_hour_ends_it(files)
    a_port_taken_by_a_stranger_is_left_to_the_stranger(files)
    a_server_whose_folder_was_deleted_ends_by_itself(files)


@pytest.fixture
def stranger():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    if process.poll() is None:
        process.communicate(b"\n")


def recorded(files: ServerFiles, process: ProcessId) -> None:
    files.write_record(ServerRecord(1, process, process, "2026-11-23T09:00:00+00:00", 7))


def test_a_number_that_went_to_another_process_is_left_alone(tmp_path, stranger):
    files = ServerFiles(tmp_path)
    now = ProcessId.of(stranger.pid)
    assert now is not None
    recorded(files, replace(now, mark="an earlier start"))
    assert not server_status(tmp_path).running
    assert stop_server(tmp_path) is False
    assert now.is_alive
    assert not files.record.exists()


def test_a_process_that_does_not_listen_to_sigterm_is_killed(tmp_path):
    stubborn = subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    stubborn.stdout.readline()
    process = ProcessId.of(stubborn.pid)
    assert process is not None
    recorded(ServerFiles(tmp_path), process)
    assert stop_server(tmp_path, grace_s=0.2) is True
    assert not process.is_alive
    stubborn.communicate()
    assert stubborn.returncode == -signal.SIGKILL


def test_where_there_is_no_proc_processes_are_told_apart_by_ps(stranger):
    assert processes._mark_by_ps(stranger.pid) == processes._mark_by_ps(stranger.pid) != ""
    stranger.communicate(b"\n")
    assert processes._mark_by_ps(stranger.pid) == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": "x"}', "null", "\x00"])
def test_a_record_that_cannot_be_read_is_none(tmp_path, text):
    files = ServerFiles(tmp_path)
    files.folder.mkdir()
    files.record.write_text(text)
    assert files.read_record() is None
    assert not server_status(tmp_path).running
    assert stop_server(tmp_path) is False


def test_without_a_server_nothing_is_stopped_and_nothing_made(tmp_path):
    assert stop_server(tmp_path / "nowhere") is False
    touch_server(tmp_path / "nowhere")
    assert not server_status(tmp_path / "nowhere").running
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_start_is_told_at_once_with_its_output(tmp_path):
    broken = tmp_path / "broken/prefect"
    broken.mkdir(parents=True)
    (broken / "__init__.py").touch()
    (broken / "__main__.py").write_text("raise SystemExit('prefect is broken here')")
    state_dir = tmp_path / ".smr"
    began = time.monotonic()
    with pytest.raises(SmrError, match="did not start") as told:
        ensure_server(state_dir, {"PYTHONPATH": str(tmp_path / "broken")})
    assert time.monotonic() - began < 20
    assert told.value.code == "prefect-not-started"
    assert "server.log" in told.value.hint
    assert "prefect is broken here" in ServerFiles(state_dir).log.read_text()


def test_a_server_inherits_no_prefect_setting_of_the_user(tmp_path):
    files = ServerFiles(tmp_path)
    made = server_environment(
        files,
        {"PREFECT_API_KEY": "x", "PREFECT_SERVER_ANALYTICS_ENABLED": "true", "LANG": "C.UTF-8"},
    )
    assert made["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert made["DO_NOT_TRACK"] == "1"
    assert made["LANG"] == "C.UTF-8"
    assert "PREFECT_API_KEY" not in made


def test_asking_for_the_server_does_not_import_prefect():
    program = f"import sys, {prefect_server.__name__}; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
