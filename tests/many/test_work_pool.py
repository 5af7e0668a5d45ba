"""Legs on the workers of a real pool: Prefect, cases and workers as on several machines."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from flows.deployments import deploy
from smr_engine.services import reading
from tests.adapters.servers import Blog, running_blog
from tests.flows.office import Office, Prefect, wait_for
from tests.many.site import POOL, Machine, Site, running_site, who_talks_to
from tests.support.postgres import drop_database, fresh_database

pytestmark = pytest.mark.xdist_group("many")

SETTINGS = """
database_url: {database}
prefect_api_url: {api}
dispatcher: work-pool
prefect_hand_over_seconds: 45
"""
SOON_S = 60.0


class Company(Office):
    """An office whose legs the workers of a pool perform."""

    site: Site
    blog: Blog
    prefect: Prefect
    prefects_database: str

    def to_its_end(self) -> str:
        """Take a case of `on-the-blog` to where its publication is owed."""
        case = self.start("on-the-blog")
        wait_for(lambda: self.settled(case), SOON_S)
        self.write(case)
        wait_for(lambda: self.settled(case), SOON_S)
        self.approve(case)
        return case


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def company(tmp_path_factory, environment) -> Iterator[Company]:
    """Two workers and two conductors, with PostgreSQL below all of them."""
    folder = tmp_path_factory.mktemp("site")
    ours, prefects = fresh_database(), fresh_database()
    with ExitStack() as ended:
        ended.callback(drop_database, ours)
        ended.callback(drop_database, prefects)
        blog = ended.enter_context(running_blog())
        site = ended.enter_context(running_site(folder, prefects))
        settings = SETTINGS.format(database=ours, api=site.api_url)
        made = Company(tmp_path_factory.mktemp("house"), blog.port, settings=settings)
        ended.callback(made.close)
        made.site, made.blog, made.prefects_database = site, blog, prefects
        made.prefect = Prefect(made.ws.state, site.api_url)
        assert deploy(made.ws, site.api_url, POOL) == [f"run-leg/{POOL}", f"run-batch/{POOL}"]
        yield made


@pytest.fixture
def since(company) -> Prefect:
    return replace(company.prefect, since=datetime.now(UTC))


@pytest.fixture(scope="module")
def conductors(company) -> list[Machine]:
    return [company.site.conductor(name, company.root) for name in ("first", "second")]


@pytest.fixture(scope="module")
def workers(company) -> list[Machine]:
    return [company.site.worker(name, company.root) for name in ("north", "south")]


def runs_of(company: Company, case: str) -> set[str | None]:
    """Return which flow runs performed the effects of a case."""
    done = [row for row in reading.timeline(company.ws, case) if row.kind == "EffectDone"]
    return {(row.data.get("result") or {}).get("flow_run") for row in done}


@pytest.fixture(scope="module")
def finished(company, conductors, workers) -> str:
    """A case that ran from its start to its close."""
    case = company.to_its_end()
    wait_for(lambda: company.status(case) == "completed", SOON_S)
    return case


def test_a_case_runs_to_its_close_through_the_work_pool(company, finished):
    runs = company.prefect.runs(finished)
    assert [run.name.partition(" · after")[0] for run in runs] == [
        f"{finished} · leg {number}" for number in (1, 2, 3)
    ]
    assert {run.id for run in runs} == runs_of(company, finished)
    assert len(company.blog.posts) == 1
    wait_for(lambda: {run.state for run in company.prefect.runs(finished)} == {"Completed"})


def test_what_workers_say_to_prefect_holds_no_content_and_nobody_s_name(company, finished):
    with psycopg.connect(company.prefects_database.replace("+psycopg", "")) as connection:
        assert tables_that_hold(connection, "run-leg") != []
        for words in ("from nine to five", "opening hours", "Ruiz", "lea@example.test"):
            assert tables_that_hold(connection, words) == []


def tables_that_hold(connection: psycopg.Connection, words: str) -> list[str]:
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return [
        name
        for (name,) in connection.execute(asked).fetchall()
        if connection.execute(
            sql.SQL("SELECT 1 FROM {} AS row WHERE row::text LIKE %s LIMIT 1").format(
                sql.Identifier(name)
            ),
            [f"%{words}%"],
        ).fetchone()
    ]


@pytest.mark.soak
def test_a_worker_that_is_killed_in_mid_leg_loses_nothing_and_nothing_goes_out_twice(
    company, conductors, workers, since
):
    before = len(company.blog.posts)
    company.blog.plan = ["hang"]  # it is published, and nobody will ever hear so
    case = company.to_its_end()
    wait_for(lambda: len(company.blog.posts) == before + 1, SOON_S)
    wait_for(lambda: who_talks_to(company.blog.port, workers)).kill()
    wait_for(lambda: company.status(case) == "completed", SOON_S)
    assert len(company.blog.posts) == before + 1
    assert Counter(run.state for run in since.runs(case))["Running"] == 1  # it is dead, unsaid
    keys = [headers["Idempotency-Key"] for verb, _, headers in company.blog.seen if verb == "POST"]
    assert len(set(keys)) == len(company.blog.posts)


@pytest.mark.soak
def test_conductors_share_the_work_and_the_loss_of_one_is_not_noticed(
    company, conductors, workers, since
):
    cases = [company.start("three-at-once") for _ in range(3)]
    conductors[0].kill()
    cases += [company.start("three-at-once") for _ in range(3)]
    wait_for(lambda: all(company.settled(case) for case in cases), SOON_S)
    for case in cases:
        (run,) = since.runs(case)
        assert runs_of(company, case) == {run.id}
