"""What things are called for whoever reads: people, roles, texts, steps, accounts, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from smr_engine.engine import policy
from smr_engine.engine.world import World
from smr_engine.playbook.fields import title_of
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import DecisionStep, Outcome, Playbook, Step
from smr_engine.services.text import instant

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Names:
    """What a reader calls things; what has no title is called by its id, in words.

    Args:
        world: the directory.
        pinned: returns the playbook of a case by its reference; None where nobody knows it.
        zone: in which the reader reads times.
    """

    world: World
    pinned: Callable[[str], Playbook | None]
    zone: tzinfo

    def person(self, who: str) -> str:
        """Return what a person, a contact or a vendor is called; a stranger's id as it is."""
        known = self.world.people.get(who)
        outside = self.world.contacts.get(who) or self.world.vendors.get(who)
        return known.name if known else outside.name if outside else who

    def role(self, role: str) -> str:
        """Return the title of a role."""
        return policy.title_of(self.world, role)

    def line(self, roles: str) -> str:
        """Return a line of a quorum by titles: one role, or several with `or` between them."""
        return " or ".join(map(self.role, roles.split(" or ")))

    def account(self, account: str) -> str:
        """Return the title of an account."""
        known = self.world.accounts.get(account)
        return known.title if known else account

    def playbook(self, case: str, otherwise: str) -> str:
        """Return the title of a case's playbook."""
        known = self.pinned(case)
        return known.title if known else otherwise

    def document(self, case: str, document: str) -> str:
        """Return the title of a document of a case."""
        known = self.pinned(case)
        spec = known.documents.get(document) if known else None
        return (spec.title if spec else "") or title_of(document)

    def step(self, case: str, path: str) -> str:
        """Return the title of the step at a path, with gaps where its case would fill it in."""
        known = self._step(case, path)
        return known.title.blank if known else title_of(_id(path))

    def input(self, case: str, name: str) -> str:
        """Return the title of what a case was opened with."""
        known = self.pinned(case)
        spec = known.inputs.get("properties", {}).get(name, {}) if known else {}
        return str(spec.get("title") or title_of(name))

    def outcome(self, case: str, path: str, outcome: str) -> str:
        """Return what the outcome of the step at a path is called."""
        titles = {each.id: each.title for each in _outcomes(self._step(case, path))}
        return titles.get(outcome) or words(outcome)

    def clock(self, case: str, clock: str) -> str:
        """Return the title of a clock of a case."""
        known = self.pinned(case)
        titles = {each.id: each.title for each in known.clocks} if known else {}
        return titles.get(clock) or title_of(clock)

    def times(self, text: str) -> str:
        """Return a text with each instant (RFC 3339) in it as the reader reads times."""
        return _INSTANT.sub(self._time, text)

    def _time(self, found: re.Match[str]) -> str:
        try:
            return instant(datetime.fromisoformat(found[0]), self.zone)
        except (ValueError, OverflowError):  # no such day: somebody's own words
            return found[0]

    def _step(self, case: str, path: str) -> Step | None:
        playbook = self.pinned(case)
        position = index_of(playbook).by_id.get(_id(path)) if playbook else None
        return position.step if position else None


def words(name: str) -> str:
    """Return an id in words: ``changes_requested`` gives ``changes requested``."""
    return name.replace("_", " ")


def _id(path: str) -> str:
    """Return the id of the step at a path, without the number of an element or a round."""
    return path.rpartition("/")[2].partition("[")[0]


def _outcomes(step: Step | None) -> Iterator[Outcome]:
    if isinstance(step, DecisionStep):
        yield from step.choices
        for question in step.questions:
            for end in (question.if_yes, question.if_no):
                if isinstance(end, Outcome):
                    yield end
