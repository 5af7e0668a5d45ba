"""The conductor of a rehearsal: the real one, but everything happens in turn and nobody waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from smr_engine.services import effects, reminders
from smr_engine.services.conductor import Conductor
from smr_engine.services.legs import claims_of
from smr_engine.services.ports import Leg
from smr_engine.services.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")
NAME = "rehearsal"
"""Of the conductor, and of what stands for the flow runs."""


class InTurn:
    """Does all that is due and owed at one instant, one thing after the other."""

    def __init__(self, ws: Workspace) -> None:
        self._conductor = Conductor(ws, _Direct(ws), _Nobody(), NAME, pool=_AtOnce())

    def work(self) -> None:
        """Do what is due and owed now, and what that leads to."""
        while self._conductor.once():
            pass


class _Direct:
    """Performs legs without Prefect (implements `services.ports.Dispatcher`)."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws

    def run_leg(self, leg: Leg) -> None:
        """Perform each effect once; what did not happen has been reported to its case."""
        left = list(leg.as_json()["owed"])
        while left:
            done = effects.perform_owed(self._ws, left.pop(0), last=True, tries=1, run=NAME)
            left += [owed for leg in done.following for owed in leg.as_json()["owed"]]

    def run_batch(self, legs: Sequence[Leg]) -> None:
        """Perform the legs of several cases; reminders are told together."""
        reminders.perform(self._ws, claims_of(leg for leg in legs if leg.reminds), NAME)
        for leg in legs:
            if not leg.reminds:
                self.run_leg(leg)


class _AtOnce(Executor):
    """Runs what is submitted at once, so that the order is the same in every run."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as problem:  # noqa: BLE001 - the conductor asks the future for it
            done.set_exception(problem)
        return done


class _Nobody:
    """A listener that is never asked: the rehearsal moves the clock itself."""

    def wait(self, timeout_s: float) -> bool:
        """Return at once."""
        return False

    def close(self) -> None:
        """Do nothing."""
