"""Names of the playbook turned into people and recipients, as of now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smr_engine.engine.policy import people_acting_in
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Run
from smr_engine.engine.state import Vote
from smr_engine.engine.statuses import DecisionKind, ItemKind
from smr_engine.playbook.expressions import ExpressionError
from smr_engine.playbook.model import (
    Assignment,
    Exclusion,
    ExclusionKind,
    Party,
    PartyKind,
    Step,
)

RecipientRef = dict[str, str]
"""`{"kind": person | contact | vendor | address, "id": ...}`; addresses are looked up later."""


def owners(run: Run) -> tuple[str, ...]:
    """Return who acts for the playbook's owner role; deputies if nobody holds it."""
    found = people_acting_in(run.world, [run.playbook.owner], run.now)
    return found or run.world.holders(run.playbook.owner)


def assigned(run: Run, scope: str, step: Step) -> tuple[str, ...]:
    """Return who is asked to do a step; without `assign` the playbook's owner.

    Raises:
        StepProblemError: nobody is left to ask.
    """
    return asked(run, scope, step.assign, step.documents)


def asked(
    run: Run, scope: str, assignment: Assignment | None, documents: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the people an assignment names, less those it excludes.

    Raises:
        StepProblemError: nobody is left to ask.
    """
    if assignment is None:
        people = owners(run)
    else:
        barred = excluded(run, scope, assignment.exclude, documents)
        named = (p for party in assignment.parties for p in party_people(run, scope, party))
        people = tuple(p for p in dict.fromkeys(named) if p not in barred)
    if not people:
        message = f"there is nobody to ask: {_words(assignment)} has no holder who may do this now"
        raise StepProblemError(message)
    return people


def excluded(
    run: Run, scope: str, exclusions: Iterable[Exclusion], documents: Iterable[str]
) -> frozenset[str]:
    """Return the people that `except` keeps out, as far as is known now."""
    barred: set[str] = set()
    for exclusion in exclusions:
        if exclusion.kind is ExclusionKind.AUTHOR:
            for name in documents:
                barred |= authors(run, scope, name)
        elif exclusion.kind is ExclusionKind.REQUESTER:
            barred.add(run.header.requester)
        elif exclusion.kind is ExclusionKind.ROLE:
            barred |= set(run.world.holders(exclusion.name))
        else:
            barred |= _doers(run, scope, exclusion.name)
    return frozenset(barred - {""})


def authors(run: Run, scope: str, document: str) -> set[str]:
    """Return who saved a revision of a document, or finished a draft of it as it was."""
    home = run.find_document(scope, document)
    found = run.scope(home).documents.get(document)
    finished = {item.closed_by for item in run.draft_items(home, document)}
    return finished | (set(found.authors) if found else set())


def _doers(run: Run, scope: str, step_id: str) -> set[str]:
    """Return who completed a step: everybody who did their part in its present round."""
    state = run.visible_state(scope, step_id)
    home = run.scope_of_step(scope, step_id)
    done = {state.completed_by}
    for item in run.scope(home).items.values() if home is not None else ():
        if item.step == step_id and item.round == state.round and item.kind is not ItemKind.REPAIR:
            done |= {item.closed_by, *(vote.person for vote in item.votes if _counted(vote))}
    return done


def _counted(vote: Vote) -> bool:
    return vote.decision is DecisionKind.APPROVE


def party_people(run: Run, scope: str, party: Party) -> tuple[str, ...]:
    """Return the people of the directory that a party names; none for outsiders.

    Raises:
        StepProblemError: a person is named who is not in the directory.
    """
    name = run.evaluate(scope, party.name)
    if party.kind is PartyKind.ROLE:
        return people_acting_in(run.world, [str(name)], run.now)
    if party.kind is PartyKind.GROUP:
        return run.world.members(str(name))
    if party.kind is PartyKind.DEPUTY_OF:
        role = run.world.roles.get(str(name))
        return tuple(p for p in (role.deputies if role else ()) if p in run.world.people)
    if party.kind is PartyKind.PERSON:
        return _people(run, name)
    return ()


def told(run: Run, scope: str, to: Iterable[Party]) -> tuple[str, ...]:
    """Return the people that parties name; the owner where they name nobody (any more)."""
    found: list[str] = []
    for party in to:
        try:
            found += party_people(run, scope, party)
        except (ExpressionError, StepProblemError):
            found += owners(run)
    return tuple(dict.fromkeys(found or owners(run)))


def recipients(run: Run, scope: str, parties: Iterable[Party]) -> list[RecipientRef]:
    """Return everybody whom `to` names, each once: people, contacts, vendors and addresses."""
    found: dict[tuple[str, str], None] = {}
    for party in parties:
        if party.kind in {PartyKind.CONTACT, PartyKind.VENDOR, PartyKind.ADDRESS}:
            for name in _listed(run.evaluate(scope, party.name)):
                found.setdefault((party.kind.value, str(name)))
        else:
            for person in party_people(run, scope, party):
                found.setdefault(("person", person))
    return [{"kind": kind, "id": name} for kind, name in found]


def persons(people: Iterable[str]) -> list[RecipientRef]:
    """Return people as recipients."""
    return [{"kind": "person", "id": person} for person in dict.fromkeys(people)]


def _people(run: Run, value: Any) -> tuple[str, ...]:
    people = tuple(str(v) for v in _listed(value))
    unknown = [p for p in people if p not in run.world.people]
    if unknown:
        message = f"'{unknown[0]}' is not in the directory"
        raise StepProblemError(message)
    return people


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _words(assignment: Assignment | None) -> str:
    if assignment is None:
        return "the owner"
    return ", ".join(party.name.source for party in assignment.parties)
