"""A stranger's install: an empty environment, the wheel, then editable, and what must work."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
SHIPPED = {path.stem for path in (ROOT / "playbooks").glob("*.yaml")}

# One environment serves all these tests, so xdist keeps them on one worker.
pytestmark = pytest.mark.xdist_group("clean-install")


def _environment(**settings: str) -> dict[str, str]:
    """The caller's, less what would lead back to the checkout or to another Prefect."""
    ours = ("PYTHON", "SMR_", "PREFECT_", "VIRTUAL_ENV", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "DO_NOT_TRACK": "1", **settings}


def _run(command: list[Path | str], folder: Path, *, status: int = 0, **settings: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class CleanInstall:
    """An environment that holds the engine and what it depends on, and nothing else."""

    home: Path
    elsewhere: Path  # a folder from which the checkout cannot be found

    def run(self, program: str, *arguments: str | Path, status: int = 0, **settings: str) -> str:
        """Runs a program of the environment and returns what it printed to standard output."""
        command = [self.home / "bin" / program, *arguments]
        return _run(command, self.elsewhere, status=status, **settings)

    def pip(self, *arguments: str | Path) -> None:
        """Installs with the pinned versions."""
        quiet = ("-m", "pip", "-qq", "--disable-pip-version-check", "install", "-c", CONSTRAINTS)
        self.run("python", *quiet, *arguments)


@pytest.fixture(scope="module")
def install(tmp_path_factory) -> CleanInstall:
    folder = tmp_path_factory.mktemp("clean")
    # The sdist, and the wheel from the sdist: the way a release goes.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", ROOT]
    _run(build, folder)
    venv.create(folder / "venv", with_pip=True)
    (folder / "elsewhere").mkdir()
    made = CleanInstall(folder / "venv", folder / "elsewhere")
    made.pip(*(folder / "dist").glob("*.whl"))
    return made


@pytest.fixture(scope="module")
def editable(install) -> CleanInstall:
    """The same environment with the checkout in place of the wheel; asked for last."""
    install.pip("--no-deps", "--editable", ROOT)
    return install


def _shipped_playbooks(installed: CleanInstall) -> set[str]:
    return {row["playbook"] for row in json.loads(installed.run("smr", "playbooks", "--json"))}


def _schemas_work(installed: CleanInstall) -> None:
    broken = installed.elsewhere / "broken.yaml"
    broken.write_text(
        "playbook: broken\nversion: 1.0.0\ntitle: Broken\nowner: smr-lead\nstep: []\n"
    )
    problems = json.loads(installed.run("smr", "validate", "--json", broken, status=1))
    assert any("steps" in problem["message"] or "steps" in problem["hint"] for problem in problems)


def test_the_wheel_brings_both_packages_and_nothing_of_the_tests(install):
    where = "import importlib.util as u; print(*(u.find_spec(n) is not None for n in {names}))"
    names = ("smr_engine", "flows", "tests", "pytest", "scripts")
    printed = install.run("python", "-c", where.format(names=names))
    assert printed.split() == ["True", "True", "False", "False", "False"]


def test_the_wheel_gives_a_program_that_knows_its_version(install):
    assert "0.1.0" in install.run("smr", "--version")


def test_the_wheel_finds_its_playbooks_and_schemas_from_anywhere(install):
    assert _shipped_playbooks(install) == SHIPPED
    _schemas_work(install)


def test_the_wheel_brings_the_pages_with_their_style_and_licences(install):
    where = "from smr_engine.web.render import HERE; print(*(p.name for p in HERE.rglob('*')))"
    found = set(install.run("python", "-c", where).split())
    assert {"base.html", "smr.css", "smr.js", "pico.LICENSE.txt", "htmx.LICENSE.txt"} <= found


@contextmanager
def _prefect_server(install: CleanInstall, home: Path) -> Iterator[dict[str, str]]:
    """Runs the server of the clean install on loopback; yields the settings that reach it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    home.mkdir()
    settings = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    start = ["server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [install.home / "bin" / "prefect", *start],
            cwd=install.elsewhere,
            env=_environment(**settings),
            stdout=log,
            stderr=log,
        )
        try:
            yield settings
        finally:
            server.terminate()
            server.wait(timeout=30)


def test_prefect_boots_and_schedules_a_recurring_deployment(install, tmp_path):
    script = Path(__file__).with_name("scheduled_run.py")
    with _prefect_server(install, tmp_path / "prefect") as settings:
        due = datetime.fromisoformat(install.run("python", script, **settings).strip())
    assert (due.hour, due.minute) in {(7, 0), (8, 0)}  # 09:00 in Berlin, summer or winter
    assert due.weekday() == 0
    assert due.day <= 7


def test_an_editable_install_finds_the_playbooks_and_schemas_of_the_checkout(editable):
    where = editable.run("python", "-c", "import smr_engine; print(smr_engine.__file__)")
    assert Path(where.strip()).is_relative_to(ROOT)
    assert "0.1.0" in editable.run("smr", "--version")
    assert _shipped_playbooks(editable) == SHIPPED
    _schemas_work(editable)
