"""The program as a process: what it loads, signals, pipes, encodings, completion."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-c", "from smr_engine.cli.main import run; run()"]
LOADED = """
import atexit, sys
roots = lambda: sorted({name.partition(".")[0] for name in sys.modules})
atexit.register(lambda: print(*roots(), file=sys.stderr))
from smr_engine.cli.main import run
run()
"""
NOBODY = "http://127.0.0.1:9/api"  # discard: no server answers there


def _environment(office=None, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SMR_", "PREFECT_"))}
    where = {"SMR_WORKSPACE": str(office.folder)} if office else {}
    return {**kept, "PYTHONPATH": str(ROOT), **where, **more}


def _run(*words, office=None, program=PROGRAM, **more):
    environ = _environment(office, **more)
    command = [*program, *words]
    return subprocess.run(command, check=False, env=environ, capture_output=True, timeout=60)


def _loaded(*words, office=None) -> set[str]:
    return set(
        _run(*words, office=office, program=[sys.executable, "-c", LOADED]).stderr.decode().split()
    )


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["approve", "--help"]])
def test_help_loads_nothing_that_it_does_not_need(words):
    loaded = _loaded(*words)
    assert "typer" in loaded
    assert loaded.isdisjoint({"prefect", "sqlalchemy", "rich", "jsonschema", "jinja2", "yaml"})


def test_daily_commands_load_neither_prefect_nor_apprise(office):
    office.written()
    item = office.item("check")
    for words in (["inbox"], ["item", item], ["approve", item, "--as", "lea"], ["validate", "."]):
        loaded = _loaded(*words, office=office)
        assert "sqlalchemy" in loaded
        assert loaded.isdisjoint({"prefect", "apprise", "fastapi"}), words


def test_help_answers_in_less_than_half_a_second_of_processor_time():
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert _run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.5


def test_the_exit_status_reaches_the_shell(office):
    assert _run("people", office=office).returncode == 0
    assert _run("show", "STMT-2026-0099", office=office).returncode == 1
    assert _run("show", office=office).returncode == 2


def test_a_reader_that_goes_away_ends_the_program_without_a_word(office):
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [*PROGRAM, "people"], env=_environment(office), stdout=writing, stderr=subprocess.PIPE
    ) as process:
        os.close(writing)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (141, b"")


def test_words_that_are_no_text_are_wrong_usage(office):
    result = _run("note", "STMT-2026-0001", b"\xff\xfe", office=office)
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"Traceback" not in result.stderr


def test_a_terminal_that_knows_ascii_only_gets_every_line(office):
    result = _run("people", office=office, PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert b"Zo\\xe9" in result.stdout


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_the_conductor_stops_cleanly_when_asked(office, asked):
    office.start()
    with subprocess.Popen(
        [*PROGRAM, "work", "--json"],
        env=_environment(office, SMR_PREFECT_API_URL=NOBODY, SMR_PREFECT_GRACE_SECONDS="0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr:
            if line.startswith("Working"):
                break
        process.send_signal(asked)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 0, complained
    assert '"effects":' in said
    assert "Traceback" not in complained


def test_the_shell_completes_commands():
    asked = {"_SMR_COMPLETE": "complete_bash", "COMP_WORDS": "smr inb", "COMP_CWORD": "1"}
    assert _run(**asked).stdout.split() == [b"inbox"]
