"""What scenarios rehearse of a playbook: steps, options, outcomes, rejections, and what is late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import (
    Acknowledge,
    ApprovalStep,
    Clock,
    DecisionStep,
    NotifyStep,
    Playbook,
    Step,
    SwitchStep,
    Varied,
    WaitStep,
    walk,
)
from smr_engine.services.rehearsal import Played
from smr_engine.services.scenario_check import outcomes_of, step_of
from smr_engine.services.stored import StoredEvent

STEP, SKIP, OPTION, OUTCOME = "step", "skip", "option", "outcome"
REJECTION, REMINDER, ESCALATION, EXPIRY = "rejection", "reminder", "escalation", "expiry"
CLOCK, RELEASE = "clock", "release"
KINDS = (STEP, SKIP, OPTION, OUTCOME, REJECTION, RELEASE, REMINDER, ESCALATION, EXPIRY, CLOCK)
VOTES = {"reject": "rejected", "request_changes": "changes requested"}


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One thing of a playbook that a scenario can take: the `which` of a step."""

    step: str
    kind: str
    which: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.step}: {self.which}" if self.which else self.step


def points(playbook: Playbook) -> dict[Point, int]:
    """Return all that can be taken in a playbook, with the line of its step, in file order."""
    of_steps = {point: step.line for step in walk(playbook.steps) for point in _points(step)}
    return of_steps | {p: clock.line for clock in playbook.clocks for p in _of_clock(clock)}


def taken(playbook: Playbook, rehearsals: Iterable[Played]) -> set[Point]:
    """Return what was taken in rehearsals; cases that others opened count as well."""
    found: set[Point] = set()
    for played in rehearsals:
        refs = {ref for ref, case in played.cases.items() if case.header.playbook == playbook.name}
        rules = _Rules()
        for event in played.events:
            if event.case in refs:
                rules.learn(event)
                found.update(_taken(playbook, event, rules))
    return found & points(playbook).keys()


# --- what there is -----------------------------------------------------------------------------


def _points(step: Step) -> Iterator[Point]:
    yield Point(step.id, STEP)
    if step.when is not None:
        yield Point(step.id, SKIP, "skipped")
    if isinstance(step, SwitchStep):
        yield from (Point(step.id, OPTION, option.name) for option in step.options)
    if isinstance(step, DecisionStep):
        yield from (Point(step.id, OUTCOME, outcome) for outcome in outcomes_of(step))
    if isinstance(step, ApprovalStep):
        yield Point(step.id, OUTCOME, "approved")
        yield from (Point(step.id, REJECTION, how) for how in VOTES.values())
        if step.break_glass is not None:
            yield Point(step.id, RELEASE, "released")
    yield from _late(step)


def _of_clock(clock: Clock) -> Iterator[Point]:
    yield Point(clock.id, CLOCK, "started")
    yield from _reminders(clock.id, clock)


def _late(step: Step) -> Iterator[Point]:
    """Yield what comes when nobody answers."""
    if isinstance(step, DecisionStep) and step.rows:
        return
    asks = step.acknowledge if isinstance(step, NotifyStep) else step
    if asks is not None:
        yield from _reminders(step.id, asks)
    if step.expires is not None and (asks is not None or isinstance(step, WaitStep)):
        yield Point(step.id, EXPIRY, "expired")


def _reminders(name: str, asks: Step | Acknowledge | Clock) -> Iterator[Point]:
    if _most(asks.remind):
        yield Point(name, REMINDER, "reminded")
    for number in range(_most(asks.escalate)):
        yield Point(name, ESCALATION, f"escalation {number + 1}")


def _most(varied: Varied[tuple[Any, ...]] | None) -> int:
    """Return how many rules there are, at the severity that has most."""
    if varied is None:
        return 0
    return max(len(rules or ()) for rules in (varied.default, *varied.by_severity.values()))


# --- what was taken ----------------------------------------------------------------------------


class _Rules:
    """Which rule set a timer, by the timer's id."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def learn(self, event: StoredEvent) -> None:
        """Remember the timers that an event sets."""
        set_here = [*(event.data.get("timers") or ()), event.data.get("next")]
        for rule in filter(None, set_here):
            self.of[rule["id"]] = rule.get("rule", 0)


def _taken(playbook: Playbook, event: StoredEvent, rules: _Rules) -> Iterator[Point]:
    step = step_of(event.path)
    if "clock" in event.data:
        yield from _taken_of_clock(event, rules)
    elif step in index_of(playbook).by_id:
        point = _POINTS.get(event.kind)
        if point is not None:
            yield Point(step, *point(event.data))
        yield from _taken_late(step, event.kind, event.data, rules)


_POINTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "StepStarted": lambda _: (STEP, ""),
    "StepSkipped": lambda _: (SKIP, "skipped"),
    "OptionTaken": lambda data: (OPTION, data["option"]),
    "StepCompleted": lambda data: (OUTCOME, data["outcome"]),
    "DecisionRecorded": lambda data: (REJECTION, VOTES.get(data["decision"], "")),
    "GlassBroken": lambda _: (RELEASE, "released"),
}


def _taken_of_clock(event: StoredEvent, rules: _Rules) -> Iterator[Point]:
    clock = event.data["clock"]
    if event.kind == "ClockStarted":
        yield Point(clock, CLOCK, "started")
    elif event.data.get("purpose") == "remind":
        yield Point(clock, REMINDER, "reminded")
    elif event.data.get("purpose") == "escalate":
        yield Point(clock, ESCALATION, f"escalation {rules.of.get(event.data['timer'], 0) + 1}")


def _taken_late(step: str, kind: str, data: Mapping[str, Any], rules: _Rules) -> Iterator[Point]:
    if kind == "ItemReminded":
        yield Point(step, REMINDER, "reminded")
    elif kind == "ItemEscalated":
        yield Point(step, ESCALATION, f"escalation {rules.of.get(data['timer'], 0) + 1}")
    elif "expired" in {data.get("status"), data.get("outcome")}:
        yield Point(step, EXPIRY, "expired")
