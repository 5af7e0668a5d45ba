"""A warm process of its own that forks houses to be killed, driven by a test over pipes.

Forking wants a process without threads, and pytest's has some; a warm parent makes a child's start
cost milliseconds. The parent opens the house, plays the story once undisturbed (so that statements,
schemas and templates are compiled) and closes all connections; every child opens its own.
"""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg import sql

from smr_engine.services.workspace import Caches
from tests.crash.lives import Kill, Rooms, Told, run, undisturbed
from tests.crash.sink import accounts_at
from tests.crash.story import PLAYBOOKS
from tests.support import postgres
from tests.support.houses import DIRECTORY, SetClock, copy_house, furnish, open_house

ROOT = Path(__file__).resolve().parents[2]


class Hatchery:
    """A hatchery in a process of its own.

    Args:
        folder: where its houses stand; a `sink` takes the publications of houses in it.
        sink: the sink's address.
        postgres: keep the houses' data in PostgreSQL.
    """

    def __init__(self, folder: Path, sink: str, *, postgres: bool) -> None:
        command = [sys.executable, "-m", "tests.crash.hatchery", str(folder), sink]
        self._process = subprocess.Popen(
            [*command, "postgresql" if postgres else "sqlite"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.undisturbed = self._answer()

    def run(self, kills: Sequence[Kill]) -> Told:
        """Let a fresh house live through the story, killed at these boundaries; see `lives.run`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(list(kills)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Told:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the hatchery ended; its traceback stands above")
        return Told(**json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process as process:  # closes the pipes: it ends by itself
            process.communicate()


def main(folder: Path, sink: str, database: str) -> None:
    """Make the house, then answer each line of kills with how the house fared."""
    directory = DIRECTORY + accounts_at(sink, "house")
    template = furnish(folder / "template", directory=directory, playbooks=PLAYBOOKS)
    url = postgres.fresh_database() if database == "postgresql" else ""
    open_house(template, SetClock(), url).storage.close()
    copy = postgres.fresh_database(_name(url)) if url else ""
    house = copy_house(template, folder / "house")
    clock = SetClock(file=house / "clock")
    rooms = Rooms(house, clock, open_house(house, clock, copy))
    print(json.dumps(asdict(undisturbed(rooms))), flush=True)
    gc.collect()
    gc.freeze()  # children do not look through what they inherit, so that its memory stays shared
    for line in sys.stdin:
        copy_house(template, house)
        if copy:
            _renew(copy, _name(url))
        fresh = replace(rooms, ws=replace(rooms.ws, caches=Caches()))
        print(json.dumps(asdict(run(fresh, json.loads(line)))), flush=True)
    for made in filter(None, (copy, url)):
        postgres.drop_database(made)
    shutil.rmtree(folder, ignore_errors=True)  # memory, kept also by a test run that was killed


def _renew(url: str, template: str) -> None:
    """Put a fresh copy of a database under the same name: an open engine stays good for it."""
    postgres.drop_database(url)
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    postgres._administer(postgres._server(), make, _name(url), template)


def _name(url: str) -> str:
    return "smr_" + url.rpartition("/smr_")[2].partition("?")[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
