"""A conductor in this process: its dispatcher, its log, and how it is stopped."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from smr_engine.cli.output import say, write_json, write_raw
from smr_engine.services.text import counted

if TYPE_CHECKING:
    from smr_engine.cli.session import Session
    from smr_engine.services.ports import Dispatcher
    from smr_engine.services.workspace import Workspace

JOIN_S = 10.0
"""How long a start from Prefect that is under way may take to end, in seconds."""


def conduct(session: Session, *, until_idle: bool = False) -> None:
    """Run a conductor until it is idle or a signal stops it, then say what it did.

    Without `until_idle` it also serves the deployments, so that Prefect's own form can open cases.
    """
    from smr_engine.adapters.prefect_server import in_use
    from smr_engine.bootstrap import conductor, find_prefect
    from smr_engine.services import triggers

    ws = session.ws

    def find() -> str:
        return find_prefect(ws, os.environ)

    with (
        _log(session.settings.log_level.value),
        in_use(ws.state),
        _dispatching(session, find) as dispatcher,
    ):
        triggers.sync(ws)
        made = conductor(ws, dispatcher)
        with _stopped_by_signals(made.stop, ws):
            if until_idle:
                did = made.run(until_idle=True)
            else:
                say(f"Working on {ws.root}. Ctrl-C stops, after what is under way is done.")
                with _serving(ws, find, session.settings.work_pool):
                    did = made.run()
    if session.as_json:
        write_json(did)
    else:
        sent = f"{counted(did.effects, 'effect')}, {counted(did.timers, 'timer')}"
        write_raw(f"Done: {sent}, in {counted(did.cases, 'case')}.")


@contextmanager
def _dispatching(session: Session, find: Callable[[], str]) -> Iterator[Dispatcher]:
    """Give what performs legs: this process, or the workers of the settings' work pool."""
    from flows.inline import InlineDispatcher
    from smr_engine.bootstrap import prefect_answers, work_pool

    if session.settings.work_pool:
        yield work_pool(session.ws, session.settings, os.environ)
        return
    dispatcher = InlineDispatcher(session.ws, find, prefect_answers)
    dispatcher.prepare()
    try:
        yield dispatcher
    finally:
        dispatcher.close()


@contextmanager
def _stopped_by_signals(stop: Callable[[], None], ws: Workspace) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM drain the conductor, and a second one end it at once."""

    def drain(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop()
        ws.waker.wake()

    before = {number: signal.signal(number, drain) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _serving(ws: Workspace, find: Callable[[], str], pool: str) -> Iterator[None]:
    """Serve the deployments in a thread beside the conductor."""
    from flows.deployments import serve

    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(ws, find, stop, pool), name="serve", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(JOIN_S)


@contextmanager
def _log(level: str) -> Iterator[None]:
    """Write our own log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("smr")
    ours.propagate = False  # Prefect puts a handler of its own on the root
    ours.addHandler(handler)
    ours.setLevel(level.upper())
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.propagate = True
