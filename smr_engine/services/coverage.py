"""What scenarios rehearse of a playbook: steps, options, outcomes, rejections, and what is late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import (
    ApprovalStep,
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
KINDS = (STEP, SKIP, OPTION, OUTCOME, REJECTION, REMINDER, ESCALATION, EXPIRY)
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
    return {point: step.line for step in walk(playbook.steps) for point in _points(step)}


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
    yield from _late(step)


def _late(step: Step) -> Iterator[Point]:
    """Yield what comes when nobody answers."""
    if isinstance(step, DecisionStep) and step.rows:
        return
    asks: Any = step.acknowledge if isinstance(step, NotifyStep) else step
    if asks is not None and _most(asks.remind):
        yield Point(step.id, REMINDER, "reminded")
    for number in range(_most(asks.escalate) if asks is not None else 0):
        yield Point(step.id, ESCALATION, f"escalation {number + 1}")
    if step.expires is not None and (asks is not None or isinstance(step, WaitStep)):
        yield Point(step.id, EXPIRY, "expired")


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
    step, data = step_of(event.path), event.data
    if step not in index_of(playbook).by_id:
        return
    if event.kind == "StepStarted":
        yield Point(step, STEP)
    elif event.kind == "StepSkipped":
        yield Point(step, SKIP, "skipped")
    elif event.kind == "OptionTaken":
        yield Point(step, OPTION, data["option"])
    elif event.kind == "StepCompleted":
        yield Point(step, OUTCOME, data["outcome"])
    elif event.kind == "DecisionRecorded":
        yield Point(step, REJECTION, VOTES.get(data["decision"], ""))
    else:
        yield from _taken_late(step, event.kind, data, rules)


def _taken_late(step: str, kind: str, data: Mapping[str, Any], rules: _Rules) -> Iterator[Point]:
    if kind == "ItemReminded":
        yield Point(step, REMINDER, "reminded")
    elif kind == "ItemEscalated":
        yield Point(step, ESCALATION, f"escalation {rules.of.get(data['timer'], 0) + 1}")
    elif "expired" in {data.get("status"), data.get("outcome")}:
        yield Point(step, EXPIRY, "expired")
