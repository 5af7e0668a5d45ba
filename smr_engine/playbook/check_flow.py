"""Checks of the way through the steps: ends, ways back, switches, loops, steps never reached."""

from __future__ import annotations

from smr_engine.playbook.check_inspection import Inspection
from smr_engine.playbook.check_order import why_not_ended
from smr_engine.playbook.check_outcomes import (
    ALWAYS,
    RESERVED_OUTCOMES,
    decision_outcomes,
    own_outcomes,
    possible_outcomes,
)
from smr_engine.playbook.check_shapes import Unknown, why_no_list
from smr_engine.playbook.expressions import ExpressionError, compile_expression
from smr_engine.playbook.index import Position, entries
from smr_engine.playbook.model import (
    ApprovalStep,
    CallStep,
    DecisionStep,
    DraftStep,
    EndStep,
    Expression,
    ForeachStep,
    NotifyStep,
    PublishStep,
    SectionStep,
    SetStep,
    Step,
    SwitchStep,
    TaskStep,
    walk,
)
from smr_engine.playbook.names import Place, View
from smr_engine.playbook.suggest import did_you_mean


def check_flow(inspection: Inspection) -> None:
    """Report ends and ways back that lead nowhere, steps never reached, outcomes never had."""
    _check_reached(inspection, inspection.playbook.steps)
    for clock in inspection.playbook.clocks:
        if clock.met_by is not None and clock.met_by not in inspection.index.by_id:
            hint = did_you_mean(clock.met_by, inspection.index.by_id)
            message = f"`met_by: {clock.met_by}` names no step"
            inspection.error("unknown-step", clock.line, message, hint)
    for position in inspection.index.by_id.values():
        _check_step(inspection, position)


def _check_step(inspection: Inspection, position: Position) -> None:
    step = position.step
    match step:
        case EndStep():
            _check_end(inspection, position, step.outcome, step.of)
        case ApprovalStep():
            _check_return(inspection, position, step)
            if step.on_rejected is not None:
                _check_end(inspection, position, step.on_rejected.outcome, step.on_rejected.of)
        case SwitchStep():
            _check_switch(inspection, position, step)
        case DecisionStep():
            _check_decision(inspection, step)
        case SetStep():
            _check_set(inspection, step)
        case ForeachStep():
            _check_elements(inspection, position, step)


# --- ends ----------------------------------------------------------------------------------------


def _check_end(inspection: Inspection, position: Position, outcome: str, of: str | None) -> None:
    step = position.step
    line = step.lines.get("of", step.line_of("on_rejected"))
    names = [scope.branch or scope.block for scope in position.scopes]
    if of is not None:
        if of not in names:
            message = f"`of: {of}` names no foreach, repeat or branch around this step"
            hint = did_you_mean(of, names) or (
                f"around it there is: {', '.join(names)}" if names else "leave `of` out"
            )
            inspection.error("end-of-nothing", line, message, hint)
        return
    loops = [scope.block for scope in position.scopes if scope.kind != "branch"]
    if loops:
        message = f"`{outcome}` ends the whole case, not only this part of `{loops[-1]}`"
        hint = f"write of: {loops[-1]} if only this part should end"
        inspection.warning("end-without-of", line, message, hint)


def _check_reached(inspection: Inspection, steps: tuple[Step, ...]) -> None:
    over = False
    for step in steps:
        if over:
            message = f"`{step.id}` is never reached: what stands before it always ends"
            inspection.warning("unreachable-step", step.line, message, "give the end a `when`")
            return
        for _, inner in entries(step):
            _check_reached(inspection, inner)
        over = _always_ends(step)


def _always_ends(step: Step) -> bool:
    """Return whether the list that a step stands in is certainly over with it."""
    if step.when is not None:
        return False
    if isinstance(step, EndStep):
        return True
    if isinstance(step, SectionStep):
        return any(map(_always_ends, step.steps))
    if isinstance(step, SwitchStep):
        whole = any(option.when is None and option.outcome is None for option in step.options)
        return whole and all(any(map(_always_ends, option.steps)) for option in step.options)
    return False


# --- the way back --------------------------------------------------------------------------------


