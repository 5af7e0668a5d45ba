"""The working copy of a case while one command is decided.

`Run` holds the case, takes events and folds each at once, so that every later question sees what
the earlier events did. It is the only mutable thing of the engine and lives for one `decide`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smr_engine.engine.binding import drafts_of
from smr_engine.engine.commands import Actor
from smr_engine.engine.environment import names_for
from smr_engine.engine.events import Event
from smr_engine.engine.evolve import evolve
from smr_engine.engine.paths import inner_path, opened_by, scope_chain
from smr_engine.engine.problems import MissingScopesError, StepProblemError
from smr_engine.engine.state import Case, CaseHeader, Item, Scope, StepState
from smr_engine.engine.statuses import CLOSED_CASES, ItemKind, ScopeKind, ScopeStatus, StepStatus
from smr_engine.engine.world import Calendar, World
from smr_engine.playbook.expressions import (
    Compiled,
    compile_expression,
    compile_template,
    explain,
)
from smr_engine.playbook.index import PlaybookIndex, Position, index_of
from smr_engine.playbook.model import Expression, Playbook, Step, Template, Varied

MAX_EVENTS = 20_000
"""More events than this from one command means a playbook that runs in a circle."""


@dataclass(frozen=True, slots=True)
class Place:
    """A step of the playbook in one scope of the case."""

    scope: str
    step: Step
    path: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision is given besides playbook, case and command.

    `now` is aware and not earlier than the case's last event.
    """

    world: World
    now: datetime
    actor: Actor


