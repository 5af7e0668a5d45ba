"""One item with everything a person needs to act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from smr_engine.engine import forms, policy, quorum
from smr_engine.engine.commands import ASSURANCES
from smr_engine.engine.state import Case, Item
from smr_engine.engine.statuses import ItemKind
from smr_engine.errors import NotFound
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import (
    ApprovalStep,
    DecisionStep,
    DraftStep,
    Outcome,
    PublishStep,
    Step,
    TaskStep,
)
from smr_engine.services import directory, reading_content, versions
from smr_engine.services.access import require_known
from smr_engine.services.reading_content import Shown
from smr_engine.services.reading_texts import Texts
from smr_engine.services.reading_verdicts import Reader, asked, is_overdue
from smr_engine.services.stored import EventFilter
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.transact import case_of
from smr_engine.services.views import ItemView, QuestionView, QuorumRow
from smr_engine.services.workspace import Workspace

_COMPLETED = frozenset({ItemKind.TASK, ItemKind.DRAFT, ItemKind.DECISION, ItemKind.PUBLISH})


def item_view(
    ws: Workspace, item: str, person: str | None, assurance: str = ASSURANCES[0]
) -> ItemView:
    """Return an item: what is asked, the content, what changed, who has decided, what is missing.

    Args:
        ws: the workspace.
        item: its id.
        person: who reads; None sees everything, and may nothing.
        assurance: how they have proved who they are.

    Raises:
        Refusal: `bad-item-name`.
        NotFound: no such case or item (also where the person may not know of it), or person.
    """
    with ws.storage.reading() as unit:
        case = unit.cases.load(case_of(item), locate=item)
        playbook = versions.pinned(ws, unit, case.header.digest)
        reader = Reader(person, directory.world(ws, unit), ws.clock.now(), assurance)
        require_known(reader, playbook, case, item)
        scope, found = _find(case, item)
        verdict = reader.verdict(case.header, found, playbook)
        step = index_of(playbook).of(found.step).step
        shown = Shown(case, playbook, scope, found, reader, Texts(unit, case))
        filled = quorum.filled(found.lines, found.votes, reader.world)
        return ItemView(
            item=found.id,
            case=case.header.ref,
            step=found.step,
            kind=found.kind.value,
            status=found.status.value,
            title=found.title,
            due=found.due_at,
            overdue=is_overdue(found, reader.now),
            may=verdict.may,
            why_not=verdict.why_not,
            form=_form(found, step),
            questions=_questions(found, step),
            choices=_choices(found, step),
            document=_document(found, step),
            bundle_digest=found.bundle_digest or None,
            content=reading_content.content(shown, step),
            destinations=reading_content.destinations(shown),
            quorum=[
                QuorumRow(" or ".join(line.roles), need, have, line.due_at or found.due_at)
                for line, need, have in zip(filled.lines, filled.need, filled.have, strict=True)
            ],
            message=_announced(unit, case, found) or found.message,
            offered=list(asked(found)),
            votes=_votes(found, reader),
            attachments=reading_content.attachments(shown),
            changes=reading_content.changes(shown),
            previous=found.previous,
            path=found.path,
            evidence=step.evidence and found.kind in _COMPLETED,
            checks=_checks(found, step),
            expires=found.expires_at,
            may_break_glass=_may_break_glass(reader, case, found, step),
            ratifies=found.ratifies,
            case_title=case.header.title,
            severity=case.header.severity,
            drill=case.header.drill,
            outcome=found.outcome,
            closed_by=found.closed_by,
            successor=_successor(case, scope, found),
            lacks_proof=_lacks_proof(shown, step),
            names=_names(found, reader),
            roles=_roles(found, reader),
            waiting_for=list(reader.waiting_for(found)),
        )


def _lacks_proof(shown: Shown, step: Step) -> str:
    """Return the proof of identity that is all the reader lacks to decide or release."""
    item = shown.item
    if item.kind is not ItemKind.APPROVAL or shown.reader.person is None:
        return ""
    proven = replace(shown.reader, assurance=ASSURANCES[-1])
    now, then = (
        (
            reader.verdict(shown.case.header, item, shown.playbook).may,
            _may_break_glass(reader, shown.case, item, step),
        )
        for reader in (shown.reader, proven)
    )
    return item.assurance if now != then else ""


def _successor(case: Case, scope: str, item: Item) -> str:
    found = (other.id for other in case.scopes[scope].items.values() if other.previous == item.id)
    return next(found, "")


def _names(item: Item, reader: Reader) -> dict[str, str]:
    voters = (name for vote in item.votes for name in (vote.person, vote.on_behalf_of))
    attached = (each.by for each in item.attachments)
    people = {*asked(item), *voters, *attached, item.closed_by} - {""}
    return {person: reader.name(person) for person in sorted(people)}


def _roles(item: Item, reader: Reader) -> dict[str, str]:
    held = (role for vote in item.votes for role in vote.roles)
    asked_for = (role for line in item.lines for role in line.roles)
    return {role: reader.role(role) for role in sorted({*held, *asked_for})}


def _may_break_glass(reader: Reader, case: Case, item: Item, step: Step) -> bool:
    """Return whether the reader may release an approval's content before its quorum is there."""
    glass = step.break_glass if isinstance(step, ApprovalStep) else None
    if glass is None or reader.person is None or item.ratifies:
        return False
    if item.kind is not ItemKind.APPROVAL:
        return False
    now, role = reader.now, glass.role
    header, actor = case.header, reader.actor
    return policy.may_break_glass(reader.world, header, item, actor, now, role=role).may


