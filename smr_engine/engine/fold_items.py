"""Folding of documents and items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from smr_engine.engine import events as e
from smr_engine.engine import transitions
from smr_engine.engine.changes import (
    change_header,
    change_item,
    change_scope,
    change_step,
    drop_timers,
    gone_out,
    numbered,
    set_timer,
    with_key,
    without,
)
from smr_engine.engine.state import (
    Attachment,
    Broken,
    Case,
    Document,
    Item,
    Revision,
    Timer,
    Vote,
)
from smr_engine.engine.statuses import (
    DecisionKind,
    ItemKind,
    ItemStatus,
    StepStatus,
)


def _revised(case: Case, event: e.DocumentRevised, at: datetime, actor: str) -> Case:
    documents = case.scopes[event.scope].documents
    known = documents.get(event.document)
    earlier = known.revisions if known else ()
    revision = Revision(event.revision, event.digest, event.author, at, event.authors)
    out = known.out if known else ()
    document = Document(event.text, (*earlier, revision), out)
    return change_scope(case, event, documents=with_key(documents, event.document, document))


def _item_opened(case: Case, event: e.ItemOpened, at: datetime, actor: str) -> Case:
    item = Item(
        id=event.item,
        kind=ItemKind(event.kind_of),
        step=event.step,
        path=event.path,
        round=event.round,
        title=event.title,
        opened_at=at,
        offered=event.offered,
        due_at=event.due_at,
        expires_at=event.expires_at,
        escalated=event.escalated,
        subject=event.subject,
        bundle=event.bundle,
        bundle_digest=event.bundle_digest,
        lines=event.lines,
        excluded=event.excluded,
        assurance=event.assurance,
        previous=event.previous,
        ratifies=event.ratifies,
        effect=event.effect,
        message=event.message,
        holds=event.holds,
    )
    opened = change_scope(
        case, event, items=with_key(case.scopes[event.scope].items, item.id, item)
    )
    opened = numbered(opened, item.id)
    if item.ratifies:
        opened = change_header(opened, ratifying=(*opened.header.ratifying, item.id))
    for rule in event.timers:
        opened = set_timer(opened, event, _item_timer(item, rule))
    return opened


def _item_timer(item: Item, rule: e.TimerRule) -> Timer:
    return Timer(
        rule.id,
        rule.at,
        rule.purpose,
        item.path,
        item.step,
        item.id,
        rule.rule,
        rule.line,
        key=rule.key,
    )


def _close_item(case: Case, event: e.Event, item: str, **changes: Any) -> Case:
    closed = change_item(case, event, item, **changes)
    if item in closed.header.holds:
        kept = tuple(h for h in closed.header.holds if h != item)
        closed = change_header(closed, holds=kept)
    if item in closed.header.ratifying:
        left = tuple(i for i in closed.header.ratifying if i != item)
        closed = change_header(closed, ratifying=left)
    return drop_timers(closed, event, lambda t: t.item == item)


def _item_completed(case: Case, event: e.ItemCompleted, at: datetime, actor: str) -> Case:
    item = case.scopes[event.scope].items[event.item]
    status = transitions.after(transitions.ITEM, item.status, event.kind())
    closed = _close_item(
        case,
        event,
        item.id,
        status=status,
        outcome=event.outcome,
        closed_by=event.by,
        output=event.values if item.kind in {ItemKind.TASK, ItemKind.PUBLISH} else None,
    )
    if item.kind is ItemKind.PUBLISH:
        home = e.Event(scope=item.bundle["home"])
        return gone_out(closed, home, item.bundle["document"], item.id)
    return _acknowledged(closed, event, item) if item.kind is ItemKind.ACKNOWLEDGEMENT else closed


def _acknowledged(case: Case, event: e.ItemCompleted, item: Item) -> Case:
    """Keep the notify step's list of who acknowledged up to date, also after it was done."""
    state = case.scopes[event.scope].step(item.step)
    if state.round != item.round or state.status is StepStatus.WAITING:
        return case
    known = list(state.detail.get("acknowledged", []))
    detail = {**state.detail, "acknowledged": [*known, item.subject]}
    output = state.output
    if isinstance(output, dict):
        output = {**output, "acknowledged": detail["acknowledged"]}
    step = e.Event(path=item.path, scope=event.scope)
    return change_step(case, step, detail=detail, output=output)


def _item_closed(case: Case, event: e.ItemClosed, at: datetime, actor: str) -> Case:
    item = case.scopes[event.scope].items[event.item]
    kind = f"{event.kind()}:{ItemStatus(event.status)}"
    status = transitions.after(transitions.ITEM, item.status, kind)
    return _close_item(case, event, item.id, status=status, outcome=event.why)


def _reassigned(case: Case, event: e.ItemReassigned, at: datetime, actor: str) -> Case:
    return change_item(case, event, event.item, offered=(event.to,), escalated=())


