"""One case with all that its page shows, as one person may see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from smr_engine.engine.state import Case
from smr_engine.engine.statuses import EffectKind, ItemKind, ItemStatus
from smr_engine.playbook.model import Playbook
from smr_engine.services import case_approvals, case_board, case_effects, versions
from smr_engine.services.access import Sight
from smr_engine.services.case_approvals import Approval
from smr_engine.services.case_board import Board
from smr_engine.services.case_boxes import Box, boxes_of, names_in
from smr_engine.services.case_effects import EffectLine
from smr_engine.services.case_sentence import Sentence, sentence, some_people
from smr_engine.services.histories import names_for
from smr_engine.services.names import Names
from smr_engine.services.reading_asks import asks_of
from smr_engine.services.reading_cases import case_view
from smr_engine.services.reading_log import timeline
from smr_engine.services.reading_verdicts import Reader
from smr_engine.services.reasons import in_words
from smr_engine.services.sentences import Told, is_message, tell
from smr_engine.services.stored import CaseRow
from smr_engine.services.stored import ItemRow as StoredItem
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.views import CaseView, EventRow, ItemRow, StepRow
from smr_engine.services.workspace import Actor, Workspace

Pinned = tuple[Case, Playbook]
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One version of a document; `author` is empty for a template."""

    number: int
    digest: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One document with its versions, the newest first; `text` is the newest."""

    document: str
    scope: str
    title: str
    text: str
    revisions: tuple[RevisionLine, ...]


@dataclass(frozen=True, slots=True)
class WaitLine:
    """One open item, and whom it waits for in words; `is_message`: for somebody else to say."""

    row: ItemRow
    who: str
    is_message: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the history; who did it acted in `roles`, by titles, if it does not say so."""

    told: Told
    roles: str


