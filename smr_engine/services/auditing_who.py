"""Who approved which response: every decision on every document, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smr_engine.engine.state import Broken, Case, Item, Scope, Vote
from smr_engine.engine.statuses import DecisionKind, EffectKind, EffectStatus, ItemKind, ItemStatus
from smr_engine.errors import NotFound
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.services.access import Sight
from smr_engine.services.reading_verdicts import number_of
from smr_engine.services.stored import EventFilter
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import WhoRow
from smr_engine.services.workspace import Workspace

GRANTED = frozenset({"approved", "ratified"})
BREAK_GLASS = "break_glass"
UNRATIFIED = "unratified"
ASKED_AGAIN = "a new round was asked"


@dataclass(frozen=True, slots=True)
class Published:
    """Where and when a text went out."""

    account: str = ""
    at: datetime | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A decision on a document, and all places that the very text it let go went to."""

    row: WhoRow
    places: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval item in its case and scope."""

    case: Case
    scope: Scope
    item: Item


@dataclass(frozen=True, slots=True)
class _Said:
    """What one person said to an approval, in which role."""

    by: Vote | Broken
    decision: str
    role: str
    comment: str


def who(
    ws: Workspace, case: str, document: str | None = None, person: str | None = None
) -> list[WhoRow]:
    """Return every decision in a case and the cases under it, one row a document, oldest first.

    A row is `valid` while the decision counts: its item was not superseded, withdrawn or asked
    again in a new round, and an approval was not overtaken by a rejection or a request for changes.
    A release by break-glass stays valid; that it was not ratified stands in `void_reason`.
    `published_*` is the first account (the hub) that carries the very text a valid approval let go.

    Args:
        ws: the workspace.
        case: the case's reference.
        document: only decisions on this document.
        person: who reads: what they may not see is left out; None sees everything.

    Raises:
        NotFound: `no-such-case`, or `no-such-document`: nobody was asked about one of that name.
    """
    with ws.storage.reading() as unit:
        asked = asked_in(unit, Sight(ws, unit, person), case)
        found = told(unit, asked)
    if document is not None:
        _require(document, asked, case)
    return [each.row for each in found if document in {None, each.row.document}]


def asked_in(unit: UnitOfWork, sight: Sight, case: str) -> list[Asked]:
    """Return all that people were asked to approve in a case and the cases under it.

    Raises:
        NotFound: `no-such-case`.
    """
    cases = [unit.cases.load(ref, all_scopes=True) for ref in sight.family(case)]
    return [asked for each in cases for asked in _approvals(each)]


def told(unit: UnitOfWork, asked: Sequence[Asked]) -> list[Told]:
    """Return what was decided on approvals, a document at a time, oldest first; see `who`."""
    proofs = _assurances(unit, list(dict.fromkeys(each.case.header.ref for each in asked)))
    found = [told for each in asked for told in _told(each, proofs)]
    return sorted(found, key=lambda t: (t.row.at, t.row.case, number_of(t.row.item)))


def _require(document: str, items: list[Asked], case: str) -> None:
    names = {entry["document"] for asked in items for entry in asked.item.bundle["documents"]}
    if document not in names:
        there = f"decided on: {', '.join(sorted(names))}" if names else "nothing to decide on yet"
        raise NotFound(
            "no-such-document",
            f"nobody was asked to approve a document {document} in {case}",
            hint=did_you_mean(document, names) or there,
        )


def _assurances(unit: UnitOfWork, refs: list[str]) -> Mapping[tuple[str, str], str]:
    """Return how everybody who decided proved who they were, by item and person."""
    if not refs:
        return {}
    which = EventFilter(cases=tuple(refs), kinds=("DecisionRecorded", "GlassBroken"))
    return {(e.facts["item"], e.facts["person"]): e.assurance for e in unit.events.select(which)}


def _approvals(case: Case) -> Iterator[Asked]:
    for scope in case.scopes.values():
        for item in scope.items.values():
            if item.kind is ItemKind.APPROVAL:
                yield Asked(case, scope, item)


def _told(asked: Asked, proofs: Mapping[tuple[str, str], str]) -> Iterator[Told]:
    item = asked.item
    for vote in item.votes:
        void = _void_reason(asked, vote)
        released = not void and vote.decision is DecisionKind.APPROVE
        said = _Said(vote, vote.decision.value, _role(item, vote.roles), vote.comment)
        yield from _told_of(asked, said, proofs, void, released=released)
    if item.broken is not None:
        void = "" if asked.scope.step(item.step).round == item.round else ASKED_AGAIN
        said = _Said(item.broken, BREAK_GLASS, item.broken.role, item.broken.reason)
        remark = void or (UNRATIFIED if item.broken.verdict == UNRATIFIED else "")
        yield from _told_of(asked, said, proofs, remark, released=not void)


def _told_of(
    asked: Asked,
    said: _Said,
    proofs: Mapping[tuple[str, str], str],
    remark: str,
    *,
    released: bool,
) -> Iterator[Told]:
    """Yield what somebody said to an approval, one row a document."""
    item, who_said = asked.item, said.by
    for entry in item.bundle["documents"]:
        places = tuple(_published(asked, entry)) if released else ()
        hub = places[0] if places else Published()
        row = WhoRow(
            document=entry["document"],
            revision=entry["revision"],
            digest=entry["digest"],
            person=who_said.person,
            role=said.role,
            on_behalf_of=who_said.on_behalf_of,
            decision=said.decision,
            comment=said.comment,
            at=who_said.at,
            assurance=proofs.get((item.id, who_said.person), ""),
            valid=remark in {"", UNRATIFIED},
            void_reason=remark,
            published_at=hub.at,
            published_url=hub.url,
            case=asked.case.header.ref,
            item=item.id,
            scope=entry.get("scope", ""),
        )
        yield Told(row, places)


def _role(item: Item, held: Sequence[str]) -> str:
    """Return the roles that the person held and the quorum asked for."""
    wanted = dict.fromkeys(role for line in item.lines for role in line.roles)
    return ", ".join(role for role in wanted if role in held)


def _void_reason(asked: Asked, vote: Vote) -> str:
    """Return why a decision no longer counts; empty while it does."""
    item, state = asked.item, asked.scope.step(asked.item.step)
    if item.status is ItemStatus.SUPERSEDED:
        return "superseded: the content changed"
    if item.status in {ItemStatus.CANCELLED, ItemStatus.EXPIRED}:
        return f"{item.status.value}: {item.outcome}"
    if state.round != item.round:
        return ASKED_AGAIN
    overtaken = item.status is ItemStatus.COMPLETED and item.outcome not in GRANTED
    if overtaken and vote.decision is DecisionKind.APPROVE:
        return f"the round ended: {item.outcome.replace('_', ' ')}"
    return ""


# --- what went out -----------------------------------------------------------------------------


def _published(asked: Asked, entry: Mapping[str, Any]) -> Iterator[Published]:
    """Yield where a document of an approval's bundle went out, the hub before the rest."""
    for place in asked.item.bundle["publications"]:
        if place["document"] != entry["document"]:
            continue
        for account in place["accounts"]:
            for result in _results(asked, place["step"], account):
                if result.get("digest") == entry["digest"] and not result.get("withheld"):
                    yield Published(
                        account, _instant(result.get("published_at")), result.get("url")
                    )


def _results(asked: Asked, step: str, account: str) -> Iterator[Mapping[str, Any]]:
    """Yield what is known of a publication to an account: sent by us, or posted by a person."""
    for scope in asked.case.scopes.values():
        if not _related(asked.scope.path, scope.path):
            continue
        for effect in scope.effects.values():
            sent = effect.kind is EffectKind.PUBLICATION and effect.status is EffectStatus.DONE
            if sent and (effect.step, effect.account) == (step, account):
                yield effect.result
        for item in scope.items.values():
            posted = item.kind is ItemKind.PUBLISH and item.status is ItemStatus.COMPLETED
            if posted and (item.step, item.subject) == (step, f"account:{account}"):
                yield item.output


def _related(one: str, other: str) -> bool:
    """Return whether one of two scopes encloses the other (or both are the same)."""
    outer, inner = sorted((one, other), key=len)
    return not outer or inner == outer or inner.startswith(f"{outer}/")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
