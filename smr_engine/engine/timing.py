"""Due times and the timers around them, from what a step says at the case's severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smr_engine.engine import deadlines
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Run
from smr_engine.engine.world import Calendar
from smr_engine.playbook.durations import Duration, DurationKind, Offset
from smr_engine.playbook.model import (
    Acknowledge,
    Due,
    DueAt,
    Escalation,
    NotifyStep,
    Step,
    Varied,
)

REMIND, ESCALATE = "remind", "escalate"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is owed around one item: its due time, reminders and escalations."""

    due: Varied[Due] | None
    remind: Varied[tuple[Offset, ...]] | None
    escalate: Varied[tuple[Escalation, ...]] | None


@dataclass(frozen=True, slots=True)
class Planned:
    """One instant of a rule: `rule` is its index among the reminders or escalations."""

    at: datetime
    purpose: str
    rule: int


def schedule_of(step: Step | Acknowledge) -> Schedule:
    """Return the schedule of a step's item; of a notify step that of its acknowledgements."""
    if isinstance(step, NotifyStep) and step.acknowledge is not None:
        step = step.acknowledge
    return Schedule(step.due, step.remind, step.escalate)


def due_at(run: Run, scope: str, due: Varied[Due] | None, calendar: Calendar) -> datetime | None:
    """Return when something that begins now is due.

    Raises:
        StepProblemError: the instant it is anchored to is not there.
    """
    spec = run.varied(due)
    if isinstance(spec, DueAt):
        at = instant_of(run.evaluate(scope, spec.at))
        return deadlines.add(at, spec.plus, calendar) if spec.plus else at
    return deadlines.add(run.now, spec, calendar) if isinstance(spec, Duration) else None


def plan(run: Run, schedule: Schedule, due: datetime | None, calendar: Calendar) -> list[Planned]:
    """Return the first instants of all reminders and escalations of something that begins now."""
    reminders: Sequence[Offset] = run.varied(schedule.remind) or ()
    escalations: Sequence[Escalation] = run.varied(schedule.escalate) or ()
    business = _in_business_time(run, schedule.due)
    rules = [(REMIND, n, offset) for n, offset in enumerate(reminders)]
    rules += [(ESCALATE, n, escalation.at) for n, escalation in enumerate(escalations)]
    planned = []
    for purpose, number, offset in rules:
        if due is None and not _from_start(offset):
            continue
        at = deadlines.offset_at(offset, run.now, due or run.now, calendar, business=business)
        planned.append(Planned(at, purpose, number))
    return planned


def again(run: Run, schedule: Schedule, fired: Planned, calendar: Calendar) -> Planned | None:
    """Return the next instant of a rule that repeats, after the one that fired.

    Instants that passed meanwhile are not made up for: the next one lies in the future.
    """
    rules: Sequence[Any] = run.varied(
        schedule.remind if fired.purpose == REMIND else schedule.escalate
    )
    if not rules or fired.rule >= len(rules):
        return None
    rule = rules[fired.rule]
    offset: Offset = rule.at if isinstance(rule, Escalation) else rule
    if not offset.every:
        return None
    at = deadlines.next_repeat(offset, fired.at, calendar, after=run.now)
    return Planned(at, fired.purpose, fired.rule)


def instant_of(value: Any) -> datetime:
    """Return the aware instant that an RFC 3339 text or a date names.

    Raises:
        StepProblemError: it names none.
    """
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        message = f"'{value}' is not an instant (write it like 2026-01-09T16:11:00-05:00)"
        raise StepProblemError(message) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _from_start(offset: Offset) -> bool:
    return offset.percent is None and offset.anchor == "start"


def _in_business_time(run: Run, due: Varied[Due] | None) -> bool:
    spec = run.varied(due)
    length = spec.plus if isinstance(spec, DueAt) else spec
    return isinstance(length, Duration) and length.kind is not DurationKind.ELAPSED
