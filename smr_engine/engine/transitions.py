"""Every status transition, one table per enumeration; what is absent is illegal.

The key is (status now, kind of event); the value is the status after it. `evolve` moves statuses
only through these tables, and the diagram in the README is generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from smr_engine.engine.statuses import CaseStatus, EffectStatus, ItemStatus, StepStatus

Status = TypeVar("Status", CaseStatus, StepStatus, ItemStatus, EffectStatus)

CASE: Mapping[tuple[CaseStatus, str], CaseStatus] = {
    (CaseStatus.OPEN, "CaseHeld"): CaseStatus.HELD,
    (CaseStatus.HELD, "CaseHeld"): CaseStatus.HELD,
    (CaseStatus.HELD, "CaseReleased"): CaseStatus.OPEN,
    (CaseStatus.OPEN, "CaseCompleted"): CaseStatus.COMPLETED,
    (CaseStatus.HELD, "CaseCompleted"): CaseStatus.COMPLETED,
    (CaseStatus.OPEN, "CaseCancelled"): CaseStatus.CANCELLED,
    (CaseStatus.HELD, "CaseCancelled"): CaseStatus.CANCELLED,
}

STEP: Mapping[tuple[StepStatus, str], StepStatus] = {
    (StepStatus.WAITING, "StepStarted"): StepStatus.ACTIVE,
    (StepStatus.WAITING, "StepSkipped"): StepStatus.SKIPPED,
    (StepStatus.ACTIVE, "StepCompleted"): StepStatus.COMPLETED,
    (StepStatus.ACTIVE, "StepSkipped"): StepStatus.SKIPPED,
    (StepStatus.ACTIVE, "StepFailed"): StepStatus.FAILED,
    (StepStatus.ACTIVE, "StepCancelled"): StepStatus.CANCELLED,
    (StepStatus.ACTIVE, "StepReopened"): StepStatus.WAITING,
    (StepStatus.FAILED, "StepSkipped"): StepStatus.SKIPPED,
    (StepStatus.FAILED, "StepCancelled"): StepStatus.CANCELLED,
    (StepStatus.FAILED, "StepReopened"): StepStatus.WAITING,
    (StepStatus.COMPLETED, "StepReopened"): StepStatus.WAITING,
    (StepStatus.SKIPPED, "StepReopened"): StepStatus.WAITING,
    (StepStatus.CANCELLED, "StepReopened"): StepStatus.WAITING,
}

ITEM: Mapping[tuple[ItemStatus, str], ItemStatus] = {
    (ItemStatus.OPEN, "ItemCompleted"): ItemStatus.COMPLETED,
    (ItemStatus.OPEN, "ItemClosed:expired"): ItemStatus.EXPIRED,
    (ItemStatus.OPEN, "ItemClosed:superseded"): ItemStatus.SUPERSEDED,
    (ItemStatus.OPEN, "ItemClosed:cancelled"): ItemStatus.CANCELLED,
}

EFFECT: Mapping[tuple[EffectStatus, str], EffectStatus] = {
    (EffectStatus.OWED, "PublicationStarted"): EffectStatus.SENDING,
    (EffectStatus.OWED, "EffectDone"): EffectStatus.DONE,
    (EffectStatus.OWED, "EffectDeferred"): EffectStatus.OWED,
    (EffectStatus.OWED, "EffectFailed"): EffectStatus.FAILED,
    (EffectStatus.OWED, "EffectUnknown"): EffectStatus.UNKNOWN,
    (EffectStatus.OWED, "EffectCancelled"): EffectStatus.CANCELLED,
    (EffectStatus.SENDING, "PublicationStarted"): EffectStatus.SENDING,
    (EffectStatus.SENDING, "EffectDone"): EffectStatus.DONE,
    (EffectStatus.SENDING, "EffectDeferred"): EffectStatus.OWED,
    (EffectStatus.SENDING, "EffectFailed"): EffectStatus.FAILED,
    (EffectStatus.SENDING, "EffectUnknown"): EffectStatus.UNKNOWN,
    (EffectStatus.UNKNOWN, "EffectDone"): EffectStatus.DONE,
    (EffectStatus.UNKNOWN, "EffectResumed"): EffectStatus.OWED,
    (EffectStatus.UNKNOWN, "EffectCancelled"): EffectStatus.CANCELLED,
}


class IllegalTransitionError(Exception):
    """An event that cannot follow: a defect of ours or a changed log, never a person's fault."""


def after(table: Mapping[tuple[Status, str], Status], status: Status, event: str) -> Status:
    """Return the status that `event` leads to.

    Raises:
        IllegalTransitionError: the table has no such transition.
    """
    try:
        return table[status, event]
    except KeyError:
        message = f"{event} cannot happen to something {status}"
        raise IllegalTransitionError(message) from None


def allows(table: Mapping[tuple[Status, str], Status], status: Status, event: str) -> bool:
    """Return whether `event` may happen to something with this status."""
    return (status, event) in table


def diagram(name: str, table: Mapping[tuple[Status, str], Status]) -> str:
    """Return a Mermaid state diagram of one table."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), status in table.items():
        arrows.setdefault((before.value, status.value), []).append(event)
    rows: list[str] = [f"    {a} --> {b}: {', '.join(names)}" for (a, b), names in arrows.items()]
    return "\n".join([f"stateDiagram-v2\n    %% {name}", *rows])
