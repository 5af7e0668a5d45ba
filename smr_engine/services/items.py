"""Items: what people answer. Each verb is one command, durable when it returns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from smr_engine.engine import commands as c
from smr_engine.engine import quorum
from smr_engine.engine.paths import scope_chain
from smr_engine.engine.state import Case, Item
from smr_engine.engine.statuses import DecisionKind, ItemKind
from smr_engine.errors import Invalid, NotFound
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import DraftStep
from smr_engine.services import versions
from smr_engine.services.reading_items import item_view
from smr_engine.services.transact import Order, apply, apply_in, case_of, known_world
from smr_engine.services.views import ItemDone, Released, Revised, Voted
from smr_engine.services.workspace import Actor, Workspace

_Answer = c.CompleteItem | c.Decide | c.BreakGlass | c.Repair
MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024


def complete(
    ws: Workspace, actor: Actor, item: str, values: Mapping[str, Any], *, key: str = ""
) -> ItemDone:
    """Complete a task, a decision, a manual publication or an acknowledgement.

    `key` is of this request, as its sender numbers it: sent again it changes nothing.
    """
    return _done(_once(ws, actor, c.CompleteItem(item, values), key), item)


def acknowledge(ws: Workspace, actor: Actor, item: str, *, key: str = "") -> ItemDone:
    """Acknowledge.

    Raises:
        Invalid: the item asks for something else.
    """
    kind = item_view(ws, item, actor.id).kind
    if kind != ItemKind.ACKNOWLEDGEMENT:
        message = f"{item} is no acknowledgement but {ItemKind(kind).words}"
        raise Invalid("wrong-command", message, hint=f"smr item {item}", where=item)
    return complete(ws, actor, item, {}, key=key)


def revise(
    ws: Workspace,
    actor: Actor,
    item: str,
    text: str,
    *,
    done: bool = False,
    override: str = "",
    on: str = "",
) -> Revised:
    """Save a revision of a draft item's document.

    Args:
        ws: the workspace.
        actor: who writes.
        item: the draft.
        text: all of it.
        done: the draft is finished as well.
        override: why it is, past failed checks.
        on: the digest of the revision it was written upon; a newer one is not overwritten.
    """
    case = _apply(ws, actor, item, c.ReviseDocument(item, text, done, override, on))
    path, found = _located(case, item)
    with ws.storage.reading() as unit:
        index = index_of(versions.pinned(ws, unit, case.header.digest))
    name = cast(DraftStep, index.of(found.step).step).document  # else it had been refused
    homes = [case.scopes[p] for p in scope_chain(index, path) if p in case.scopes]
    newest = next(home.documents[name].newest for home in homes if name in home.documents)
    return Revised(name, newest.number, newest.digest, item, found.status.value)


def decide(
    ws: Workspace,
    actor: Actor,
    item: str,
    decision: str,
    comment: str = "",
    *,
    seen: str = "",
    key: str = "",
) -> Voted:
    """Record one person's decision on an approval.

    Args:
        ws: the workspace.
        actor: who decides.
        item: the approval item.
        decision: approve, request_changes, reject or recuse.
        comment: why; needed for all but an approval.
        seen: the digest of what they read; another than the item's is refused.
        key: of this request, as its sender numbers it: sent again it changes nothing.
    """
    kind = DecisionKind(decision)
    said = {"decision": kind.value, "comment": comment}
    case = _once(ws, actor, c.Decide(item, kind, comment, seen), key, said)
    _, found = _located(case, item)
    filled = quorum.filled(found.lines, found.votes, known_world(ws))
    granted = found.outcome in {"approved", "ratified"}
    return Voted(item, kind.value, found.bundle_digest, granted, filled.remaining)


def break_glass(
    ws: Workspace, actor: Actor, item: str, reason: str, *, seen: str = "", key: str = ""
) -> Released:
    """Release an approval's present content before its quorum is there, to be ratified.

    `seen` is the digest of what the actor read; another than the item's is refused. `key` as of
    `complete`.
    """
    case = _once(ws, actor, c.BreakGlass(item, reason, seen), key, {"reason": reason})
    path, found = _located(case, item)
    asked = (i for i in case.scopes[path].items.values() if i.ratifies == item)
    ratification = next((i.id for i in asked if i.kind is ItemKind.APPROVAL), "")
    return Released(item, found.status.value, found.bundle_digest, ratification)


def reassign(ws: Workspace, actor: Actor, item: str, person: str) -> ItemDone:
    """Hand an item over to one person."""
    return _done(_apply(ws, actor, item, c.Reassign(item, person)), item)


def attach(
    ws: Workspace, actor: Actor, item: str, name: str, data: bytes, *, url: str = ""
) -> ItemDone:
    """Attach a file (or the address of something outside) to an item as evidence.

    Raises:
        Invalid: it is too large, or the address is none of the web.
    """
    if url:
        # Only an address needs the schema library, which takes a tenth of a second to load.
        from smr_engine.services.uploads import require_address

        require_address(url)
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
    ws: Workspace,
    actor: Actor,
    item: str,
    answer: str,
    reason: str,
    *,
    url: str = "",
    key: str = "",
) -> ItemDone:
    """Answer a repair item: retry, skip, cancel, sent or not_sent; `key` as of `complete`."""
    command = c.Repair(item, c.RepairAnswer(answer), reason, url)
    return _done(_once(ws, actor, command, key, {"text": reason}), item)


def _apply(ws: Workspace, actor: Actor, item: str, command: c.Command) -> Case:
    return apply(ws, Order(case_of(item), command, actor, item))


def _once(
    ws: Workspace,
    actor: Actor,
    command: _Answer,
    key: str,
    said: Mapping[str, Any] = MappingProxyType({}),
) -> Case:
    """Apply a command, under a key once; a key counts for one person and one item.

    `said` is the data of its event by which a repetition is known.
    """
    item = command.item
    again = f"{type(command).__name__} {item} {actor.id} {key}" if key else ""
    return apply(ws, Order(case_of(item), command, actor, item, again, said))


def _located(case: Case, item: str) -> tuple[str, Item]:
    """Return an item with the path of its scope.

    Raises:
        NotFound: the case has no such item.
    """
    for path, scope in case.scopes.items():
        if item in scope.items:
            return path, scope.items[item]
    raise NotFound("unknown-item", f"there is no item {item}", hint="see: smr inbox --all")


def _done(case: Case, item: str) -> ItemDone:
    return ItemDone(item, _located(case, item)[1].status.value)