def _check_return(inspection: Inspection, position: Position, step: ApprovalStep) -> None:
    if step.on_changes_requested is None:
        return
    target, line = step.on_changes_requested.step, step.line_of("on_changes_requested")
    earlier = {sibling.id: at for at, sibling in enumerate(position.siblings[: position.at])}
    if target not in earlier:
        right = [sibling.id for sibling in position.siblings[: position.at] if _may_return(sibling)]
        message = f"`return_to: {target}` names no step before this one in the same list"
        hint = did_you_mean(target, right) or (f"it could be: {', '.join(right)}" if right else "")
        inspection.error("return-out-of-list", line, message, hint)
        return
    at = earlier[target]
    if not _may_return(position.siblings[at]):
        message = f"`return_to: {target}` leads to a {position.siblings[at].kind} step"
        inspection.error("return-to-kind", line, message, "name a draft or a task")
    for passed in walk(position.siblings[at : position.at]):
        if isinstance(passed, PublishStep | NotifyStep | CallStep):
            message = (
                f"`return_to: {target}` leads back over `{passed.id}`, which would be repeated"
            )
            hint = f"move the {passed.kind} before `{target}` or after the approval"
            inspection.error("return-over-effect", line, message, hint)


def _may_return(step: Step) -> bool:
    return isinstance(step, DraftStep | TaskStep)


# --- choices -------------------------------------------------------------------------------------


def _check_switch(inspection: Inspection, position: Position, step: SwitchStep) -> None:
    line = step.line_of("on")
    if step.on is None:
        return
    if step.on not in inspection.index.by_id:
        hint = did_you_mean(step.on, inspection.index.by_id)
        message = f"`on: {step.on}` names no step"
        inspection.error("unknown-step", line, message, hint)
        return
    if reason := why_not_ended(inspection.index, position, step.on):
        message = f"`on: {step.on}` cannot be asked here: `{step.on}` {reason}"
        inspection.error("unknown-name", line, message)
    decider = inspection.index.of(step.on).step
    known = possible_outcomes(decider, inspection.context.playbooks)
    named = {option.outcome for option in step.options if option.outcome is not None}
    for outcome in sorted(named.difference(known)) if known else ():
        message = f"`{step.on}` never ends in `{outcome}`"
        hint = did_you_mean(outcome, known) or f"it can end in: {', '.join(known)}"
        inspection.error("unknown-outcome", step.line_of("options"), message, hint)
    if not any(option.when is None and option.outcome is None for option in step.options):
        missing = [word for word in _expected(inspection, decider) if word not in named]
        if missing:
            message = f"nothing happens when `{step.on}` ends in {', '.join(missing)}"
            inspection.warning(
                "missing-outcome", step.line_of("options"), message, "add options, or an `else`"
            )


def _expected(inspection: Inspection, decider: Step) -> list[str]:
    """Return the outcomes that a switch should have an answer for."""
    own = own_outcomes(decider, inspection.context.playbooks)
    held = {"rejected"} if isinstance(decider, ApprovalStep) else set()
    return [word for word in own if word not in held and word not in ALWAYS]


def _check_decision(inspection: Inspection, step: DecisionStep) -> None:
    for outcome in decision_outcomes(step):
        if outcome in RESERVED_OUTCOMES:
            message = f"`{outcome}` is an outcome of the language and cannot be declared"
            inspection.error("reserved-outcome", step.line, message, "choose another word")


def _check_elements(inspection: Inspection, position: Position, step: ForeachStep) -> None:
    if not isinstance(step.elements, Expression):
        return
    try:
        path = compile_expression(step.elements.source).path
    except ExpressionError:
        return  # reported where expressions are checked
    found = inspection.names.look_up(Place(View.STEP, position), path) if path else Unknown("")
    if not isinstance(found, Unknown) and path and (reason := why_no_list(found, path)):
        inspection.error("not-a-list", step.elements.line, reason, "name a list after `in`")


def _check_set(inspection: Inspection, step: SetStep) -> None:
    if step.severity is not None and inspection.playbook.severity is None:
        message = "the playbook has no `severity` that could be set"
        inspection.error(
            "no-severity", step.line_of("severity"), message, "declare its levels at the top"
        )
