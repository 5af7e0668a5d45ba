"""Which names an expression sees where it stands, and what is behind them (static scoping)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from smr_engine.playbook.check_order import why_not_ended, why_not_seen
from smr_engine.playbook.check_shapes import (
    FLAG,
    NUMBER,
    OPEN,
    TEXT,
    Shape,
    Unknown,
    follow,
    list_of,
    mapping_of,
    no_such_name,
)
from smr_engine.playbook.expressions import ExpressionError, Path, compile_expression
from smr_engine.playbook.index import PlaybookIndex, Position, index_of
from smr_engine.playbook.model import (
    ApprovalStep,
    DecisionStep,
    DraftStep,
    Expression,
    ForeachStep,
    NotifyStep,
    Playbook,
    PublishStep,
    RepeatStep,
    SetStep,
    Step,
    TaskStep,
    WaitStep,
)
from smr_engine.playbook.suggest import did_you_mean

_WORDS = frozenset(
    {"inputs", "steps", "documents", "case", "clocks", "round", "previous", "members", "loop"}
)

_DOCUMENT = mapping_of(text=TEXT, digest=TEXT, revision=NUMBER)
_CASE = {"ref": TEXT, "title": TEXT, "requester": TEXT, "opened_at": TEXT, "drill": FLAG}
_SEVERITY = mapping_of(label=TEXT, rank=NUMBER)


class View(StrEnum):
    """What kind of place an expression stands in."""

    STEP = "step"  # somewhere in the steps
    START = "start"  # evaluated as the case opens
    CLOCK = "clock"  # evaluated whenever something changes
    RESULTS = "results"  # evaluated as the case closes
    SCHEDULE = "schedule"  # evaluated before there is a case


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands; `position` for those in steps."""

    view: View
    position: Position | None = None