def _find(case: Case, item: str) -> tuple[str, Item]:
    for path, scope in case.scopes.items():
        if item in scope.items:
            return path, scope.items[item]
    raise _unknown(item)


def _unknown(item: str) -> NotFound:
    return NotFound("unknown-item", f"there is no item {item}", hint="see: smr inbox --all")


def _checks(item: Item, step: Step) -> list[dict[str, Any]]:
    """Return what the text of a draft has to pass, as its playbook says it."""
    if item.kind is not ItemKind.DRAFT or not isinstance(step, DraftStep):
        return []
    return [{check.rule: check.value} for check in step.checks]


# --- what is asked -----------------------------------------------------------------------------


def _form(item: Item, step: Step) -> dict[str, Any]:
    """Return the JSON Schema of what is filled in; nothing for what is not completed by a form."""
    if item.kind is ItemKind.PUBLISH:
        return dict(forms.POSTED)
    if item.kind is ItemKind.TASK and isinstance(step, TaskStep) and step.form:
        return dict(step.form)
    if item.kind is ItemKind.DECISION and isinstance(step, DecisionStep):
        return _answers(item, step)
    return dict(forms.NO_FIELDS)


def _answers(item: Item, step: DecisionStep) -> dict[str, Any]:
    """Return the form of a decision: the root question or the choice has to be answered."""
    fields: dict[str, Any] = {
        question.id: {"type": "string", "enum": ["yes", "no"], "title": question.ask}
        for question in step.questions
    }
    if step.choices:
        ids = [choice.id for choice in step.choices]
        fields["choice"] = {"type": "string", "enum": ids, "title": item.title}
    return {
        "type": "object",
        "title": item.title,
        "properties": fields,
        "required": list(fields)[:1],
        "additionalProperties": False,
    }


def _questions(item: Item, step: Step) -> list[QuestionView]:
    if item.kind is not ItemKind.DECISION or not isinstance(step, DecisionStep):
        return []
    return [QuestionView(q.id, q.ask, _leads(q.if_yes), _leads(q.if_no)) for q in step.questions]


def _leads(to: str | Outcome) -> str:
    return to.id if isinstance(to, Outcome) else to


def _choices(item: Item, step: Step) -> list[dict[str, str]]:
    if item.kind is not ItemKind.DECISION or not isinstance(step, DecisionStep):
        return []
    return [{"id": choice.id, "title": choice.title or choice.id} for choice in step.choices]


def _document(item: Item, step: Step) -> str | None:
    """Return the one document an item is about, if it is one."""
    if isinstance(step, DraftStep | PublishStep):
        return step.document
    return step.documents[0] if len(step.documents) == 1 else None


def _announced(unit: UnitOfWork, case: Case, item: Item) -> str:
    """Return the message that an acknowledgement is about, as it was sent."""
    if item.kind is not ItemKind.ACKNOWLEDGEMENT:
        return ""
    which = EventFilter(cases=(case.header.ref,), kinds=("EffectOwed",))
    for event in unit.events.select(which):
        payload = event.content.get("payload")
        asks = payload.get("items") if isinstance(payload, Mapping) else None
        if isinstance(asks, Mapping) and item.id in asks.values():
            return str(event.content["payload"]["body"])
    return ""


def _votes(item: Item, reader: Reader) -> list[dict[str, Any]]:
    return [
        {
            "person": vote.person,
            "name": reader.name(vote.person),
            "decision": vote.decision.value,
            "comment": vote.comment,
            "at": vote.at,
            "roles": list(vote.roles),
            "on_behalf_of": vote.on_behalf_of,
            "digest": vote.digest,
        }
        for vote in item.votes
    ]
