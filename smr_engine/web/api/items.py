"""Items: what waits for people, and their answers. Tokens look; only people answer."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Header, Query, UploadFile

from smr_engine.services import items, reading, uploads
from smr_engine.services.views import ItemDone, ItemRow, ItemView, Released, Revised, Voted
from smr_engine.web.api.callers import InPerson, Reading
from smr_engine.web.api.shapes import (
    AT_ONCE,
    V1,
    After,
    Completion,
    Decision,
    Handover,
    ItemId,
    Key,
    Limit,
    Page,
    Release,
    RepairAnswer,
    Revision,
    page_of,
)

router = APIRouter(prefix=f"{V1}/items", tags=["items"])
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^("[0-9a-f]{64}"|\*)$',
        description="The ETag of the revision that this was written upon; `*` for any.",
    ),
]


@router.get("")
def list_items(
    caller: Reading,
    whose: Annotated[Literal["mine", "all"], Query()] = "mine",
    after: After = "",
    limit: Limit = AT_ONCE,
) -> Page[ItemRow]:
    """List what waits for you (or for anybody): what is due first, then the oldest."""
    everybody = whose == "all"
    rows = reading.inbox(caller.ws, caller.person, caller.actor.assurance, all_items=everybody)
    return page_of(rows, lambda row: row.item, after, limit)


@router.get("/{item}")
def show_item(caller: Reading, item: ItemId) -> ItemView:
    """Show all that is needed to act on an item."""
    return reading.item_view(caller.ws, item, caller.person, caller.actor.assurance)


@router.post("/{item}/complete")
def complete(caller: InPerson, item: ItemId, body: Completion, key: Key = "") -> ItemDone:
    """Complete a task, a decision or a manual publication."""
    return items.complete(caller.ws, caller.actor, item, body.values, key=key)


@router.post("/{item}/decision")
def decide(caller: InPerson, item: ItemId, body: Decision, key: Key = "") -> Voted:
    """Decide on an approval: on the content whose digest is `seen`, and on no other."""
    ws, actor, seen = caller.ws, caller.actor, body.seen
    return items.decide(ws, actor, item, body.decision, body.comment, seen=seen, key=key)


@router.post("/{item}/revise")
def revise(caller: InPerson, item: ItemId, body: Revision, match: IfMatch) -> Revised:
    """Save a revision of a draft, unless somebody has saved one meanwhile."""
    on = match.strip('"*')
    ws, actor, override = caller.ws, caller.actor, body.override
    return items.revise(ws, actor, item, body.text, done=body.done, override=override, on=on)


@router.post("/{item}/acknowledge")
def acknowledge(caller: InPerson, item: ItemId, key: Key = "") -> ItemDone:
    """Acknowledge that you have been told."""
    return items.acknowledge(caller.ws, caller.actor, item, key=key)


@router.post("/{item}/attach")
def attach(
    caller: InPerson,
    item: ItemId,
    file: Annotated[UploadFile, File(description="The evidence; 25 MiB at most.")],
    url: Annotated[str, Form(max_length=2_000)] = "",
) -> ItemDone:
    """Attach a file to an item as evidence: of the kinds that the pages take."""
    if url:
        uploads.require_address(url)
    name = uploads.cleaned_name(file.filename or "")
    data = file.file.read(items.MAX_ATTACHMENT_BYTES + 1)
    uploads.require_known_kind(name, data)
    return items.attach(caller.ws, caller.actor, item, name, data, url=url)


@router.post("/{item}/reassign")
def reassign(caller: InPerson, item: ItemId, body: Handover) -> ItemDone:
    """Hand an item over to one person."""
    return items.reassign(caller.ws, caller.actor, item, body.person)


@router.post("/{item}/repair")
def repair(caller: InPerson, item: ItemId, body: RepairAnswer, key: Key = "") -> ItemDone:
    """Say how a case goes on, or whether a publication went out."""
    ws, actor = caller.ws, caller.actor
    return items.repair(ws, actor, item, body.answer, body.reason, url=body.url, key=key)


@router.post("/{item}/break-glass")
def break_glass(caller: InPerson, item: ItemId, body: Release, key: Key = "") -> Released:
    """Release an approval's content before its quorum is there, to be ratified."""
    return items.break_glass(caller.ws, caller.actor, item, body.reason, seen=body.seen, key=key)
