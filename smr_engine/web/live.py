"""Liveness: one thread looks for changes, and tells every open page that something changed.

Pages then ask for their own content again, with their own rights: nothing but "changed" goes out
here. The databases have no way to say so that both kinds and several processes share, hence a look
at the newest event numbers, and only while somebody listens.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from smr_engine.services.changes import Watch, heard_by
from smr_engine.services.workspace import Workspace
from smr_engine.web.visit import SignInNeededError, visit

LOG = logging.getLogger("smr.web")
LOOK_S = 0.4
AGAIN_S = 5.0
"""After a fault, of the database for instance, it is left in peace for so long."""
BEAT_S = 15.0
"""A line that says nothing, so that proxies keep the connection."""
LIFE_S = 300.0
"""Then the page connects again, and shows its session again."""
QUIET_S = 0.6
"""A page is told at most this often."""
MOST_PAGES = 50
"""So many live pages of one person at a time: each holds a connection, and a process has few."""

router = APIRouter()


@dataclass(eq=False)
class _Listener:
    """One open page: it hears of all cases its reader may know of, or of one and those under it."""

    case: str
    person: str
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, cases: frozenset[str] | None) -> None:
        if cases is None or (self.case in cases if self.case else cases):
            self.loop.call_soon_threadsafe(self.changed.set)


class Pulse:
    """Looks for changes in a thread of its own while pages listen."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._listeners: set[_Listener] = set()
        self._news = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    @property
    def stopped(self) -> bool:
        """Return whether the server is going down."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin; nothing is looked at before the first page listens."""
        self._thread.start()

    def close_pages(self) -> None:
        """Let every open connection end: the server goes down."""
        self._stopped.set()
        self._tell(None)
        with self._news:
            self._news.notify_all()

    def stop(self) -> None:
        """End."""
        self.close_pages()
        self._thread.join()

    def has_room(self, person: str) -> bool:
        """Return whether one more page of somebody may listen (a few at once may slip through)."""
        with self._news:
            return sum(each.person == person for each in self._listeners) < MOST_PAGES

    @contextmanager
    def listening(self, case: str, person: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at every change that a person may know of."""
        listener = _Listener(case, person, asyncio.get_running_loop())
        with self._news:
            self._listeners.add(listener)
            self._news.notify_all()
        try:
            yield listener.changed
        finally:
            with self._news:
                self._listeners.discard(listener)

    def _run(self) -> None:
        while self._somebody_listens():
            try:
                self._watch()
            except Exception:
                LOG.exception("looking for changes failed; it begins again")
                self._stopped.wait(AGAIN_S)

    def _watch(self) -> None:
        """Look for changes until nobody listens any more."""
        watch = Watch(self._ws)
        self._tell(None)  # what happened before the first look
        while self._listeners and not self._stopped.wait(LOOK_S):
            cases = watch.look()
            if cases is None or cases:
                self._tell(cases)

    def _somebody_listens(self) -> bool:
        with self._news:
            self._news.wait_for(lambda: self._listeners or self.stopped)
        return not self.stopped

    def _tell(self, cases: frozenset[str] | None) -> None:
        with self._news:
            listeners = list(self._listeners)
        if cases is None:
            heard = {}
        else:
            heard = heard_by(self._ws, {listener.person for listener in listeners}, cases)
        for listener in listeners:
            listener.tell(None if cases is None else heard.get(listener.person, frozenset()))


@router.get("/live", include_in_schema=False)
async def live(request: Request, case: Annotated[str, Query(max_length=80)] = "") -> Response:
    """Tell a page when to look again (Server-Sent Events)."""
    try:
        visitor = (await asyncio.to_thread(visit, request)).visitor
    except SignInNeededError:
        return Response(status_code=204)  # EventSource gives up
    pulse: Pulse = request.app.state.pulse
    if not pulse.has_room(visitor.person):
        return Response(status_code=429)  # this page is not live, and does not ask again
    headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
    return StreamingResponse(
        _words(pulse, case, visitor.person), media_type="text/event-stream", headers=headers
    )


async def _words(pulse: Pulse, case: str, person: str) -> AsyncIterator[str]:
    """Yield what a page hears until its life is over, it goes, or the server does."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LIFE_S
    with pulse.listening(case, person) as changed:
        changed.set()  # what happened between the page and its connection, or without one
        yield "retry: 1000\n\n"
        while not pulse.stopped and loop.time() < until:
            try:
                await asyncio.wait_for(changed.wait(), BEAT_S)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            changed.clear()
            yield "event: changed\ndata: \n\n"
            await asyncio.sleep(QUIET_S)
