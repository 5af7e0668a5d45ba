"""One commit for several threads: who waits for SQLite's only writer goes with the first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from smr_engine.errors import SmrError
from smr_engine.storage.unit_of_work import SqlUnitOfWork

T = TypeVar("T")
MOST = 50
"""So many pieces of work share a commit at most, so that the first does not wait for long."""


@dataclass(slots=True)
class _Turn:
    """One thread's work, and what came of it; `called` when it is over, or leads now."""

    work: Callable[[SqlUnitOfWork], Any]
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """Runs pieces of work in writing units of work, several to a commit.

    A thread that finds nobody at work leads: it takes all that waits once it has the writers' lock,
    each piece in a savepoint of its own (one that is alone needs none), commits once, and only then
    lets the others go on. Safe to share between threads.

    Args:
        writing: returns a new unit of work.
    """

    def __init__(self, writing: Callable[[], SqlUnitOfWork]) -> None:
        self._writing = writing
        self._lock = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._led = False

    def run(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        """Run a piece of work; durable when it returns.

        Raises:
            Exception: what the work raised: nothing of it has happened.
            SmrError: `storage-failed`; whether it is durable is not known then.
        """
        mine = _Turn(work)
        with self._lock:
            self._waiting.append(mine)
            mine.leads, self._led = not self._led, True
        if not mine.leads:
            mine.called.wait()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    def _lead(self) -> None:
        group: list[_Turn] = []
        try:
            with self._writing() as unit:
                group += self._next_group()
                _take(unit, group)
                unit.keep()
        except BaseException as error:
            ends = not isinstance(error, Exception)  # the leader's thread, not the others'
            for turn in group or self._add_own(group):
                turn.error = turn.error or (_interrupted() if ends else error)
            if ends:
                raise
        finally:
            self._hand_over(group)

    def _next_group(self) -> list[_Turn]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _add_own(self, group: list[_Turn]) -> list[_Turn]:
        """Take the leader's own turn, the first that waits: it did not get as far as the lock."""
        with self._lock:
            group.append(self._waiting.popleft())
        return group

    def _hand_over(self, group: list[_Turn]) -> None:
        """Let the group go on; the first of those that came meanwhile leads the next."""
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
        for turn in group:
            turn.called.set()
        if following is not None:
            following.leads = True
            following.called.set()


def _take(unit: SqlUnitOfWork, group: list[_Turn]) -> None:
    if len(group) == 1:
        group[0].result = group[0].work(unit)
        return
    for turn in group:
        _take_apart(unit, turn)


def _take_apart(unit: SqlUnitOfWork, turn: _Turn) -> None:
    try:
        with unit.savepoint():
            turn.result = turn.work(unit)
    except DBAPIError:
        raise  # when the disk is full SQLite takes everything back: this concerns the whole group
    except Exception as error:  # noqa: BLE001 - raised in the thread whose work it is
        turn.error = error


def _interrupted() -> SmrError:
    message = "Whoever wrote for several at once was interrupted; nothing was written"
    return SmrError("storage-failed", message, hint="try again")