@dataclass(frozen=True, slots=True)
class ChildLine:
    """One case that this one opened, with its playbook's title, in a sentence."""

    row: CaseRow
    playbook: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case, whole, for its page; what happened is newest first.

    Args:
        view: the case.
        playbook: its playbook's title.
        sentence: where it stands.
        requester: who opened it, by name.
        parent: the case that opened it, if the reader may know of it.
        children: those that it opened.
        items: what is open, what the reader may answer first.
        messages: those that others have not acknowledged.
        approvals: with their quorums.
        boxes: its steps.
        documents: its texts.
        boards: who was told, and has said so.
        effects: what went out, or would have; not what cases of ours tell each other.
        history: in sentences, without messages that went out: those are among the effects.
        runs: the address below which Prefect shows flow runs; empty if that is not known.
    """

    view: CaseView
    playbook: str
    sentence: Sentence
    requester: str
    parent: CaseRow | None
    children: tuple[ChildLine, ...]
    items: tuple[WaitLine, ...]
    messages: tuple[WaitLine, ...]
    approvals: tuple[Approval, ...]
    boxes: list[Box]
    documents: tuple[DocumentLine, ...]
    boards: tuple[Board, ...]
    effects: tuple[EffectLine, ...]
    history: tuple[Moment, ...]
    runs: str


def case_page(ws: Workspace, ref: str, actor: Actor) -> CasePage:
    """Return a case as its page shows it to somebody.

    Args:
        ws: the workspace.
        ref: the case.
        actor: who reads, and how they have proved who they are.

    Raises:
        NotFound: `no-such-case`, also where the reader may not see it; `unknown-person`.
    """
    view = case_view(ws, ref, actor.id)
    events = timeline(ws, ref, actor.id)
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, actor.id)
        reader = Reader(actor.id, sight.reader.world, sight.reader.now, actor.assurance)
        family = sight.family(ref)
        names = names_for(ws, unit, sight, reader.zone)
        desk = _Desk(unit, reader, _pinned(ws, unit, family), unit.queries.items(among=family))
        waits = list(desk.waits(view.items))
        return CasePage(
            view=view,
            playbook=desk.pinned[ref][1].title,
            sentence=desk.sentence(sight.case(ref)),
            requester=_requester(view.requester, reader),
            parent=sight.case(view.parent) if view.parent else None,
            children=tuple(desk.child(sight.case(child)) for child in view.children),
            items=tuple(each for each in waits if not each.is_message),
            messages=tuple(each for each in waits if each.is_message),
            approvals=tuple(desk.approvals()),
            boxes=desk.boxes(view, names),
            documents=tuple(_documents(*desk.pinned[ref], reader)),
            boards=tuple(desk.boards(events)),
            effects=case_effects.lines(
                (row for row in view.effects if row.kind != EffectKind.CASE.value),
                events,
                reader.world,
            ),
            history=tuple(_history(events, names)),
            runs=_runs(ws.options.prefect_api_url),
        )


def _pinned(ws: Workspace, unit: UnitOfWork, refs: Sequence[str]) -> dict[str, Pinned]:
    cases = {ref: unit.cases.load(ref, all_scopes=True) for ref in refs}
    return {
        ref: (case, versions.pinned(ws, unit, case.header.digest)) for ref, case in cases.items()
    }


@dataclass(frozen=True, slots=True)
class _Desk:
    """A case and those under it, with the playbooks that they are pinned to, and their items."""

    unit: UnitOfWork
    reader: Reader
    pinned: Mapping[str, Pinned]
    items: Sequence[StoredItem]

    def sentence(self, row: CaseRow) -> Sentence:
        """Return where one of them stands; those under it have sentences of their own."""
        waits = [i for i in self.items if i.case == row.ref and i.status is ItemStatus.OPEN]
        asks = asks_of(self.unit, waits)
        return sentence(row, self.pinned[row.ref][1], waits, asks, self.reader)

    def child(self, row: CaseRow) -> ChildLine:
        """Return one of them as a line."""
        return ChildLine(row, self.pinned[row.ref][1].title, self.sentence(row))

    def waits(self, rows: Sequence[ItemRow]) -> Iterator[WaitLine]:
        """Yield open items: those first that the reader may answer, and what is due first."""
        for row in sorted(rows, key=lambda each: (not each.may, each.due or _LATEST)):
            own = self.reader.person in row.waiting_for[:1]
            told = row.kind == ItemKind.ACKNOWLEDGEMENT.value and not own
            yield WaitLine(row, some_people(row.waiting_for, self.reader), told)

    def boxes(self, view: CaseView, called: Names) -> list[Box]:
        """Return the steps of one of them, each with the item that people answer it in."""
        ref = view.case
        asked = (i for i in view.items if i.kind != ItemKind.ACKNOWLEDGEMENT.value)
        items = {item.path: item for item in asked if item.case == ref}
        steps = [
            replace(
                row,
                title=_title(row, items.get(row.path)),
                outcome=called.outcome(ref, row.path, row.outcome or ""),
                reason=in_words(row.reason, ref, called),
            )
            for row in view.steps
        ]
        names = names_in(*self.pinned[ref], view.steps)
        return boxes_of(steps, names, {path: item.item for path, item in items.items()})

    def approvals(self) -> Iterator[Approval]:
        """Yield the approvals of all of them."""
        for case, playbook in self.pinned.values():
            yield from case_approvals.approvals(case, playbook, self.reader)

    def boards(self, events: Sequence[EventRow]) -> Iterator[Board]:
        """Yield who was told what in all of them."""
        playbooks = {ref: playbook for ref, (_, playbook) in self.pinned.items()}
        return case_board.boards(self.items, events, playbooks, self.reader.world)


def _documents(case: Case, playbook: Playbook, reader: Reader) -> Iterator[DocumentLine]:
    for path, scope in case.scopes.items():
        for name, document in scope.documents.items():
            spec = playbook.documents.get(name)
            yield DocumentLine(
                document=name,
                scope=path,
                title=spec.title if spec and spec.title else name,
                text=document.text,
                revisions=tuple(
                    RevisionLine(each.number, each.digest, reader.name(each.author), each.at)
                    for each in reversed(document.revisions)
                ),
            )


def _title(step: StepRow, item: ItemRow | None) -> str:
    """Return what a step is called: as its item, where only that knows what it is about."""
    return item.title if item is not None and "…" in step.title else step.title


def _history(events: Sequence[EventRow], names: Names) -> Iterator[Moment]:
    for told in tell(events, names, newest_first=True):
        if is_message(told.event):
            continue
        yield Moment(told, _roles(told, names))


def _roles(told: Told, names: Names) -> str:
    """Return in which roles somebody acted; nothing where it is told of others, or told already."""
    event = told.event
    of_them = told.sentence.startswith(names.person(event.actor))
    if not of_them or event.kind == "DecisionRecorded":
        return ""
    return ", ".join(map(names.role, filter(None, event.role.split(", "))))


def _requester(who: str, reader: Reader) -> str:
    """Return who or what opened a case."""
    kind, colon, name = who.partition(":")
    if kind == "case":
        return "the case above it" if colon else "another case"
    return f"{kind.capitalize()} {name}" if colon else reader.name(who)


def _runs(api_url: str) -> str:
    """Return the address below which Prefect's own pages show flow runs."""
    base = api_url.rstrip("/").removesuffix("/api")
    return f"{base}/runs/flow-run/" if base else ""
