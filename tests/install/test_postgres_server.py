"""The PostgreSQL that the tests bring up themselves (tests/support/postgres.py)."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.support.postgres import drop_database, fresh_database

ROOT = Path(__file__).resolve().parents[2]
SESSION = """
import sys
from tests.support.postgres import fresh_database, postgres_session
with postgres_session():
    print(fresh_database(), flush=True)
    sys.stdin.read()
"""


def _folder_of(url: str) -> str:
    return url.partition("?host=")[2]


def _ask(url: str, question: str) -> str:
    database = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(host=_folder_of(url), user="smr", dbname=database) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return str(row[0])


def test_the_server_is_a_real_postgresql_that_listens_on_no_network(postgres_url):
    assert "PostgreSQL" in _ask(postgres_url, "SELECT version()")
    assert _ask(postgres_url, "SHOW listen_addresses") == ""


def test_the_server_does_not_run_as_root(postgres_url):
    assert Path(_folder_of(postgres_url), "data").stat().st_uid != 0


def test_a_database_can_be_made_as_a_copy_of_another(postgres_url):
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(host=_folder_of(postgres_url), user="smr", dbname=name) as connection:
        connection.execute("CREATE TABLE cases AS SELECT 'CRISIS-2026-0001' AS ref")
    copy = fresh_database(template=name)
    assert _ask(copy, "SELECT ref FROM cases") == "CRISIS-2026-0001"
    drop_database(copy)


def test_a_run_that_is_killed_leaves_neither_a_server_nor_its_files():
    run = subprocess.Popen(
        [sys.executable, "-c", SESSION],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "SMR_TEST_POSTGRES"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        folder = Path(_folder_of(run.stdout.readline().strip()))
        server = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        with (folder / "running").open("w") as running:
            run.send_signal(signal.SIGKILL)
            fcntl.flock(running, fcntl.LOCK_EX)
    assert not folder.exists()
    assert not _is_alive(server)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # nobody reaps orphans in a container whose first process does not
