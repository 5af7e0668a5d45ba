"""Cases as doors show them: lists, and one case whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from smr_engine.engine.paths import inner_path
from smr_engine.engine.state import Case, Effect, Item, Scope, StepState
from smr_engine.engine.statuses import (
    CaseStatus,
    EffectStatus,
    ItemKind,
    ItemStatus,
    StepStatus,
)
from smr_engine.engine.steps.publishing import PUBLISH
from smr_engine.errors import Invalid
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import (
    ForeachStep,
    ParallelStep,
    Playbook,
    RepeatStep,
    Step,
    child_lists,
)
from smr_engine.services import reading_clocks, versions
from smr_engine.services import stored as s
from smr_engine.services.access import Sight
from smr_engine.services.reading_asks import items_of
from smr_engine.services.reading_verdicts import Reader, number_of
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.text import instant
from smr_engine.services.views import (
    CaseRow,
    CaseView,
    ClockView,
    DocumentRow,
    EffectRow,
    ItemRow,
    StepRow,
)
from smr_engine.services.workspace import Workspace


def case_list(
    ws: Workspace,
    *,
    status: str | None = None,
    playbook: str | None = None,
    person: str | None = None,
    words: str = "",
    after: str = "",
    limit: int | None = None,
) -> list[CaseRow]:
    """Return cases, newest first, each with the people it waits for.

    Args:
        ws: the workspace.
        status: only those that have it.
        playbook: only those opened from it.
        person: who reads: what they may not see is left out; None sees everything.
        words: only those with them in their title, or whose reference begins so.
        after: the last case of the page before.
        limit: how many at most.

    Raises:
        Invalid: `bad-status`.
        NotFound: `unknown-person`, or `no-such-case` for `after`.
    """
    wanted = _status(status)
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        if after:
            sight.case(after)
        rows = unit.queries.cases(
            status=wanted,
            playbook=playbook or "",
            without=sight.hidden,
            words=words,
            after=after,
            limit=limit,
        )
        among = None if limit is None else [row.ref for row in rows]
        items = unit.queries.items(status=ItemStatus.OPEN, among=among) if rows else ()
        waiting = _waiting(items_of(unit, items), sight.reader)
        clocks = reading_clocks.running(unit, ws.clock.now(), among) if rows else {}
        parents = {row.parent for row in rows if row.parent and not sight.sees(row.parent)}
    return [
        _case_row(
            replace(row, parent="") if row.parent in parents else row,
            waiting.get(row.ref, []),
            clocks.get(row.ref, []),
        )
        for row in rows
    ]


def case_view(
    ws: Workspace, ref: str, person: str | None = None, *, local: bool = False
) -> CaseView:
    """Return one case: steps in the order of the playbook, open items, documents, effects.

    Open items and effects of the cases under it are among its own; their ids say whose they are.

    Args:
        ws: the workspace.
        ref: the case.
        person: who reads, for what they see and what they may do with the items; None sees
            everything and may nothing.
        local: show everything to the person: the settings named them, at the command line.

    Raises:
        NotFound: `no-such-case`, `unknown-person`.
    """
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, None if local else person)
        reader = Reader(person, sight.reader.world, sight.reader.now)
        family = [unit.cases.load(each, all_scopes=True) for each in sight.family(ref)]
        case = family[0]
        playbook = versions.pinned(ws, unit, case.header.digest)
        parent = case.header.parent if sight.sees(case.header.parent) else ""
        items = [
            row
            for each in family
            for row in _open_items(reader, each, versions.pinned(ws, unit, each.header.digest))
        ]
        effects = [row for each in family for row in _effects(unit, each, reader.now)]
    header = case.header
    zone = ZoneInfo(reader.world.calendar(playbook.calendar).timezone)
    seen = {each.header.ref for each in family}
    return CaseView(
        case=ref,
        title=header.title,
        playbook=header.playbook,
        version=header.version,
        digest=header.digest,
        status=header.status.value,
        outcome=header.outcome,
        severity=header.severity,
        drill=header.drill,
        requester=header.requester if parent == header.parent else "case",
        opened_at=header.opened_at,
        closed_at=header.closed_at,
        parent=parent,
        children=[child for child in header.children if child in seen],
        inputs=header.inputs,
        results=header.results,
        problems=list(header.problems),
        steps=list(_Steps(case, playbook, zone).rows("", case.scopes[""], playbook.steps)),
        items=items,
        documents=list(_documents(case, playbook)),
        effects=effects,
        clocks=reading_clocks.clocks_of(case, playbook, reader.now),
    )


# --- the list ----------------------------------------------------------------------------------


def _status(status: str | None) -> CaseStatus | None:
    if status is None:
        return None
    if status not in set(CaseStatus):
        names = ", ".join(CaseStatus)
        raise Invalid("bad-status", f"no case is ever '{status}'", hint=f"one of: {names}")
    return CaseStatus(status)


def _waiting(items: Iterable[tuple[str, Item]], reader: Reader) -> dict[str, list[str]]:
    """Return whom each case waits for; acknowledgements count only where nothing else is open."""
    work: dict[str, dict[str, None]] = {}
    told: dict[str, dict[str, None]] = {}
    for case, item in items:
        kind = told if item.kind is ItemKind.ACKNOWLEDGEMENT else work
        kind.setdefault(case, {}).update(dict.fromkeys(reader.waiting_for(item)))
    return {case: list(people) for case, people in {**told, **work}.items()}


def _case_row(row: s.CaseRow, waiting_for: list[str], clocks: list[ClockView]) -> CaseRow:
    return CaseRow(
        case=row.ref,
        playbook=row.playbook,
        title=row.title,
        severity=row.severity,
        status=row.status.value,
        outcome=row.outcome,
        opened_at=row.opened_at,
        waiting_for=waiting_for,
        drill=row.drill,
        parent=row.parent,
        clocks=clocks,
    )


# --- one case ----------------------------------------------------------------------------------


_WAITING = StepState()
_SKIPPED = StepState(status=StepStatus.SKIPPED, outcome="skipped", reason="its block was skipped")


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps of a case in the order of its playbook, those of every scope where it opens."""

    case: Case
    playbook: Playbook
    zone: tzinfo

    def rows(
        self,
        path: str,
        scope: Scope | None,
        steps: tuple[Step, ...],
        unset: StepState = _WAITING,
    ) -> Iterator[StepRow]:
        """Yield the steps of a list and all that is nested in them.

        Args:
            path: of the scope that the list runs in.
            scope: its state; None where it is not open in the present round of its block.
            steps: the list.
            unset: the state of steps that have none: waiting, or skipped with what they are in.
        """
        index = index_of(self.playbook)
        for step in steps:
            state = _state(scope, step.id, unset)
            full = "/".join(part for part in (path, inner_path(index, step.id)) if part)
            yield StepRow(
                path=full,
                round=state.round,
                kind=step.kind,
                status=state.status.value,
                outcome=state.outcome,
                title=step.title.blank,
                reason=state.reason or self._goes_out(scope, step),
            )
            below = _SKIPPED if state.status is StepStatus.SKIPPED else unset
            if isinstance(step, ParallelStep | ForeachStep | RepeatStep):
                yield from self._scopes(full, step, int(state.detail.get("opened", 0)), below)
            else:
                for inner in child_lists(step):
                    yield from self.rows(path, scope, inner, below)

    def _scopes(
        self,
        path: str,
        block: ParallelStep | ForeachStep | RepeatStep,
        count: int,
        below: StepState,
    ) -> Iterator[StepRow]:
        """Yield the steps of the scopes a block opened; of branches those to come as well."""
        if isinstance(block, ParallelStep):
            for branch in block.branches:
                name = f"{path}/{branch.id}"
                scope = self._scope(name) if count else None
                yield from self.rows(name, scope, branch.steps, below)
        else:
            for number in range(count):
                name = f"{path}[{number}]"
                yield from self.rows(name, self._scope(name), block.steps)

    def _goes_out(self, scope: Scope | None, step: Step) -> str:
        """Return when a publication goes out that was approved for a later instant."""
        timers = scope.timers.values() if scope else ()
        found = (t.at for t in timers if (t.step, t.purpose) == (step.id, PUBLISH))
        at = next(found, None)
        return f"goes out at {instant(at, self.zone)}" if at else ""

    def _scope(self, path: str) -> Scope | None:
        return self.case.scopes.get(path)


