"""Files that are attached to items: sent by people, and given back as downloads only."""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import APIRouter, Response
from starlette.datastructures import UploadFile

from smr_engine.errors import NotFound
from smr_engine.services import item_acts, items, uploads
from smr_engine.web.forms import Posted
from smr_engine.web.pages.items import Said, done, item_of
from smr_engine.web.visit import Signed

router = APIRouter(prefix="/items/{item}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}
"""Whatever a file holds, it never runs in our origin (ASVS 5.0, 5.4)."""


@router.post("/attach")
def attach(visit: Signed, item: str, form: Posted) -> Response:
    """Attach a file, or the address of something outside."""
    said = Said(form=form)
    url, sent = said.text("url").strip(), form.get("file")

    def keep() -> object:
        if url:
            uploads.require_address(url)
        if isinstance(sent, UploadFile) and sent.filename:
            name = uploads.cleaned_name(sent.filename)
            data = sent.file.read()
            uploads.require_known_kind(name, data)
        else:
            name, data = url, b""
            uploads.require_address(url)
        return items.attach(visit.ws, visit.actor, item, name, data, url=url)

    return done(visit, said, keep, item)


@router.get("/attachments/{digest}")
def download(visit: Signed, item: str, digest: str) -> Response:
    """Give a file back to whoever may see the item."""
    view = item_of(visit, item)
    if not _DIGEST.fullmatch(digest):
        raise NotFound("no-such-file", f"{item} has no such file", where=item)
    name, data = item_acts.attached(visit.ws, view, digest)
    as_file = f"attachment; filename*=UTF-8''{quote(uploads.cleaned_name(name), safe='')}"
    headers = {**HEADERS, "content-disposition": as_file}
    return Response(data, media_type="application/octet-stream", headers=headers)
