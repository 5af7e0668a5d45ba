"""Bundles: exactly what people approve.

A bundle holds the revisions (with digests) of an approval's documents and attachments, and for
every publication that requires it: account, recipients, audience, time, what it replies to or
replaces.
The approval item is bound to its digest; a publication compares itself with it before it begins.
"""

from __future__ import annotations

from typing import Any, cast

from smr_engine.engine import who
from smr_engine.engine.binding import publications_of
from smr_engine.engine.environment import instant
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Item
from smr_engine.engine.timing import instant_of
from smr_engine.playbook.model import ApprovalStep, PublishStep

Entry = dict[str, Any]


def bundle_of(run: Run, place: Place, step: ApprovalStep) -> Entry:
    """Return the bundle of an approval as of now.

    Raises:
        StepProblemError: a document has no text, or a destination does not resolve.
    """
    return {
        "documents": [document_entry(run, place.scope, name) for name in step.documents],
        "publications": [
            publication_entry(run, _scope_for(run, place, name), _publication(run, name))
            for name in publications_of(run.index, step.id)
        ],
    }


def document_entry(run: Run, scope: str, name: str) -> Entry:
    """Return a document's newest revision as a bundle holds it."""
    home = run.find_document(scope, name)
    document = run.scope(home).documents.get(name)
    if document is None:
        message = f"the document '{name}' has no text yet"
        raise StepProblemError(message)
    newest = document.newest
    attached = {a.digest for item in run.draft_items(home, name) for a in item.attachments}
    return {
        "document": name,
        "scope": home,
        "revision": newest.number,
        "digest": newest.digest,
        "attachments": sorted(attached),
    }


def publication_entry(run: Run, scope: str, step: PublishStep) -> Entry:
    """Return where a publication goes, and when if it says so, as rendered now.

    Raises:
        StepProblemError: an account or the instant does not resolve.
    """
    spec = run.playbook.documents.get(step.document)
    entry: Entry = {
        "step": step.id,
        "document": step.document,
        "audience": spec.audience if spec else "",
        "accounts": _accounts(run, scope, step),
        "to": who.recipients(run, scope, step.to),
        "in_reply_to": run.text(scope, step.in_reply_to),
        "replaces": run.text(scope, step.replaces),
    }
    if step.at is not None:
        at = run.text(scope, step.at)
        entry["at"] = instant(instant_of(at)) if at else None  # nothing filled in: at once
    return entry


def granted(run: Run, scope: str, approval: str) -> Item | None:
    """Return the item whose bundle an approval's present round has granted, seen from a scope."""
    home = run.scope_of_step(scope, approval)
    if home is None:
        return None
    found = run.scope(home)
    now = found.step(approval).round
    items = [
        item
        for item in found.items.values()
        if item.step == approval and item.round == now and item.outcome == "approved"
    ]
    return items[-1] if items else None


def differences(run: Run, place: Place, step: PublishStep, approved: Item) -> str:
    """Return what differs between an approved bundle and a publication as it would go out now.

    Of several approvals that a publication requires, some may be about other documents.
    """
    bundle: Entry = approved.bundle
    about = {entry["document"] for entry in bundle["documents"]}
    entry = document_entry(run, place.scope, step.document)
    if step.document in about and entry not in bundle["documents"]:
        title = run.playbook.documents[step.document].title
        return f"the text of {title} is not the one approved in {approved.id}"
    if publication_entry(run, place.scope, step) not in bundle["publications"]:
        return f"where it goes is not what was approved in {approved.id}"
    return ""


def _publication(run: Run, name: str) -> PublishStep:
    return cast(PublishStep, run.position(name).step)


def _scope_for(run: Run, place: Place, publish: str) -> str:
    """Return the scope from which a publication's names are seen: the approval's, or around it."""
    wanted = len(run.position(publish).scopes)
    here = len(run.position(place.step.id).scopes)
    return place.scope if wanted >= here else run.scope_of_step(place.scope, publish) or ""


def _accounts(run: Run, scope: str, step: PublishStep) -> list[str]:
    """Return the accounts of a publication, the hub first.

    Raises:
        StepProblemError: an account is not in the directory, or there is none.
    """
    names: list[str] = []
    for template in step.accounts:
        value = run.evaluate(scope, template)
        names += [str(v) for v in value] if isinstance(value, list) else [str(value)]
    unknown = [name for name in names if name not in run.world.accounts]
    if unknown or not names:
        message = f"the account '{unknown[0]}' is not in the directory" if unknown else "no account"
        raise StepProblemError(message)
    return list(dict.fromkeys(names))
