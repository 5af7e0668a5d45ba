"""The names that an expression sees: plain JSON data of the case, only what it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from smr_engine.engine.problems import MissingScopesError
from smr_engine.engine.state import CaseHeader, Scope, StepState
from smr_engine.engine.statuses import ScopeKind
from smr_engine.engine.world import World
from smr_engine.playbook.index import PlaybookIndex
from smr_engine.playbook.model import ForeachStep, Playbook, RepeatStep

Reference = tuple[str, ...]


class Seen(Protocol):
    """The part of a case under way (`run.Run`) that names are taken from."""

    playbook: Playbook
    index: PlaybookIndex
    world: World

    @property
    def header(self) -> CaseHeader:
        """Return the case's header."""
        ...

    def scope(self, path: str) -> Scope:
        """Return a scope."""
        ...

    def chain(self, scope: str) -> list[Scope]:
        """Return a scope and those around it, innermost first."""
        ...

    def visible_state(self, scope: str, step_id: str) -> StepState:
        """Return the state of a step as seen from a scope."""
        ...

    def find_document(self, scope: str, name: str) -> str:
        """Return the path of the scope that has a document."""
        ...


def instant(at: datetime | None) -> str | None:
    """Return an instant as expressions and records have it: RFC 3339, UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def names_for(run: Seen, scope: str, references: Iterable[Reference]) -> dict[str, Any]:
    """Return the names that these references need, as seen from a scope."""
    names: dict[str, Any] = {}
    missing: dict[str, None] = {}
    for reference in sorted(references):
        head = reference[0]
        if head in {"steps", "documents"}:
            table = names.setdefault(head, {})
            for name in _wanted(run, head, reference):
                if name not in table:
                    table[name] = _seen(run, scope, (head, name), missing)
        elif head not in names:
            names[head] = _simple(run, scope, head)
    if missing:
        raise MissingScopesError(tuple(missing))
    return names


def _seen(run: Seen, scope: str, name: Reference, missing: dict[str, None]) -> Any:
    """Return a step or document; note scopes that are missing, to ask for all at once."""
    view = _step if name[0] == "steps" else _document
    try:
        return view(run, scope, name[1])
    except MissingScopesError as problem:
        missing.update(dict.fromkeys(problem.paths))
        return None


def case_view(run: Seen) -> dict[str, Any]:
    """Return `case` as expressions see it."""
    header, scale = run.header, run.playbook.severity
    rank = scale.rank(header.severity) if scale and header.severity else None
    return {
        "ref": header.ref,
        "title": header.title,
        "requester": header.requester,
        "severity": {"label": header.severity, "rank": rank},
        "opened_at": instant(header.opened_at),
        "drill": header.drill,
    }


def step_view(state: StepState, *, many: bool = False) -> dict[str, Any]:
    """Return a step as expressions see it; `many` for a foreach or a repeat seen from outside."""
    view = {
        "output": state.output,
        "outcome": state.outcome,
        "completed_by": state.completed_by or None,
        "completed_at": instant(state.completed_at),
    }
    return {**view, "results": state.output or []} if many else view


def _wanted(run: Seen, head: str, reference: Reference) -> list[str]:
    if len(reference) > 1:
        return [reference[1]]
    return list(run.index.by_id if head == "steps" else run.playbook.documents)


def _step(run: Seen, scope: str, name: str) -> dict[str, Any] | None:
    known = run.index.by_id.get(name)
    if known is None:
        return None
    state = run.visible_state(scope, name)
    return step_view(state, many=isinstance(known.step, ForeachStep | RepeatStep))


def _document(run: Seen, scope: str, name: str) -> dict[str, Any] | None:
    document = run.scope(run.find_document(scope, name)).documents.get(name)
    if document is None:
        return None
    newest = document.newest
    return {"text": document.text, "digest": newest.digest, "revision": newest.number}


def _simple(run: Seen, scope: str, head: str) -> Any:
    if head == "inputs":
        return run.header.inputs
    if head == "case":
        return case_view(run)
    if head == "members":
        return {name: list(run.world.members(name)) for name in run.world.groups}
    if head == "clocks":
        return {clock.id: {"due_at": _clock_due(run, clock.id)} for clock in run.playbook.clocks}
    return _local(run, scope, head)


def _clock_due(run: Seen, clock: str) -> str | None:
    state = run.header.clocks.get(clock)
    return instant(state.due_at) if state else None


def _local(run: Seen, scope: str, head: str) -> Any:
    """Return the `as` name of a foreach, or `round` and `previous` of a repeat, around a scope."""
    for found in run.chain(scope):
        local: Mapping[str, Any] = found.local
        if found.kind is ScopeKind.ELEMENT and local["name"] == head:
            return local["value"]
        if found.kind is ScopeKind.ROUND and head in {"round", "previous"}:
            return local[head]
    return None
