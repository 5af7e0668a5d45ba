"""Checks of every expression and template: can it be read, and is every name in it declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from smr_engine.playbook.check_inspection import Inspection, parts, parts_inside
from smr_engine.playbook.check_outcomes import possible_outcomes
from smr_engine.playbook.check_shapes import Shape, Unknown, dotted
from smr_engine.playbook.expressions import (
    Compiled,
    ExpressionError,
    Path,
    compile_expression,
    compile_template,
)
from smr_engine.playbook.index import Position
from smr_engine.playbook.model import (
    DraftStep,
    Expression,
    ForeachStep,
    PublishStep,
    RepeatStep,
    Template,
)
from smr_engine.playbook.names import Place, View
from smr_engine.playbook.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Site:
    """One expression or template, where it stands, and its line in the file."""

    place: Place
    source: Expression | Template
    line: int
    why: str = ""  # said before the message when the place is not where the text is written


def check_names(inspection: Inspection) -> None:
    """Report expressions that cannot be read and names that lead nowhere."""
    for site in _sites(inspection):
        compiled = _compiled(inspection, site)
        if compiled is not None:
            _check_references(inspection, site, compiled)
    for position in inspection.index.by_id.values():
        if isinstance(position.step, ForeachStep):
            _check_element_name(inspection, position, position.step)


# --- where expressions stand ---------------------------------------------------------------------


def _sites(inspection: Inspection) -> Iterator[Site]:
    yield from _top_level(inspection)
    for position in inspection.index.by_id.values():
        yield from _of_step(inspection, position)


def _top_level(inspection: Inspection) -> Iterator[Site]:
    playbook = inspection.playbook
    views: tuple[tuple[View, Any, int], ...] = (
        (View.START, playbook.severity, 1),
        (View.RESULTS, playbook.results, 1),
        *((View.CLOCK, clock, clock.line) for clock in playbook.clocks),
        *((View.SCHEDULE, trigger, trigger.line) for trigger in playbook.triggers),
    )
    for view, whole, line in views:
        for source in _texts(whole):
            yield Site(Place(view), source, source.line or line)


def _of_step(inspection: Inspection, position: Position) -> Iterator[Site]:
    step, here = position.step, Place(View.STEP, position)
    for source in _texts_inside(step):
        late = isinstance(step, RepeatStep) and source is step.until
        place = Place(View.STEP, _after_round(position)) if late else here
        yield Site(place, source, source.line or step.line)
    if isinstance(step, DraftStep) and step.document in inspection.playbook.documents:
        document = inspection.playbook.documents[step.document]
        yield Site(here, document.template, document.template.line or document.line)
    if isinstance(step, PublishStep):
        yield from _bundled(inspection, step)


def _bundled(inspection: Inspection, step: PublishStep) -> Iterator[Site]:
    """Yield account, recipients and time of a publication, at the approvals that bind them."""
    for name in step.requires:
        approval = inspection.index.by_id.get(name)
        if approval is None:
            continue
        why = f"this is fixed when `{name}` opens: "
        for source in _texts((step.accounts, step.to, step.at)):
            yield Site(Place(View.STEP, approval), source, source.line or step.line, why)


def _after_round(position: Position) -> Position:
    """Return the point at which a repeat's `until` is asked: after all steps of the round."""
    step = position.step
    inner = step.steps if isinstance(step, RepeatStep) else ()
    parents = (*position.parents, (step, ""))
    return replace(position, siblings=inner, at=len(inner), parents=parents)


def _texts(whole: Any) -> Iterator[Expression | Template]:
    yield from parts(whole, Expression)
    yield from parts(whole, Template)


def _texts_inside(whole: Any) -> Iterator[Expression | Template]:
    yield from parts_inside(whole, Expression)
    yield from parts_inside(whole, Template)


# --- what is wrong with them ---------------------------------------------------------------------


def _compiled(inspection: Inspection, site: Site) -> Compiled | None:
    try:
        if isinstance(site.source, Expression):
            return compile_expression(site.source.source)
        return compile_template(site.source.source)
    except ExpressionError as fault:
        line = site.line if fault.line == 1 else site.line + fault.line - 1
        inspection.error("bad-expression", line, fault.message, fault.hint)
        return None


def _check_references(inspection: Inspection, site: Site, compiled: Compiled) -> None:
    for path in sorted(compiled.references - {("members",)}):
        found = inspection.names.look_up(site.place, path)
        if isinstance(found, Unknown):
            message = f"{site.why}{found.message}"
            inspection.error("unknown-name", site.line, message, found.hint)
    directory = inspection.directory
    for group in sorted(compiled.groups) if directory else ():
        if directory and group not in directory.groups:
            hint = did_you_mean(group, directory.groups)
            message = f"the directory has no group `{group}`"
            inspection.error("unknown-group", site.line, message, hint)
    for path, constant in sorted(compiled.comparisons, key=repr):
        _check_comparison(inspection, site, path, constant)


def _check_comparison(inspection: Inspection, site: Site, path: Path, constant: Any) -> None:
    """Find comparisons that can never hold: a misspelt choice or outcome."""
    found = inspection.names.look_up(site.place, path)
    if isinstance(found, Unknown) or constant is None:
        return
    choices = _choices(inspection, path, found)
    if choices and constant not in choices:
        message = f"`{dotted(path)}` is never `{constant}`"
        hint = did_you_mean(str(constant), choices) or f"it can be: {', '.join(choices)}"
        inspection.warning("never-equal", site.line, message, hint)


def _choices(inspection: Inspection, path: Path, shape: Shape) -> list[str]:
    if path[0] == "steps" and len(path) == 3 and path[2] == "outcome":
        step = inspection.index.of(path[1]).step
        return possible_outcomes(step, inspection.context.playbooks)
    severity = inspection.playbook.severity
    if path == ("case", "severity", "label") and severity is not None:
        return list(severity.levels)
    choices = shape.get("enum")
    return [choice for choice in choices or () if isinstance(choice, str)]


def _check_element_name(inspection: Inspection, position: Position, step: ForeachStep) -> None:
    around = {block.name for block, _ in position.parents if isinstance(block, ForeachStep)}
    if step.name in around:
        message = f"`{step.name}` is the element of a foreach around this one already"
        inspection.error("reserved-name", step.line, message, "give one of them another name")