class NameTable:
    """Answers what a name means at a place of one playbook."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self.index: PlaybookIndex = index_of(playbook)

    def look_up(self, place: Place, path: Path) -> Shape | Unknown:
        """Return what is behind a dotted name at a place, or why nothing is."""
        heads = self._heads(place)
        head = path[0]
        if head == "members":
            return Unknown("`members` is a function", "write members('group')")
        if head not in heads:
            return self._no_such_head(head, place, list(heads))
        return heads[head](place, path)

    # --- the first name ---------------------------------------------------------------------------

    def _heads(self, place: Place) -> Mapping[str, Callable[[Place, Path], Shape | Unknown]]:
        if place.view is View.SCHEDULE:
            return {"due": _fixed(TEXT), "last": _fixed(self._last())}
        heads = {"inputs": _fixed(inputs_shape(self.playbook)), "case": _fixed(self._case(place))}
        if place.view is not View.START:
            heads["steps"] = self._step
        if place.view in {View.STEP, View.RESULTS}:
            clock = mapping_of(due_at=TEXT)
            clocks = {entry.id: clock for entry in self.playbook.clocks}
            heads["clocks"] = _fixed(mapping_of(**clocks))
            heads["documents"] = self._document
        for name, shape in self._local(place).items():
            heads[name] = _fixed(shape)
        return heads

    def _no_such_head(self, head: str, place: Place, known: list[str]) -> Unknown:
        if head in {"round", "previous"}:
            return Unknown(f"`{head}` is known only inside a repeat")
        if head in _WORDS:
            return Unknown(f"`{head}` is not known at this point", f"there are: {', '.join(known)}")
        lists: tuple[tuple[str, list[str]], ...] = (
            ("inputs", list(inputs_shape(self.playbook).get("properties", {}))),
            ("steps", list(self.index.by_id)),
            ("documents", list(self.playbook.documents)),
        )
        for whole, names in lists:
            if head in names and whole in known:
                return Unknown(f"there is no name `{head}` here", f"write {whole}.{head}")
        return no_such_name(head, (), known)

    def _case(self, place: Place) -> Shape:
        scored = self.playbook.severity is not None and place.view is not View.START
        return mapping_of(**_CASE, **({"severity": _SEVERITY} if scored else {}))

    def _last(self) -> Shape:
        results = mapping_of(**dict.fromkeys(self.playbook.results, OPEN))
        return mapping_of(ref=TEXT, closed_at=TEXT, outcome=TEXT, results=results)

    def _local(self, place: Place) -> dict[str, Shape]:
        found: dict[str, Shape] = {}
        for block, _ in place.position.parents if place.position else ():
            if isinstance(block, ForeachStep):
                found[block.name] = self._element(block)
            elif isinstance(block, RepeatStep):
                found |= {"round": NUMBER, "previous": self._round(block)}
        return found

    def _element(self, block: ForeachStep) -> Shape:
        if not isinstance(block.elements, Expression):
            return OPEN
        try:
            path = compile_expression(block.elements.source).path
        except ExpressionError:
            return OPEN  # reported where the expression itself is checked
        if path is None or path[0] == "members":
            return OPEN
        found = self.look_up(Place(View.STEP, self.index.of(block.id)), (*path, "*"))
        return OPEN if isinstance(found, Unknown) else found

    # --- steps and documents ----------------------------------------------------------------------

    def _step(self, place: Place, path: Path) -> Shape | Unknown:
        if len(path) < 2 or path[1] == "*":
            return Unknown("`steps` needs the name of a step", "write steps.<id>.output")
        target = self.index.by_id.get(path[1])
        if target is None:
            hint = did_you_mean(path[1], self.index.by_id)
            return Unknown(f"there is no step `{path[1]}`", hint)
        if reason := self.why_hidden(place, target):
            message = f"`steps.{path[1]}` cannot be used here: it {reason}"
            return Unknown(message, "use only steps that are certain to have ended")
        return follow(self.step_shape(target.step), path[2:], path[:2])

    def why_hidden(self, place: Place, target: Position) -> str:
        """Return why a step may not be named at a place; empty if it may."""
        if place.view is View.STEP and place.position is not None:
            return why_not_ended(self.index, place.position, target.step.id)
        if any(scope.kind != "branch" for scope in target.scopes):
            return why_not_seen(self.index, target)
        return ""

    def _document(self, place: Place, path: Path) -> Shape | Unknown:
        if len(path) < 2 or path[1] == "*":
            return Unknown("`documents` needs the name of a document", "write documents.<id>.text")
        if path[1] not in self.playbook.documents:
            hint = did_you_mean(path[1], self.playbook.documents)
            return Unknown(f"there is no document `{path[1]}`", hint)
        if reason := self.why_no_text(place, path[1]):
            return Unknown(f"`documents.{path[1]}` cannot be used here: it {reason}")
        return follow(_DOCUMENT, path[2:], path[:2])

    def why_no_text(self, place: Place, document: str) -> str:
        """Return why a document is not there at a place; empty if it is, or nobody drafts it."""
        drafts = [
            position
            for position in self.index.by_id.values()
            if isinstance(position.step, DraftStep) and position.step.document == document
        ]
        reasons = []
        for draft in drafts:
            if place.position is None or place.view is not View.STEP:
                reason = f"lives in `{draft.document_home}`" if draft.document_home else ""
            else:
                reason = why_not_ended(self.index, place.position, draft.step.id)
                reason = reason and f"is drafted in `{draft.step.id}`, which {reason}"
            if not reason:
                return ""
            reasons.append(reason)
        return reasons[0] if reasons else ""

    # --- what steps give --------------------------------------------------------------------------

    def step_shape(self, step: Step) -> Shape:
        """Return what `steps.<id>` holds, by the contract on outputs."""
        ended = {"outcome": TEXT, "completed_at": TEXT}
        if isinstance(step, ForeachStep | RepeatStep):
            return mapping_of(results=list_of(self._round(step)), **ended)
        return mapping_of(output=output_shape(step), completed_by=TEXT, **ended)

    def _round(self, block: ForeachStep | RepeatStep) -> Shape:
        """Return one entry of `results`, which is what `previous` holds, too."""
        inner = {
            step_id: mapping_of(output=output_shape(position.step), outcome=TEXT)
            for step_id, position in self.index.by_id.items()
            if position.document_home == block.id
        }
        element = {"element": OPEN} if isinstance(block, ForeachStep) else {}
        return mapping_of(**element, ended=TEXT, **inner)


def inputs_shape(playbook: Playbook) -> Shape:
    """Return the schema of the inputs; a playbook that declares none has none."""
    return playbook.inputs or mapping_of()


def output_shape(step: Step) -> Shape:
    """Return the shape of a step's output; blocks and timed waits have none."""
    if isinstance(step, TaskStep):
        return step.form or mapping_of()
    if isinstance(step, SetStep):
        return mapping_of(**dict.fromkeys(step.values, OPEN))
    if isinstance(step, WaitStep):
        return OPEN if step.signal is not None else mapping_of()
    return _OUTPUTS.get(type(step), OPEN if step.kind in {"playbook", "call"} else mapping_of())


_OUTPUTS: Mapping[type[Step], Shape] = {
    DraftStep: mapping_of(document=TEXT, revision=NUMBER, digest=TEXT),
    ApprovalStep: mapping_of(digest=TEXT, approved_by=OPEN),
    PublishStep: mapping_of(published_at=TEXT, url=TEXT, digest=TEXT),
    DecisionStep: mapping_of(path=OPEN),
    NotifyStep: mapping_of(told=OPEN, acknowledged=OPEN),
    ForeachStep: OPEN,
    RepeatStep: OPEN,
}


def _fixed(shape: Shape) -> Callable[[Place, Path], Shape | Unknown]:
    return lambda _place, path: follow(shape, path[1:], path[:1])
