"""`folder`: Markdown pages with front matter in a folder of the workspace (a static newsroom)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from smr_engine.adapters.connectors.context import AccountSettings, ConnectorContext
from smr_engine.adapters.mail import flat
from smr_engine.adapters.workspace_files import inside, slug, write_whole
from smr_engine.engine.world import Account
from smr_engine.services.ports import EffectUnavailableError, Publication, Published, Recovery

FENCE = "---\n"
AFTER_FENCE = "---\n\n"
SETTINGS = frozenset({"path", "base_url"})


class FolderConnector:
    """Publishes a document as one page (implements `services.ports.Connector`).

    Settings of the account: `path` (the folder, relative to the workspace; the account's id when
    left out), `base_url` (the address the folder is served at; pages are told by it then).
    """

    recovery = Recovery.KEY

    def __init__(self, account: Account, context: ConnectorContext) -> None:
        settings = AccountSettings(account, SETTINGS)
        self._workspace = context.workspace
        self._clock = context.clock
        self._path = settings.get("path", str, account.id).rstrip("/")
        self._base_url = settings.get("base_url", str, "").rstrip("/")
        inside(self._workspace, self._path)

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        """Write the page; durable on return, idempotent: a key has one page.

        Raises:
            EffectUnavailableError: the page cannot be written.
        """
        try:
            found = self._find(publication)
            now = self._clock.now()
            place = found or f"{now.year:04d}/{_name(publication)}"
            if found is None or self._text(found) != publication.text:
                page = _front_matter(publication, now.isoformat()) + publication.text
                content = page.encode("utf-8", "replace")
                write_whole(inside(self._workspace, f"{self._path}/{place}"), content)
        except OSError as problem:
            raise EffectUnavailableError("The folder cannot be written") from problem
        return self._published(place)

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        """Return where the page with this key is, whatever year it was written in."""
        found = self._find(publication)
        return None if found is None else self._published(found)

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        """Return the page's text without the front matter, exactly; empty if the page is gone."""
        found = self._find(publication)
        return "" if found is None else self._text(found)

    def _find(self, publication: Publication) -> str | None:
        folder = inside(self._workspace, self._path)
        pages = sorted(folder.glob(f"[0-9][0-9][0-9][0-9]/{_name(publication)}"))
        return f"{pages[0].parent.name}/{pages[0].name}" if pages else None

    def _text(self, place: str) -> str:
        path = inside(self._workspace, f"{self._path}/{place}")
        page = path.read_bytes().decode("utf-8", "replace")
        return page.partition(FENCE)[2].partition(AFTER_FENCE)[2]

    def _published(self, place: str) -> Published:
        path = f"{self._path}/{place}"
        url = f"{self._base_url}/{Path(place).with_suffix('')}" if self._base_url else path
        return Published(url, {"path": path})


def _name(publication: Publication) -> str:
    """Return the page's file name; the key's digest keeps pages of one title apart."""
    digest = hashlib.sha256(publication.key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug(publication.title, slug(publication.document))}-{digest[:10]}.md"


def _front_matter(publication: Publication, date: str) -> str:
    data: dict[str, Any] = {
        "title": flat(publication.title),
        "date": date,
        "case": publication.case,
        "document": publication.document,
        "digest": f"sha256:{publication.digest}",
        "key": publication.key,
    }
    if publication.replaces:
        data["replaces"] = publication.replaces
    if publication.in_reply_to:
        data["in_reply_to"] = publication.in_reply_to
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000)
    return FENCE + text + AFTER_FENCE
