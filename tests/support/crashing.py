"""Numbered boundaries: where a process may die, and the wrappers that put them there.

The wrappers stand around the real ports and add nothing but a call of the `Fuse` before and after
whatever leaves the process: each commit, each claim, each call of a connector, each message. The
fuse writes the boundary's name into a file and, at the number it was set to, kills the process with
SIGKILL: nothing is flushed, closed or said goodbye to.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from smr_engine.engine.events import Event
from smr_engine.engine.state import Case
from smr_engine.engine.world import Account
from smr_engine.services.ports import Connector, Message, Notifier, Publication, Published
from smr_engine.services.stored import ClaimedEffect, ClaimedTimer, Envelope, Saved
from smr_engine.services.storing import CaseStore, Claims, Storage, UnitOfWork
from smr_engine.services.workspace import Workspace

NEVER = 0
"""The number of no boundary."""


class Fuse:
    """Counts boundaries, and kills the process at one of them.

    Args:
        trace: the file that gets a line for each boundary reached.
        blow_at: the number of the boundary at which the process is killed, from 1, or its name (the
            first time it is reached); NEVER for none.
    """

    def __init__(self, trace: Path, blow_at: int | str = NEVER) -> None:
        self._file = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._blow_at = blow_at
        self._reached = 0

    def reach(self, name: str) -> None:
        """Pass a boundary, or die at it."""
        os.write(self._file, f"{name}\n".encode())
        self._reached += 1
        if self._blow_at in {name, self._reached}:
            os.kill(os.getpid(), signal.SIGKILL)


def rig(ws: Workspace, fuse: Fuse, sent: Path) -> Workspace:
    """Return the workspace with a boundary before and after everything that leaves the process.

    Args:
        ws: an open workspace.
        fuse: what is told of each boundary.
        sent: the file that gets a line for each message handed to the notifier.
    """
    return replace(
        ws,
        storage=_Storage(ws.storage, fuse),
        notifier=_Notifier(ws.notifier, fuse, sent),
        connector_for=lambda account: _Connector(ws.connector_for(account), account, fuse),
    )


@dataclass(frozen=True, slots=True)
class Fate:
    """How a child process ended: what it returned, or killed."""

    killed: bool
    returned: Any = None


def in_child(life: Callable[[], Any]) -> Fate:
    """Run something in a forked child; what it returns must be JSON data.

    Raises:
        RuntimeError: it raised (its traceback is the message), or died by itself.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(life, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return Fate(killed=True)
    answer = json.loads(said or b'{"failed": "it died without a word"}')
    if "failed" in answer:
        raise RuntimeError(answer["failed"])
    return Fate(killed=False, returned=answer["returned"])


def _live(life: Callable[[], Any], writing: int) -> NoReturn:
    """Never returns: what the parent had open must not be closed twice."""
    try:
        try:
            answer = {"returned": life()}
        except BaseException:
            answer = {"failed": traceback.format_exc()}
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
    finally:
        os._exit(0)


# --- storage -----------------------------------------------------------------------------------


class _Storage:
    """A storage whose writing units of work have boundaries (delegates all else)."""

    def __init__(self, inner: Storage, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def writing(self) -> UnitOfWork:
        return _Unit(self._inner.writing(), self._fuse)  # type: ignore[return-value]

    def together(self, work: Callable[[UnitOfWork], Any]) -> Any:
        with self.writing() as unit:
            result = work(unit)
            unit.keep()
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Unit:
    """One unit of work; its boundaries are named after what was done in it."""

    def __init__(self, inner: UnitOfWork, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse
        self.done: list[str] = []

    @property
    def cases(self) -> CaseStore:
        return _Cases(self._inner.cases, self.done)  # type: ignore[return-value]

    @property
    def claims(self) -> Claims:
        return _Claims(self._inner.claims, self.done, self._fuse)  # type: ignore[return-value]

    def keep(self) -> None:
        """Commit between two boundaries; a claim that got nothing changed nothing."""
        what = ", ".join(self.done)
        if what:
            self._fuse.reach(f"before the commit of {what}")
        self._inner.keep()
        if what:
            self._fuse.reach(f"after the commit of {what}")

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def savepoint(self) -> AbstractContextManager[None]:
        return self._inner.savepoint()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Cases:
    """Cases; tells the unit of work which events it is about to commit."""

    def __init__(self, inner: CaseStore, done: list[str]) -> None:
        self._inner = inner
        self._done = done

    def save(
        self,
        before: Case | None,
        after: Case,
        events: Sequence[Event],
        envelope: Envelope,
        key: str = "",
    ) -> Saved:
        saved = self._inner.save(before, after, events, envelope, key)
        self._done += [f"{event.kind()} {event.path}".rstrip() for event in events[:1]]
        return saved

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Claims:
    """Claims; there is a boundary after each that got something."""

    def __init__(self, inner: Claims, done: list[str], fuse: Fuse) -> None:
        self._inner = inner
        self._done = done
        self._fuse = fuse

    def effects(
        self, owner: str, now: datetime, lease: timedelta, limit: int, case: str = ""
    ) -> Sequence[ClaimedEffect]:
        claimed = self._inner.effects(owner, now, lease, limit, case)
        return self._noted(claimed, ", ".join(claim.name for claim in claimed))

    def timers(
        self, owner: str, now: datetime, lease: timedelta, limit: int, case: str = ""
    ) -> Sequence[ClaimedTimer]:
        claimed = self._inner.timers(owner, now, lease, limit, case)
        return self._noted(claimed, ", ".join(claim.purpose for claim in claimed))

    def _noted(self, claimed: Sequence[Any], names: str) -> Sequence[Any]:
        if claimed:
            self._done.append(f"the claim of {names}")
            self._fuse.reach(f"within the claim of {names}")
        return claimed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


# --- the outside world -------------------------------------------------------------------------


class _Connector:
    """A connector with boundaries around each call."""

    def __init__(self, inner: Connector, account: Account, fuse: Fuse) -> None:
        self._inner = inner
        self._where = account.id
        self._fuse = fuse
        self.recovery = inner.recovery

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        return self._between("publishing to", lambda: self._inner.publish(publication, timeout_s))

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        return self._between("looking up at", lambda: self._inner.look_up(publication, timeout_s))

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        return self._between(
            "reading back from", lambda: self._inner.read_back(publication, published, timeout_s)
        )

    def _between(self, doing: str, call: Callable[[], Any]) -> Any:
        self._fuse.reach(f"before {doing} {self._where}")
        answer = call()
        self._fuse.reach(f"after {doing} {self._where}")
        return answer


class _Notifier:
    """A notifier with boundaries around each message; what it is handed is written down."""

    def __init__(self, inner: Notifier, fuse: Fuse, sent: Path) -> None:
        self._inner = inner
        self._fuse = fuse
        self._sent = sent

    def send(self, message: Message, timeout_s: float) -> str:
        whom = f"{message.recipient.id}: {message.subject}"
        self._fuse.reach(f"before telling {whom}")
        line = (message.key, message.recipient.id, message.body)
        channel = self._inner.send(message, timeout_s)
        with self._sent.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._fuse.reach(f"after telling {whom}")
        return channel
