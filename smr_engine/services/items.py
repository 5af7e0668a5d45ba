"""Items: what people answer. Each verb is one command, durable when it returns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from smr_engine.engine import commands as c
from smr_engine.engine import quorum
from smr_engine.engine.state import Case, Item
from smr_engine.engine.statuses import DecisionKind, ItemKind
from smr_engine.errors import Invalid
from smr_engine.services.transact import Order, apply, apply_in, case_of, known_world
from smr_engine.services.views import ItemDone, Revised, Voted
from smr_engine.services.workspace import Actor, Workspace

MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024


def complete(ws: Workspace, actor: Actor, item: str, values: Mapping[str, Any]) -> ItemDone:
    """Complete a task, a decision, a manual publication or an acknowledgement."""
    return _done(_apply(ws, actor, item, c.CompleteItem(item, values)), item)


def acknowledge(ws: Workspace, actor: Actor, item: str) -> ItemDone:
    """Acknowledge.

    Raises:
        Invalid: the item asks for something else.
    """
    found = _item(_read(ws, item), item)
    if found is not None and found.kind is not ItemKind.ACKNOWLEDGEMENT:
        raise Invalid(
            "wrong-command", f"{item} is no acknowledgement but a {found.kind}", where=item
        )
    return complete(ws, actor, item, {})


def revise(
    ws: Workspace, actor: Actor, item: str, text: str, *, done: bool = False, override: str = ""
) -> Revised:
    """Save a revision of a draft item's document; `done` also completes the draft."""
    case = _apply(ws, actor, item, c.ReviseDocument(item, text, done, override))
    found = _item(case, item)
    for scope in case.scopes.values():
        for name, document in scope.documents.items():
            if document.text == text:
                newest = document.newest
                status = found.status.value if found else ""
                return Revised(name, newest.number, newest.digest, item, status)
    message = f"the revision of {item} is not there after it was saved"
    raise RuntimeError(message)


def decide(ws: Workspace, actor: Actor, item: str, decision: str, comment: str = "") -> Voted:
    """Record one person's decision on an approval."""
    kind = DecisionKind(decision)
    case = _apply(ws, actor, item, c.Decide(item, kind, comment))
    found = _item(case, item)
    if found is None:
        message = f"{item} is not there after it was decided"
        raise RuntimeError(message)
    filled = quorum.filled(found.lines, found.votes, known_world(ws))
    return Voted(
        item, kind.value, found.bundle_digest, found.outcome == "approved", filled.remaining
    )


def reassign(ws: Workspace, actor: Actor, item: str, person: str) -> ItemDone:
    """Hand an item over to one person."""
    return _done(_apply(ws, actor, item, c.Reassign(item, person)), item)


def attach(
    ws: Workspace, actor: Actor, item: str, name: str, data: bytes, *, url: str = ""
) -> ItemDone:
    """Attach a file (or the address of something outside) to an item as evidence."""
    if len(data) > MAX_ATTACHMENT_BYTES:
        raise Invalid("too-large", "an attachment may have at most 25 MiB", where=item)
    digest = hashlib.sha256(data or url.encode()).hexdigest()
    command = c.Attach(item, digest, name, len(data), url)
    with ws.storage.writing() as unit:
        case, owes = apply_in(ws, unit, Order(case_of(item), command, actor, item))
        if data:  # once it is not refused, and before an event speaks of it
            ws.attachments.put(digest, data)
        unit.keep()
    if owes:
        ws.waker.wake()
    return _done(case, item)


def repair(
    ws: Workspace, actor: Actor, item: str, answer: str, reason: str, *, url: str = ""
) -> ItemDone:
    """Answer a repair item: retry, skip, cancel, sent or not_sent."""
    command = c.Repair(item, c.RepairAnswer(answer), reason, url)
    return _done(_apply(ws, actor, item, command), item)


def _apply(ws: Workspace, actor: Actor, item: str, command: c.Command) -> Case:
    return apply(ws, Order(case_of(item), command, actor, item))


def _read(ws: Workspace, item: str) -> Case:
    with ws.storage.reading() as unit:
        return unit.cases.load(case_of(item), locate=item)


def _item(case: Case, item: str) -> Item | None:
    for scope in case.scopes.values():
        if item in scope.items:
            return scope.items[item]
    return None


def _done(case: Case, item: str) -> ItemDone:
    found = _item(case, item)
    return ItemDone(item, found.status.value if found else "unknown")
