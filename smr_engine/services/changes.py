"""What has changed since one looked last, whichever process changed it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from smr_engine.services import accounts_log, directory
from smr_engine.services.access import Sight
from smr_engine.services.stored import Newest
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Workspace

WINDOW = 200
"""How many of the newest events a look compares: numbers may become visible out of order."""


def heard_by(
    ws: Workspace, people: Collection[str], cases: Collection[str]
) -> dict[str, frozenset[str]]:
    """Return, of cases that changed, those that each of some people may know of.

    These are seen, or have work of theirs. What is no case ("") everybody may hear of: that
    something was said is all that is told. Who is no longer in the directory hears nothing. All of
    it is one unit of work: hundreds that are at work at once leave few connections.
    """
    with ws.storage.reading() as unit:
        here = directory.world(ws, unit).people
        return {p: _heard(unit, Sight(ws, unit, p), p, cases) for p in people if p in here}


def _heard(unit: UnitOfWork, sight: Sight, person: str, cases: Collection[str]) -> frozenset[str]:
    if not sight.hidden:
        return frozenset(cases)
    return frozenset(c for c in cases if not c or sight.sees(c) or _is_asked(unit, c, person))


def _is_asked(unit: UnitOfWork, case: str, person: str) -> bool:
    return any(person in (*row.offered, *row.escalated) for row in unit.queries.items(case=case))


class Watch:
    """Looks at the newest events; every look is one indexed query."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._parents: dict[str, str] = {}
        self._seen = {each.seq for each in self._newest()}

    def look(self) -> frozenset[str] | None:
        """Return the cases that changed since the last look, and those above them.

        Other streams count as "". None: so much that it could be any.
        """
        newest = self._newest()
        news = {each.stream for each in newest if each.seq not in self._seen}
        overflow = bool(self._seen) and self._seen.isdisjoint(each.seq for each in newest)
        self._seen = {each.seq for each in newest}
        if overflow:
            return None
        return frozenset(case for stream in news for case in self._upwards(stream))

    def _newest(self) -> Sequence[Newest]:
        with self._ws.storage.reading() as unit:
            return unit.events.newest(WINDOW)

    def _upwards(self, stream: str) -> list[str]:
        kind, _, case = stream.partition(":")
        if kind != "case":
            return [] if kind == accounts_log.STREAM else [""]  # no page shows who signs in
        found = [case]
        while parent := self._parent(found[-1]):
            found.append(parent)
        return found

    def _parent(self, case: str) -> str:
        if case not in self._parents:
            with self._ws.storage.reading() as unit:
                row = unit.queries.case(case)
            self._parents[case] = row.parent if row else ""
        return self._parents[case]
