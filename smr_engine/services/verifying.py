"""Verification beside everything else: one at a time in a process, in a thread, with its progress.

It reads one snapshot from end to end, which takes seconds to minutes; nobody waits for it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime

from smr_engine.errors import SmrError
from smr_engine.services.access import Sight, require_auditing
from smr_engine.services.text import counted
from smr_engine.services.verify import verify
from smr_engine.services.views import VerifyView
from smr_engine.services.workspace import Workspace


class _StoppedError(Exception):
    """The process ends, so nobody waits for the result."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification is.

    Args:
        by: who asked for it; empty: nobody has yet.
        begun_at: when.
        ended_at: None: it runs.
        done: events read so far.
        of: events there were as it began.
        view: what it found.
        fault: why it could not be ended.
    """

    by: str = ""
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    done: int = 0
    of: int = 0
    view: VerifyView | None = None
    fault: str = ""

    @property
    def running(self) -> bool:
        """Return whether it is under way."""
        return self.begun_at is not None and self.ended_at is None


@dataclass(eq=False)
class Verifying:
    """The verification of a process: the one that runs, else the last."""

    ws: Workspace
    _progress: Progress = Progress()
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def seen_by(self, person: str | None) -> Progress:
        """Return how far it is, to whoever may read the log; None sees everything.

        Problems quote what they are about, so whoever may not see all cases is told how many there
        are, and no more.

        Raises:
            Refusal: `may-not-audit`.
        """
        with self.ws.storage.reading() as unit:
            sight = Sight(self.ws, unit, person)
            require_auditing(sight)
            visible = unit.queries.counts(sight.hidden)["cases"]
        view = self._progress.view
        if view is None or not sight.hidden:
            return self._progress
        return replace(self._progress, view=_less(view, visible))

    def start(self, person: str) -> Progress:
        """Begin, unless one runs: whoever asks meanwhile sees that one. Raises as `seen_by`."""
        self.seen_by(person)
        with self._lock:
            if not self._progress.running:
                self._progress = Progress(person, self.ws.clock.now(), of=self._events())
                self._thread = threading.Thread(target=self._run, name="verify", daemon=True)
                self._thread.start()
            return self._progress

    def wait(self) -> None:
        """Wait until none runs."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Let one that runs end without a result, and wait for that."""
        self._stopped.set()
        self.wait()

    def _run(self) -> None:
        try:
            view = verify(self.ws, self._tell)
            found = replace(self._progress, view=view, done=view.events)
        except _StoppedError:
            found = replace(self._progress, fault="the server went down meanwhile")
        except SmrError as error:
            found = replace(self._progress, fault=error.message)
        except Exception as error:  # noqa: BLE001 - else it would run for ever, to all that is seen
            found = replace(self._progress, fault=f"a fault was met: {type(error).__name__}")
        self._progress = replace(found, ended_at=self.ws.clock.now())

    def _tell(self, done: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        self._progress = replace(self._progress, done=done)

    def _events(self) -> int:
        with self.ws.storage.reading() as unit:
            return unit.queries.counts()["events"]


def _less(view: VerifyView, cases: int) -> VerifyView:
    """Return what somebody may know of a verification who may not see all cases."""
    count = len(view.problems)
    told = [{"what": f"{counted(count, 'problem')}; auditors read them"}] if count else []
    return replace(view, cases=cases, problems=told)
