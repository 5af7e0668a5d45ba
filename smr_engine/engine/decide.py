"""Deciding: a command on a case gives events, or a refusal, or the scopes it still needs.

Pure: what time it is, who acts and what the directory says are arguments. The caller saves the
events and the new case in one transaction, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.engine import (
    answers,
    case_orders,
    clocks,
    closing,
    firing,
    flow,
    forms,
    outcomes,
    policy,
)
from smr_engine.engine import commands as c
from smr_engine.engine import events as e
from smr_engine.engine.evolve import evolve
from smr_engine.engine.problems import MissingScopesError, StepProblemError
from smr_engine.engine.run import Run, Situation
from smr_engine.engine.state import Case
from smr_engine.engine.statuses import CLOSED_CASES
from smr_engine.engine.steps import approvals, blocks, other, people, publishing, telling
from smr_engine.errors import Invalid, Refusal
from smr_engine.playbook.expressions import ExpressionError, compile_template
from smr_engine.playbook.model import Playbook

flow.STARTERS.update(
    {
        "task": people.start_task,
        "draft": people.start_draft,
        "decision": people.start_decision,
        "approval": approvals.start_approval,
        "publish": publishing.start_publish,
        "notify": telling.start_notify,
        "section": blocks.start_section,
        "switch": blocks.start_switch,
        "parallel": blocks.start_parallel,
        "foreach": blocks.start_foreach,
        "repeat": blocks.start_repeat,
        "wait": other.start_wait,
        "call": other.start_call,
        "set": other.start_set,
        "playbook": other.start_playbook,
        "end": other.start_end,
    }
)
flow.ON_SCOPE_ENDED.update(
    {
        "parallel": blocks.branch_ended,
        "foreach": blocks.element_ended,
        "repeat": blocks.round_ended,
    }
)

_COMMANDS: Mapping[type[c.Command], Callable[[Run, Any], None]] = {
    c.CompleteItem: answers.complete_item,
    c.ReviseDocument: answers.revise,
    c.Decide: answers.decide,
    c.BreakGlass: answers.break_glass,
    c.Reassign: answers.reassign,
    c.Attach: answers.attach,
    c.WriteNote: case_orders.note,
    c.Signal: case_orders.signal,
    c.MeetClock: case_orders.meet_clock,
    c.Rescore: case_orders.rescore,
    c.CancelCase: case_orders.cancel,
    c.Repair: answers.repair,
    c.FireTimer: firing.fire,
    c.BeginPublication: outcomes.begin_publication,
    c.ReportEffect: outcomes.report,
    c.NoteChild: outcomes.note_child,
    c.EndChild: outcomes.end_child,
}
_BY_TOKENS = (c.WriteNote, c.Signal)
_ALSO_WHEN_CLOSED = (c.ReportEffect, c.BeginPublication, c.FireTimer, c.EndChild, c.WriteNote)


@dataclass(frozen=True, slots=True)
class Decided:
    """The events of an accepted command, and the case after them."""

    events: tuple[e.Event, ...]
    case: Case


@dataclass(frozen=True, slots=True)
class Need:
    """The scopes that must be loaded before the command can be decided."""

    paths: tuple[str, ...]


def decide(
    playbook: Playbook, case: Case, command: c.Command, situation: Situation
) -> Decided | Need:
    """Decide a command on an open case.

    Args:
        playbook: the version the case was opened from.
        case: its header and the scopes loaded so far.
        command: what is asked.
        situation: the directory, the present instant and who asks.

    Returns:
        What happened, or which scopes are needed first.

    Raises:
        SmrError: the command is refused or not valid; nothing has happened.
    """
    if case.header.status in CLOSED_CASES and not isinstance(command, _ALSO_WHEN_CLOSED):
        message = f"{case.header.ref} is {case.header.status}"
        raise Refusal("case-closed", message, where=case.header.ref)
    if situation.actor.door == c.TOKEN_DOOR and not isinstance(command, _BY_TOKENS):
        message = "API tokens never approve: all but notes and signals is for a person who signs in"
        raise Refusal("tokens-never-approve", message, where=case.header.ref)
    run = Run(playbook, case, situation)
    return _settled(run, lambda: _COMMANDS[type(command)](run, command))


def open_case(playbook: Playbook, command: c.OpenCase, situation: Situation) -> Decided:
    """Open a case.

    Raises:
        SmrError: the actor may not, or the inputs do not fit; nothing has happened.
    """
    world, now, actor = situation.world, situation.now, situation.actor
    if actor.is_person:
        verdict = policy.may_start(world, playbook, actor.id, now)
        if not verdict.may:
            raise Refusal("may-not-start", verdict.why_not)
    opened = _opened(playbook, command, situation)
    run = Run(playbook, evolve(None, opened, now, actor.id), situation)
    run.events.append(opened)
    run.after = "start"

    def begin() -> None:
        for given in command.documents:
            if given.document in playbook.documents:
                people.save_revision(
                    run,
                    "",
                    "",
                    given.document,
                    given.text,
                    source="handed_over",
                    authors=given.authors,
                )
        if flow.proceed(run, "", playbook.steps):
            closing.complete_case(run, "done")

    decided = _settled(run, begin)
    if isinstance(decided, Need):  # a new case has all its scopes
        message = f"a new case asked for {decided.paths}"
        raise TypeError(message)
    return decided


def _opened(playbook: Playbook, command: c.OpenCase, situation: Situation) -> e.CaseOpened:
    schema = playbook.inputs or forms.NO_FIELDS
    inputs = forms.check_values(schema, command.inputs, situation.world, "inputs")
    return e.CaseOpened(
        ref=command.ref,
        playbook=playbook.name,
        version=playbook.version,
        digest=playbook.digest,
        pins=dict(command.pins),
        requester=situation.actor.id,
        severity=_severity(playbook, command.severity, inputs),
        drill=command.drill,
        parent=command.parent,
        schedule=command.schedule,
        due=command.due,
        title=str(inputs.get("title") or playbook.title),
        inputs=inputs,
    )


def _settled(run: Run, act: Callable[[], None]) -> Decided | Need:
    try:
        act()
        flow.settle(run)
        closing.finish(run)
        clocks.tick(run)
        closing.let_go(run)
    except MissingScopesError as missing:
        return Need(missing.paths)
    except (StepProblemError, ExpressionError) as problem:
        raise Refusal("cannot-go-on", str(problem), where=run.header.ref) from problem
    return Decided(tuple(run.events), run.case)


def _severity(playbook: Playbook, given: str | None, inputs: Mapping[str, Any]) -> str | None:
    """Return the initial severity: as given, else as the playbook computes it."""
    scale = playbook.severity
    if scale is None:
        if given:
            message = f"{playbook.name} has no severity"
            raise Invalid("no-severity", message)
        return None
    label = given or _initial(playbook, inputs)
    if label not in scale.levels:
        message = f"'{label}' is not one of {', '.join(scale.levels)}"
        raise Invalid("unknown-severity", message, hint="--severity LEVEL")
    return label


def _initial(playbook: Playbook, inputs: Mapping[str, Any]) -> str:
    scale = playbook.severity
    if scale is None or not scale.initial.source:
        return scale.levels[-1] if scale else ""
    value = compile_template(scale.initial.source).evaluate({"inputs": dict(inputs)})
    return str(value)
