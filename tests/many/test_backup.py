"""Backup and restore, by the commands of the operations page: the case goes on, the log holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from smr_engine.bootstrap import conductor, open_workspace
from smr_engine.services import items
from smr_engine.services.ports import DispatchUnavailableError
from smr_engine.services.workspace import Actor
from tests.flows.office import Office
from tests.support.postgres import drop_database, fresh_database

PAGE = (Path(__file__).resolve().parents[2] / "deploy/README.md").read_text("utf-8")
WITHOUT_PREFECT = "prefect_grace_seconds: 0\n"


class Away:
    """A Prefect that is not there: messages and publications go out without it."""

    def run_leg(self, leg: Any) -> None:
        raise DispatchUnavailableError("it is not there")

    run_batch = run_leg


def follow(page_says: str, **given: str) -> None:
    """Type what stands in a block of the page."""
    (block,) = re.findall(rf"<!-- {page_says} -->\n```sh\n(.+?)```", PAGE, re.DOTALL)
    path = f"{Path(sys.executable).parent}:{given.pop('PROGRAMS', '')}:{os.environ['PATH']}"
    said = subprocess.run(
        ["sh", "-eu", "-c", block],
        env={**os.environ, "PATH": path, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr


def half_way(office: Office) -> str:
    """Bring a case to where its text is written and waits for its approval, with evidence."""
    case = office.start("approval")
    conductor(office.ws, Away()).run(until_idle=True)
    evidence = ("screenshot.png", b"a screenshot")
    items.attach(office.ws, Actor("tom"), office.item(case, "draft_note"), *evidence)
    office.write(case)
    conductor(office.ws, Away()).run(until_idle=True)
    return case


def goes_on(office: Office, new: Path, case: str, **environ: str) -> None:
    """See that the case goes on to its end in another place, and that the log verifies there."""
    old, office.root = office.root, new
    office.close()
    office.ws = open_workspace(new, environ)
    office.approve(case)
    conductor(office.ws, Away()).run(until_idle=True)
    assert office.status(case) == "completed"
    assert len(office.pages()) == 1
    assert not list((old / "newsroom").rglob("*.md"))
    assert [p.read_bytes() for p in (new / ".smr/attachments").rglob("*") if p.is_file()] == [
        b"a screenshot"
    ]
    smr = Path(sys.executable).with_name("smr")
    verify = [smr, "--workspace", new, "audit", "verify"]
    subprocess.run(verify, env={**os.environ, **environ}, check=True, capture_output=True)


def test_a_workspace_on_sqlite_goes_on_where_its_backup_is_restored(tmp_path):
    office = Office(tmp_path / "house", settings=WITHOUT_PREFECT)
    case = half_way(office)  # whose database stays open: nobody has to stop working
    places = {"WORKSPACE": str(office.root), "BACKUP": str(tmp_path / "backup")}
    follow("backup-files", **places)
    new = tmp_path / "elsewhere"
    follow("restore-files", NEW=str(new), **places)
    assert (new / ".smr").stat().st_mode & 0o777 == 0o700
    goes_on(office, new, case)
    office.close()


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def empty():
    url = fresh_database()
    yield url
    drop_database(url)


def test_a_workspace_on_postgresql_goes_on_where_its_dump_is_restored(
    tmp_path, postgres_url, empty
):
    office = Office(tmp_path / "house", settings=f"{WITHOUT_PREFECT}database_url: {postgres_url}\n")
    case = half_way(office)
    with psycopg.connect(libpq(postgres_url)) as connection:
        asked = "SELECT setting FROM pg_config WHERE name = 'BINDIR'"
        (programs,) = connection.execute(asked).fetchone()
    places = {"WORKSPACE": str(office.root), "BACKUP": str(tmp_path / "backup")}
    places |= {"PROGRAMS": programs, "DATABASE": libpq(postgres_url), "EMPTY": libpq(empty)}
    follow("backup-postgresql", **places)
    new = tmp_path / "elsewhere"
    follow("restore-postgresql", NEW=str(new), **places)
    goes_on(office, new, case, SMR_DATABASE_URL=empty)
    office.close()
