"""Willing people: what somebody who does their part would answer to an item.

Forms are filled plausibly, texts are taken as the template made them, questions are answered with
the first answer, and whoever may approve does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine import forms, policy, quorum
from smr_engine.engine.content import text_digest
from smr_engine.engine.state import Case, Item
from smr_engine.engine.statuses import DecisionKind, ItemKind
from smr_engine.engine.world import World
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import DecisionStep, DraftStep, Outcome, Playbook, Step, TaskStep
from smr_engine.services.placeholders import Hints, filled

EVIDENCE = "evidence.txt"


@dataclass(frozen=True, slots=True)
class Asked:
    """An item with what it takes to answer it.

    Args:
        playbook: of its case.
        case: with all scopes.
        scope: the path of the item's.
        item: the item, open.
        world: the directory.
        now: the present instant.
    """

    playbook: Playbook
    case: Case
    scope: str
    item: Item
    world: World
    now: datetime

    @property
    def step(self) -> Step:
        """The step that asks."""
        return index_of(self.playbook).of(self.item.step).step

    def may(self, person: str) -> bool:
        """Return whether a person may answer now."""
        judge = policy.may_decide if self.item.kind is ItemKind.APPROVAL else policy.may_act
        actor = c.Actor(person)
        return judge(self.world, self.case.header, self.item, actor, self.now).may

    def hints(self, person: str) -> Hints:
        """Return what made-up values are made of."""
        return Hints(person, next(iter(sorted(self.world.accounts)), ""), self.now)


def who(asked: Asked, but_not: Collection[str] = ()) -> str | None:
    """Return who would answer next: the first of those asked who may; None: nobody can."""
    item = asked.item
    approval = item.kind is ItemKind.APPROVAL
    people = _voters(asked) if approval else (*item.offered, *item.escalated)
    return next((p for p in people if p not in but_not and asked.may(p)), None)


def commands(asked: Asked, person: str, given: Mapping[str, Any]) -> list[c.Command]:
    """Return what a willing person does; nothing for repairs, which ask for a judgement.

    Args:
        asked: the item.
        person: who answers.
        given: values of the form that are known; what is required besides is made up.
    """
    item = asked.item
    if item.kind is ItemKind.REPAIR:
        return []
    if item.kind is ItemKind.APPROVAL:
        return [c.Decide(item.id, DecisionKind.APPROVE)]
    return [*evidence(asked), _completion(asked, person, given)]


def _completion(asked: Asked, person: str, given: Mapping[str, Any]) -> c.Command:
    item, step = asked.item, asked.step
    if item.kind is ItemKind.DRAFT and isinstance(step, DraftStep):
        return c.ReviseDocument(item.id, text_of(asked, step), done=True)
    if item.kind is ItemKind.DECISION and isinstance(step, DecisionStep):
        return c.CompleteItem(item.id, {**_first_answers(step, given), **given})
    if item.kind is ItemKind.ACKNOWLEDGEMENT:
        return c.CompleteItem(item.id)
    form = forms.POSTED if item.kind is ItemKind.PUBLISH else _form(step)
    return c.CompleteItem(item.id, filled(form, given, asked.hints(person))[0])


def evidence(asked: Asked) -> list[c.Command]:
    """Return the evidence that a step asks for, if nobody has attached any."""
    if not asked.step.evidence or asked.item.attachments:
        return []
    return [c.Attach(asked.item.id, text_digest(EVIDENCE), EVIDENCE, len(EVIDENCE))]


def text_of(asked: Asked, step: DraftStep) -> str:
    """Return a draft's document as it is now."""
    homes = [
        (path, scope.documents[step.document])
        for path, scope in asked.case.scopes.items()
        if step.document in scope.documents and asked.scope.startswith(path)
    ]
    return max(homes, key=lambda home: len(home[0]))[1].text


def _form(step: Step) -> Mapping[str, Any]:
    return step.form if isinstance(step, TaskStep) and step.form else forms.NO_FIELDS


def _first_answers(step: DecisionStep, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first choice, or the answers of a way through the questions: yes wherever open."""
    if step.choices:
        return {"choice": step.choices[0].id}
    by_id = {question.id: question for question in step.questions}
    answers: dict[str, Any] = {}
    here: str | Outcome = step.questions[0].id
    while isinstance(here, str):
        answers[here] = given.get(here, "yes")
        here = by_id[here].if_yes if answers[here] == "yes" else by_id[here].if_no
    return answers


def _voters(asked: Asked) -> Iterator[str]:
    """Yield who is still needed for a decision: those asked by a line that is not full."""
    item, world = asked.item, asked.world
    votes = quorum.approving(item.votes)
    have = quorum.reachable(item.lines, votes, world)
    for line, need, got in zip(have.lines, have.need, have.have, strict=True):
        if got < need:
            acting = policy.people_acting_in(world, line.roles, asked.now)
            yield from (*acting, *item.escalated)