class Run:
    """One command being decided."""

    def __init__(self, playbook: Playbook, case: Case, situation: Situation) -> None:
        self.playbook = playbook
        self.index: PlaybookIndex = index_of(playbook)
        self.case = case
        self.world = situation.world
        self.now = situation.now
        self.actor = situation.actor
        self.events: list[Event] = []
        self.ended_scopes: list[str] = []  # scopes whose block has not yet taken notice
        self.after = ""  # what this command did, for the name of the leg
        self._leg = case.header.leg + 1

    # --- events and ids ---

    def emit(self, event: Event) -> None:
        """Take an event: fold it and keep it."""
        if len(self.events) >= MAX_EVENTS:
            message = "the playbook goes round in a circle without waiting for anybody"
            raise StepProblemError(message)
        self.case = evolve(self.case, event, self.now, self.actor.id)
        self.events.append(event)

    def ids(self, count: int) -> list[str]:
        """Return the next free ids of items, effects and timers; emitting them takes them."""
        first = self.header.next_number
        return [f"{self.header.ref}.{n}" for n in range(first, first + count)]

    @property
    def leg(self) -> int:
        """Return the leg that this command's effects belong to.

        What people and timers cause starts a new leg; what follows from an effect's outcome goes
        on in the leg of that effect.
        """
        return self._leg

    def continue_leg(self, leg: int, after: str) -> None:
        """Let this command's effects belong to the leg of the effect it reports on."""
        self._leg = max(leg, 1)
        self.after = after

    # --- what is there ---

    @property
    def header(self) -> CaseHeader:
        """Return the case's header as of now."""
        return self.case.header

    @property
    def severity(self) -> str | None:
        """Return the case's severity label."""
        return self.case.header.severity

    @property
    def closed(self) -> bool:
        """Return whether the case is over."""
        return self.case.header.status in CLOSED_CASES

    def scope(self, path: str) -> Scope:
        """Return a scope.

        Raises:
            MissingScopesError: it is not loaded.
        """
        found = self.case.scopes.get(path)
        if found is None:
            raise MissingScopesError((path,))
        return found

    def need(self, paths: list[str]) -> None:
        """Make sure that scopes are loaded, asking for all that are missing at once."""
        missing = tuple(p for p in paths if p not in self.case.scopes)
        if missing:
            raise MissingScopesError(missing)

    def alive(self, path: str) -> bool:
        """Return whether steps of a scope may still go on."""
        over = self.closed or self.header.ending is not None
        return not over and self.scope(path).status is ScopeStatus.RUNNING

    def position(self, step_id: str) -> Position:
        """Return where a step stands in the playbook."""
        return self.index.of(step_id)

    def place(self, scope: str, step_id: str) -> Place:
        """Return the place of a step in a scope that contains it."""
        inner = inner_path(self.index, step_id)
        path = "/".join(part for part in (scope, inner) if part)
        return Place(scope, self.index.of(step_id).step, path)

    def state(self, place: Place) -> StepState:
        """Return a step's state."""
        return self.scope(place.scope).step(place.step.id)

    def chain(self, scope: str) -> list[Scope]:
        """Return a scope and those around it, innermost first."""
        return [self.scope(path) for path in scope_chain(self.index, scope)]

    def visible_state(self, scope: str, step_id: str) -> StepState:
        """Return the state of a step as seen from a scope.

        One in a block that was skipped counts as skipped with it; one never come to is waiting.
        """
        path = self.scope_of_step(scope, step_id)
        state = StepState() if path is None else self.scope(path).step(step_id)
        block = self.position(step_id).parent
        if state.status is StepStatus.WAITING and block is not None:
            around = self.visible_state(scope, block.id)
            return around if around.status is StepStatus.SKIPPED else state
        return state

    def scope_of_step(self, scope: str, step_id: str) -> str | None:
        """Return which scope holds a step that is visible from `scope`, None if it never opened.

        It is one around (or at) it, or a branch reached from there.
        """
        around = tuple(reversed(scope_chain(self.index, scope)))
        here = ""
        for depth, inner in enumerate(self.index.of(step_id).scopes, start=1):
            if depth < len(around) and opened_by(around[depth], inner):
                here = around[depth]
                continue
            block = self.place(here, inner.block)
            if not inner.branch or self.state(block).started_at is None:
                return None
            here = f"{block.path}/{inner.branch}"
            around = ()
        return here

    def document_scope(self, scope: str) -> str:
        """Return the path of the scope in which a document drafted at `scope` lives."""
        for found in self.chain(scope):
            if found.kind is not ScopeKind.BRANCH:
                return found.path
        return ""

    def find_document(self, scope: str, name: str) -> str:
        """Return the path of the scope that has a document, seen from `scope`; its home if none."""
        for found in self.chain(scope):
            if name in found.documents:
                return found.path
        return self.document_scope(scope)

    def draft_items(self, home: str, document: str) -> list[Item]:
        """Return the items of all drafts of a document that lives in the scope `home`."""
        found = []
        for name in drafts_of(self.index, document):
            scope = self.scope_of_step(home, name)
            items = self.scope(scope).items.values() if scope is not None else ()
            found += [i for i in items if i.step == name and i.kind is ItemKind.DRAFT]
        return found

    def find_item(self, item: str) -> tuple[str, Item] | None:
        """Return an item and the path of its scope, if it is loaded."""
        for path, scope in self.case.scopes.items():
            if item in scope.items:
                return path, scope.items[item]
        return None

    # --- values ---

    def calendar(self, step: Step | None = None, people: Iterable[str] = ()) -> Calendar:
        """Return the calendar of a step, else of all it asks, else the playbook's, else default."""
        named = step.calendar if step else None
        return self.world.calendar(
            named or self.world.shared_calendar(people) or self.playbook.calendar
        )

    def varied(self, value: Varied[Any] | None) -> Any:
        """Return what holds at the case's severity."""
        return None if value is None else value.at(self.severity)

    def evaluate(self, scope: str, what: Expression | Template) -> Any:
        """Return the value of an expression or template, seen from a scope.

        Raises:
            ExpressionError: it cannot be evaluated.
        """
        compiled = _compiled(what)
        return compiled.evaluate(names_for(self, scope, compiled.references))

    def explain(self, scope: str, what: Expression) -> str:
        """Return an expression with the values it saw, for the record."""
        compiled = _compiled(what)
        return explain(compiled, names_for(self, scope, compiled.references))

    def resolve(self, scope: str, value: Any) -> Any:
        """Return a JSON value with every template in it evaluated."""
        if isinstance(value, Template | Expression):
            return self.evaluate(scope, value)
        if isinstance(value, Mapping):
            return {key: self.resolve(scope, inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(scope, inner) for inner in value]
        return value

    def text(self, scope: str, template: Template | None) -> str:
        """Return a template's value as text; nothing gives an empty text."""
        value = self.evaluate(scope, template) if template and template.source else ""
        return "" if value is None else str(value)


def _compiled(what: Expression | Template) -> Compiled:
    compile_source = compile_expression if isinstance(what, Expression) else compile_template
    return compile_source(what.source)
