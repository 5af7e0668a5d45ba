"""What an item shows: texts, what changed in them, where they go, what is attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.engine.content import text_digest
from smr_engine.engine.paths import scope_chain
from smr_engine.engine.state import Case, Item, Revision
from smr_engine.engine.statuses import ItemKind
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import DraftStep, Playbook, PublishStep, Step
from smr_engine.services.reading_texts import ERASED, Texts, difference, numbered
from smr_engine.services.reading_verdicts import Reader, number_of, voters

DESTINATIONS = "(destinations)"
"""Stands in `changes` where a document's name stands: accounts, recipients, what is replied to."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """An item in its case, who reads it, and the texts it may need."""

    case: Case
    playbook: Playbook
    scope: str
    item: Item
    reader: Reader
    texts: Texts


@dataclass(frozen=True, slots=True)
class _Entry:
    """A revision that an item is bound to."""

    scope: str
    document: str
    revision: int
    digest: str
    attachments: tuple[str, ...] = ()

    def as_json(self, text: str) -> Json:
        """Return it with its text."""
        return {
            "document": self.document,
            "revision": self.revision,
            "digest": self.digest,
            "text": text,
            "scope": self.scope,
            "attachments": list(self.attachments),
        }


def content(shown: Shown, step: Step) -> list[Json]:
    """Return the texts an item is about: the bound revisions, or the text to start from."""
    item = shown.item
    if item.kind is ItemKind.PUBLISH and isinstance(step, PublishStep):
        return [{**_posted(shown, step.document), "title": _title(shown, step.document)}]
    if item.kind is ItemKind.DRAFT and isinstance(step, DraftStep):
        entries = _newest(shown, (step.document,))
    elif item.bundle:
        entries = list(_entries(shown, item))
    else:
        entries = _newest(shown, step.documents)
    return [
        {**entry.as_json(_text(shown, entry)), "title": _title(shown, entry.document)}
        for entry in entries
    ]


def changes(shown: Shown) -> list[Json]:
    """Return what changed in an approval since the reader decided, else since it was last asked.

    Each with `document`, `since` (the earlier item) and `diff`; nothing if it is the first.
    """
    earlier = _asked_before(shown)
    if earlier is None:
        return []
    before = {(e.scope, e.document): e for e in _entries(shown, earlier)}
    found = []
    for entry in _entries(shown, shown.item):
        old = before.get((entry.scope, entry.document))
        if old is not None and old != entry:
            found.append((entry.document, _changed(shown, old, entry)))
    places = [_places(shown, item) for item in (earlier, shown.item)]
    found.append((DESTINATIONS, difference((places[0], places[1]), (earlier.id, shown.item.id))))
    return [
        {"document": d, "title": _title(shown, d), "since": earlier.id, "diff": text}
        for d, text in found
        if text
    ]


def destinations(shown: Shown) -> list[Json]:
    """Return every place that the content goes to once it is approved."""
    item = shown.item
    if item.kind is ItemKind.PUBLISH and item.bundle:
        return list(_destinations(shown, _place(shown)))
    if item.kind is not ItemKind.APPROVAL:
        return []
    return [d for place in item.bundle["publications"] for d in _destinations(shown, place)]


def attachments(shown: Shown) -> list[Json]:
    """Return the evidence on an item; of an approval also what is attached to its documents."""
    wanted = {d for entry in _entries(shown, shown.item) for d in entry.attachments}
    found = {}
    for scope in shown.case.scopes.values():
        for item in scope.items.values():
            for each in item.attachments:
                if item.id == shown.item.id or each.digest in wanted:
                    found[each.digest, item.id] = {
                        "name": each.name,
                        "digest": each.digest,
                        "size": each.size,
                        "url": each.url,
                        "by": each.by,
                        "at": each.at,
                        "item": item.id,
                    }
    return list(found.values())


def _title(shown: Shown, document: str) -> str:
    """Return what people call a document."""
    if document == DESTINATIONS:
        return "Where it goes"
    spec = shown.playbook.documents.get(document)
    return spec.title if spec else document


# --- texts -------------------------------------------------------------------------------------


def _entries(shown: Shown, item: Item) -> Iterator[_Entry]:
    """Yield the revisions in an item's bundle: an approval's, or those a task is bound to."""
    bundle = item.bundle
    listed = bundle.get("documents", ()) if isinstance(bundle, Mapping) else bundle or ()
    for entry in listed:
        name = entry["document"]
        home = entry["scope"] if "scope" in entry else _home(shown, name)
        yield _Entry(
            home or "",
            name,
            entry["revision"],
            entry["digest"],
            tuple(entry.get("attachments", ())),
        )


