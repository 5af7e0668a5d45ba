"""Legs on the workers of a pool beside raw deployments, on PostgreSQL, with nothing shared but it.

Each run is a process of its own, ours and theirs. A worker executes one at a time here: without a
limit one alone would keep both cores busy, and a second one could show nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from flows.deployments import deploy
from smr_engine.adapters.prefect_api import create_flow_run, deployment_id
from smr_engine.adapters.prefect_pool import WorkPoolDispatcher
from smr_engine.services.legs import legs_of
from smr_engine.services.workspace import Workspace
from tests.bench import ground
from tests.bench.ground import HERE, row
from tests.many.site import BIN, POOL, Site, running_site
from tests.support.postgres import drop_database, fresh_database

WORKERS = ("north", "south")
TO_BEGIN = timedelta(minutes=10)  # nobody takes over here
LONGEST_S = 180.0


def legs_beside_raw_runs(count: int) -> None:
    """Publications owed at once by so many cases, with one worker and then with two."""
    with _site() as site, ground.workspace("postgresql") as ws:
        bench = _Bench(ws, site, httpx.Client(base_url=site.api_url, timeout=30))
        deploy(ws, site.api_url, POOL)
        ours, raw = bench.id_of("run-leg"), bench.deploy_raw()
        for workers, name in enumerate(WORKERS, start=1):
            bench.start_worker(name)
            bench.wait_until(lambda n=workers: bench.online() == n)
            bench.seconds_of(raw, 1, bench.run_raw)  # the first one reads everything from the disk
            bare = count / bench.seconds_of(raw, count, bench.run_raw)
            ground.owe_publications(ws, count)
            legs = count / bench.seconds_of(ours, count, bench.run_legs)
            row(
                f"work pool, workers: {workers}: legs/s, {count} owed at once",
                f"{legs:.2f} ({legs / bare:.2f} of a raw deployment's {bare:.2f})",
            )


@contextmanager
def _site() -> Iterator[Site]:
    database = fresh_database()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="smr-bench-site-") as folder,
            running_site(Path(folder), database) as site,
        ):
            yield site
    finally:
        drop_database(database)


@dataclass
class _Bench:
    """The workspace, the machines, and Prefect's API."""

    ws: Workspace
    site: Site
    http: httpx.Client

    def start_worker(self, name: str) -> None:
        command = (str(BIN / "prefect"), "worker", "start", "--pool", POOL, "--limit", "1")
        self.site.machine(name, *command, "--name", name, SMR_WORKSPACE=str(self.ws.root))

    def id_of(self, flow: str) -> str:
        return deployment_id(self.http, f"{flow}/{POOL}")

    def deploy_raw(self) -> str:
        """Register the flow that does nothing, in the same pool."""
        flow = self.http.post("flows/", json={"name": "nothing"}).raise_for_status().json()
        wanted = {
            "name": POOL,
            "flow_id": flow["id"],
            "entrypoint": "tests.bench.nothing.nothing",
            "work_pool_name": POOL,
            "job_variables": {"env": {"PYTHONPATH": str(HERE.parents[1])}},
        }
        return self.http.post("deployments/", json=wanted).raise_for_status().json()["id"]

    def online(self) -> int:
        """Return how many workers the pool has."""
        asked = {"workers": {"status": {"any_": ["ONLINE"]}}}
        found = self.http.post(f"work_pools/{POOL}/workers/filter", json=asked)
        return len(found.raise_for_status().json())

    def seconds_of(self, deployment: str, count: int, begin: Callable[[str, int], None]) -> float:
        """Return how long so many runs take, from the first being asked for to the last's end."""
        already = self._completed(deployment)
        began = time.perf_counter()
        begin(deployment, count)
        self.wait_until(lambda: self._completed(deployment) == already + count)
        return time.perf_counter() - began

    def run_raw(self, deployment: str, count: int) -> None:
        for _ in range(count):
            create_flow_run(self.http, deployment, {})

    def run_legs(self, _deployment: str, count: int) -> None:
        """Hand over what that many cases owe, leg by leg, which a conductor would do in a batch."""
        dispatcher = WorkPoolDispatcher(self.ws, self.site.api_url, POOL, TO_BEGIN, {})
        for leg in legs_of(ground.claimed(self.ws, count)):
            dispatcher.run_leg(leg)

    def wait_until(self, true: Callable[[], bool]) -> None:
        until = time.monotonic() + LONGEST_S
        while not true():
            assert time.monotonic() < until, self._what_became_of_runs()
            time.sleep(0.1)

    def _what_became_of_runs(self) -> str:
        runs = self.http.post("flow_runs/filter", json={}).raise_for_status().json()
        told = [f"{run['name']}: {run['state']['name']}, {run['state']['message']}" for run in runs]
        return "\n".join([*told, self.site.log(WORKERS[0])])

    def _completed(self, deployment: str) -> int:
        asked = {
            "deployments": {"id": {"any_": [deployment]}},
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
        }
        return int(self.http.post("flow_runs/count", json=asked).raise_for_status().json())