def _state(scope: Scope | None, step: str, unset: StepState) -> StepState:
    if scope is None:
        return unset
    return scope.steps.get(step) or replace(unset, round=scope.base_round)


def _open_items(reader: Reader, case: Case, playbook: Playbook) -> list[ItemRow]:
    found = [item for scope in case.scopes.values() for item in scope.items.values()]
    return [
        reader.row(case.header.ref, item, reader.verdict(case.header, item, playbook))
        for item in sorted(found, key=_number)
        if item.status is ItemStatus.OPEN
    ]


def _number(what: Item | Effect) -> int:
    return number_of(what.id)


def _documents(case: Case, playbook: Playbook) -> Iterator[DocumentRow]:
    for path, scope in case.scopes.items():
        for name, document in scope.documents.items():
            spec = playbook.documents.get(name)
            newest = document.newest
            title = spec.title if spec else ""
            yield DocumentRow(name, path, newest.number, newest.digest, title)


def _effects(unit: UnitOfWork, case: Case, now: datetime) -> list[EffectRow]:
    rows = unit.queries.effects(case=case.header.ref)
    leased = {row.id for row in rows if row.leased_until and row.leased_until > now}
    found = [effect for scope in case.scopes.values() for effect in scope.effects.values()]
    return [_effect_row(e, claimed=e.id in leased) for e in sorted(found, key=_number)]


def _effect_row(effect: Effect, *, claimed: bool) -> EffectRow:
    """Return an effect; `claimed` is operational: somebody performs it right now."""
    owed = effect.status is EffectStatus.OWED
    result = effect.result if isinstance(effect.result, dict) else {}
    return EffectRow(
        effect=effect.id,
        kind=effect.kind.value,
        name=effect.name,
        status=(EffectStatus.CLAIMED if owed and claimed else effect.status).value,
        leg=effect.leg,
        attempts=effect.attempts,
        owed_at=effect.owed_at,
        url=result.get("url"),
        reason=effect.reason,
    )