def _timer_over(
    case: Case, event: e.Event, item: str, timer: str, again: e.TimerRule | None
) -> Case:
    timers = case.scopes[event.scope].timers
    case = _has_fired(case, event, item, (timers[timer].key,))
    case = change_scope(case, event, timers=without(timers, timer))
    if again is None:
        return case
    return set_timer(case, event, _item_timer(case.scopes[event.scope].items[item], again))


def _has_fired(case: Case, event: e.Event, item: str, keys: tuple[str, ...]) -> Case:
    known = case.scopes[event.scope].items[item].fired
    new = tuple(key for key in keys if key not in known)
    return change_item(case, event, item, fired=(*known, *new)) if new else case


def _rescheduled(case: Case, event: e.ItemRescheduled, at: datetime, actor: str) -> Case:
    case = change_item(
        case,
        event,
        event.item,
        due_at=event.due_at,
        expires_at=event.expires_at,
        lines=event.lines,
        offered=event.offered,
        assurance=event.assurance,
    )
    case = _has_fired(case, event, event.item, event.passed)
    case = drop_timers(case, event, lambda timer: timer.item == event.item)
    item = case.scopes[event.scope].items[event.item]
    for rule in event.timers:
        case = set_timer(case, event, _item_timer(item, rule))
    return case


def _reminded(case: Case, event: e.ItemReminded, at: datetime, actor: str) -> Case:
    case = _told_at(case, event, at)
    return _timer_over(case, event, event.item, event.timer, event.next)


def _warned(case: Case, event: e.ItemWarned, at: datetime, actor: str) -> Case:
    return _timer_over(_told_at(case, event, at), event, event.item, event.timer, None)


def _told_at(case: Case, event: e.ItemReminded | e.ItemWarned, at: datetime) -> Case:
    """Keep when people are reminded, so that nobody is twice in a few minutes."""
    known = case.scopes[event.scope].items[event.item].reminded
    told = {person: event.later.get(person, at) for person in event.people}
    return change_item(case, event, event.item, reminded={**known, **told})


def _escalated(case: Case, event: e.ItemEscalated, at: datetime, actor: str) -> Case:
    item = case.scopes[event.scope].items[event.item]
    added = tuple(p for p in event.people if p not in item.escalated)
    case = change_item(case, event, item.id, escalated=(*item.escalated, *added))
    return _timer_over(case, event, item.id, event.timer, event.next)


def _decided(case: Case, event: e.DecisionRecorded, at: datetime, actor: str) -> Case:
    item = case.scopes[event.scope].items[event.item]
    vote = Vote(
        event.person,
        DecisionKind(event.decision),
        event.digest,
        event.roles,
        event.on_behalf_of,
        at,
        event.comment,
    )
    return change_item(case, event, item.id, votes=(*item.votes, vote))


def _broken(case: Case, event: e.GlassBroken, at: datetime, actor: str) -> Case:
    broken = Broken(event.person, event.role, event.on_behalf_of, at, event.reason)
    return change_item(case, event, event.item, broken=broken)


def _ratified(case: Case, event: e.Ratified, at: datetime, actor: str) -> Case:
    return _judged(case, event, event.item, "ratified")


def _unratified(case: Case, event: e.Unratified, at: datetime, actor: str) -> Case:
    return _judged(case, event, event.item, "unratified")


def _judged(case: Case, event: e.Event, item: str, verdict: str) -> Case:
    broken = case.scopes[event.scope].items[item].broken
    return change_item(
        case, event, item, broken=replace(broken, verdict=verdict) if broken else None
    )


def _attached(case: Case, event: e.EvidenceAttached, at: datetime, actor: str) -> Case:
    item = case.scopes[event.scope].items[event.item]
    added = Attachment(event.digest, event.name, event.size, event.url, actor, at)
    return change_item(case, event, item.id, attachments=(*item.attachments, added))


def _unchanged(case: Case, event: e.Event, at: datetime, actor: str) -> Case:
    return case


HANDLERS: Mapping[type[e.Event], Callable[[Case, Any, datetime, str], Case]] = {
    e.DocumentRevised: _revised,
    e.ItemOpened: _item_opened,
    e.ItemCompleted: _item_completed,
    e.ItemClosed: _item_closed,
    e.ItemReassigned: _reassigned,
    e.ItemRescheduled: _rescheduled,
    e.ItemReminded: _reminded,
    e.ItemWarned: _warned,
    e.ItemEscalated: _escalated,
    e.DecisionRecorded: _decided,
    e.GlassBroken: _broken,
    e.Ratified: _ratified,
    e.Unratified: _unratified,
    e.EvidenceAttached: _attached,
    e.NoteWritten: _unchanged,
    e.OutcomeNoted: _unchanged,
    e.SignalReceived: _unchanged,
}
