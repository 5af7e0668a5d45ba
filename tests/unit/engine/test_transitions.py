"""One table per enumeration: whatever is not in it cannot happen, and all of it can."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest

from smr_engine.engine import transitions
from smr_engine.engine.events import EVENTS
from smr_engine.engine.statuses import (
    CLOSED_CASES,
    CaseStatus,
    EffectStatus,
    ItemStatus,
    StepStatus,
)

TABLES: dict[str, tuple[type[StrEnum], Mapping[tuple[StrEnum, str], StrEnum], StrEnum]] = {
    "case": (CaseStatus, transitions.CASE, CaseStatus.OPEN),
    "step": (StepStatus, transitions.STEP, StepStatus.WAITING),
    "item": (ItemStatus, transitions.ITEM, ItemStatus.OPEN),
    "effect": (EffectStatus, transitions.EFFECT, EffectStatus.OWED),
}
# The contract: from which status which event leads where. Written out a second time on purpose.
LAWFUL = {
    "case": """
        open CaseHeld held, held CaseHeld held, held CaseReleased open,
        open CaseCompleted completed, held CaseCompleted completed,
        open CaseCancelled cancelled, held CaseCancelled cancelled
    """,
    "step": """
        waiting StepStarted active, waiting StepSkipped skipped,
        active StepCompleted completed, active StepSkipped skipped, active StepFailed failed,
        active StepCancelled cancelled, active StepReopened waiting,
        failed StepSkipped skipped, failed StepCancelled cancelled, failed StepReopened waiting,
        completed StepReopened waiting, skipped StepReopened waiting, cancelled StepReopened waiting
    """,
    "item": """
        open ItemCompleted completed, open ItemClosed:expired expired,
        open ItemClosed:superseded superseded, open ItemClosed:cancelled cancelled
    """,
    "effect": """
        owed PublicationStarted sending, owed EffectDone done, owed EffectDeferred owed,
        owed EffectFailed failed, owed EffectUnknown unknown, owed EffectCancelled cancelled,
        sending PublicationStarted sending, sending EffectDone done, sending EffectDeferred owed,
        sending EffectFailed failed, sending EffectUnknown unknown,
        unknown EffectDone done, unknown EffectResumed owed, unknown EffectCancelled cancelled
    """,
}
WANTED = {
    name: {(words[0], words[1]): words[2] for entry in text.split(",") if (words := entry.split())}
    for name, text in LAWFUL.items()
}
PAIRS = [
    (name, status, event)
    for name, (statuses, table, _) in TABLES.items()
    for status, event in product(statuses, sorted({key[1] for key in table}))
]


@pytest.mark.parametrize(("name", "status", "event"), PAIRS)
def test_an_event_leads_where_the_contract_says_or_is_refused(name, status, event):
    table = TABLES[name][1]
    wanted = WANTED[name].get((status.value, event))
    assert transitions.allows(table, status, event) == (wanted is not None)
    if wanted is not None:
        assert transitions.after(table, status, event) == wanted
        return
    with pytest.raises(transitions.IllegalTransitionError, match=f"{event} cannot happen"):
        transitions.after(table, status, event)


@pytest.mark.parametrize("name", TABLES)
def test_every_status_can_be_reached_from_the_first(name):
    statuses, table, first = TABLES[name]
    reached = {first}
    while more := {after for (before, _), after in table.items() if before in reached} - reached:
        reached |= more
    operational = {EffectStatus.CLAIMED}  # a lease says so, never an event
    assert reached == set(statuses) - operational


@pytest.mark.parametrize(
    ("name", "final"),
    [
        ("case", CLOSED_CASES),
        ("item", set(ItemStatus) - {ItemStatus.OPEN}),
        ("effect", {EffectStatus.DONE, EffectStatus.FAILED, EffectStatus.CANCELLED}),
        ("step", set()),
    ],
)
def test_what_is_final_is_never_left(name, final):
    statuses, table, _ = TABLES[name]
    left = {before for before, _ in table}
    assert {s for s in statuses if s not in left} - {EffectStatus.CLAIMED} == set(final)


@pytest.mark.parametrize("name", TABLES)
def test_every_event_of_a_table_is_an_event_of_the_engine(name):
    table = TABLES[name][1]
    assert {event.partition(":")[0] for _, event in table} <= set(EVENTS)


@pytest.mark.parametrize("name", TABLES)
def test_the_diagram_shows_every_status_and_every_transition(name):
    statuses, table, _ = TABLES[name]
    diagram = transitions.diagram(name, table)
    arrows = re.findall(r"^ {4}(\w+) --> (\w+): (.+)$", diagram, re.MULTILINE)
    shown = {(a, event, b) for a, b, events in arrows for event in events.split(", ")}
    assert shown == {(a.value, event, b.value) for (a, event), b in table.items()}
    named = {status for a, b, _ in arrows for status in (a, b)}
    assert named == {s.value for s in statuses} - {"claimed"}
    assert diagram.startswith("stateDiagram-v2\n")
