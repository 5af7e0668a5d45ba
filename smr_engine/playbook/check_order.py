"""What is certain at a point of a playbook: which steps have ended, and under which conditions."""

from __future__ import annotations

from dataclasses import dataclass, field

from smr_engine.playbook.expressions import ExpressionError, Path, compile_expression
from smr_engine.playbook.index import PlaybookIndex, Position
from smr_engine.playbook.model import (
    ApprovalStep,
    DraftStep,
    EndStep,
    Expression,
    ForeachStep,
    OnExpiry,
    ParallelStep,
    RepeatStep,
    SetStep,
    Step,
    SwitchStep,
)

Level = tuple[tuple[Step, ...], int]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must have held; equal if it is the same, however it is written.

    `asked` is the step or block at which it was evaluated, `reads` are the names in it.
    """

    meaning: tuple[str, ...]
    words: str = field(compare=False)
    asked: Position = field(compare=False)
    reads: frozenset[Path] = field(default=frozenset(), compare=False)


def why_not_ended(index: PlaybookIndex, at: Position, step_id: str) -> str:
    """Return why a step is not certain to have ended (completed or skipped) at a point.

    Args:
        index: the playbook's index; the step must be in it.
        at: the point; `at.at` may be one past the end of its list.
        step_id: the step asked about.

    Returns:
        The end of a sentence that begins with the step's name; empty if it is certain.
    """
    target = index.of(step_id)
    depth = _where_they_part(index, at, target)
    if depth is None:
        return "is not over at this point"
    here, there = _levels(index, at)[depth], _levels(index, target)[depth]
    if here[0] is not there[0]:
        return f"runs in another branch or option of `{target.parents[depth - 1][0].id}`"
    if there[1] > here[1]:
        return "comes later"
    return why_not_seen(index, target, depth)


def why_not_seen(index: PlaybookIndex, target: Position, depth: int = 0) -> str:
    """Return why a step is not certain to have ended once the block around it has ended.

    Args:
        index: the playbook's index.
        target: the step's position.
        depth: how many of the blocks around the step are around the point of view, too.
    """
    for block, entry in target.parents[depth:]:
        if isinstance(block, ForeachStep | RepeatStep):
            times = "element" if isinstance(block, ForeachStep) else "round"
            return (
                f"runs once per {times} of `{block.id}`: from outside see steps.{block.id}.results"
            )
        if isinstance(block, ParallelStep):
            if block.join_any:
                return f"is cancelled when another branch of `{block.id}` ends first"
            if ender := _ended_before(index, target, entry):
                return f"is cancelled when `{ender}` ends the branch `{entry}`"
    return ""


def why_not_granted(index: PlaybookIndex, at: Position, approval_id: str) -> str:
    """Return why a step could be reached without an approval having been granted.

    Args:
        index: the playbook's index.
        at: the position of the step that relies on it.
        approval_id: an approval step.

    Returns:
        The end of a sentence that begins with the approval's name; empty if it is certain.
    """
    if reason := why_not_ended(index, at, approval_id):
        return reason
    approval = index.of(approval_id)
    here = _conditions(index, at)
    if _outcome_is(approval_id, "approved", at) in here:
        return ""
    for condition in _conditions(index, approval):
        if reason := _why_not_met(index, condition, here):
            return f"is asked only {condition.words}, {reason}"
    depth = _where_they_part(index, at, approval) or 0
    blocks = [block for block, _ in approval.parents[depth:]]
    return _way_past(approval.step, blocks, at)


def _way_past(step: Step, blocks: list[Step], at: Position) -> str:
    for part in (*blocks, step):
        if part.on_failure == "continue":
            return f"may fail and the case goes on, because of on_failure: continue on `{part.id}`"
    if step.expires is not None and step.on_expiry is OnExpiry.SKIP:
        return "is skipped when it expires"
    ending = step.on_rejected if isinstance(step, ApprovalStep) else None
    if ending is not None and ending.of is not None and ending.of not in _scope_names(at):
        return f"may be rejected, which ends only `{ending.of}`"
    return ""


def _scope_names(at: Position) -> set[str]:
    """Return the names by which `of` can end a scope around a position."""
    return {scope.branch or scope.block for scope in at.scopes}


def _levels(index: PlaybookIndex, at: Position) -> list[Level]:
    """Return the lists around a position, outermost first, each with the place in it."""
    around = (index.of(block.id) for block, _ in at.parents)
    return [*((p.siblings, p.at) for p in around), (at.siblings, at.at)]


def _where_they_part(index: PlaybookIndex, at: Position, target: Position) -> int | None:
    """Return the first level at which two positions differ; None if one is around the other."""
    pairs = zip(_levels(index, at), _levels(index, target), strict=False)
    for depth, (here, there) in enumerate(pairs):
        if here[0] is not there[0] or here[1] != there[1]:
            return depth
    return None


def _ended_before(index: PlaybookIndex, target: Position, branch: str) -> str:
    """Return a step that may end a branch around the target before it, empty if none can."""
    for step_id, position in index.by_id.items():
        step = position.step
        ends = step.of if isinstance(step, EndStep) else None
        if isinstance(step, ApprovalStep) and step.on_rejected is not None:
            ends = step.on_rejected.of
        here = ends == branch and branch in _scope_names(position)
        if here and _may_come_before(index, position, target):
            return step_id
    return ""


def _may_come_before(index: PlaybookIndex, position: Position, target: Position) -> bool:
    """Return whether a step may run while another one has not ended yet."""
    depth = _where_they_part(index, position, target)
    if depth is None:
        return False  # it is the target itself, or around it
    here, there = _levels(index, position)[depth], _levels(index, target)[depth]
    if here[0] is there[0]:
        return here[1] < there[1]
    return isinstance(target.parents[depth - 1][0], ParallelStep)  # else options: only one is taken


# --- conditions ----------------------------------------------------------------------------------


def _why_not_met(index: PlaybookIndex, wanted: Condition, here: list[Condition]) -> str:
    """Return why what had to hold for one step need not hold for another; empty if it must."""
    same = [condition for condition in here if condition == wanted]
    if not same:
        return "and this step runs otherwise, too"
    changers = [_changed_between(index, wanted, condition) for condition in same]
    return f"which `{changers[0]}` may change before this step" if all(changers) else ""


def _changed_between(index: PlaybookIndex, first: Condition, second: Condition) -> str:
    """Return a step that may change what is read between two evaluations of the same words."""
    if first.asked.step is second.asked.step:
        return ""
    both = (first.asked, second.asked)
    for step_id, changer in index.by_id.items():
        if not _changes(changer.step, first.reads):
            continue
        before = not any(why_not_ended(index, at, step_id) for at in both)
        after = not any(_may_come_before(index, changer, at) for at in both)
        if _runs_again(changer, both) or not (before or after):
            return step_id
    return ""


def _changes(step: Step, reads: frozenset[Path]) -> bool:
    if isinstance(step, SetStep) and step.severity is not None:
        return any(path[:2] == ("case", "severity") for path in reads)
    if isinstance(step, DraftStep):
        return any(path[:2] == ("documents", step.document) for path in reads)
    return False


def _runs_again(changer: Position, both: tuple[Position, Position]) -> bool:
    """Return whether a step runs for other elements meanwhile, or in rounds around one of two."""
    first, second = ({block.id for block, _ in at.parents} for at in both)
    for block, _ in changer.parents:
        if isinstance(block, ForeachStep) and block.id in first | second:
            return True
        if isinstance(block, RepeatStep) and block.id in first ^ second:
            return True
    return False


def _conditions(index: PlaybookIndex, at: Position) -> list[Condition]:
    """Return what must have held for a step to run: its `when`, and those and options around it."""
    found: list[Condition] = []
    for block, entry in at.parents:
        found += _when(block.when, index.of(block.id))
        if isinstance(block, SwitchStep):
            found += _taken(block, entry, index.of(block.id))
    return [*found, *_when(at.step.when, at)]


def _taken(switch: SwitchStep, entry: str, at: Position) -> list[Condition]:
    """Return what held where an option was taken: that it was, and its own condition."""
    words = f"in the option `{entry}` of `{switch.id}`"
    found = [Condition(("option", switch.id, entry), words, at)]
    if switch.on is not None:
        found.append(_outcome_is(switch.on, entry, at))
    for option in switch.options:
        if option.name == entry:
            found += _when(option.when, at)
    return found


def _outcome_is(step_id: str, outcome: str, asked: Position) -> Condition:
    source = f"steps.{step_id}.outcome == '{outcome}'"
    return Condition(("when", compile_expression(source).meaning, ""), f"when {source}", asked)


def _when(when: Expression | None, at: Position) -> list[Condition]:
    if when is None:
        return []
    words = f"when {when.source.strip()}"
    try:
        compiled = compile_expression(when.source)
    except ExpressionError:
        return [Condition(("when", when.source), words, at)]  # reported where it is checked itself
    if compiled.constant and compiled.holds({}):
        return []
    beat = {"round", "previous"} & {path[0] for path in compiled.references}
    home = at.document_home if beat else None  # the same words mean another round elsewhere
    meaning = ("when", compiled.meaning, home or "")
    return [Condition(meaning, words, at, compiled.references)]
