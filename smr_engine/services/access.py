"""Who sees which case: what somebody may not see does not exist for them, in the same words.

`engine.policy.may_see` decides; here it meets the cases that there are. Lists leave hidden cases
out where they are read, so that pages and counts are right.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from smr_engine.engine import policy
from smr_engine.engine.run import Situation
from smr_engine.engine.state import Case
from smr_engine.errors import NotFound, Refusal, SmrError
from smr_engine.playbook.model import Playbook
from smr_engine.services import directory, versions
from smr_engine.services.reading_verdicts import Reader
from smr_engine.services.stored import CaseRow, EventFilter, StoredEvent
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Workspace

_REFERENCE = re.compile(r"(?:case:)?([A-Za-z0-9_-]+-[0-9]{4}-[0-9]+)")
SCHEDULES = "schedules"
"""The stream of what is scheduled."""


class Sight:
    """What one person sees in one snapshot; None, nobody in particular, sees everything.

    That is the command line without a name: whoever sits there has the files.
    """

    def __init__(self, ws: Workspace, unit: UnitOfWork, person: str | None) -> None:
        """Look through somebody's eyes.

        Raises:
            NotFound: `unknown-person`.
        """
        self._ws = ws
        self._unit = unit
        self.person = person
        self.reader = Reader(person, directory.world(ws, unit), ws.clock.now())

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Return the digests of all playbook versions whose cases the person may not see."""
        if self.person is None:
            return frozenset()
        return frozenset(d for d in self._unit.playbooks.digests() if not self._sees_version(d))

    def _sees_version(self, digest: str) -> bool:
        try:
            return self.sees_cases_of(versions.pinned(self._ws, self._unit, digest))
        except NotFound:  # the database was changed from outside: nobody can say who may
            return False

    def sees_cases_of(self, playbook: Playbook) -> bool:
        """Return whether the person may see the cases of a version of a playbook."""
        if self.person is None:
            return True
        return policy.may_see(self.reader.world, playbook, self.person, self.reader.now).may

    def sees_schedules_of(self, name: str) -> bool:
        """Return whether the person may know when a playbook opens its cases.

        One that cannot be read has no visibility to go by: whoever may read the log sees it.
        """
        if self.person is None:
            return True
        from smr_engine.services import library  # loads the checker, which reading must not

        try:
            return self.sees_cases_of(library.read(self._ws, name)[0])
        except SmrError:
            return policy.may_audit(self.reader.world, self.person).may

    def sees_event(self, event: StoredEvent) -> bool:
        """Return whether the person may know of an event of the log that is no hidden case's."""
        if event.stream != SCHEDULES or self.person is None:
            return True
        return self.sees_schedules_of(self._scheduled.get(event.facts["schedule"], ""))

    def less(self, event: StoredEvent) -> StoredEvent:
        """Return an event of a seen case without what it says of hidden ones above or below it."""
        if not self.hidden:
            return event
        said = (*event.facts.values(), *event.content.values(), event.actor)
        named = {ref for value in said for ref in _cases_in(value)} - {event.case}
        hidden = {ref for ref in named if self._hides(ref)}
        if not hidden:
            return event
        facts = {n: _without(value, hidden) for n, value in event.facts.items()}
        content = {
            n: _without(value, hidden) for n, value in event.content.items() if n != "results"
        }
        actor = "case" if _case_of(event.actor) in hidden else event.actor
        return replace(event, facts=facts, content=content, actor=actor)

    def _hides(self, ref: str) -> bool:
        row = self._unit.queries.case(ref)
        return row is not None and row.digest in self.hidden

    @cached_property
    def _scheduled(self) -> dict[str, str]:
        return {row.id: row.playbook for row in self._unit.schedules.all(removed=True)}

    def sees(self, ref: str) -> bool:
        """Return whether there is such a case for the person."""
        row = self._unit.queries.case(ref)
        return row is not None and row.digest not in self.hidden

    def case(self, ref: str) -> CaseRow:
        """Return a case's row.

        Raises:
            NotFound: `no-such-case`, also where the person may not see it.
        """
        row = self._unit.queries.case(ref)
        if row is None or row.digest in self.hidden:
            raise no_such_case(ref)
        return row

    def below(self, ref: str) -> list[str]:
        """Return the cases under a case, at any depth, that the person may see."""
        return [child for child in self._unit.queries.children(ref) if self.sees(child)]

    def family(self, ref: str) -> list[str]:
        """Return a case and those under it. Raises as `case`."""
        self.case(ref)
        return [ref, *self.below(ref)]


def require_known(reader: Reader, playbook: Playbook, case: Case, item: str) -> None:
    """Refuse somebody a case, or an item of it, that they may not know of.

    Raises:
        NotFound: `no-such-case`, in the words for one that is not there.
    """
    if reader.person is None:
        return
    if policy.may_see(reader.world, playbook, reader.person, reader.now).may:
        return
    for scope in case.scopes.values():
        if found := scope.items.get(item):
            verdict = reader.verdict(case.header, found, playbook)
            if reader.sees(found, verdict, playbook):
                return
    raise no_such_case(case.header.ref)


def reader_of(situation: Situation) -> Reader:
    """Return the actor of a command as somebody who reads.

    Parts of the system know every case; who is not in the directory is refused by the engine.
    """
    actor, world = situation.actor, situation.world
    is_known = actor.is_person and actor.id in world.people
    return Reader(actor.id if is_known else None, world, situation.now)


def _case_of(value: object) -> str:
    """Return the case that a fact or an actor may name; "" if it cannot be one."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else ""


def _cases_in(value: object) -> Iterator[str]:
    """Give the cases that a value may name, at any depth: what a step gave is an object."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _cases_in(part)
    elif ref := _case_of(value):
        yield ref


def _without(value: Any, hidden: Collection[str]) -> Any:
    """Return a value, or one that says nothing if it names a hidden case."""
    if not any(ref in hidden for ref in _cases_in(value)):
        return value
    return "" if isinstance(value, str) else {}


def seen_by(sight: Sight, which: EventFilter) -> EventFilter:
    """Return a choice of events less those that the reader may not see.

    Of a case they may see everybody reads the log; across cases it is for auditors, and for
    administrators, who do not see restricted cases. See also `Sight.sees_event`.

    Raises:
        NotFound: `no-such-case`.
        Refusal: `may-not-audit`.
    """
    for ref in which.cases:
        sight.case(ref)
    if not which.cases:
        require_auditing(sight)
    return replace(which, without=sight.hidden)


def require_auditing(sight: Sight) -> None:
    """Refuse whoever may not read the log across cases.

    Raises:
        Refusal: `may-not-audit`.
    """
    if sight.person is None:
        return
    verdict = policy.may_audit(sight.reader.world, sight.person)
    if not verdict.may:
        hint = "the history of a case: smr timeline CASE"
        raise Refusal("may-not-audit", verdict.why_not, hint=hint)


def no_such_case(ref: str) -> NotFound:
    """Return what is said of a case that is not there, or not for whoever asks."""
    return NotFound(
        "no-such-case", f"There is no case {ref}", hint="smr cases lists them", where=ref
    )