def _newest(shown: Shown, names: tuple[str, ...]) -> list[_Entry]:
    found = []
    for name in names:
        home = _home(shown, name)
        if home is not None:
            newest = shown.case.scopes[home].documents[name].newest
            found.append(_Entry(home, name, newest.number, newest.digest))
    return found


def _home(shown: Shown, name: str) -> str | None:
    """Return the path of the scope that has a document, as seen from the item."""
    for path in scope_chain(index_of(shown.playbook), shown.scope):
        scope = shown.case.scopes.get(path)
        if scope is not None and name in scope.documents:
            return path
    return None


def _text(shown: Shown, entry: _Entry) -> str:
    revision = _revision(shown, entry)
    return ERASED if revision is None else shown.texts.of(entry.scope, entry.document, revision)


def _revision(shown: Shown, entry: _Entry) -> Revision | None:
    document = shown.case.scopes[entry.scope].documents.get(entry.document)
    return numbered(document, entry.revision) if document else None


def _posted(shown: Shown, name: str) -> Json:
    """Return the text that a person is to post, with the revision it is."""
    text = shown.item.bundle["text"]
    digest = text_digest(text)
    home = _home(shown, name) or ""
    document = shown.case.scopes[home].documents.get(name)
    revisions = document.revisions if document else ()
    number = next((r.number for r in revisions if r.digest == digest), 0)
    return _Entry(home, name, number, digest).as_json(text)


# --- what changed ------------------------------------------------------------------------------


def _asked_before(shown: Shown) -> Item | None:
    """Return the earlier item about the same step that the reader knows: they voted, else any."""
    here = shown.item
    if here.kind is not ItemKind.APPROVAL:
        return None
    items = shown.case.scopes[shown.scope].items.values()
    same = [i for i in items if i.kind is ItemKind.APPROVAL and i.path == here.path]
    earlier = [i for i in same if number_of(i.id) < number_of(here.id)]
    known = [i for i in earlier if shown.reader.person in voters(i)] or earlier
    return max(known, key=lambda i: number_of(i.id), default=None)


def _changed(shown: Shown, old: _Entry, new: _Entry) -> str:
    labels = (f"{old.document} version {old.revision}", f"{new.document} version {new.revision}")
    text = difference((_text(shown, old), _text(shown, new)), labels)
    if old.attachments == new.attachments:
        return text
    before, after = ("\n".join(entry.attachments) for entry in (old, new))
    attached = difference((before, after), (f"attached to {labels[0]}", f"attached to {labels[1]}"))
    return "\n".join(part for part in (text, attached) if part)


def _places(shown: Shown, item: Item) -> str:
    """Return where an approval's content goes, a line for each thing that may change."""
    publications = item.bundle["publications"] if item.bundle else []
    entries = [d for place in publications for d in _destinations(shown, place)]
    return "\n".join(line for entry in entries for line in _lines(entry))


def _lines(entry: Json) -> Iterator[str]:
    yield f"{entry['document']} to {entry['title']} ({entry['account']})"
    for name in ("audience", "in_reply_to", "replaces", "at", "instructions"):
        if entry.get(name):
            yield f"  {name.replace('_', ' ')}: {entry[name]}"
    for to in entry["to"]:
        yield f"  recipient: {to['name']} ({to['kind']} {to['id']})"


# --- where it goes -----------------------------------------------------------------------------


def _place(shown: Shown) -> Json:
    """Return the place that a person posts a text to, as approvals have theirs."""
    item, known = shown.item, index_of(shown.playbook).of(shown.item.step).step
    document = known.document if isinstance(known, PublishStep) else ""
    spec = shown.playbook.documents.get(document)
    return {
        "accounts": [item.bundle["account"]],
        "document": document,
        "audience": spec.audience if spec else "",
    }


def _destinations(shown: Shown, place: Json) -> Iterator[Json]:
    """Yield one entry for each account of a publication, the hub first."""
    for name in place["accounts"]:
        account = shown.reader.world.accounts.get(name)
        found = {
            "account": name,
            "title": account.title if account else name,
            "platform": account.platform if account else "",
            "document": place.get("document", ""),
            "audience": place.get("audience", ""),
            "to": [{**to, "name": _name(shown.reader, to)} for to in place.get("to", ())],
            "in_reply_to": place.get("in_reply_to", ""),
            "replaces": place.get("replaces", ""),
        }
        if place.get("at"):
            found["at"] = place["at"]
        instructions = account.settings.get("instructions") if account else None
        yield {**found, "instructions": instructions} if instructions else found


def _name(reader: Reader, to: Mapping[str, str]) -> str:
    world, name = reader.world, to["id"]
    if to["kind"] == "person":
        return reader.name(name)
    known = {"contact": world.contacts, "vendor": world.vendors}.get(to["kind"], {}).get(name)
    return known.name if known else name
