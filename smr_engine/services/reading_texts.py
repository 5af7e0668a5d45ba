"""Texts of documents: revisions, differences, and where a document is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from smr_engine.engine.state import Case, Document, Revision
from smr_engine.errors import NotFound, Refusal
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.services.access import Sight
from smr_engine.services.stored import EventFilter
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import DocumentView
from smr_engine.services.workspace import Workspace

ERASED = "[this text was erased]"


def document(
    ws: Workspace,
    case: str,
    name: str,
    scope: str = "",
    *,
    revision: int | None = None,
    diff: tuple[int, int] | None = None,
    person: str | None = None,
) -> DocumentView:
    """Return one revision of a document, or the later of two with their difference.

    Args:
        ws: the workspace.
        case: the case's reference.
        name: the document's; `NAME@SCOPE` says the scope as well.
        scope: where it lives (`each_creator[3]`); left out, the case itself or the only place.
        revision: its number; the newest if left out.
        diff: the numbers of two revisions; the difference leads from the first to the second.
        person: who reads; None sees everything.

    Raises:
        NotFound: no such case (also where the person may not see it), document, scope or revision.
        Refusal: `several-documents`: the name alone does not say which.
    """
    name, _, place = name.partition("@")
    with ws.storage.reading() as unit:
        Sight(ws, unit, person).case(case)
        found = unit.cases.load(case, all_scopes=True)
        home = _home(found, name, scope or place)
        known = found.scopes[home].documents[name]
        texts = Texts(unit, found)
        if diff is None:
            wanted = _revision(known, known.newest.number if revision is None else revision, name)
            return _view(name, wanted, texts.of(home, name, wanted), None)
        old, new = (_revision(known, number, name) for number in diff)
        before, after = (texts.of(home, name, each) for each in (old, new))
    labels = (f"{name} version {old.number}", f"{name} version {new.number}")
    return _view(name, new, after, difference((before, after), labels))


def difference(texts: tuple[str, str], labels: tuple[str, str]) -> str:
    """Return the unified difference of two texts; empty if they are the same."""
    old, new = (text.splitlines() for text in texts)
    lines = difflib.unified_diff(old, new, *labels, lineterm="")
    return "\n".join(lines)


class Texts:
    """The texts of a case's revisions: the newest from its state, others from their events."""

    def __init__(self, unit: UnitOfWork, case: Case) -> None:
        self._unit = unit
        self._case = case
        self._earlier: dict[tuple[str, str, int], str] | None = None

    def of(self, scope: str, name: str, revision: Revision) -> str:
        """Return the text of a revision; where it was erased, a sentence that says so."""
        document = self._case.scopes[scope].documents[name]
        if revision.number == document.newest.number:
            return document.text
        if self._earlier is None:
            self._earlier = self._read()
        return self._earlier.get((scope, name, revision.number), ERASED)

    def _read(self) -> dict[tuple[str, str, int], str]:
        which = EventFilter(cases=(self._case.header.ref,), kinds=("DocumentRevised",))
        return {
            (
                str(event.facts.get("scope", "")),
                str(event.facts["document"]),
                int(event.facts["revision"]),
            ): str(event.content.get("text", ERASED))
            for event in self._unit.events.select(which)
        }


def numbered(document: Document, number: int) -> Revision | None:
    """Return a revision of a document by its number."""
    return next((r for r in document.revisions if r.number == number), None)


def _revision(known: Document, number: int, name: str) -> Revision:
    found = numbered(known, number)
    if found is None:
        there = f"{name} has versions 1 to {known.newest.number}"
        raise NotFound("no-such-revision", f"{name} has no version {number}", hint=there)
    return found


def _home(case: Case, name: str, scope: str) -> str:
    """Return the path of the scope a document lives in."""
    homes = [path for path, found in case.scopes.items() if name in found.documents]
    if not homes or (scope and scope not in homes):
        raise _no_document(case, name, scope, homes)
    if scope or len(homes) == 1 or "" in homes:
        return scope or ("" if "" in homes else homes[0])
    raise Refusal(
        "several-documents",
        f"{case.header.ref} has {len(homes)} documents called {name}",
        hint=f"say which: {_places(name, homes)}",
    )


def _places(name: str, homes: list[str]) -> str:
    """Return how documents of one name are told apart: `letter@each_creator[0]`."""
    named = [f"{name}@{path}" if path else name for path in sorted(homes)]
    return f"{', '.join(named[:5])}{', ...' if len(named) > 5 else ''}"


def _no_document(case: Case, name: str, scope: str, homes: list[str]) -> NotFound:
    names: Iterable[str] = {n for found in case.scopes.values() for n in found.documents}
    where = f" in {scope}" if scope else ""
    there = f"there are: {', '.join(sorted(names))}" if names else "no document has a text yet"
    hint = f"there are: {_places(name, homes)}" if homes else did_you_mean(name, names) or there
    return NotFound(
        "no-such-document", f"{case.header.ref} has no document {name}{where}", hint=hint
    )


def _view(name: str, revision: Revision, text: str, diff: str | None) -> DocumentView:
    return DocumentView(name, revision.number, revision.digest, text, revision.author, diff)
