"""Whole houses for tests: a workspace in a folder, joined by `bootstrap`, on either database.

Everything is real (storage, connectors, outbox, playbook files, settings) but two things: the clock
is the test's, and legs are performed without Prefect, in the order they are owed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from smr_engine.bootstrap import open_workspace
from smr_engine.services import effects, reminders
from smr_engine.services.conductor import Conductor
from smr_engine.services.legs import claims_of
from smr_engine.services.ports import Dispatcher, Leg
from smr_engine.services.views import Worked
from smr_engine.services.workspace import Workspace

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
SETTINGS = "as: ana\nconnectors: {allow_inside: [127.0.0.1]}\n"
DIRECTORY = """
people:
  - {id: ana, name: Ana Ruiz, email: ana@example.test, roles: [smr-lead], access: administrator}
  - {id: carl, name: Carl Weiss, email: carl@example.test, roles: [comms-director]}
  - {id: tom, name: Tom Becker, email: tom@example.test, roles: [comms-writer]}
  - {id: lea, name: Lea Hoffmann, email: lea@example.test, roles: [legal]}
  - {id: ben, name: Ben Okafor, email: ben@example.test, roles: [community-manager]}
roles:
  smr-lead: {title: Social media relations lead}
  comms-director: {title: Communications director}
  comms-writer: {title: Writer}
  legal: {title: Legal counsel}
  community-manager: {title: Community manager}
groups:
  frontline: {title: Frontline, members: [ana, ben]}
calendars:
  default: {timezone: Europe/Berlin, hours: {mon-fri: "09:00-17:30"}}
"""
NEWSROOM = """
accounts:
  newsroom:
    {title: Newsroom, platform: website, connector: folder, settings: {path: newsroom}, owner: smr-lead}
"""

P = ParamSpec("P")
T = TypeVar("T")


class SetClock:
    """A clock that the test sets; with a file, a later life goes on where this one stopped."""

    def __init__(self, now: datetime = MORNING, file: Path | None = None) -> None:
        self._file = file
        self._begin = self._now = now
        self.read_on()

    def now(self) -> datetime:
        """Return the instant that was set last."""
        return self._now

    def read_on(self) -> None:
        """Go on where the life before this one stopped; begin where there was none."""
        there = self._file is not None and self._file.is_file()
        self._now = datetime.fromisoformat(self._file.read_text("ascii")) if there else self._begin

    def move_to(self, now: datetime) -> None:
        """Set the clock; it never goes back."""
        self._now = max(now, self._now)
        if self._file is not None:
            self._file.write_text(self._now.isoformat(), encoding="ascii")


class DirectDispatcher:
    """Performs legs in this process, without Prefect (implements `services.ports.Dispatcher`)."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def run_leg(self, leg: Leg) -> None:
        """Perform each effect once; what did not happen has been reported to its case."""
        left = list(leg.as_json()["owed"])
        while left:
            performed = effects.perform_owed(self._ws, left.pop(0), last=True, tries=1, run="")
            left += [owed for leg in performed.following for owed in leg.as_json()["owed"]]

    def run_batch(self, legs: Sequence[Leg]) -> None:
        """Perform the legs of many cases one after the other; reminders are told together."""
        reminders.perform(self._ws, claims_of(leg for leg in legs if leg.reminds))
        for leg in legs:
            if not leg.reminds:
                self.run_leg(leg)


def furnish(
    root: Path,
    *,
    directory: str = DIRECTORY + NEWSROOM,
    playbooks: Mapping[str, str] | None = None,
    settings: str = SETTINGS,
) -> Path:
    """Write the files of a workspace: settings, directory, and playbooks by name."""
    (root / "playbooks").mkdir(parents=True, exist_ok=True)
    (root / "smr.yaml").write_text(settings, encoding="utf-8")
    (root / "directory.yaml").write_text(directory, encoding="utf-8")
    for name, text in (playbooks or {}).items():
        (root / "playbooks" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return root


def copy_house(template: Path, root: Path) -> Path:
    """Put a fresh copy of a house that nobody works in at `root`, instead of what is there."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root)
    return root


def open_house(root: Path, clock: SetClock, database_url: str = "") -> Workspace:
    """Open a workspace as every door does.

    Args:
        root: its folder, see `furnish`.
        clock: the test's clock.
        database_url: a PostgreSQL database; SQLite in the workspace when left out.
    """
    environ = {"SMR_DATABASE_URL": database_url} if database_url else {}
    return open_workspace(root, environ, clock=clock)


def work(ws: Workspace, name: str = "test", dispatcher: Dispatcher | None = None) -> Worked:
    """Let a conductor do all that is due and owed now, one thing after the other."""
    performs = dispatcher or DirectDispatcher(ws)
    conductor = Conductor(ws, performs, _NeverIdle(), name, pool=InTurn())
    while conductor.once():  # not `run`: it would wait for the leases of those who were killed
        pass
    return conductor._tally.view()


def next_instant(ws: Workspace) -> datetime | None:
    """Return when the conductor has to be awake next; None: never."""
    with ws.storage.reading() as unit:
        return unit.due.next_instant()


class InTurn(Executor):
    """Runs what is submitted at once: the order of everything is the same in every run."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as problem:
            done.set_exception(problem)
        return done


class _NeverIdle:
    """A listener for a conductor that has nothing to wait for."""

    def wait(self, timeout_s: float) -> bool:
        raise AssertionError("nobody waits here")

    def close(self) -> None:
        return
